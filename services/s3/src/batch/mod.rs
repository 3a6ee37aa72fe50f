//! S3 Batch Operations: one operation on each of many objects (S3 User Guide, "Performing object operations in bulk with
//! Batch Operations").
//!
//! A job's manifest becomes rows, one per task; tasks run a few at a time, and what became of them is stored together with
//! how far the job has come. So a task that ran may run again after a crash, but is counted and reported once. A job that
//! waits, to be confirmed or for one of higher priority, has no timer; whatever ends its waiting gives it one.

pub(crate) mod job;
mod lambda;
mod manifest;
mod manifest_generator;
mod report;
mod run;
mod task;

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Tx};

use crate::{S3, tables};
use job::{BatchJob, Place, Status};

pub(crate) use manifest::check as check_manifest;
pub(crate) use task::{check as check_operation, name as operation_name};

const JOB: &str = "s3.batch";
/// Who assumes a job's role.
pub(crate) const SERVICE: &str = "batchoperations.s3.amazonaws.com";
/// How long an ended job is listed (S3 User Guide, "Managing S3 Batch Operations jobs").
const LISTED_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
/// Rows changed in one transaction.
const PAGE: usize = 1000;
/// Jobs of one account and region, the ended ones among them.
pub(crate) const MOST_JOBS: usize = 10_000;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Purpose {
    Run,
    Forget,
}

#[derive(Serialize, Deserialize)]
struct Timer {
    place: Place,
    purpose: Purpose,
}

/// Has a job go on as soon as `tx` is durable.
pub(crate) fn wake(tx: &mut Tx<'_>, s3: &S3, job: &BatchJob) -> Result<(), ApiError> {
    timer(tx, s3, job, Purpose::Run, s3.cloud.clock().now())
}

fn timer(tx: &mut Tx<'_>, s3: &S3, job: &BatchJob, purpose: Purpose, due: Timestamp) -> Result<(), ApiError> {
    let payload = serde_json::to_vec(&Timer { place: job.place(), purpose }).map_err(ApiError::internal)?;
    let (now, number) = (s3.cloud.clock().now(), s3.cloud.ids().number());
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject: job.arn(), payload, due });
    Ok(())
}

/// Lets the jobs of a tenant that wait for a more important one look again.
pub(crate) fn wake_paused(tx: &mut Tx<'_>, s3: &S3, of: &BatchJob) -> Result<(), ApiError> {
    let now = s3.cloud.clock().now();
    for mut other in of_tenant(tx, of.account.number(), &of.region)? {
        if other.status == Status::Paused && other.id != of.id {
            other.become_status(Status::Ready, now);
            tables::BATCH_JOBS.put(tx, &other.place(), &other);
            wake(tx, s3, &other)?;
        }
    }
    Ok(())
}

/// The jobs of an account in a region.
pub(crate) fn of_tenant(
    reader: &mut dyn store::Reader,
    account: u64,
    region: &str,
) -> Result<Vec<BatchJob>, ApiError> {
    let range = Range::prefix(&(account, region.to_owned()));
    let rows = tables::BATCH_JOBS.list(reader, &range, MOST_JOBS)?;
    Ok(rows.into_iter().map(|(_, job)| job).collect())
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 8,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let Ok(Timer { place, purpose }) = serde_json::from_slice(&job.payload) else {
                    return JobOutcome::Done;
                };
                match s3.batch_step(place, purpose).await {
                    Ok(true) => JobOutcome::Again(s3.cloud.clock().now()),
                    Ok(false) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    /// Takes a job one bounded step further; false when it has to wait for something, or is over.
    async fn batch_step(self: &Arc<Self>, place: Place, purpose: Purpose) -> Result<bool, ApiError> {
        let Some(job) = tables::BATCH_JOBS.find(&mut self.read()?, &place)? else { return Ok(false) };
        if purpose == Purpose::Forget {
            self.write(move |tx| {
                tables::BATCH_JOBS.delete(tx, &place);
                let token = job.request().client_request_token;
                tables::BATCH_TOKENS.delete(tx, &(place.0, place.1.clone(), token));
                Ok::<_, ApiError>(())
            })
            .await?;
            return Ok(false);
        }
        match job.status {
            Status::New => {
                self.change_batch(&job, |job, now| job.become_status(Status::Preparing, now)).await?;
                Ok(true)
            }
            Status::Preparing => self.prepare_batch(job).await,
            Status::Ready | Status::Active => self.run_batch(job).await,
            Status::Completing | Status::Cancelling | Status::Failing => self.end_batch(job).await,
            _ => Ok(false),
        }
    }

    /// Changes a job as it is now, unless it is in another status than it was; tells the status that it is in then, while
    /// there is such a job.
    async fn change_batch(
        self: &Arc<Self>,
        job: &BatchJob,
        change: impl Fn(&mut BatchJob, Timestamp) + Send + 'static,
    ) -> Result<Option<Status>, ApiError> {
        let (place, status, now) = (job.place(), job.status, self.cloud.clock().now());
        self.write(move |tx| {
            let Some(mut job) = tables::BATCH_JOBS.find(tx, &place)? else { return Ok(None) };
            if job.status == status {
                change(&mut job, now);
                tables::BATCH_JOBS.put(tx, &place, &job);
            }
            Ok(Some(job.status))
        })
        .await
    }

    /// As [`Self::change_batch`]: the job ends, with this for a reason.
    async fn fail_batch(self: &Arc<Self>, job: &BatchJob, code: &str, reason: &str) -> Result<(), ApiError> {
        let (code, reason) = (code.to_owned(), reason.to_owned());
        self.change_batch(job, move |job, now| job.fail(&code, &reason, now)).await.map(drop)
    }

    /// The job's role, when it trusts Batch Operations.
    fn batch_role(&self, job: &BatchJob) -> Result<Ctx, ApiError> {
        let region = job.region().unwrap_or(self.cloud.settings().default_region);
        let own = self.cloud.background(SERVICE, &job.arn(), job.account, region);
        own.with_role(SERVICE, &job.arn(), &job.request().role_arn)
    }
}
