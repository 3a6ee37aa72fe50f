//! The operation table, and what most operations begin with: finding their queue.

mod change_message_visibility;
mod create_queue;
mod delete_message;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_queues;
mod purge_queue;
mod receive_message;
mod send_message;
mod set_queue_attributes;
mod tags;

use std::collections::HashSet;
use std::sync::Arc;

use cloud::{Ctx, Guard, Operation, tenant};
use shapes::ApiError;
use sqs_api::op;
use store::{Reader, Scope, Tx};

use crate::queue::{Queue, QueueUrl};
use crate::{Sqs, errors, queue, tables};

pub(crate) static OPERATIONS: &[Operation<Sqs>] = &[
    Operation::transaction::<op::ChangeMessageVisibility>(),
    Operation::transaction::<op::ChangeMessageVisibilityBatch>(),
    Operation::transaction::<op::CreateQueue>(),
    Operation::transaction::<op::DeleteMessage>(),
    Operation::transaction::<op::DeleteMessageBatch>(),
    Operation::transaction::<op::DeleteQueue>(),
    Operation::of::<op::GetQueueAttributes>(),
    Operation::of::<op::GetQueueUrl>(),
    Operation::of::<op::ListDeadLetterSourceQueues>(),
    Operation::of::<op::ListQueueTags>(),
    Operation::of::<op::ListQueues>(),
    Operation::transaction::<op::PurgeQueue>(),
    Operation::of::<op::ReceiveMessage>(),
    Operation::transaction::<op::SendMessage>(),
    Operation::transaction::<op::SendMessageBatch>(),
    Operation::transaction::<op::SetQueueAttributes>(),
    Operation::transaction::<op::TagQueue>(),
    Operation::transaction::<op::UntagQueue>(),
];

/// The queue a request is about: where its state lies and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub scope: Scope,
    pub url: QueueUrl,
}

impl Target {
    pub(crate) fn parse(ctx: &Ctx, url: &str) -> Result<Self, ApiError> {
        let url = QueueUrl::parse(url, ctx.account())?;
        Ok(Self { scope: tenant(url.account, ctx.region()), url })
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Queue, ApiError> {
        tables::QUEUES.find(reader, &self.url.name)?.ok_or_else(errors::queue_does_not_exist)
    }

    pub(crate) fn arn(&self, ctx: &Ctx) -> String {
        queue::arn(ctx.region(), self.url.account, &self.url.name)
    }
}

impl Sqs {
    /// The guard of an operation on one queue: its ARN and its policy.
    pub(crate) fn queue_guard(&self, ctx: &Ctx, url: &str) -> Result<Guard, ApiError> {
        let target = Target::parse(ctx, url)?;
        let queue = match self.queues.remembered(&target.scope, &target.url.name) {
            Some(queue) => Some(queue),
            None => self.queues.find(&mut self.cloud.store().read(&target.scope)?, &target.url.name)?,
        };
        let policy = queue.as_ref().and_then(|queue| queue.attributes.policy.as_ref());
        let policy = policy.map(|text| self.policies.resource_policy(text)).transpose()?;
        Ok(Guard::resource(target.arn(ctx)).policy(policy))
    }

    /// The queue whose messages a request is about.
    pub(crate) fn queue(&self, reader: &mut dyn Reader, target: &Target) -> Result<Arc<Queue>, ApiError> {
        self.queues.find(reader, &target.url.name)?.ok_or_else(errors::queue_does_not_exist)
    }

    /// Stores a queue that was made or changed.
    pub(crate) fn put_queue(&self, tx: &mut Tx<'_>, queue: &Queue) {
        tables::QUEUES.put(tx, &queue.name, queue);
        self.queues.forget(tx.scope(), &queue.name);
    }

    /// The URL by which clients name a queue.
    pub(crate) fn queue_url(&self, account: identity::AccountId, name: &str) -> String {
        format!("{}/{account}/{name}", self.cloud.settings().endpoint)
    }
}

/// The topic announced when messages of a queue may have become visible.
pub(crate) fn arrivals_topic(queue: u64) -> String {
    format!("sqs/arrivals/{queue}")
}

/// Checks the ids of a batch's entries (API Reference, SendMessageBatch).
pub(crate) fn check_batch<'a>(
    entry: &str,
    ids: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), ApiError> {
    let count = ids.len();
    if count == 0 {
        return Err(errors::empty_batch(entry));
    }
    if count > 10 {
        return Err(errors::too_many_entries(count));
    }
    let mut seen = HashSet::new();
    for id in ids {
        let is_valid = (1..=80).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_valid {
            return Err(errors::invalid_entry_id());
        }
        if !seen.insert(id) {
            return Err(errors::entry_ids_not_distinct(id));
        }
    }
    Ok(())
}

/// How a batch tells that one of its entries failed.
pub(crate) fn failed_entry(id: String, error: &ApiError) -> sqs_api::BatchResultErrorEntry {
    sqs_api::BatchResultErrorEntry {
        id,
        sender_fault: error.fault() == shapes::Fault::Sender,
        code: error.code().to_owned(),
        message: Some(error.message().to_owned()),
    }
}
