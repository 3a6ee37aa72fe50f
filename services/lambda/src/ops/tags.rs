//! TagResource, UntagResource and ListTags.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{ListTags, TagResource, UntagResource};
use lambda_api::{
    ListTagsInput, ListTagsOutput, TagResourceInput, TagResourceOutput, UntagResourceInput,
    UntagResourceOutput,
};
use shapes::ApiError;
use store::Tx;

use crate::function::Target;
use crate::{Lambda, errors, tables};

/// Developer Guide, "Using tags on Lambda functions".
const MOST_TAGS: usize = 50;

impl Transact<TagResource> for Lambda {
    type Draft = (Target, BTreeMap<String, String>);

    fn guard(&self, ctx: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.resource, None)
    }

    fn prepare(&self, ctx: &Ctx, input: TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.resource, None)?, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, tags): &Self::Draft,
    ) -> Result<TagResourceOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let mut function = target.function(tx)?;
            function.tags.extend(tags.clone());
            check(&function.tags)?;
            tables::FUNCTIONS.put(tx, &target.name, &function);
            Ok(TagResourceOutput {})
        })
    }
}

impl Transact<UntagResource> for Lambda {
    type Draft = (Target, Vec<String>);

    fn guard(&self, ctx: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.resource, None)
    }

    fn prepare(&self, ctx: &Ctx, input: UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.resource, None)?, input.tag_keys))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, keys): &Self::Draft,
    ) -> Result<UntagResourceOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let mut function = target.function(tx)?;
            function.tags.retain(|key, _| !keys.contains(key));
            tables::FUNCTIONS.put(tx, &target.name, &function);
            Ok(UntagResourceOutput {})
        })
    }
}

impl Handle<ListTags> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListTagsInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.resource, None)
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListTagsInput) -> Result<ListTagsOutput, ApiError> {
        let target = Target::parse(ctx, &input.resource, None)?;
        let function = target.function(&mut ctx.store().read(&target.scope())?)?;
        Ok(ListTagsOutput { tags: Some(function.tags) })
    }
}

pub(crate) fn check(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::invalid(format!("The number of tags exceeds the limit of {MOST_TAGS}")));
    }
    let is_wrong = |key: &str, value: &str| {
        key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:")
    };
    match tags.iter().find(|(key, value)| is_wrong(key, value)) {
        Some((key, _)) => Err(errors::invalid(format!(
            "The tag '{key}' is invalid: keys have 1 to 128 characters and do not begin with aws:, values have at \
             most 256"
        ))),
        None => Ok(()),
    }
}
