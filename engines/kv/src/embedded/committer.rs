//! The thread that waits for the disk, so that the executor need not.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use super::overlay::Overlay;
use super::{Durability, Shared};
use crate::KvError;

/// A batch to put on disk.
pub(super) struct Order {
    pub(super) overlay: Arc<Overlay>,
    /// Whether to wait for the disk even where the engine does not by itself.
    pub(super) must_sync: bool,
}

/// The executor's side of the thread. Dropping it waits for the thread to end.
pub(super) struct Committer {
    orders: Option<mpsc::SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(super) fn spawn(shared: Arc<Shared>) -> io::Result<Self> {
        let (orders, incoming) = mpsc::sync_channel::<Order>(1);
        let thread = thread::Builder::new().name("kv-committer".to_owned()).spawn(move || {
            for order in incoming {
                let outcome = order.carry_out(&shared);
                drop(order);
                shared.queue.report(outcome);
            }
        })?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Takes the order at once; the report comes through the queue.
    pub(super) fn commit(&self, order: Order) {
        let orders = self.orders.as_ref().expect("the channel closes on drop only");
        orders.send(order).expect("the committer lives as long as its channel");
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the engine's committer panicked");
        }
    }
}

impl Order {
    /// Writes the batch and, unless the engine is relaxed, waits until it is on disk.
    ///
    /// A panic of the library is an error like any other, because the executor waits for a report.
    pub(super) fn carry_out(&self, shared: &Shared) -> Result<(), KvError> {
        catch_unwind(AssertUnwindSafe(|| self.write(shared))).unwrap_or_else(|payload| {
            shared.tree.distrust();
            Err(KvError::panicked(&*payload))
        })
    }

    fn write(&self, shared: &Shared) -> Result<(), KvError> {
        let must_sync = self.must_sync || shared.durability == Durability::Durable;
        if self.overlay.is_empty() {
            shared.tree.sync()?;
        } else {
            shared.tree.commit(&self.overlay, must_sync)?;
            shared.counters.written_bytes.fetch_add(self.overlay.bytes() as u64, Relaxed);
        }
        shared.counters.syncs.fetch_add(u64::from(must_sync), Relaxed);
        Ok(())
    }
}
