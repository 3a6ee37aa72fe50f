//! Schedules that fall due.

use std::sync::Arc;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use identity::{AccountId, Region, arn};
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::schedule::{self, ScheduleRow};
use crate::tables::SCHEDULES;
use crate::{PRINCIPAL, Scheduler, invocation};

const KIND: &str = "scheduler/schedule";
const CONCURRENCY: usize = 64;

/// Gives a schedule the job for its next time after `after`, in the place of one that it has.
pub(crate) fn set(ctx: &Ctx, tx: &mut Tx<'_>, row: &mut ScheduleRow, after: Timestamp) {
    stop(tx, row);
    row.next = row.time_after(after).filter(|_| row.is_enabled);
    row.timer = row.next.map(|next| {
        let subject = schedule::arn(ctx, &row.group, &row.name);
        let payload = subject.clone().into_bytes();
        let job = NewJob { kind: KIND, subject, payload, due: next + row.delay(ctx) };
        Jobs::add(tx, ctx.now(), ctx.ids().number(), job)
    });
}

pub(crate) fn stop(tx: &mut Tx<'_>, row: &mut ScheduleRow) {
    if let Some(job) = row.timer.take() {
        Jobs::cancel(tx, job);
    }
}

/// The kind of job that sets schedules off.
pub(crate) fn jobs(scheduler: &Arc<Scheduler>) -> JobKind {
    let scheduler = Arc::clone(scheduler);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |id, job| {
            let scheduler = Arc::clone(&scheduler);
            Box::pin(async move { scheduler.fall_due(id, &job).await })
        }),
        given_up: None,
    }
}

/// Account, region, group and name of a schedule's ARN.
fn place(text: &str) -> Option<(AccountId, Region, (String, String))> {
    let parts = arn::split(text)?;
    let (group, name) = parts.resource.strip_prefix("schedule/")?.split_once('/')?;
    Some((parts.account_id()?, Region::parse(parts.region)?, (group.to_owned(), name.to_owned())))
}

impl Scheduler {
    async fn fall_due(self: &Arc<Self>, id: JobId, job: &Job) -> JobOutcome {
        let arn = String::from_utf8_lossy(&job.payload).into_owned();
        let Some((account, region, key)) = place(&arn) else { return JobOutcome::Done };
        let ctx = self.cloud.background(PRINCIPAL, &arn, account, region);
        let (scheduler, own) = (Arc::clone(self), ctx.clone());
        match ctx.write(move |tx| scheduler.set_off(&own, tx, &arn, &key, id)).await {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }

    fn set_off(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &str,
        key: &(String, String),
        id: JobId,
    ) -> Result<(), ApiError> {
        // The schedule may have changed, and then another job is its timer.
        let found = SCHEDULES.find(tx, key)?.filter(|row| row.timer == Some(id));
        let Some(mut row) = found else { return Ok(()) };
        let time = row.next.unwrap_or(id.due);
        // Times that were missed, because the region did not run or its clock was advanced, come once together.
        set(ctx, tx, &mut row, ctx.now().max(time));
        if row.timer.is_none() && row.is_deleted_after {
            SCHEDULES.delete(tx, key);
        } else {
            SCHEDULES.put(tx, key, &row);
        }
        let delivery = invocation::delivery(ctx, arn, &row.target, time);
        self.courier.send_within(ctx, tx, &delivery)
    }
}
