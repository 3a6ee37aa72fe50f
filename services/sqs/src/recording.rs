//! Receipts on their way to the store.
//!
//! A receive is answered from memory; its receipt is written a moment later together with others, and not at all when
//! the message was deleted by then, as most are. A crash within that moment forgets the receive: the message is handed
//! out again at once, and its count is one less. No message is ever lost by it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::StoreError;
use tracing::error;

use crate::timeline::Timeline;
use crate::{Sqs, tables};

/// How long a receipt may wait.
const PAUSE: Duration = Duration::from_millis(200);
/// Receipts written in one transaction.
const BATCH: usize = 1000;

/// The timelines whose receipts are to be stored.
#[derive(Default)]
pub(crate) struct Recorder {
    waiting: Mutex<Vec<Arc<Timeline>>>,
    is_running: AtomicBool,
}

impl Sqs {
    /// Has the receipts of a timeline stored in a moment.
    pub(crate) fn record(self: &Arc<Self>, timeline: &Arc<Timeline>) {
        if timeline.is_recording.swap(true, Ordering::AcqRel) {
            return;
        }
        let recorder = &self.recorder;
        recorder.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(timeline));
        if !recorder.is_running.swap(true, Ordering::AcqRel) {
            let sqs = Arc::clone(self);
            tokio::spawn(async move { sqs.run_recorder().await });
        }
    }

    async fn run_recorder(self: Arc<Self>) {
        loop {
            self.cloud.clock().sleep(PAUSE).await;
            for timeline in self.recorder.take() {
                self.store_receipts(&timeline).await;
            }
            let waiting = self.recorder.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.is_empty() {
                // Under the lock: whoever adds a timeline next finds nobody running.
                self.recorder.is_running.store(false, Ordering::Release);
                return;
            }
        }
    }

    async fn store_receipts(&self, timeline: &Arc<Timeline>) {
        // From here on a receive asks for another round.
        timeline.is_recording.store(false, Ordering::Release);
        loop {
            let places = timeline.change(|state| state.take_dirty(BATCH));
            if places.is_empty() {
                return;
            }
            let (own, wanted) = (Arc::clone(timeline), places.clone());
            let stored = self.cloud.store().write(&timeline.scope, move |tx| {
                // Read as they are now: those that were deleted meanwhile are left out.
                let receipts = own.change(|state| {
                    state.mark_clean(&wanted);
                    let current = |place: &u64| Some((*place, state.receipt_to_store(*place)?));
                    wanted.iter().filter_map(current).collect::<Vec<_>>()
                });
                for (place, receipt) in receipts {
                    tables::RECEIPTS.put(tx, &(own.queue, place), &receipt);
                }
                Ok::<_, StoreError>(())
            });
            if let Err(cause) = stored.await {
                error!(queue = %timeline.name, error = %cause, "receipts could not be stored yet");
                timeline.change(|state| state.mark_dirty(&places));
                return;
            }
        }
    }

    /// Stores all receipts that wait, before the region stops.
    pub(crate) async fn store_all_receipts(&self) {
        for timeline in self.recorder.take() {
            self.store_receipts(&timeline).await;
        }
    }
}

impl Recorder {
    fn take(&self) -> Vec<Arc<Timeline>> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
