//! TagResource, UntagResource and ListTagsForResource: scalable targets have tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use application_autoscaling_api as api;
use application_autoscaling_api::op::{ListTagsForResource, TagResource, UntagResource};
use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use store::Tx;

use crate::tables::TARGETS;
use crate::target::{self, TargetRow};
use crate::{AutoScaling, errors};

/// User Guide, "Tagging support for Application Auto Scaling".
const MOST_TAGS: usize = 50;

/// Tags as a target keeps them.
pub(super) fn checked<'a>(
    tags: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let tags: BTreeMap<String, String> = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
    if tags.keys().any(|key| key.starts_with("aws:")) {
        return Err(errors::validation("Tag keys must not begin with aws:"));
    }
    if tags.len() > MOST_TAGS { Err(errors::too_many_tags(MOST_TAGS)) } else { Ok(tags) }
}

fn change(
    tx: &mut Tx<'_>,
    arn: &str,
    change: impl FnOnce(&mut TargetRow) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let (key, mut row) = target::of_arn(tx, arn)?;
    change(&mut row)?;
    if row.tags.len() > MOST_TAGS {
        return Err(errors::too_many_tags(MOST_TAGS));
    }
    TARGETS.put(tx, &key, &row);
    Ok(())
}

impl Transact<TagResource> for AutoScaling {
    type Draft = api::TagResourceInput;

    fn guard(&self, _: &Ctx, input: &api::TagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, _: &Ctx, input: api::TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::TagResourceOutput, ApiError> {
        change(tx, &input.resource_arn, |row| {
            row.tags.extend(checked(input.tags.iter())?);
            Ok(())
        })?;
        Ok(api::TagResourceOutput::default())
    }
}

impl Transact<UntagResource> for AutoScaling {
    type Draft = api::UntagResourceInput;

    fn guard(&self, _: &Ctx, input: &api::UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, _: &Ctx, input: api::UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::UntagResourceOutput, ApiError> {
        change(tx, &input.resource_arn, |row| {
            row.tags.retain(|name, _| !input.tag_keys.contains(name));
            Ok(())
        })?;
        Ok(api::UntagResourceOutput::default())
    }
}

impl Handle<ListTagsForResource> for AutoScaling {
    fn guard(&self, _: &Ctx, input: &api::ListTagsForResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListTagsForResourceInput,
    ) -> Result<api::ListTagsForResourceOutput, ApiError> {
        let (_, row) = target::of_arn(&mut ctx.read()?, &input.resource_arn)?;
        Ok(api::ListTagsForResourceOutput { tags: Some(row.tags.into_iter().collect()) })
    }
}
