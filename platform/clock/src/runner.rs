//! Runs jobs as they fall due.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shapes::Timestamp;
use store::{Scope, Store, StoreError};
use tokio::sync::Notify;
use tracing::{debug, error, warn};

use crate::job::{JOBS, TOPIC};
use crate::{Clock, Job, JobId, JobOutcome, Jobs, RetryPolicy};

/// Jobs looked at in one go.
const CLAIM_LIMIT: usize = 512;
/// How far behind the newest due time a look begins. A transaction that was slow to commit adds its jobs that
/// late at most; a look over the whole table now and then finds what is later still.
const LOOK_BACK: Duration = Duration::from_secs(5);
const FULL_LOOK_EVERY: Duration = Duration::from_secs(30);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a kind of job does. It may run twice, late, or after a crash, and the result must be the same.
pub type JobHandler = Arc<dyn Fn(JobId, Job) -> BoxFuture<JobOutcome> + Send + Sync>;

/// A kind of job: its name, what it does, how it is tried again and how many run at once.
pub struct JobKind {
    pub name: &'static str,
    pub retry: RetryPolicy,
    pub concurrency: usize,
    pub handler: JobHandler,
    /// Told when the last attempt has failed, before the job goes away.
    pub given_up: Option<JobHandler>,
}

/// The one owner of the region's due jobs.
pub struct Runner {
    store: Store,
    clock: Clock,
    kinds: HashMap<&'static str, Arc<Running>>,
    in_flight: Mutex<HashSet<JobId>>,
    finished: Notify,
    stats: RunnerStats,
}

struct Running {
    kind: JobKind,
    slots: Arc<tokio::sync::Semaphore>,
}

/// Counts since start.
#[derive(Default, Debug)]
pub struct RunnerStats {
    pub completed: AtomicU64,
    pub failed_attempts: AtomicU64,
    pub given_up: AtomicU64,
}

impl Runner {
    pub fn new(store: Store, clock: Clock, kinds: Vec<JobKind>) -> Arc<Self> {
        let kinds = kinds
            .into_iter()
            .map(|kind| {
                let slots = Arc::new(tokio::sync::Semaphore::new(kind.concurrency));
                (kind.name, Arc::new(Running { kind, slots }))
            })
            .collect();
        Arc::new(Self {
            store,
            clock,
            kinds,
            in_flight: Mutex::default(),
            finished: Notify::new(),
            stats: RunnerStats::default(),
        })
    }

    pub fn stats(&self) -> &RunnerStats {
        &self.stats
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Runs jobs until the future is dropped. Idle costs nothing: it sleeps until the next job falls due or one is
    /// added.
    pub async fn run(self: Arc<Self>) {
        let mut added = self.store.watch(&Scope::global(), TOPIC);
        let mut next_full_look = Timestamp::EPOCH;
        loop {
            let now = self.clock.now();
            let is_full = now >= next_full_look;
            let from = if is_full { Timestamp::EPOCH } else { now - LOOK_BACK };
            if is_full {
                next_full_look = now + FULL_LOOK_EVERY;
            }
            let next = match self.start_due(from, now) {
                Ok(next) => next,
                Err(cause) => {
                    error!(error = %cause, "due jobs could not be read");
                    Some(now + Duration::from_secs(1))
                }
            };
            let wake_at = next.unwrap_or(Timestamp::MAX).min(self.next_look(next_full_look));
            tokio::select! {
                () = added.changed() => {}
                () = self.clock.sleep_until(wake_at) => {}
                () = self.finished.notified() => {}
            }
        }
    }

    /// With nothing stored there is nothing a full look could find.
    fn next_look(&self, next_full_look: Timestamp) -> Timestamp {
        if self.in_flight() == 0 { Timestamp::MAX } else { next_full_look }
    }

    /// Starts what is due and has a free slot; returns when the next job falls due, if one is stored.
    fn start_due(self: &Arc<Self>, from: Timestamp, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let mut next = None;
        let mut starting = Vec::new();
        {
            let mut snapshot = self.store.read(&Scope::global())?;
            let in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
            Jobs::due_between(&mut snapshot, from, Timestamp::from_millis(i64::MAX - 1), |id, job| {
                if id.due > now {
                    next = Some(id.due);
                    return ControlFlow::Break(());
                }
                if !in_flight.contains(&id) {
                    starting.push((id, job));
                }
                if starting.len() < CLAIM_LIMIT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        for (id, job) in starting {
            let Some(running) = self.kinds.get(job.kind.as_str()) else {
                warn!(kind = %job.kind, subject = %job.subject, "no handler for a due job");
                continue;
            };
            // Out of slots: a finishing job of the kind brings us back here.
            let Ok(slot) = Arc::clone(&running.slots).try_acquire_owned() else { continue };
            self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
            let (runner, running) = (Arc::clone(self), Arc::clone(running));
            tokio::spawn(async move {
                runner.attempt(&running.kind, id, job).await;
                drop(slot);
                runner.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                runner.finished.notify_one();
            });
        }
        Ok(next)
    }

    async fn attempt(&self, kind: &JobKind, id: JobId, job: Job) {
        // A task of its own, so that a panic ends this attempt and nothing else.
        let outcome = match tokio::spawn((kind.handler)(id, job.clone())).await {
            Ok(outcome) => outcome,
            Err(panic) => JobOutcome::Failed(format!("the handler of {} panicked: {panic}", kind.name)),
        };
        let now = self.clock.now();
        let made = job.attempts + 1;
        let (again, message) = match outcome {
            JobOutcome::Done => (None, None),
            JobOutcome::Again(due) => (Some(due), None),
            JobOutcome::Failed(message) => {
                (kind.retry.pause_after(made).map(|pause| now + pause), Some(message))
            }
            JobOutcome::FailedRetryAfter(pause, message) => (Some(now + pause), Some(message)),
        };
        match &message {
            Some(_) => self.stats.failed_attempts.fetch_add(1, Ordering::Relaxed),
            None => self.stats.completed.fetch_add(1, Ordering::Relaxed),
        };
        if let (Some(message), None) = (&message, again) {
            self.stats.given_up.fetch_add(1, Ordering::Relaxed);
            warn!(kind = kind.name, subject = %job.subject, attempts = made, %message, "job given up");
            if let Some(given_up) = &kind.given_up {
                given_up(id, Job { attempts: made, last_error: Some(message.clone()), ..job.clone() }).await;
            }
        }
        self.settle(id, job, again, made, message).await;
    }

    /// Takes the job's row away, or moves it to its next due time.
    async fn settle(
        &self,
        id: JobId,
        job: Job,
        again: Option<Timestamp>,
        made: u32,
        message: Option<String>,
    ) {
        let settled = self
            .store
            .write(&Scope::global(), move |tx| {
                // A job that was cancelled while it ran stays cancelled.
                if JOBS.find(tx, &(id.due, id.number))?.is_none() {
                    return Ok(());
                }
                JOBS.delete(tx, &(id.due, id.number));
                if let Some(due) = again {
                    let attempts = if message.is_some() { made } else { 0 };
                    JOBS.put(
                        tx,
                        &(due, id.number),
                        &Job { attempts, last_error: message.clone(), ..job.clone() },
                    );
                    tx.announce(TOPIC);
                }
                Ok::<_, StoreError>(())
            })
            .await;
        if let Err(cause) = settled.inspect_err(|cause| debug!(error = %cause, "a job was not settled"))
            && !cause.is_closed()
        {
            error!(error = %cause, "a finished job could not be settled and will run again");
        }
    }
}
