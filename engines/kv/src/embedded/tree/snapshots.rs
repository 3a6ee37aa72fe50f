//! What readers may see, and what they still look at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The sequence numbers of open snapshots. A snapshot sees what is below its own number.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// What is below is durable and in the tree whole.
    visible: AtomicU64,
    open: Mutex<BTreeMap<u64, usize>>,
}

impl Snapshots {
    /// Lets new snapshots see what is below `seqno`.
    pub(super) fn publish(&self, seqno: u64) {
        self.visible.fetch_max(seqno, Ordering::AcqRel);
    }

    /// A snapshot of now, which counts as open until [`close`](Self::close).
    pub(super) fn open(&self) -> u64 {
        let mut open = self.lock();
        // Under the lock, so that a mark taken meanwhile is not above it.
        let seqno = self.visible.load(Ordering::Acquire);
        *open.entry(seqno).or_insert(0) += 1;
        seqno
    }

    /// Returns whether the mark may rise by this.
    pub(super) fn close(&self, seqno: u64) -> bool {
        let mut open = self.lock();
        let is_oldest = open.first_key_value().is_some_and(|(oldest, _)| *oldest == seqno);
        if let Some(count) = open.get_mut(&seqno) {
            *count -= 1;
            if *count == 0 {
                open.remove(&seqno);
                return is_oldest;
            }
        }
        false
    }

    /// No snapshot, open or to come, is below this.
    pub(super) fn mark(&self) -> u64 {
        let open = self.lock();
        let visible = self.visible.load(Ordering::Acquire);
        open.first_key_value().map_or(visible, |(oldest, _)| *oldest)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        // Nothing under this lock can panic half-way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_the_oldest_open_snapshot() {
        let snapshots = Snapshots::default();
        snapshots.publish(5);
        let (first, second) = (snapshots.open(), snapshots.open());
        snapshots.publish(9);
        snapshots.publish(7);
        let third = snapshots.open();
        assert_eq!((first, second, third), (5, 5, 9));
        assert_eq!(snapshots.mark(), 5);
        assert!(!snapshots.close(first));
        assert_eq!(snapshots.mark(), 5);
        assert!(!snapshots.close(third), "an older one is open");
        assert!(snapshots.close(second));
        assert_eq!(snapshots.mark(), 9);
    }
}
