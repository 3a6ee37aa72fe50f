//! CreateQueue: makes a queue, or finds the one that is there already with the same attributes.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::CreateQueue;
use sqs_api::{CreateQueueInput, CreateQueueOutput};
use store::Tx;

use crate::attributes::Attributes;
use crate::queue::{self, Queue, QueueName};
use crate::sealing::RegionKey;
use crate::{Sqs, errors, jobs, kms_keys, tables};

/// API Reference, DeleteQueue: how long the name of a deleted queue cannot be used.
pub(crate) const REST: Duration = Duration::from_secs(60);

pub(crate) struct Draft {
    queue: Queue,
    given: BTreeMap<String, String>,
}

impl Transact<CreateQueue> for Sqs {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &CreateQueueInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(queue::arn(ctx.region(), ctx.account(), &input.queue_name)))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateQueueInput) -> Result<Draft, ApiError> {
        let given = input.attributes.unwrap_or_default();
        let is_fifo = given.get("FifoQueue").is_some_and(|value| value == "true");
        let name = QueueName::parse(&input.queue_name, is_fifo)?;
        let attributes = Attributes::of_new(&given)?;
        kms_keys::prepare(ctx, given.get("KmsMasterKeyId"));
        let (now, id) = (ctx.now(), u64::from_le_bytes(ctx.ids().bytes()));
        let tags = input.tags.unwrap_or_default();
        super::tags::check(&tags)?;
        let queue = Queue {
            name: name.0,
            id,
            created: now,
            modified: now,
            last_purged: None,
            purged: 0,
            attributes,
            tags,
        };
        Ok(Draft { queue, given })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<CreateQueueOutput, ApiError> {
        let name = &draft.queue.name;
        if let Some(existing) = tables::QUEUES.find(tx, name)? {
            if let Some(attribute) = existing.attributes.first_difference(&draft.given)? {
                return Err(errors::queue_exists_with_other_attributes(attribute));
            }
        } else {
            let now = ctx.now();
            if tables::DELETED.find(tx, name)?.is_some_and(|deletion| now < deletion.at + REST) {
                return Err(errors::queue_deleted_recently());
            }
            super::set_queue_attributes::check_dead_letter_target(ctx, tx, &draft.queue)?;
            RegionKey::ensure(tx, ctx.ids())?;
            self.put_queue(tx, &draft.queue);
            jobs::upkeep::schedule(ctx, tx, &draft.queue, jobs::upkeep::next(&draft.queue, now, None));
        }
        Ok(CreateQueueOutput { queue_url: Some(self.queue_url(ctx.account(), name)) })
    }
}
