//! Blobs that nothing names: what a crash between a blob and its row has left. Found once a day, and after a start.

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use shapes::ApiError;
use store::Scope;

use crate::tables::{self, Fact};
use crate::{Glacier, errors};

const JOB: &str = "glacier.sweep";
const FACT: &str = "sweep";
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// Adds the job that sweeps from now on, once for the life of the region's data.
pub(crate) async fn schedule(glacier: &Arc<Glacier>) -> Result<(), ApiError> {
    let cloud = &glacier.cloud;
    let (now, number) = (cloud.clock().now(), cloud.ids().number());
    let store = cloud.store();
    store
        .write(&Scope::global(), move |tx| {
            if tables::FACTS.contains(tx, &FACT.to_owned())? {
                return Ok(());
            }
            tables::FACTS.put(tx, &FACT.to_owned(), &Fact::Scheduled);
            let subject = "blobs that nothing names".to_owned();
            Jobs::add(tx, now, number, NewJob { kind: JOB, subject, payload: Vec::new(), due: now });
            Ok(())
        })
        .await
}

pub(crate) fn job(glacier: &Arc<Glacier>) -> JobKind {
    let glacier = Arc::clone(glacier);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 1,
        handler: Arc::new(move |_, _| {
            let glacier = Arc::clone(&glacier);
            Box::pin(async move {
                let next = glacier.cloud.clock().now() + EVERY;
                match sweep(&glacier).await {
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
async fn sweep(glacier: &Arc<Glacier>) -> Result<usize, ApiError> {
    let mut deleted = 0;
    for folder in 0..=u8::MAX {
        let own = Arc::clone(glacier);
        let swept = tokio::task::spawn_blocking(move || own.sweep_folder(folder)).await;
        deleted += swept.map_err(|panic| ApiError::internal(panic.to_string()))??;
    }
    Ok(deleted)
}

impl Glacier {
    fn sweep_folder(&self, folder: u8) -> Result<usize, ApiError> {
        self.blobs.sweep(folder, errors::storage, |found| {
            let mut reader = self.cloud.store().read(&Scope::global())?;
            let mut nameless = Vec::new();
            for id in found {
                if !tables::FILES.contains(&mut reader, &id.0)? {
                    nameless.push(id);
                }
            }
            Ok(nameless)
        })
    }
}
