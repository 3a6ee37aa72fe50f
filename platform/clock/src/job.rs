//! Jobs as rows.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Order, Range, Reader, Scope, Store, StoreError, Table, Tx};

/// Jobs by the time they fall due, then by id.
pub(crate) const JOBS: Table<(Timestamp, u128), Job> = Table::new("clock/job");
/// Announced whenever a job is added.
pub(crate) const TOPIC: &str = "clock/job";

/// A piece of work that falls due at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Which handler runs it: `sns/delivery`.
    pub kind: String,
    /// What it is about, for people: an ARN, a name.
    pub subject: String,
    /// The handler's own encoding.
    pub payload: Vec<u8>,
    pub created: Timestamp,
    /// Attempts that failed so far.
    pub attempts: u32,
    pub last_error: Option<String>,
}

store::row!(Job, 1);

/// A job to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub kind: &'static str,
    pub subject: String,
    pub payload: Vec<u8>,
    pub due: Timestamp,
}

/// Names a job: where its row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId {
    pub due: Timestamp,
    pub number: u128,
}

/// What becomes of a job after an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum JobOutcome {
    Done,
    /// Not finished, and nothing went wrong: run again at this time, attempts counted anew.
    Again(Timestamp),
    /// The attempt failed; the kind's retry policy decides.
    Failed(String),
    /// The attempt failed; run again after this pause whatever the policy.
    FailedRetryAfter(Duration, String),
}

/// The job table.
#[derive(Clone)]
pub struct Jobs {
    store: Store,
}

impl Jobs {
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Adds a job as part of the transaction `tx`. `number` is a fresh random id.
    pub fn add(tx: &mut Tx<'_>, now: Timestamp, number: u128, job: NewJob) -> JobId {
        let id = JobId { due: job.due, number };
        let row = Job {
            kind: job.kind.to_owned(),
            subject: job.subject,
            payload: job.payload,
            created: now,
            attempts: 0,
            last_error: None,
        };
        tx.with_scope(&Scope::global(), |tx| {
            JOBS.put(tx, &(id.due, id.number), &row);
            tx.announce(TOPIC);
        });
        id
    }

    /// Takes a job away as part of `tx`. One that is running is not stopped.
    pub fn cancel(tx: &mut Tx<'_>, id: JobId) {
        tx.with_scope(&Scope::global(), |tx| JOBS.delete(tx, &(id.due, id.number)));
    }

    /// The next `limit` jobs in the order they fall due.
    pub fn list(&self, limit: usize) -> Result<Vec<(JobId, Job)>, StoreError> {
        let mut snapshot = self.store.read(&Scope::global())?;
        let rows = JOBS.list(&mut snapshot, &Range::all(), limit)?;
        Ok(rows.into_iter().map(|((due, number), job)| (JobId { due, number }, job)).collect())
    }

    pub(crate) fn due_between(
        reader: &mut dyn Reader,
        from: Timestamp,
        until: Timestamp,
        mut visit: impl FnMut(JobId, Job) -> std::ops::ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let end = (Timestamp::from_millis(until.millis().saturating_add(1)), 0_u128);
        let range = Range::between(&from, &end);
        JOBS.visit(reader, &range, Order::Ascending, |(due, number), job| visit(JobId { due, number }, job))
    }
}
