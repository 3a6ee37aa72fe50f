//! Where transactions wait for the executor, and where the committer reports back to it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use crate::{KvError, Work};

/// How many transactions may wait. Further ones wait outside, without taking the engine's memory.
const CAPACITY: usize = 8192;

/// While a batch is on its way to disk, so many jobs are worth waking the executor for: fewer can wait for the report,
/// which wakes it anyway, and each wake costs more than running a job. With more, running them overlaps with the disk.
const WORTH_A_WAKE: usize = 16;

pub(super) struct Job {
    pub(super) task: Task,
    pub(super) reply: oneshot::Sender<Result<(), KvError>>,
}

pub(super) enum Task {
    Run(Work),
    /// Resolve once everything before is on disk, however relaxed the engine is.
    Sync,
}

/// What ended a wait of the executor.
pub(super) enum Event {
    /// Jobs were taken from the queue.
    Jobs,
    /// The committer finished its batch.
    Committed(Result<(), KvError>),
    /// Nobody will submit anything any more, and nothing is left.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    room: Semaphore,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    committed: Option<Result<(), KvError>>,
    is_closed: bool,
    /// With how many jobs the executor wants to be woken; nothing while it is awake.
    wakes_with: Option<usize>,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), room: Semaphore::new(CAPACITY) }
    }

    /// Waits for room, then queues `job`.
    pub(super) async fn push(&self, job: Job) -> Result<(), KvError> {
        let permit = self.room.acquire().await.map_err(|_| KvError::Closed)?;
        let mut state = self.state();
        if state.is_closed {
            return Err(KvError::Closed);
        }
        // The executor gives the room back when it takes the job.
        permit.forget();
        state.jobs.push_back(job);
        let is_enough = state.wakes_with.is_some_and(|jobs| state.jobs.len() >= jobs);
        self.wake(state, is_enough);
        Ok(())
    }

    /// The committer's report on the batch it was given.
    pub(super) fn report(&self, outcome: Result<(), KvError>) {
        let mut state = self.state();
        state.committed = Some(outcome);
        self.wake(state, true);
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.room.close();
        self.wake(state, true);
    }

    /// Waits for the next event. Jobs are moved to `taken`, and only looked at if `wants_jobs`.
    pub(super) fn wait(&self, taken: &mut VecDeque<Job>, wants_jobs: bool, is_committing: bool) -> Event {
        let mut state = self.state();
        loop {
            if let Some(outcome) = state.committed.take() {
                return Event::Committed(outcome);
            }
            if wants_jobs && !state.jobs.is_empty() {
                // `taken` is empty, so this hands its memory back to the queue.
                std::mem::swap(taken, &mut state.jobs);
                drop(state);
                self.room.add_permits(taken.len());
                return Event::Jobs;
            }
            if state.is_closed && state.jobs.is_empty() && !is_committing {
                return Event::Closed;
            }
            state.wakes_with = Some(if is_committing { WORTH_A_WAKE } else { 1 });
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.wakes_with = None;
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.state().jobs.len() as u64
    }

    /// Wakes the executor, if it sleeps and there is `reason`.
    fn wake(&self, mut state: MutexGuard<'_, State>, reason: bool) {
        // Whoever comes next need not wake it again.
        let is_asleep = reason && state.wakes_with.take().is_some();
        drop(state);
        if is_asleep {
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").field("queued", &self.jobs.len()).finish_non_exhaustive()
    }
}
