//! What happens to keys when its time has come.

use std::sync::Arc;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Row, Tx};

use crate::key::{self, State};
use crate::{Kms, import, lookup, multi_region, rotation, tables};

const KIND: &str = "kms/due";
/// Rows of one kind that belong to a key and are taken away with it in one transaction; more follow in the next.
const ROWS_AT_ONCE: usize = 500;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Event {
    Deletion,
    Rotation,
    Expiry,
}

/// The key that a job is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    account: AccountId,
    region: String,
    key_id: String,
    event: Event,
}

store::row!(Subject, 1);

/// Adds a job in the transaction that causes it.
pub(crate) fn schedule(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (account, region): (AccountId, Region),
    key_id: &str,
    event: Event,
    due: Timestamp,
) -> JobId {
    let subject = Subject { account, region: region.to_string(), key_id: key_id.to_owned(), event };
    let mut payload = Vec::new();
    subject.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: key::arn(account, region, key_id), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job)
}

pub(crate) fn kinds(kms: &Arc<Kms>) -> Vec<JobKind> {
    let kms = Arc::clone(kms);
    vec![JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let kms = Arc::clone(&kms);
            Box::pin(async move {
                run(&kms, &job).await.unwrap_or_else(|error| JobOutcome::Failed(error.to_string()))
            })
        }),
        given_up: None,
    }]
}

async fn run(kms: &Arc<Kms>, job: &Job) -> Result<JobOutcome, ApiError> {
    let Ok(subject) = Subject::decode(&job.payload) else { return Ok(JobOutcome::Done) };
    let Some(region) = Region::parse(&subject.region) else { return Ok(JobOutcome::Done) };
    let ctx = kms.cloud.background("kms.amazonaws.com", &job.subject, subject.account, region);
    match subject.event {
        Event::Deletion => delete(&ctx, subject.key_id).await,
        Event::Rotation => rotation::rotate_when_due(kms, &ctx, &subject.key_id).await,
        Event::Expiry => expire(&ctx, subject.key_id).await,
    }
}

/// Deletes a key whose waiting period is over, with all that belongs to it.
async fn delete(ctx: &Ctx, id: String) -> Result<JobOutcome, ApiError> {
    loop {
        let (owned, id) = (ctx.clone(), id.clone());
        let has_more = ctx.write(move |tx| {
            let place = (owned.account(), owned.region());
            let Some(located) = lookup::stored(tx, place, &id)? else { return Ok(false) };
            let is_due = located.key.deletion.is_some_and(|deletion| deletion.job.due <= owned.now());
            if located.key.state() != State::PendingDeletion || !is_due {
                return Ok(false);
            }
            let range = Range::prefix(&id);
            let grants = tables::GRANTS.list(tx, &range, ROWS_AT_ONCE)?;
            for (place, _) in &grants {
                tables::GRANTS.delete(tx, place);
            }
            let materials = tables::MATERIALS.list(tx, &range, ROWS_AT_ONCE)?;
            for (place, _) in &materials {
                tables::MATERIALS.delete(tx, place);
            }
            if grants.len().max(materials.len()) == ROWS_AT_ONCE {
                return Ok(true);
            }
            for name in &located.key.aliases {
                tables::ALIASES.delete(tx, name);
            }
            tables::KEYS.delete(tx, &id);
            if let Some(regions) = &located.key.multi_region {
                multi_region::leave(&owned, tx, &located, regions)?;
            }
            Ok::<_, ApiError>(false)
        });
        if !has_more.await? {
            return Ok(JobOutcome::Done);
        }
    }
}

/// Takes imported material away whose time is over. The key stays, and waits for the same material.
async fn expire(ctx: &Ctx, id: String) -> Result<JobOutcome, ApiError> {
    let owned = ctx.clone();
    ctx.store()
        .write(&tenant(ctx.account(), ctx.region()), move |tx| {
            let place = (owned.account(), owned.region());
            let Some(located) = lookup::stored(tx, place, &id)? else { return Ok(JobOutcome::Done) };
            let mut key = (*located.key).clone();
            if key.expires.is_none_or(|expiry| expiry.job.due > owned.now()) {
                return Ok(JobOutcome::Done);
            }
            for (material_id, mut material) in import::materials(tx, &id)? {
                if material.valid_to.is_some_and(|valid_to| valid_to <= owned.now()) {
                    material.sealed = None;
                    material.valid_to = None;
                    tables::MATERIALS.put(tx, &(id.clone(), material_id), &material);
                }
            }
            import::settle(&owned, tx, &located, &mut key)?;
            tables::KEYS.put(tx, &id, &key);
            Ok::<_, ApiError>(JobOutcome::Done)
        })
        .await
}
