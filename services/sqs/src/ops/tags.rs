//! TagQueue, UntagQueue and ListQueueTags.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use sqs_api::op::{ListQueueTags, TagQueue, UntagQueue};
use sqs_api::{
    ListQueueTagsInput, ListQueueTagsOutput, TagQueueInput, TagQueueOutput, UntagQueueInput, UntagQueueOutput,
};
use store::Tx;

use super::Target;
use crate::{Sqs, errors};

/// Developer Guide, "Amazon SQS cost allocation tags".
const MOST_TAGS: usize = 50;

impl Transact<TagQueue> for Sqs {
    type Draft = (Target, BTreeMap<String, String>);

    fn guard(&self, ctx: &Ctx, input: &TagQueueInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: TagQueueInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.queue_url)?, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, tags): &Self::Draft,
    ) -> Result<TagQueueOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let mut queue = target.find(tx)?;
            queue.tags.extend(tags.clone());
            check(&queue.tags)?;
            self.put_queue(tx, &queue);
            Ok(TagQueueOutput {})
        })
    }
}

impl Transact<UntagQueue> for Sqs {
    type Draft = (Target, Vec<String>);

    fn guard(&self, ctx: &Ctx, input: &UntagQueueInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: UntagQueueInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.queue_url)?, input.tag_keys))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, keys): &Self::Draft,
    ) -> Result<UntagQueueOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let mut queue = target.find(tx)?;
            queue.tags.retain(|key, _| !keys.contains(key));
            self.put_queue(tx, &queue);
            Ok(UntagQueueOutput {})
        })
    }
}

impl Handle<ListQueueTags> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &ListQueueTagsInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListQueueTagsInput,
    ) -> Result<ListQueueTagsOutput, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        let queue = target.find(&mut ctx.store().read(&target.scope)?)?;
        Ok(ListQueueTagsOutput { tags: (!queue.tags.is_empty()).then_some(queue.tags) })
    }
}

pub(crate) fn check(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::invalid_parameter(format!(
            "Too many tags added for queue. The limit is {MOST_TAGS}."
        )));
    }
    match tags.iter().find(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        Some((key, _)) => Err(errors::invalid_parameter(format!(
            "Tag '{key}' is invalid: keys have 1 to 128 characters and values at most 256."
        ))),
        None => Ok(()),
    }
}
