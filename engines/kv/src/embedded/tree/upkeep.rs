//! What happens behind the writers' backs: one thread writes sealed memtables to tables, one merges tables.
//!
//! Neither ever sleeps for a time: they wait until there is work, and writers wait for them, at most, until a memtable
//! is flushed. The first also makes segments of the log in advance. Whatever fails here stops both and fails the next write, which opens the directory afresh.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::memtable::Memtable;
use super::store::Core;
use crate::KvError;

/// Memtables that may wait to be flushed before writers wait, too.
const MOST_SEALED: usize = 4;
/// Sets of tables at the top of the tree before flushing waits for merging: a read looks into each.
const MOST_TOP_RUNS: usize = 20;

#[derive(Default)]
pub(super) struct Upkeep {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether there is a failure in the state: writers look at it each time.
    has_failed: AtomicBool,
}

#[derive(Default)]
struct State {
    sealed: VecDeque<Arc<Sealed>>,
    must_prepare_segment: bool,
    /// Whether there may be something to merge.
    must_merge: bool,
    /// Sets of tables at the top of the tree.
    top_runs: usize,
    failure: Option<KvError>,
    is_closing: bool,
    figures: Figures,
}

/// A memtable that is full.
pub(super) struct Sealed {
    pub(super) memtable: Arc<Memtable>,
    /// The segments of the log that hold what it has.
    pub(super) segments: Vec<u64>,
}

/// Figures since the directory was opened.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::embedded) struct Figures {
    pub(in crate::embedded) flushes: u64,
    pub(in crate::embedded) merges: u64,
    pub(in crate::embedded) stalls: u64,
    /// Of now.
    pub(in crate::embedded) sealed: u64,
}

impl State {
    fn has_ended(&self) -> bool {
        self.is_closing || self.failure.is_some()
    }
}

impl Upkeep {
    /// For a tree with this many sets of tables at the top.
    pub(super) fn new(top_runs: usize) -> Self {
        let state = State { top_runs, must_merge: top_runs >= MOST_TOP_RUNS, ..State::default() };
        Self { state: Mutex::new(state), ..Self::default() }
    }

    /// Starts the threads, which end after [`close`](Self::close).
    pub(super) fn spawn(core: &Arc<Core>) -> io::Result<Vec<JoinHandle<()>>> {
        let spawn = |name: &str, run: fn(&Core) -> Result<(), KvError>| {
            let core = Arc::clone(core);
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| run(&core)));
                let outcome = outcome.unwrap_or_else(|payload| Err(KvError::panicked(&*payload)));
                if let Err(error) = outcome {
                    core.upkeep().fail(error);
                }
            })
        };
        Ok(vec![spawn("kv-flush", flush)?, spawn("kv-merge", merge)?])
    }

    /// Hands over a memtable that was just sealed.
    pub(super) fn add(&self, sealed: Sealed) {
        self.lock().sealed.push_back(Arc::new(sealed));
        self.changed.notify_all();
    }

    /// Waits until another memtable may be sealed. The error is why that will not be.
    pub(super) fn wait_for_room(&self) -> Result<(), KvError> {
        let mut state = self.lock();
        state.figures.stalls += u64::from(state.sealed.len() >= MOST_SEALED);
        while state.sealed.len() >= MOST_SEALED && state.failure.is_none() {
            state = self.wait(state);
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    /// What stopped the threads, if anything did.
    pub(super) fn check(&self) -> Result<(), KvError> {
        if !self.has_failed.load(Ordering::Acquire) {
            return Ok(());
        }
        self.lock().failure.clone().map_or(Ok(()), Err)
    }

    /// Has the next segment of the log made.
    pub(super) fn prepare_segment(&self) {
        self.lock().must_prepare_segment = true;
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_all();
    }

    pub(super) fn figures(&self) -> Figures {
        let state = self.lock();
        Figures { sealed: state.sealed.len() as u64, ..state.figures }
    }

    /// Stops both threads, and fails the next write.
    pub(super) fn fail(&self, error: KvError) {
        tracing::error!(%error, "flushing or merging failed");
        self.lock().failure.get_or_insert(error);
        self.has_failed.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits until no memtable is sealed.
    #[cfg(test)]
    pub(super) fn wait_for_flushes(&self) {
        let mut state = self.lock();
        while !state.sealed.is_empty() && !state.has_ended() {
            state = self.wait(state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

fn flush(core: &Core) -> Result<(), KvError> {
    core.settle();
    let upkeep = core.upkeep();
    let mut state = upkeep.lock();
    while !state.has_ended() {
        if std::mem::take(&mut state.must_prepare_segment) {
            drop(state);
            core.prepare_segment()?;
            state = upkeep.lock();
            continue;
        }
        let is_crowded = state.must_merge && state.top_runs >= MOST_TOP_RUNS;
        let Some(sealed) = state.sealed.front().filter(|_| !is_crowded).cloned() else {
            state = upkeep.wait(state);
            continue;
        };
        drop(state);
        core.flush(&sealed)?;
        let top_runs = core.top_runs();
        state = upkeep.lock();
        state.sealed.pop_front();
        state.figures.flushes += 1;
        state.top_runs = top_runs;
        state.must_merge = true;
        upkeep.changed.notify_all();
    }
    Ok(())
}

fn merge(core: &Core) -> Result<(), KvError> {
    let upkeep = core.upkeep();
    let mut state = upkeep.lock();
    while !state.has_ended() {
        if !state.must_merge {
            state = upkeep.wait(state);
            continue;
        }
        let flushes = state.figures.flushes;
        drop(state);
        let has_merged = core.merge()?;
        let top_runs = core.top_runs();
        state = upkeep.lock();
        state.figures.merges += u64::from(has_merged);
        state.top_runs = top_runs;
        // Once there is nothing left to merge, until the next flush.
        state.must_merge = has_merged || state.figures.flushes != flushes;
        upkeep.changed.notify_all();
    }
    Ok(())
}
