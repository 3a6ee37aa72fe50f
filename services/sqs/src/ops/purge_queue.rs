//! PurgeQueue: takes all messages of a queue away, once a minute at most.

use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::PurgeQueue;
use sqs_api::{PurgeQueueInput, PurgeQueueOutput};
use store::Tx;

use super::Target;
use crate::{Sqs, errors, jobs};

const PAUSE: Duration = Duration::from_secs(60);

impl Transact<PurgeQueue> for Sqs {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &PurgeQueueInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: PurgeQueueInput) -> Result<Target, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        self.open(&target)?;
        Ok(target)
    }

    /// Messages below a place are out of reach from then on, however many; a job removes them.
    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, target: &Target) -> Result<PurgeQueueOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let mut queue = target.find(tx)?;
            let now = ctx.now();
            if queue.last_purged.is_some_and(|last| now < last + PAUSE) {
                return Err(errors::purge_in_progress(&queue.name));
            }
            let timeline = self.timeline(target, &queue)?;
            let place = timeline.next_place(now)?;
            queue.last_purged = Some(now);
            queue.purged = place;
            self.put_queue(tx, &queue);
            jobs::upkeep::schedule_once(ctx, tx, target, &queue, now);
            tx.after_commit(move || timeline.change(|state| state.purge(place)));
            Ok(PurgeQueueOutput {})
        })
    }
}
