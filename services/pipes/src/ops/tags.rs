//! TagResource, UntagResource and ListTagsForResource.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use pipes_api as api;
use pipes_api::op::{ListTagsForResource, TagResource, UntagResource};
use shapes::ApiError;
use store::Tx;

use crate::pipe::{Pipe, find};
use crate::tables::PIPES;
use crate::{Pipes, errors};

/// API Reference, TagMap.
const MOST_TAGS: usize = 50;

fn name_of(arn: &str) -> Result<String, ApiError> {
    let name = identity::arn::split(arn).and_then(|parts| parts.resource.strip_prefix("pipe/"));
    name.map(str::to_owned).ok_or_else(|| errors::validation(format!("{arn} is not the ARN of a pipe.")))
}

fn change(tx: &mut Tx<'_>, arn: &str, change: impl FnOnce(&mut Pipe)) -> Result<(), ApiError> {
    let mut pipe = find(tx, &name_of(arn)?)?;
    change(&mut pipe);
    if pipe.tags.len() > MOST_TAGS {
        return Err(errors::validation(format!("A pipe has at most {MOST_TAGS} tags.")));
    }
    PIPES.put(tx, &pipe.name, &pipe);
    Ok(())
}

impl Transact<TagResource> for Pipes {
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
        change(tx, &input.resource_arn, |pipe| pipe.tags.extend(input.tags.clone()))?;
        Ok(api::TagResourceOutput::default())
    }
}

impl Transact<UntagResource> for Pipes {
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
        change(tx, &input.resource_arn, |pipe| pipe.tags.retain(|name, _| !input.tag_keys.contains(name)))?;
        Ok(api::UntagResourceOutput::default())
    }
}

impl Handle<ListTagsForResource> for Pipes {
    fn guard(&self, _: &Ctx, input: &api::ListTagsForResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListTagsForResourceInput,
    ) -> Result<api::ListTagsForResourceOutput, ApiError> {
        let pipe = find(&mut ctx.read()?, &name_of(&input.resource_arn)?)?;
        Ok(api::ListTagsForResourceOutput { tags: Some(pipe.tags) })
    }
}
