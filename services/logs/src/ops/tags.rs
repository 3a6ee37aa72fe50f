//! Tags of log groups, by ARN and by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use logs_api::op::{
    ListTagsForResource, ListTagsLogGroup, TagLogGroup, TagResource, UntagLogGroup, UntagResource,
};
use logs_api::{
    ListTagsForResourceInput, ListTagsForResourceOutput, ListTagsLogGroupInput, ListTagsLogGroupOutput,
    TagLogGroupInput, TagLogGroupOutput, TagResourceInput, TagResourceOutput, UntagLogGroupInput,
    UntagLogGroupOutput, UntagResourceInput, UntagResourceOutput,
};
use shapes::ApiError;
use store::Tx;

use super::group_guard;
use crate::group::{self, Group, MOST_TAGS};
use crate::{Logs, errors, tables};

type Tags = BTreeMap<String, String>;

pub(crate) fn check(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::too_many_tags(MOST_TAGS));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(errors::constraint(key, "tags", "Map keys must have length between 1 and 128"));
        }
        if value.chars().count() > 256 {
            return Err(errors::constraint(value, "tags", "Map values must have length of at most 256"));
        }
        if key.starts_with("aws:") {
            return Err(errors::invalid_parameter("Tag keys must not begin with aws:, which is reserved."));
        }
    }
    Ok(())
}

fn name_in(ctx: &Ctx, arn: &str) -> Result<String, ApiError> {
    group::name_in_arn(ctx, arn).ok_or_else(errors::resource_does_not_exist)
}

fn find(tx: &mut Tx<'_>, name: &String) -> Result<Group, ApiError> {
    tables::GROUPS.find(tx, name)?.ok_or_else(errors::resource_does_not_exist)
}

fn add(tx: &mut Tx<'_>, name: &String, tags: &Tags) -> Result<(), ApiError> {
    let mut group = find(tx, name)?;
    group.tags.extend(tags.clone());
    check(&group.tags)?;
    tables::GROUPS.put(tx, name, &group);
    Ok(())
}

fn remove(tx: &mut Tx<'_>, name: &String, keys: &[String]) -> Result<(), ApiError> {
    let mut group = find(tx, name)?;
    group.tags.retain(|key, _| !keys.contains(key));
    tables::GROUPS.put(tx, name, &group);
    Ok(())
}

fn list(ctx: &Ctx, name: &String) -> Result<Tags, ApiError> {
    let group = tables::GROUPS.find(&mut ctx.read()?, name)?;
    Ok(group.ok_or_else(errors::resource_does_not_exist)?.tags)
}

impl Transact<TagResource> for Logs {
    type Draft = (String, Tags);

    fn guard(&self, _: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, ctx: &Ctx, input: TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((name_in(ctx, &input.resource_arn)?, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (name, tags): &Self::Draft,
    ) -> Result<TagResourceOutput, ApiError> {
        add(tx, name, tags)?;
        Ok(TagResourceOutput {})
    }
}

impl Transact<UntagResource> for Logs {
    type Draft = (String, Vec<String>);

    fn guard(&self, _: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, ctx: &Ctx, input: UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((name_in(ctx, &input.resource_arn)?, input.tag_keys))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (name, keys): &Self::Draft,
    ) -> Result<UntagResourceOutput, ApiError> {
        remove(tx, name, keys)?;
        Ok(UntagResourceOutput {})
    }
}

impl Handle<ListTagsForResource> for Logs {
    fn guard(&self, _: &Ctx, input: &ListTagsForResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, ApiError> {
        let tags = list(ctx, &name_in(ctx, &input.resource_arn)?)?;
        Ok(ListTagsForResourceOutput { tags: Some(tags) })
    }
}

impl Transact<TagLogGroup> for Logs {
    type Draft = (String, Tags);

    fn guard(&self, ctx: &Ctx, input: &TagLogGroupInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    fn prepare(&self, _: &Ctx, input: TagLogGroupInput) -> Result<Self::Draft, ApiError> {
        Ok((input.log_group_name, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (name, tags): &Self::Draft,
    ) -> Result<TagLogGroupOutput, ApiError> {
        add(tx, name, tags)?;
        Ok(TagLogGroupOutput {})
    }
}

impl Transact<UntagLogGroup> for Logs {
    type Draft = (String, Vec<String>);

    fn guard(&self, ctx: &Ctx, input: &UntagLogGroupInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    fn prepare(&self, _: &Ctx, input: UntagLogGroupInput) -> Result<Self::Draft, ApiError> {
        Ok((input.log_group_name, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (name, keys): &Self::Draft,
    ) -> Result<UntagLogGroupOutput, ApiError> {
        remove(tx, name, keys)?;
        Ok(UntagLogGroupOutput {})
    }
}

impl Handle<ListTagsLogGroup> for Logs {
    fn guard(&self, ctx: &Ctx, input: &ListTagsLogGroupInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsLogGroupInput,
    ) -> Result<ListTagsLogGroupOutput, ApiError> {
        Ok(ListTagsLogGroupOutput { tags: Some(list(ctx, &input.log_group_name)?) })
    }
}
