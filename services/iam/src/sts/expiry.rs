//! Temporary keys that have expired go away.

use std::sync::Arc;
use std::time::Duration;

use clock::{JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};

use crate::directory::announce_keys;
use crate::tables::ACCESS_KEYS;

const KIND: &str = "sts/expiry";

/// How long after its end a session is remembered, so that its key is refused as expired and not as unknown.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(36 * 3600);

/// Has the key taken away at `due`.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, access_key_id: &str, due: Timestamp) -> JobId {
    let job = NewJob { kind: KIND, subject: access_key_id.to_owned(), payload: Vec::new(), due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job)
}

pub(crate) fn kind(cloud: Cloud) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 64,
        handler: Arc::new(move |_, job| {
            let cloud = cloud.clone();
            Box::pin(async move {
                let removed = cloud
                    .store()
                    .write(&Scope::global(), move |tx| {
                        ACCESS_KEYS.delete(tx, &job.subject);
                        announce_keys(tx);
                        Ok::<_, ApiError>(())
                    })
                    .await;
                match removed {
                    Ok(()) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}
