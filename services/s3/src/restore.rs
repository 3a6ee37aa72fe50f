//! Restores that end: the copy is there, and later gone again.

use std::sync::Arc;

use clock::{JobKind, JobOutcome, RetryPolicy};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::bucket::Bucket;
use crate::events::Event;
use crate::object::VersionId;
use crate::{S3, key, tiering, versions};

pub(crate) const JOB: &str = "s3.restore";

#[derive(Serialize, Deserialize)]
struct Restored {
    bucket: String,
    key: String,
    id: VersionId,
}

pub(crate) fn payload(bucket: &Bucket, key: &str, id: VersionId) -> Result<Vec<u8>, ApiError> {
    let restored = Restored { bucket: bucket.name.clone(), key: key.to_owned(), id };
    serde_json::to_vec(&restored).map_err(ApiError::internal)
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
                let Ok(restored) = serde_json::from_slice(&job.payload) else { return JobOutcome::Done };
                match s3.restore_step(restored).await {
                    Ok(None) => JobOutcome::Done,
                    Ok(Some(next)) => JobOutcome::Again(next),
                    Err(error) if error.status() == 404 => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    /// Tells that a restore is complete, or takes it back; returns when to look again.
    async fn restore_step(self: &Arc<Self>, restored: Restored) -> Result<Option<Timestamp>, ApiError> {
        let loaded = self.bucket(&restored.bucket)?;
        let region =
            identity::Region::parse(&loaded.bucket.region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(&restored.bucket, None);
        let ctx = self.cloud.background("s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        let s3 = Arc::clone(self);
        self.write(move |tx| {
            let Restored { key, id, .. } = &restored;
            let Some(mut version) = versions::find(tx, &loaded.bucket, key, Some(&id.to_string()))? else {
                return Ok(None);
            };
            let Some(restore) = version.restore.filter(|_| version.id == *id) else { return Ok(None) };
            let (name, next) = match restore.until {
                Some(until) if until <= ctx.now() => {
                    version.restore = None;
                    versions::update(tx, loaded.bucket.id, key, &version)?;
                    ("ObjectRestore:Delete", None)
                }
                Some(until) => ("ObjectRestore:Completed", Some(until)),
                None => {
                    version.restore = None;
                    versions::update(tx, loaded.bucket.id, key, &version)?;
                    tiering::bring_back(tx, loaded.bucket.id, key, &version, ctx.now());
                    ("ObjectRestore:Completed", None)
                }
            };
            s3.notify(&ctx, tx, &loaded, &Event { name, key, version: &version })?;
            Ok(next)
        })
        .await
    }
}
