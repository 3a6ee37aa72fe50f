//! Storage Lens: how much an account stores, counted once a day and exported as CSV (S3 User Guide, "Monitoring your
//! storage activity and usage with Amazon S3 Storage Lens").

mod count;
mod export;

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use identity::{AccountId, Region};
use s3control_api::{StorageLensConfiguration, StorageLensGroup};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::{S3, lifecycle, stored_shape, tables};

const JOB: &str = "s3.storage-lens";

/// Account, region and id or name.
pub(crate) type Place = (u64, String, String);

/// A configuration, or a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lens {
    pub account: AccountId,
    pub region: String,
    pub id: String,
    /// As JSON by the model's names.
    pub json: String,
    pub tags: Vec<(String, String)>,
    /// Whether a job exports it. Always false for groups.
    pub is_scheduled: bool,
}

store::row!(Lens, 1);

impl Lens {
    pub(crate) fn place(&self) -> Place {
        (self.account.number(), self.region.clone(), self.id.clone())
    }

    pub(crate) fn configuration(&self) -> StorageLensConfiguration {
        let mut configuration = StorageLensConfiguration::default();
        stored_shape::from_json(&self.value(), &mut configuration);
        configuration
    }

    pub(crate) fn group(&self) -> StorageLensGroup {
        let mut group = StorageLensGroup::default();
        stored_shape::from_json(&self.value(), &mut group);
        group
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

pub(crate) fn arn(region: &str, account: AccountId, id: &str) -> String {
    format!("arn:aws:s3:{region}:{account}:storage-lens/{id}")
}

pub(crate) fn group_arn(region: &str, account: AccountId, name: &str) -> String {
    format!("arn:aws:s3:{region}:{account}:storage-lens-group/{name}")
}

/// Adds the job of a configuration, unless it has one.
pub(crate) fn schedule(tx: &mut Tx<'_>, s3: &S3, lens: &mut Lens) -> Result<(), ApiError> {
    if lens.is_scheduled {
        return Ok(());
    }
    lens.is_scheduled = true;
    let payload = serde_json::to_vec(&lens.place()).map_err(ApiError::internal)?;
    let (now, number) = (s3.cloud.clock().now(), s3.cloud.ids().number());
    let subject = arn(&lens.region, lens.account, &lens.id);
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject, payload, due: next_midnight(now) });
    Ok(())
}

fn next_midnight(now: Timestamp) -> Timestamp {
    lifecycle::midnight_after(now + Duration::from_millis(1), 0)
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 1,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let Ok(place) = serde_json::from_slice::<Place>(&job.payload) else {
                    return JobOutcome::Done;
                };
                match s3.lens_round(&place).await {
                    Ok(true) => JobOutcome::Again(next_midnight(s3.cloud.clock().now())),
                    Ok(false) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    /// Exports the day that has ended; false when the configuration is gone or is not to be exported any more.
    async fn lens_round(self: &Arc<Self>, place: &Place) -> Result<bool, ApiError> {
        let Some(lens) = tables::LENSES.find(&mut self.read()?, place)? else { return Ok(false) };
        let configuration = lens.configuration();
        let destination = configuration.data_export.as_ref().and_then(|e| e.s3_bucket_destination.clone());
        if let Some(destination) = destination.filter(|_| configuration.is_enabled) {
            self.export_lens(&lens, &configuration, &destination).await?;
            return Ok(true);
        }
        let place = place.clone();
        self.write(move |tx| {
            if let Some(mut lens) = tables::LENSES.find(tx, &place)? {
                lens.is_scheduled = false;
                tables::LENSES.put(tx, &place, &lens);
            }
            Ok(false)
        })
        .await
    }

    fn lens_region(&self, lens: &Lens) -> Region {
        Region::parse(&lens.region).unwrap_or(self.cloud.settings().default_region)
    }
}
