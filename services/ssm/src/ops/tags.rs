//! AddTagsToResource, RemoveTagsFromResource and ListTagsForResource, for parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use ssm_api::op::{AddTagsToResource, ListTagsForResource, RemoveTagsFromResource};
use ssm_api::{
    AddTagsToResourceInput, AddTagsToResourceOutput, ListTagsForResourceInput, ListTagsForResourceOutput,
    RemoveTagsFromResourceInput, RemoveTagsFromResourceOutput, Tag,
};
use store::Tx;

use crate::name::Named;
use crate::{Ssm, errors, tables};

const MOST: usize = 50;

pub(super) fn parse(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    if tags.iter().any(|tag| tag.key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(errors::validation("Tag keys can't begin with aws:."));
    }
    let tags: BTreeMap<String, String> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags.len() > MOST { Err(errors::too_many_tags()) } else { Ok(tags) }
}

fn name(ctx: &Ctx, kind: &str, id: &str) -> Result<String, ApiError> {
    if kind != "Parameter" {
        return Err(errors::invalid_resource_type());
    }
    Ok(Named::parse(ctx, id).map_err(|_| errors::invalid_resource_id())?.name)
}

impl Transact<AddTagsToResource> for Ssm {
    type Draft = (String, BTreeMap<String, String>);

    fn guard(&self, ctx: &Ctx, input: &AddTagsToResourceInput) -> Result<Guard, ApiError> {
        let names = input.tags.iter().map(|tag| tag.key.clone()).collect();
        let guard = self.tagged_guard(ctx, &input.resource_id)?.with("aws:tagkeys", names);
        Ok(input.tags.iter().fold(guard, |guard, tag| {
            guard.with(&format!("aws:requesttag/{}", tag.key), vec![tag.value.clone()])
        }))
    }

    fn prepare(&self, ctx: &Ctx, input: AddTagsToResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((name(ctx, &input.resource_type, &input.resource_id)?, parse(input.tags)?))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (name, tags): &Self::Draft,
    ) -> Result<AddTagsToResourceOutput, ApiError> {
        let mut parameter = tables::PARAMETERS.find(tx, name)?.ok_or_else(errors::invalid_resource_id)?;
        parameter.tags.extend(tags.clone());
        if parameter.tags.len() > MOST {
            return Err(errors::too_many_tags());
        }
        tables::PARAMETERS.put(tx, name, &parameter);
        Ok(AddTagsToResourceOutput {})
    }
}

impl Transact<RemoveTagsFromResource> for Ssm {
    type Draft = (String, Vec<String>);

    fn guard(&self, ctx: &Ctx, input: &RemoveTagsFromResourceInput) -> Result<Guard, ApiError> {
        Ok(self.tagged_guard(ctx, &input.resource_id)?.with("aws:tagkeys", input.tag_keys.clone()))
    }

    fn prepare(&self, ctx: &Ctx, input: RemoveTagsFromResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((name(ctx, &input.resource_type, &input.resource_id)?, input.tag_keys))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (name, keys): &Self::Draft,
    ) -> Result<RemoveTagsFromResourceOutput, ApiError> {
        let mut parameter = tables::PARAMETERS.find(tx, name)?.ok_or_else(errors::invalid_resource_id)?;
        parameter.tags.retain(|key, _| !keys.contains(key));
        tables::PARAMETERS.put(tx, name, &parameter);
        Ok(RemoveTagsFromResourceOutput {})
    }
}

impl Handle<ListTagsForResource> for Ssm {
    fn guard(&self, ctx: &Ctx, input: &ListTagsForResourceInput) -> Result<Guard, ApiError> {
        self.tagged_guard(ctx, &input.resource_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, ApiError> {
        let name = name(ctx, &input.resource_type, &input.resource_id)?;
        let parameter = tables::PARAMETERS.find(&mut ctx.read()?, &name)?;
        let parameter = parameter.ok_or_else(errors::invalid_resource_id)?;
        let tags = parameter.tags.into_iter().map(|(key, value)| Tag { key, value });
        Ok(ListTagsForResourceOutput { tag_list: Some(tags.collect()) })
    }
}
