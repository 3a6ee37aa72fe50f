//! Takes away what a queue holds that nobody can reach any more: messages past their retention or purged, and
//! deduplication ids of long ago. It runs when the oldest message may expire, and now and then.

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use shapes::{ApiError, Timestamp};
use store::{Range, Tx};

use super::{Subject, delete_all};
use crate::ops::Target;
use crate::ops::receive_message::expired_below;
use crate::queue::Queue;
use crate::timeline::Timeline;
use crate::{Sqs, deduplication, tables};

pub(crate) const KIND: &str = "sqs/upkeep";

/// The pauses between two rounds of a queue.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);

/// Adds the job that keeps a queue tidy for as long as it lives.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, queue: &Queue, due: Timestamp) {
    let target = Target::new(ctx.account(), ctx.region(), &queue.name);
    add(ctx, tx, &target, queue.id, due);
}

/// Adds a round beside the usual ones.
pub(crate) fn schedule_once(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, queue: &Queue, due: Timestamp) {
    // A round of no queue's own is one that does not come again.
    let mut subject = Subject::new(target, ctx.region(), queue.id);
    subject.is_single = true;
    let job = NewJob { kind: KIND, subject: target.arn(ctx), payload: subject.encoded(), due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

fn add(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, id: u64, due: Timestamp) {
    let payload = Subject::new(target, ctx.region(), id).encoded();
    let job = NewJob { kind: KIND, subject: target.arn(ctx), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

/// When a queue whose oldest message was sent then is to be looked after again.
pub(crate) fn next(queue: &Queue, now: Timestamp, oldest: Option<Timestamp>) -> Timestamp {
    let expiry = oldest.unwrap_or(now) + queue.attributes.retention;
    expiry.clamp(now + SHORTEST, now + LONGEST)
}

pub(super) async fn run(sqs: Arc<Sqs>, job: Job) -> Result<JobOutcome, ApiError> {
    let Some((subject, target)) = Subject::read(&job.payload) else { return Ok(JobOutcome::Done) };
    let store = sqs.cloud.store();
    let now = sqs.cloud.clock().now();
    let found = tables::QUEUES.find(&mut store.read(&target.scope)?, &target.url.name)?;
    let Some(queue) = found.filter(|queue| queue.id == subject.id) else { return Ok(JobOutcome::Done) };
    let timeline = sqs.timeline(&target, &queue)?;
    timeline.expire_below(store, expired_below(&queue, now))?;
    sweep(&sqs, &timeline).await?;
    let has_accepted = timeline.is_fifo && forget_accepted(&sqs, &timeline, now).await?;
    if subject.is_single {
        return Ok(JobOutcome::Done);
    }
    let oldest = timeline.change(|state| state.oldest());
    let due = next(&queue, now, oldest);
    Ok(JobOutcome::Again(if has_accepted { due.min(now + deduplication::INTERVAL) } else { due }))
}

/// Deletes the rows below the timeline's floor.
async fn sweep(sqs: &Sqs, timeline: &Timeline) -> Result<(), ApiError> {
    let (from, floor) = timeline.change(|state| (state.swept, state.floor));
    let (store, queue) = (sqs.cloud.store(), timeline.queue);
    let range = Range::prefix(&queue).starting_at(&(queue, from)).before(&(queue, floor));
    delete_all(store, &timeline.scope, &tables::HEADS, range.clone()).await?;
    delete_all(store, &timeline.scope, &tables::RECEIPTS, range).await?;
    timeline.change(|state| state.swept = state.swept.max(floor));
    Ok(())
}

/// Deletes deduplication ids that count no longer. Returns whether any are left that do.
async fn forget_accepted(sqs: &Sqs, timeline: &Timeline, now: Timestamp) -> Result<bool, ApiError> {
    let queue = timeline.queue;
    let kept_from = deduplication::interval(now).saturating_sub(1);
    let old = Range::prefix(&queue).before(&(queue, kept_from));
    delete_all(sqs.cloud.store(), &timeline.scope, &tables::ACCEPTED, old).await?;
    let mut snapshot = sqs.cloud.store().read(&timeline.scope)?;
    Ok(!tables::ACCEPTED.list(&mut snapshot, &Range::prefix(&queue), 1)?.is_empty())
}
