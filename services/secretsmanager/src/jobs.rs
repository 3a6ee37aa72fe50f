//! What happens to secrets when its time has come.

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Row, Tx};

use crate::secret_id::SecretId;
use crate::{PRINCIPAL, SecretsManager, rotation, tables};

const DELETION: &str = "secretsmanager/deletion";
const ROTATION: &str = "secretsmanager/rotation";
/// A rotation that fails is tried again for about an hour; the function picks up what it left.
const ROTATION_RETRIES: RetryPolicy =
    RetryPolicy { attempts: 7, first: Duration::from_secs(60), longest: Duration::from_secs(900) };
/// Versions of a secret whose values are deleted in one transaction: more than a secret has.
const MOST_VALUES: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Deletion,
    Rotation,
}

/// The secret that a job is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    account: AccountId,
    region: String,
    arn: String,
}

store::row!(Subject, 1);

/// Adds a job in the transaction that causes it.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, arn: &str, event: Event, due: Timestamp) -> JobId {
    let subject = Subject { account: ctx.account(), region: ctx.region().to_string(), arn: arn.to_owned() };
    let mut payload = Vec::new();
    subject.encode(&mut payload);
    let kind = if event == Event::Deletion { DELETION } else { ROTATION };
    let job = NewJob { kind, subject: arn.to_owned(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job)
}

pub(crate) fn kinds(manager: &Arc<SecretsManager>) -> Vec<JobKind> {
    [(DELETION, RetryPolicy::UNTIL_DONE), (ROTATION, ROTATION_RETRIES)]
        .into_iter()
        .map(|(name, retry)| {
            let manager = Arc::clone(manager);
            JobKind {
                name,
                retry,
                concurrency: 4,
                handler: Arc::new(move |_, job| {
                    let manager = Arc::clone(&manager);
                    Box::pin(async move {
                        let outcome = run(&manager, name, &job).await;
                        outcome.unwrap_or_else(|error| JobOutcome::Failed(error.to_string()))
                    })
                }),
                given_up: None,
            }
        })
        .collect()
}

async fn run(manager: &Arc<SecretsManager>, kind: &str, job: &Job) -> Result<JobOutcome, ApiError> {
    let Ok(subject) = Subject::decode(&job.payload) else { return Ok(JobOutcome::Done) };
    let Some(region) = Region::parse(&subject.region) else { return Ok(JobOutcome::Done) };
    let ctx = manager.cloud.background(PRINCIPAL, &subject.arn, subject.account, region);
    let id = SecretId::parse(&ctx, &subject.arn)?;
    let is_there = id.find(&mut ctx.read()?)?.is_some();
    match kind {
        _ if !is_there => Ok(JobOutcome::Done),
        DELETION => delete(manager, &ctx, &id).await,
        _ => rotation::run(manager, &ctx, &id).await,
    }
}

/// Deletes a secret whose recovery window is over.
async fn delete(manager: &Arc<SecretsManager>, ctx: &Ctx, id: &SecretId) -> Result<JobOutcome, ApiError> {
    let (now, id, scope) = (ctx.now(), id.clone(), id.scope());
    manager
        .cloud
        .store()
        .write(&scope, move |tx| {
            let Some(secret) = id.find(tx)? else { return Ok(JobOutcome::Done) };
            if secret.deletion.is_some_and(|deletion| deletion.job.due <= now) {
                remove(tx, &secret.name, &secret.arn)?;
            }
            Ok::<_, ApiError>(JobOutcome::Done)
        })
        .await
}

/// Deletes a secret with its values.
pub(crate) fn remove(tx: &mut Tx<'_>, name: &str, arn: &str) -> Result<(), ApiError> {
    for (place, _) in tables::VALUES.list(tx, &Range::prefix(&arn.to_owned()), MOST_VALUES)? {
        tables::VALUES.delete(tx, &place);
    }
    tables::SECRETS.delete(tx, &name.to_owned());
    Ok(())
}
