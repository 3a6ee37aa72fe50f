//! PurgeQueue: takes all messages of a queue away, once a minute at most.

use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::PurgeQueue;
use sqs_api::{PurgeQueueInput, PurgeQueueOutput};
use store::Tx;

use super::Target;
use super::delete_queue::delete_messages;
use crate::{Sqs, errors};

const PAUSE: Duration = Duration::from_secs(60);

impl Transact<PurgeQueue> for Sqs {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &PurgeQueueInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: PurgeQueueInput) -> Result<Target, ApiError> {
        Target::parse(ctx, &input.queue_url)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, target: &Target) -> Result<PurgeQueueOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let mut queue = target.find(tx)?;
            let now = ctx.now();
            if queue.last_purged.is_some_and(|last| now < last + PAUSE) {
                return Err(errors::purge_in_progress(&queue.name));
            }
            delete_messages(tx, queue.id)?;
            queue.last_purged = Some(now);
            self.put_queue(tx, &queue);
            Ok(PurgeQueueOutput {})
        })
    }
}
