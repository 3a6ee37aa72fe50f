//! Takes away what a deleted queue held, and frees its name in the end.

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use shapes::ApiError;
use store::{Range, StoreError};

use super::{Subject, delete_some};
use crate::ops::Target;
use crate::queue::Queue;
use crate::{Sqs, tables};

pub(crate) const KIND: &str = "sqs/removal";

/// Behind the time for which a name rests, and behind every request that found the queue before it was gone.
const PAUSE: Duration = Duration::from_secs(60);

pub(crate) fn schedule(ctx: &Ctx, tx: &mut store::Tx<'_>, target: &Target, queue: &Queue) {
    let payload = Subject::new(target, ctx.region(), queue.id).encoded();
    let job = NewJob { kind: KIND, subject: target.arn(ctx), payload, due: ctx.now() + PAUSE };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(super) async fn run(sqs: Arc<Sqs>, job: Job) -> Result<JobOutcome, ApiError> {
    let Some((subject, target)) = Subject::read(&job.payload) else { return Ok(JobOutcome::Done) };
    let now = sqs.cloud.clock().now();
    loop {
        let (id, name) = (subject.id, subject.name.clone());
        let has_more = sqs.cloud.store().write(&target.scope, move |tx| {
            let all = Range::prefix(&id);
            let has_more = delete_some(tx, &tables::HEADS, &all)?.is_some()
                || delete_some(tx, &tables::RECEIPTS, &all)?.is_some()
                || delete_some(tx, &tables::ACCEPTED, &all)?.is_some();
            // A queue of the same name may have been made and deleted again since.
            if tables::DELETED.find(tx, &name)?.is_some_and(|deletion| now >= deletion.at + PAUSE) {
                tables::DELETED.delete(tx, &name);
            }
            if tables::QUEUES.find(tx, &name)?.is_none() {
                delete_some(tx, &tables::MOVE_TASKS, &Range::prefix(&name))?;
            }
            Ok::<_, StoreError>(has_more)
        });
        if !has_more.await? {
            return Ok(JobOutcome::Done);
        }
    }
}
