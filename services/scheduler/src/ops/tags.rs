//! TagResource, UntagResource and ListTagsForResource: groups have tags, schedules have none.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use scheduler_api as api;
use scheduler_api::op::{ListTagsForResource, TagResource, UntagResource};
use shapes::ApiError;
use store::Tx;

use crate::group::{Group, find};
use crate::tables::GROUPS;
use crate::{Scheduler, errors};

/// User Guide, "Quotas for EventBridge Scheduler".
const MOST_TAGS: usize = 50;

fn name_of(arn: &str) -> Result<String, ApiError> {
    let name = identity::arn::split(arn).and_then(|parts| parts.resource.strip_prefix("schedule-group/"));
    name.map(str::to_owned)
        .ok_or_else(|| errors::validation(format!("{arn} is not the ARN of a schedule group.")))
}

fn change(ctx: &Ctx, tx: &mut Tx<'_>, arn: &str, change: impl FnOnce(&mut Group)) -> Result<(), ApiError> {
    let name = name_of(arn)?;
    let mut group = find(tx, &name)?;
    change(&mut group);
    if group.tags.len() > MOST_TAGS {
        return Err(errors::validation(format!("A schedule group has at most {MOST_TAGS} tags.")));
    }
    group.modified = ctx.now();
    GROUPS.put(tx, &name, &group);
    Ok(())
}

impl Transact<TagResource> for Scheduler {
    type Draft = api::TagResourceInput;

    fn guard(&self, _: &Ctx, input: &api::TagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, _: &Ctx, input: api::TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::TagResourceOutput, ApiError> {
        change(ctx, tx, &input.resource_arn, |group| {
            group.tags.extend(input.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        })?;
        Ok(api::TagResourceOutput::default())
    }
}

impl Transact<UntagResource> for Scheduler {
    type Draft = api::UntagResourceInput;

    fn guard(&self, _: &Ctx, input: &api::UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, _: &Ctx, input: api::UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::UntagResourceOutput, ApiError> {
        change(ctx, tx, &input.resource_arn, |group| {
            group.tags.retain(|name, _| !input.tag_keys.contains(name));
        })?;
        Ok(api::UntagResourceOutput::default())
    }
}

impl Handle<ListTagsForResource> for Scheduler {
    fn guard(&self, _: &Ctx, input: &api::ListTagsForResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListTagsForResourceInput,
    ) -> Result<api::ListTagsForResourceOutput, ApiError> {
        let group = find(&mut ctx.read()?, &name_of(&input.resource_arn)?)?;
        let tags = group.tags.into_iter().map(|(key, value)| api::Tag { key, value });
        Ok(api::ListTagsForResourceOutput { tags: Some(tags.collect()) })
    }
}
