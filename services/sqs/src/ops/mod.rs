//! The operation table, and what most operations begin with: finding their queue.

mod add_permission;
mod cancel_message_move_task;
mod change_message_visibility;
mod create_queue;
mod delete_message;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queues;
mod purge_queue;
pub(crate) mod receive_message;
mod remove_permission;
pub(crate) mod send_message;
mod set_queue_attributes;
mod start_message_move_task;
mod tags;

use std::collections::HashSet;
use std::sync::Arc;

use cloud::{Ctx, Guard, Operation, tenant};
use identity::{AccountId, Region};
use shapes::ApiError;
use sqs_api::op;
use store::{Reader, Scope, Tx};

use crate::directory::Found;
use crate::queue::{Queue, QueueUrl};
use crate::timeline::Timeline;
use crate::{Sqs, errors, queue, tables};

pub(crate) static OPERATIONS: &[Operation<Sqs>] = &[
    Operation::transaction::<op::AddPermission>(),
    Operation::of::<op::CancelMessageMoveTask>(),
    Operation::of::<op::ChangeMessageVisibility>(),
    Operation::of::<op::ChangeMessageVisibilityBatch>(),
    Operation::transaction::<op::CreateQueue>(),
    Operation::transaction::<op::DeleteMessage>(),
    Operation::transaction::<op::DeleteMessageBatch>(),
    Operation::transaction::<op::DeleteQueue>(),
    Operation::of::<op::GetQueueAttributes>(),
    Operation::of::<op::GetQueueUrl>(),
    Operation::of::<op::ListDeadLetterSourceQueues>(),
    Operation::of::<op::ListMessageMoveTasks>(),
    Operation::of::<op::ListQueueTags>(),
    Operation::of::<op::ListQueues>(),
    Operation::transaction::<op::PurgeQueue>(),
    Operation::of::<op::ReceiveMessage>(),
    Operation::transaction::<op::RemovePermission>(),
    Operation::transaction::<op::SendMessage>(),
    Operation::transaction::<op::SendMessageBatch>(),
    Operation::transaction::<op::SetQueueAttributes>(),
    Operation::of::<op::StartMessageMoveTask>(),
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

    /// The queue of this name in an account and region.
    pub(crate) fn new(account: AccountId, region: Region, name: &str) -> Self {
        let url = QueueUrl { account, name: name.to_owned() };
        Self { scope: tenant(account, region), url }
    }

    /// The queue that an ARN names.
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let parts = identity::arn::split(arn).filter(|parts| parts.service == "sqs")?;
        Some(Self::new(parts.account_id()?, Region::parse(parts.region)?, parts.resource))
    }

    /// The region that a queue's ARN names.
    pub(crate) fn region_of(arn: &str) -> Region {
        let parts = identity::arn::split(arn);
        parts.and_then(|parts| Region::parse(parts.region)).unwrap_or(Region::US_EAST_1)
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
        let found = match self.named(ctx, url) {
            Ok(found) => found,
            // Who may not know says so before anybody hears that there is no such queue.
            Err(error) if error.status() < 500 => {
                return Ok(Guard::resource(Target::parse(ctx, url)?.arn(ctx)));
            }
            Err(error) => return Err(error),
        };
        let policy = found.queue.attributes.policy.as_ref();
        let policy = policy.map(|text| self.policies.resource_policy(text)).transpose()?;
        Ok(Guard::resource(found.arn(ctx)).policy(policy))
    }

    /// The queue that a request names, as it was at most a moment ago.
    pub(crate) fn named(&self, ctx: &Ctx, url: &str) -> Result<Arc<Found>, ApiError> {
        self.found(ctx.scope(), url, || Target::parse(ctx, url))
    }

    /// As [`Self::named`], with what it has in memory.
    pub(crate) fn open_named(&self, ctx: &Ctx, url: &str) -> Result<(Arc<Queue>, Arc<Timeline>), ApiError> {
        let found = self.named(ctx, url)?;
        let timeline = self.timeline(&found.target, &found.queue)?;
        Ok((Arc::clone(&found.queue), timeline))
    }

    /// The queue of a target, as it was at most a moment ago.
    pub(crate) fn queue(&self, target: &Target) -> Result<Arc<Queue>, ApiError> {
        // Its name alone is what names it in its own account.
        let found = self.found(&target.scope, &target.url.name, || Ok(target.clone()))?;
        Ok(Arc::clone(&found.queue))
    }

    /// The queue and what it has in memory.
    pub(crate) fn open(&self, target: &Target) -> Result<(Arc<Queue>, Arc<Timeline>), ApiError> {
        let queue = self.queue(target)?;
        let timeline = self.timeline(target, &queue)?;
        Ok((queue, timeline))
    }

    fn found(
        &self,
        tenant: &Scope,
        url: &str,
        target: impl FnOnce() -> Result<Target, ApiError>,
    ) -> Result<Arc<Found>, ApiError> {
        if let Some(found) = self.queues.find(tenant, url) {
            return Ok(found);
        }
        let changes = self.queues.changes();
        let target = target()?;
        let queue = target.find(&mut self.cloud.store().read(&target.scope)?)?;
        let found = Arc::new(Found::new(target, Arc::new(queue)));
        self.queues.keep(tenant, url, &found, changes);
        Ok(found)
    }

    /// Stores a queue that was made or changed.
    pub(crate) fn put_queue(&self, tx: &mut Tx<'_>, queue: &Queue) {
        tables::QUEUES.put(tx, &queue.name, queue);
        self.forget_queues(tx);
    }

    /// Has queues read anew, now and once the transaction is durable.
    pub(crate) fn forget_queues(&self, tx: &mut Tx<'_>) {
        let queues = self.queues.clone();
        queues.forget();
        tx.after_commit(move || queues.forget());
    }

    /// The URL by which clients name a queue.
    pub(crate) fn queue_url(&self, account: AccountId, name: &str) -> String {
        format!("{}/{account}/{name}", self.cloud.settings().endpoint)
    }
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
