//! The engine on a local disk, for one process: a log-structured tree with a log and group commit of our own.
//!
//! One thread, the executor, runs closures one after another, which makes them serialisable without any locking. What
//! they write collects in an [`Overlay`](overlay::Overlay). Whole overlays go to a second thread, the committer, which
//! writes each as one record of the log and waits for the disk once. Meanwhile the executor runs the next
//! transactions on top of the overlay under way. A batch is never waited for artificially: it is whatever arrived while
//! the disk was busy with the previous one.
//!
//! The tree applies a batch to what readers see only after the log is on disk, so a snapshot never shows what a
//! power cut could take back.

mod committer;
mod executor;
mod log;
mod merge;
mod options;
mod overlay;
mod queue;
mod transaction;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

pub use options::{Durability, EmbeddedOptions};
use queue::{Job, Queue, Task};
use tree::Tree;

use crate::watch::Topics;
use crate::{BoxFuture, Engine, KvError, Snapshot, Stats, Watch, Work};

/// A durable engine in one directory, which belongs to one process at a time.
///
/// Dropping it finishes what was submitted, makes it durable, and blocks until then;
/// [`close`](Engine::close) does the same without blocking.
#[derive(Debug)]
pub struct EmbeddedEngine {
    shared: Arc<Shared>,
    executor: Mutex<Option<JoinHandle<()>>>,
    has_stopped: watch::Receiver<bool>,
}

/// What the engine's handle and its threads have in common.
#[derive(Debug)]
struct Shared {
    tree: Tree,
    queue: Queue,
    topics: Topics,
    counters: Counters,
    durability: Durability,
}

/// The parts of [`Stats`] that are counted as they happen.
#[derive(Debug, Default)]
struct Counters {
    committed: AtomicU64,
    aborted: AtomicU64,
    failed: AtomicU64,
    batches: AtomicU64,
    batched_transactions: AtomicU64,
    largest_batch: AtomicU64,
    syncs: AtomicU64,
    written_bytes: AtomicU64,
}

impl EmbeddedEngine {
    /// Opens the directory at `path`, creating it if need be.
    ///
    /// Errors: [`KvError::Locked`] when another process has it open, [`KvError::Corrupt`] when it is not a directory of
    /// this engine or is damaged, [`KvError::Io`].
    pub fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let shared = Arc::new(Shared {
            tree: Tree::open(path, options)?,
            queue: Queue::new(),
            topics: Topics::default(),
            counters: Counters::default(),
            durability: options.durability,
        });
        let (stopped, has_stopped) = watch::channel(false);
        let executor =
            executor::spawn(Arc::clone(&shared), stopped).map_err(|error| KvError::io(path, error))?;
        Ok(Self { shared, executor: Mutex::new(Some(executor)), has_stopped })
    }

    /// From now on refuses writes while the disk has less than this free, plus what the batch needs.
    pub fn set_reserved_bytes(&self, bytes: u64) {
        self.shared.tree.set_reserved_bytes(bytes);
    }

    /// The data directory.
    pub fn path(&self) -> PathBuf {
        self.shared.tree.path().to_path_buf()
    }

    async fn submit(&self, task: Task) -> Result<(), KvError> {
        let (reply, outcome) = oneshot::channel();
        self.shared.queue.push(Job { task, reply }).await?;
        // The executor answers every job it took; it is gone without an answer only once the engine is closed.
        outcome.await.unwrap_or(Err(KvError::Closed))
    }
}

impl Engine for EmbeddedEngine {
    fn transact<'a>(&'a self, work: Work) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(self.submit(Task::Run(work)))
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        Ok(Box::new(self.shared.tree.view()?))
    }

    fn watch(&self, topic: &[u8]) -> Watch {
        self.shared.topics.watch(topic)
    }

    fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        let figures = self.shared.tree.figures();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            committed: count(&counters.committed),
            aborted: count(&counters.aborted),
            failed: count(&counters.failed),
            batches: count(&counters.batches),
            batched_transactions: count(&counters.batched_transactions),
            largest_batch: count(&counters.largest_batch),
            syncs: count(&counters.syncs),
            written_bytes: count(&counters.written_bytes),
            queued: self.shared.queue.len(),
            disk_bytes: self.shared.tree.disk_bytes(),
            watched_topics: self.shared.topics.watched(),
            sealed_memtables: figures.sealed,
            flushes: figures.flushes,
            merges: figures.merges,
            write_stalls: figures.stalls,
        }
    }

    fn flush<'a>(&'a self) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(self.submit(Task::Sync))
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async {
            let flushed = match self.flush().await {
                Err(KvError::Closed) => Ok(()),
                flushed => flushed,
            };
            self.shared.queue.close();
            // An error here means that the executor is gone, which is what we wait for.
            let _ = self.has_stopped.clone().wait_for(|stopped| *stopped).await;
            flushed
        })
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        self.shared.queue.close();
        let executor = self.executor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = executor.map(JoinHandle::join) {
            tracing::error!(path = %self.shared.tree.path().display(), "the engine's executor panicked");
        }
    }
}
