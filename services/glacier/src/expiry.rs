//! Uploads in parts that nobody goes on with: they go away after a day (Glacier API Reference, "Initiate Multipart Upload").

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};

use crate::multipart::forget;
use crate::place::Place;
use crate::{Glacier, content, tables};

const JOB: &str = "glacier.idle-upload";
const LONGEST_IDLE: Duration = Duration::from_secs(24 * 3600);

/// When a part of an upload came last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Activity(pub Timestamp);

store::row!(Activity, 1);

/// Has a new upload looked after.
pub(crate) fn schedule(tx: &mut Tx<'_>, now: Timestamp, number: u128, place: &Place, upload: &str) {
    let named = (place.account.to_string(), place.region.to_string(), &place.vault, upload);
    let payload = serde_json::to_vec(&named).unwrap_or_default();
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject: place.arn(), payload, due: now + LONGEST_IDLE });
}

pub(crate) fn job(glacier: &Arc<Glacier>) -> JobKind {
    let glacier = Arc::clone(glacier);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let glacier = Arc::clone(&glacier);
            Box::pin(async move {
                let Some((place, upload)) = named(&job.payload) else { return JobOutcome::Done };
                match glacier.look_after(place, upload).await {
                    Ok(Some(later)) => JobOutcome::Again(later),
                    Ok(None) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

fn named(payload: &[u8]) -> Option<(Place, String)> {
    let (account, region, vault, upload): (String, String, String, String) =
        serde_json::from_slice(payload).ok()?;
    Some((Place { account: AccountId::parse(&account)?, region: Region::parse(&region)?, vault }, upload))
}

impl Glacier {
    /// Removes an upload that was idle for too long; otherwise tells when to look again, if it is still there.
    async fn look_after(&self, place: Place, upload: String) -> Result<Option<Timestamp>, ApiError> {
        let now = self.cloud.clock().now();
        let scope = place.scope();
        let key = (place.vault, upload);
        let write = self.cloud.store().write(&scope, move |tx| {
            let Some(upload) = tables::UPLOADS.find(tx, &key)? else { return Ok((None, Vec::new())) };
            let active = tables::ACTIVITIES.find(tx, &key)?.map_or(upload.created, |activity| activity.0);
            if active + LONGEST_IDLE > now {
                return Ok((Some(active + LONGEST_IDLE), Vec::new()));
            }
            let files = forget(tx, &key)?;
            let freed = tx.with_scope(&Scope::global(), |tx| {
                Ok::<_, ApiError>(content::drop_files(tx, files.into_iter()))
            })?;
            Ok::<_, ApiError>((None, freed))
        });
        let (later, freed) = write.await?;
        self.remove(freed);
        Ok(later)
    }
}
