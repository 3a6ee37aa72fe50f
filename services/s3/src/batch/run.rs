//! A step of a job's tasks, and its end.

use std::collections::VecDeque;
use std::sync::Arc;

use shapes::{ApiError, Timestamp};
use store::{Range, Tx};
use tokio::task::JoinSet;

use super::job::{BatchJob, Outcome, Status, Task};
use super::{LISTED_FOR, PAGE, Purpose, of_tenant, timer, wake_paused};
use crate::{S3, tables};

/// Tasks of one step.
const STEP: usize = 100;
/// Tasks of a job that run at once.
const AT_ONCE: usize = 16;
/// From here on a job fails when more than half of its tasks do (S3 User Guide, "Tracking job failures").
const LEAST_JUDGED: u64 = 1000;

impl S3 {
    /// Runs the next tasks of a job. False when it waits for a job of higher priority.
    pub(super) async fn run_batch(self: &Arc<Self>, job: BatchJob) -> Result<bool, ApiError> {
        let place = job.place();
        let now = self.cloud.clock().now();
        let begun = self
            .write(move |tx| {
                let Some(mut job) = tables::BATCH_JOBS.find(tx, &place)? else { return Ok(None) };
                if !matches!(job.status, Status::Ready | Status::Active) {
                    return Ok(Some(job));
                }
                let status = if has_to_wait(tx, &job)? { Status::Paused } else { Status::Active };
                if job.status != status {
                    job.become_status(status, now);
                    tables::BATCH_JOBS.put(tx, &place, &job);
                }
                Ok::<_, ApiError>(Some(job))
            })
            .await?;
        let Some(job) = begun else { return Ok(false) };
        match job.status {
            Status::Active => {}
            Status::Paused => return Ok(false),
            _ => return Ok(true),
        }
        let ctx = match self.batch_role(&job) {
            Ok(ctx) => ctx,
            Err(error) => {
                self.fail_batch(&job, "AssumeRoleNotPermitted", error.message()).await?;
                return Ok(true);
            }
        };
        let range = Range::prefix(&job.number)
            .starting_at(&(job.number, job.cursor))
            .before(&(job.number, job.preparation.tasks));
        let tasks = tables::BATCH_TASKS.list(&mut self.read()?, &range, STEP)?;
        let request = Arc::new(job.request());
        let mut waiting: VecDeque<(u64, Task)> =
            tasks.into_iter().map(|((_, index), task)| (index, task)).collect();
        let (mut running, mut done) = (JoinSet::new(), Vec::with_capacity(waiting.len()));
        while !waiting.is_empty() || !running.is_empty() {
            while running.len() < AT_ONCE
                && let Some((index, mut task)) = waiting.pop_front()
            {
                let (s3, ctx, request, job) =
                    (Arc::clone(self), ctx.clone(), Arc::clone(&request), job.id.clone());
                running.spawn(async move {
                    task.outcome = Some(s3.batch_task(&ctx, &job, &request, &task, index).await);
                    (index, task)
                });
            }
            if let Some(ended) = running.join_next().await {
                done.push(ended.map_err(|panic| ApiError::internal(panic.to_string()))?);
            }
        }
        self.store_outcomes(&job, done).await?;
        Ok(true)
    }

    /// Keeps what became of a step's tasks, with how far the job has come.
    async fn store_outcomes(
        self: &Arc<Self>,
        job: &BatchJob,
        done: Vec<(u64, Task)>,
    ) -> Result<(), ApiError> {
        let (place, cursor, now) = (job.place(), job.cursor, self.cloud.clock().now());
        self.write(move |tx| {
            let found = tables::BATCH_JOBS.find(tx, &place)?;
            // Another step that began at the same place has been counted already.
            let Some(mut job) = found.filter(|job| job.cursor == cursor) else { return Ok(()) };
            for (index, task) in &done {
                tables::BATCH_TASKS.put(tx, &(job.number, *index), task);
                let is_success = task.outcome.as_ref().is_some_and(|outcome: &Outcome| outcome.is_success);
                let count = if is_success { &mut job.succeeded } else { &mut job.failed };
                *count += 1;
                job.cursor = job.cursor.max(index + 1);
            }
            judge(&mut job, now);
            tables::BATCH_JOBS.put(tx, &place, &job);
            Ok(())
        })
        .await
    }

    /// Writes the report, forgets the tasks, and ends the job.
    pub(super) async fn end_batch(self: &Arc<Self>, job: BatchJob) -> Result<bool, ApiError> {
        if !job.report.is_complete {
            self.report_batch(job).await?;
            return Ok(true);
        }
        let (s3, place, now) = (Arc::clone(self), job.place(), self.cloud.clock().now());
        self.write(move |tx| {
            let Some(mut job) = tables::BATCH_JOBS.find(tx, &place)? else { return Ok(false) };
            let tasks = tables::BATCH_TASKS.list(tx, &Range::prefix(&job.number), PAGE)?;
            let has_more = tasks.len() == PAGE;
            for (task, _) in tasks {
                tables::BATCH_TASKS.delete(tx, &task);
            }
            if has_more {
                return Ok(true);
            }
            job.become_status(job.status.end(), now);
            tables::BATCH_JOBS.put(tx, &place, &job);
            wake_paused(tx, &s3, &job)?;
            timer(tx, &s3, &job, Purpose::Forget, now + LISTED_FOR)?;
            Ok(false)
        })
        .await
    }
}

/// Whether a job of higher priority is at work.
fn has_to_wait(tx: &mut Tx<'_>, job: &BatchJob) -> Result<bool, ApiError> {
    let all = of_tenant(tx, job.account.number(), &job.region)?;
    Ok(all
        .iter()
        .any(|other| other.priority > job.priority && matches!(other.status, Status::Ready | Status::Active)))
}

/// Whether the job goes on.
fn judge(job: &mut BatchJob, now: Timestamp) {
    let judged = job.succeeded + job.failed;
    if job.status != Status::Active {
        return;
    }
    if judged >= LEAST_JUDGED && job.failed * 2 > judged {
        let reason = "The job exceeded the failure threshold: more than 50% of its tasks failed.";
        job.fail("FailureThresholdExceeded", reason, now);
    } else if job.cursor >= job.preparation.tasks {
        job.become_status(Status::Completing, now);
    }
}
