//! CreateQueue: makes a queue, or finds the one that is there already with the same attributes.

use std::collections::BTreeMap;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::CreateQueue;
use sqs_api::{CreateQueueInput, CreateQueueOutput};
use store::Tx;

use crate::queue::{self, Attributes, Queue, QueueName};
use crate::{Sqs, errors, tables};

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
        let name = QueueName::parse(&input.queue_name)?;
        let given = input.attributes.unwrap_or_default();
        let mut attributes = Attributes::default();
        attributes.set(&given)?;
        let (now, id) = (ctx.now(), u64::from_le_bytes(ctx.ids().bytes()));
        let tags = input.tags.unwrap_or_default();
        super::tags::check(&tags)?;
        let queue =
            Queue { name: name.0, id, created: now, modified: now, last_purged: None, attributes, tags };
        Ok(Draft { queue, given })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<CreateQueueOutput, ApiError> {
        let name = &draft.queue.name;
        match tables::QUEUES.find(tx, name)? {
            Some(existing) => {
                if let Some(attribute) = existing.attributes.first_difference(&draft.given)? {
                    return Err(errors::queue_exists_with_other_attributes(attribute));
                }
            }
            None => {
                super::set_queue_attributes::check_dead_letter_target(ctx, tx, &draft.queue)?;
                self.put_queue(tx, &draft.queue);
            }
        }
        Ok(CreateQueueOutput { queue_url: Some(self.queue_url(ctx.account(), name)) })
    }
}
