//! TagResource, UntagResource, ListTagsOfResource.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{ListTagsOfResource, TagResource, UntagResource};
use dynamodb_api::{
    ListTagsOfResourceInput, ListTagsOfResourceOutput, Tag, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use shapes::ApiError;

use crate::DynamoDb;
use crate::errors::{resource_not_found, validation};
use crate::tables::TABLES;
use crate::target::Target;

/// Developer Guide, "Tagging restrictions".
const MOST_TAGS: usize = 50;

impl Handle<TagResource> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput, ApiError> {
        let target = Target::parse(ctx, &input.resource_arn)?;
        self.change_table(ctx, &target, move |_, _, tx, table, target| {
            let mut row = table.row.clone();
            row.tags = checked(row.tags, input.tags.clone())?;
            TABLES.put(tx, &target.name, &row);
            Ok(())
        })
        .await?;
        Ok(TagResourceOutput::default())
    }
}

impl Handle<UntagResource> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput, ApiError> {
        let target = Target::parse(ctx, &input.resource_arn)?;
        self.change_table(ctx, &target, move |_, _, tx, table, target| {
            let mut row = table.row.clone();
            row.tags.retain(|key, _| !input.tag_keys.contains(key));
            TABLES.put(tx, &target.name, &row);
            Ok(())
        })
        .await?;
        Ok(UntagResourceOutput::default())
    }
}

impl Handle<ListTagsOfResource> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ListTagsOfResourceInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsOfResourceInput,
    ) -> Result<ListTagsOfResourceOutput, ApiError> {
        let target = Target::parse(ctx, &input.resource_arn)?;
        let table = self.definitions.find(ctx.store(), &target)?;
        let table = table.ok_or_else(|| resource_not_found(&input.resource_arn))?;
        let tags = table.row.tags.iter();
        let tags = tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
        Ok(ListTagsOfResourceOutput { tags: Some(tags), next_token: None })
    }
}

/// The tags with those given beside them or in their place.
pub(super) fn checked(
    mut tags: BTreeMap<String, String>,
    given: Vec<Tag>,
) -> Result<BTreeMap<String, String>, ApiError> {
    for tag in given {
        if tag.key.starts_with("aws:") {
            return Err(validation(format!(
                "One or more parameter values were invalid: Tag key {} must not begin with aws:",
                tag.key
            )));
        }
        tags.insert(tag.key, tag.value);
    }
    if tags.len() > MOST_TAGS {
        return Err(validation(format!(
            "One or more parameter values were invalid: The number of tags exceeds the limit of {MOST_TAGS}"
        )));
    }
    Ok(tags)
}
