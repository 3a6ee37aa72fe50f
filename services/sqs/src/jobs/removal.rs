//! Takes away what a deleted queue held, and frees its name in the end.

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use shapes::ApiError;
use store::{Range, StoreError};

use super::{Subject, delete_all, delete_some};
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
    let (store, scope) = (sqs.cloud.store(), &target.scope);
    let all = Range::prefix(&subject.id);
    delete_all(store, scope, &tables::HEADS, all.clone()).await?;
    delete_all(store, scope, &tables::RECEIPTS, all.clone()).await?;
    delete_all(store, scope, &tables::ACCEPTED, all).await?;
    let now = sqs.cloud.clock().now();
    let name = subject.name;
    let freed = store.write(scope, move |tx| {
        // A queue of the same name may have been made and deleted again since.
        if tables::DELETED.find(tx, &name)?.is_some_and(|deletion| now >= deletion.at + PAUSE) {
            tables::DELETED.delete(tx, &name);
        }
        if tables::QUEUES.find(tx, &name)?.is_none() {
            delete_some(tx, &tables::MOVE_TASKS, &Range::prefix(&name))?;
        }
        Ok::<_, StoreError>(())
    });
    freed.await?;
    Ok(JobOutcome::Done)
}
