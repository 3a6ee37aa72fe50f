//! The thread that runs transactions, one after another, and settles them batch by batch.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::committer::{Committer, Order as CommitOrder};
use super::overlay::{Overlay, UndoLog};
use super::queue::{Event, Job, Task};
use super::transaction::BatchTransaction;
use super::{Durability, Shared};
use crate::engine::run_hooks;
use crate::{Hook, KvError, Verdict, Work};

/// A batch is full at this many transactions or bytes; the next ones wait for the disk.
const MAX_BATCH_TRANSACTIONS: usize = 4096;
const MAX_BATCH_BYTES: usize = 8 << 20;

type Reply = oneshot::Sender<Result<(), KvError>>;

/// Starts the executor. It ends when the queue is closed and empty, and says so through `stopped`.
pub(super) fn spawn(shared: Arc<Shared>, stopped: watch::Sender<bool>) -> io::Result<JoinHandle<()>> {
    let committer = match shared.durability {
        Durability::Durable => Some(Committer::spawn(Arc::clone(&shared))?),
        // Nothing to overlap with: handing over would cost more than the write.
        Durability::Relaxed => None,
    };
    thread::Builder::new().name("kv-executor".to_owned()).spawn(move || {
        let mut executor = Executor::new(&shared, committer);
        executor.run();
        drop(executor);
        shared.tree.close();
        shared.topics.announce_all();
        // Nobody listens when the engine was dropped rather than closed.
        let _ = stopped.send(true);
    })
}

struct Executor<'a> {
    shared: &'a Shared,
    committer: Option<Committer>,
    open: Batch,
    in_flight: Option<Batch>,
    undo: UndoLog,
}

/// Transactions that share their fate.
#[derive(Default)]
struct Batch {
    overlay: Arc<Overlay>,
    replies: Vec<Reply>,
    topics: Vec<Bytes>,
    hooks: Vec<Hook>,
    committed: u64,
    must_sync: bool,
}

impl<'a> Executor<'a> {
    fn new(shared: &'a Shared, committer: Option<Committer>) -> Self {
        Self { shared, committer, open: Batch::default(), in_flight: None, undo: UndoLog::default() }
    }

    fn run(&mut self) {
        let mut jobs = VecDeque::new();
        loop {
            while !self.open.is_full()
                && let Some(job) = jobs.pop_front()
            {
                self.execute(job);
            }
            if self.in_flight.is_none() && !self.open.replies.is_empty() {
                self.hand_over();
                continue;
            }
            let wants_jobs = jobs.is_empty() && !self.open.is_full();
            match self.shared.queue.wait(&mut jobs, wants_jobs, self.in_flight.is_some()) {
                Event::Jobs => {}
                Event::Committed(outcome) => self.settle_in_flight(outcome),
                Event::Closed => return,
            }
        }
    }

    fn execute(&mut self, job: Job) {
        match job.task {
            Task::Run(work) => self.run_transaction(work, job.reply),
            Task::Sync => {
                self.open.must_sync = true;
                self.open.replies.push(job.reply);
            }
        }
    }

    fn run_transaction(&mut self, mut work: Work, reply: Reply) {
        // The committer holds only overlays that were handed over, so this never copies.
        let open = Arc::get_mut(&mut self.open.overlay).expect("the open batch has one owner");
        let mut transaction = BatchTransaction {
            open,
            in_flight: self.in_flight.as_ref().map(|batch| &*batch.overlay),
            tree: &self.shared.tree,
            undo: &mut self.undo,
            topics: Vec::new(),
            hooks: Vec::new(),
            saw_unsynced: false,
            failure: None,
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| work(&mut transaction)));
        // The closure may own what its caller wants to see dropped before the answer.
        drop(work);
        let BatchTransaction { topics, hooks, saw_unsynced, failure, .. } = transaction;
        let outcome = match (verdict, failure) {
            (Err(payload), _) => Err(KvError::panicked(&*payload)),
            (Ok(_), Some(failure)) => Err(failure),
            (Ok(verdict), None) => Ok(verdict),
        };
        let must_wait = match &outcome {
            Ok(Verdict::Commit) => {
                !self.undo.is_empty() || !topics.is_empty() || !hooks.is_empty() || saw_unsynced
            }
            Ok(Verdict::Abort) => saw_unsynced,
            Err(_) => false,
        };
        match outcome {
            Ok(Verdict::Commit) => {
                self.undo.forget();
                self.open.topics.extend(topics);
                self.open.hooks.extend(hooks);
                self.open.committed += u64::from(must_wait);
                self.count(|counters| &counters.committed, u64::from(!must_wait));
            }
            Ok(Verdict::Abort) => {
                open.roll_back(&mut self.undo);
                self.count(|counters| &counters.aborted, 1);
            }
            Err(error) => {
                open.roll_back(&mut self.undo);
                self.count(|counters| &counters.failed, 1);
                answer(reply, Err(error));
                return;
            }
        }
        if must_wait {
            self.open.replies.push(reply);
        } else {
            answer(reply, Ok(()));
        }
    }

    /// Sends the open batch on its way to disk.
    fn hand_over(&mut self) {
        let batch = std::mem::take(&mut self.open);
        if batch.overlay.is_empty() && !batch.must_sync {
            // Only reads of what is durable by now, and announcements.
            self.settle(batch, Ok(()));
            return;
        }
        let order = CommitOrder { overlay: Arc::clone(&batch.overlay), must_sync: batch.must_sync };
        match &self.committer {
            Some(committer) => {
                committer.commit(order);
                self.in_flight = Some(batch);
            }
            None => {
                let outcome = order.carry_out(self.shared);
                self.settle(batch, outcome);
            }
        }
    }

    fn settle_in_flight(&mut self, outcome: Result<(), KvError>) {
        let Some(batch) = self.in_flight.take() else {
            return;
        };
        if let Err(error) = &outcome {
            // What is open was computed on top of writes that are now gone.
            let dependent = std::mem::take(&mut self.open);
            self.settle(batch, outcome.clone());
            self.settle(dependent, Err(error.clone()));
            return;
        }
        // First give the disk its next work, then wake those who waited.
        if !self.open.replies.is_empty() {
            self.hand_over();
        }
        self.settle(batch, outcome);
    }

    fn settle(&self, batch: Batch, outcome: Result<(), KvError>) {
        match &outcome {
            Ok(()) => {
                self.count(|counters| &counters.committed, batch.committed);
                run_hooks(batch.hooks);
                batch.topics.iter().for_each(|topic| self.shared.topics.announce(topic));
            }
            Err(_) => self.count(|counters| &counters.failed, batch.committed),
        }
        if !batch.overlay.is_empty() {
            self.count(|counters| &counters.batches, 1);
            self.count(|counters| &counters.batched_transactions, batch.committed);
            self.shared.counters.largest_batch.fetch_max(batch.committed, Ordering::Relaxed);
        }
        for reply in batch.replies {
            answer(reply, outcome.clone());
        }
    }

    fn count(&self, counter: impl Fn(&super::Counters) -> &AtomicU64, by: u64) {
        counter(&self.shared.counters).fetch_add(by, Ordering::Relaxed);
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.replies.len() >= MAX_BATCH_TRANSACTIONS || self.overlay.bytes() >= MAX_BATCH_BYTES
    }
}

/// The caller may have stopped waiting, which changes nothing.
fn answer(reply: Reply, outcome: Result<(), KvError>) {
    let _ = reply.send(outcome);
}
