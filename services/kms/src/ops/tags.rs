//! TagResource, UntagResource and ListResourceTags.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use kms_api::op::{ListResourceTags, TagResource, UntagResource};
use kms_api::{
    ListResourceTagsInput, ListResourceTagsOutput, Tag, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use shapes::ApiError;
use store::Tx;

use super::{Page, limit};
use crate::key_id::KeyId;
use crate::{Kms, lookup, tags};

impl Transact<TagResource> for Kms {
    type Draft = (KeyId, BTreeMap<String, String>);

    fn guard(&self, ctx: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        Ok(tags::asked(self.id_guard(ctx, &input.key_id)?, &input.tags))
    }

    fn prepare(&self, ctx: &Ctx, input: TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((KeyId::parse_id(ctx, &input.key_id)?, tags::parse(input.tags)?))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, added): &Self::Draft,
    ) -> Result<TagResourceOutput, ApiError> {
        lookup::change(ctx, tx, id, |_, located, key| {
            located.check_not_going()?;
            key.tags.extend(added.clone());
            tags::check_count(&key.tags)?;
            Ok(TagResourceOutput {})
        })
    }
}

impl Transact<UntagResource> for Kms {
    type Draft = (KeyId, Vec<String>);

    fn guard(&self, ctx: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(self.id_guard(ctx, &input.key_id)?.with("aws:tagkeys", input.tag_keys.clone()))
    }

    fn prepare(&self, ctx: &Ctx, input: UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((KeyId::parse_id(ctx, &input.key_id)?, input.tag_keys))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, names): &Self::Draft,
    ) -> Result<UntagResourceOutput, ApiError> {
        lookup::change(ctx, tx, id, |_, located, key| {
            located.check_not_going()?;
            key.tags.retain(|name, _| !names.contains(name));
            Ok(UntagResourceOutput {})
        })
    }
}

impl Handle<ListResourceTags> for Kms {
    fn guard(&self, ctx: &Ctx, input: &ListResourceTagsInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListResourceTagsInput,
    ) -> Result<ListResourceTagsOutput, ApiError> {
        let located = self.locate_by_id(ctx, &input.key_id)?;
        let limit = limit(input.limit, 50);
        let marker = input.marker;
        let rest =
            located.key.tags.iter().filter(|(name, _)| marker.as_ref().is_none_or(|last| *name > last));
        let tags = rest
            .take(limit + 1)
            .map(|(name, value)| Tag { tag_key: name.clone(), tag_value: value.clone() })
            .collect();
        let page = Page::cut(tags, limit, |tag: &Tag| tag.tag_key.clone());
        Ok(ListResourceTagsOutput {
            tags: Some(page.items),
            truncated: Some(page.next_marker.is_some()),
            next_marker: page.next_marker,
        })
    }
}
