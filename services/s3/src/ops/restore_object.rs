//! RestoreObject: makes archived bytes readable for a while.

use std::sync::Arc;
use std::time::Duration;

use clock::{Jobs, NewJob};
use cloud::{Ctx, Guard, Handle};
use s3_api::op::RestoreObject;
use s3_api::{RestoreObjectInput, RestoreObjectOutput};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::class::StorageClass;
use crate::events::Event;
use crate::object::{Restore, Version};
use crate::store_version::bucket_now;
use crate::tiering::{self, Tier};
use crate::{S3, errors, lifecycle, restore, versions};

impl Handle<RestoreObject> for S3 {
    fn guard(&self, ctx: &Ctx, input: &RestoreObjectInput) -> Result<Guard, ApiError> {
        self.version_guard(ctx, &input.bucket, &input.key, input.version_id.as_deref(), "s3:RestoreObject")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RestoreObjectInput,
    ) -> Result<RestoreObjectOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let request = input.restore_request.unwrap_or_default();
        if request.select_parameters.is_some() {
            return Err(errors::not_here_yet("Selecting from an archived object"));
        }
        let days = request.days;
        if let Some(days) = days.filter(|days| *days <= 0) {
            let message = "restoration days should be at least 1";
            return Err(errors::invalid_argument("Days", &days.to_string(), message));
        }
        let tier = request.glacier_job_parameters.map(|parameters| parameters.tier).or(request.tier);
        let tier = tier.unwrap_or_else(|| "Standard".to_owned());
        let (now, number) = (ctx.now(), ctx.ids().number());
        let (s3, own) = (Arc::clone(self), ctx.clone());
        let status = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &loaded)?;
                let mut version =
                    versions::find_object(tx, &bucket, &input.key, input.version_id.as_deref())?;
                let archive = Archive::of(tx, bucket.id, &input.key, &version)?;
                let until = |ready| archive.until(ready, days);
                until(now)?;
                let status = match version.restore {
                    Some(restore) if restore.ready > now => return Err(errors::restore_in_progress()),
                    // What is restored already stays so for longer.
                    Some(restore) if version.is_readable(now) => {
                        version.restore = Some(Restore { until: until(now)?, ..restore });
                        200
                    }
                    _ => {
                        let ready = now + delay(archive.class, &tier)?;
                        version.restore = Some(Restore { ready, until: until(ready)? });
                        let job = NewJob {
                            kind: restore::JOB,
                            subject: format!("{}/{}", bucket.name, input.key),
                            payload: restore::payload(&bucket, &input.key, version.id)?,
                            due: ready,
                        };
                        Jobs::add(tx, now, number, job);
                        s3.notify(
                            &own,
                            tx,
                            &loaded,
                            &Event { name: "ObjectRestore:Post", key: &input.key, version: &version },
                        )?;
                        202
                    }
                };
                versions::update(tx, bucket.id, &input.key, &version)?;
                Ok(status)
            })
            .await?;
        Ok(RestoreObjectOutput { status_code: Some(status), ..Default::default() })
    }
}

/// Where archived bytes are, with the delays of this class. What Intelligent-Tiering archived comes back for good.
struct Archive {
    class: StorageClass,
    is_tier: bool,
}

impl Archive {
    fn of(reader: &mut dyn Reader, bucket: u64, key: &str, version: &Version) -> Result<Self, ApiError> {
        match tiering::tier(reader, bucket, key, version)? {
            Tier::Archive => Ok(Self { class: StorageClass::Glacier, is_tier: true }),
            Tier::DeepArchive => Ok(Self { class: StorageClass::DeepArchive, is_tier: true }),
            _ if version.class.is_archive() => Ok(Self { class: version.class, is_tier: false }),
            _ => {
                let message = "Restore is not allowed for the object's current storage class";
                Err(ApiError::with_status(403, "InvalidObjectState", message))
            }
        }
    }

    /// When the restored copy goes away again.
    fn until(&self, ready: Timestamp, days: Option<i32>) -> Result<Option<Timestamp>, ApiError> {
        match days {
            None if self.is_tier => Ok(None),
            None => Err(errors::malformed_xml()),
            Some(days) if self.is_tier => {
                let message = "Days cannot be specified for objects in the INTELLIGENT_TIERING storage class";
                Err(errors::invalid_argument("Days", &days.to_string(), message))
            }
            Some(days) => Ok(Some(lifecycle::midnight_after(ready, days))),
        }
    }
}

/// How long it takes (S3 User Guide, "Archive retrieval options").
fn delay(class: StorageClass, tier: &str) -> Result<Duration, ApiError> {
    let hours = |hours: u64| Ok(Duration::from_secs(hours * 3600));
    match (class, tier) {
        (StorageClass::Glacier, "Expedited") => Ok(Duration::from_secs(180)),
        (StorageClass::Glacier, "Standard") => hours(4),
        (StorageClass::Glacier, "Bulk") => hours(9),
        (StorageClass::DeepArchive, "Standard") => hours(12),
        (StorageClass::DeepArchive, "Bulk") => hours(48),
        (StorageClass::DeepArchive, "Expedited") => {
            let message = "Retrieval option is not supported by this storage class";
            Err(errors::invalid_argument("Tier", tier, message))
        }
        _ => Err(errors::malformed_xml()),
    }
}
