//! Blobs that nothing names: what a crash between a blob and its row has left. Found once a day, and after a start.

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use shapes::ApiError;

use crate::tables::{self, Fact};
use crate::{S3, errors};

const JOB: &str = "s3.sweep";
const FACT: &str = "sweep";
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// Adds the job that sweeps from now on, once for the life of the region's data.
pub(crate) async fn schedule(s3: &Arc<S3>) -> Result<(), ApiError> {
    let (now, number) = (s3.cloud.clock().now(), s3.cloud.ids().number());
    s3.write(move |tx| {
        if tables::FACTS.find(tx, &FACT.to_owned())?.is_some() {
            return Ok(());
        }
        tables::FACTS.put(tx, &FACT.to_owned(), &Fact::Scheduled);
        let job = NewJob {
            kind: JOB,
            subject: "blobs that nothing names".to_owned(),
            payload: Vec::new(),
            due: now,
        };
        Jobs::add(tx, now, number, job);
        Ok(())
    })
    .await
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 1,
        handler: Arc::new(move |_, _| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let next = s3.cloud.clock().now() + EVERY;
                match sweep(&s3).await {
                    Ok(0) => JobOutcome::Again(next),
                    Ok(count) => {
                        tracing::info!(count, "blobs that nothing names were deleted");
                        JobOutcome::Again(next)
                    }
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

/// Deletes every blob that no row names; returns how many.
pub(crate) async fn sweep(s3: &Arc<S3>) -> Result<usize, ApiError> {
    let mut deleted = 0;
    for folder in 0..=u8::MAX {
        let own = Arc::clone(s3);
        let swept = tokio::task::spawn_blocking(move || own.sweep_folder(folder)).await;
        deleted += swept.map_err(|panic| ApiError::internal(panic.to_string()))??;
    }
    Ok(deleted)
}

impl S3 {
    fn sweep_folder(&self, folder: u8) -> Result<usize, ApiError> {
        self.blobs.sweep(folder, errors::storage, |mut found| {
            let mut reader = self.read()?;
            let mut failure = None;
            found.retain(|id| match tables::FILES.contains(&mut reader, &id.0) {
                Ok(is_named) => !is_named,
                Err(error) => {
                    failure.get_or_insert(error);
                    false
                }
            });
            failure.map_or(Ok(found), |error| Err(error.into()))
        })
    }
}
