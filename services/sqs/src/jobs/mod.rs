//! Work that no request waits for.

pub(crate) mod moving;
pub(crate) mod removal;
pub(crate) mod upkeep;

use std::ops::ControlFlow;
use std::sync::Arc;

use clock::{Job, JobKind, JobOutcome, RetryPolicy};
use cloud::BoxFuture;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Key, Order, Range, Row, Scope, Store, StoreError, Table, Tx};

use crate::Sqs;
use crate::ops::Target;

/// Rows deleted in one transaction.
const ROWS_AT_ONCE: usize = 500;

pub(crate) fn kinds(sqs: &Arc<Sqs>) -> Vec<JobKind> {
    vec![
        kind(sqs, moving::KIND, 8, |sqs, job| Box::pin(moving::run(sqs, job))),
        kind(sqs, removal::KIND, 2, |sqs, job| Box::pin(removal::run(sqs, job))),
        kind(sqs, upkeep::KIND, 4, |sqs, job| Box::pin(upkeep::run(sqs, job))),
    ]
}

fn kind(
    sqs: &Arc<Sqs>,
    name: &'static str,
    concurrency: usize,
    run: fn(Arc<Sqs>, Job) -> BoxFuture<'static, Result<JobOutcome, ApiError>>,
) -> JobKind {
    let sqs = Arc::clone(sqs);
    JobKind {
        name,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency,
        handler: Arc::new(move |_, job| {
            let running = run(Arc::clone(&sqs), job);
            Box::pin(
                async move { running.await.unwrap_or_else(|error| JobOutcome::Failed(error.to_string())) },
            )
        }),
        given_up: None,
    }
}

/// The queue that a job is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subject {
    account: String,
    region: String,
    name: String,
    /// The queue's own, so that a later queue of the name is left alone.
    id: u64,
    /// Id of a message move task.
    task: String,
    /// The job does not come again.
    is_single: bool,
}

store::row!(Subject, 1);

impl Subject {
    fn new(target: &Target, region: Region, id: u64) -> Self {
        Self {
            account: target.url.account.to_string(),
            region: region.as_str().to_owned(),
            name: target.url.name.clone(),
            id,
            task: String::new(),
            is_single: false,
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        self.encode(&mut payload);
        payload
    }

    /// `None` when the payload names no queue, which a payload of ours always does.
    fn read(payload: &[u8]) -> Option<(Self, Target)> {
        let subject = Self::decode(payload).ok()?;
        let (account, region) = (AccountId::parse(&subject.account)?, Region::parse(&subject.region)?);
        let target = Target::new(account, region, &subject.name);
        Some((subject, target))
    }
}

/// Deletes all rows of a range, a few at a time.
async fn delete_all<K, R>(
    store: &Store,
    scope: &Scope,
    table: &'static Table<K, R>,
    mut range: Range,
) -> Result<(), StoreError>
where
    K: Key + Clone + Send + 'static,
    R: Row + 'static,
{
    loop {
        let part = range.clone();
        match store.write(scope, move |tx| delete_some(tx, table, &part)).await? {
            // On from there: stepping over what was deleted before would take longer each time.
            Some(last) => range = range.after(&last),
            None => return Ok(()),
        }
    }
}

/// Deletes the first rows of a range. Returns the last one's key when there may be more.
fn delete_some<K: Key + Clone, R: Row>(
    tx: &mut Tx<'_>,
    table: &Table<K, R>,
    range: &Range,
) -> Result<Option<K>, StoreError> {
    let mut keys = Vec::new();
    table.visit(tx, range, Order::Ascending, |key, _| {
        keys.push(key);
        if keys.len() < ROWS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    for key in &keys {
        table.delete(tx, key);
    }
    Ok(if keys.len() == ROWS_AT_ONCE { keys.pop() } else { None })
}
