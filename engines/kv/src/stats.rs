//! Figures of an engine since it was opened.

/// Counters are since opening; `queued`, `disk_bytes`, `watched_topics` and `sealed_memtables` are of now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that committed, those that wrote nothing included.
    pub committed: u64,
    /// Transactions that the closure aborted.
    pub aborted: u64,
    /// Transactions that failed: panics, a full disk, I/O errors.
    pub failed: u64,
    /// Groups of transactions written together.
    pub batches: u64,
    /// Transactions in those groups.
    pub batched_transactions: u64,
    /// The most transactions written together.
    pub largest_batch: u64,
    /// Times the engine waited for the disk to confirm a batch.
    pub syncs: u64,
    /// Bytes of keys and values written.
    pub written_bytes: u64,
    /// Transactions waiting for their turn.
    pub queued: u64,
    /// Space that the engine's files take.
    pub disk_bytes: u64,
    /// Topics with at least one subscriber.
    pub watched_topics: u64,
    /// Memtables that wait to be written to tables.
    pub sealed_memtables: u64,
    /// Times that memtables were written to tables.
    pub flushes: u64,
    /// Times that tables were merged, or moved, within the tree.
    pub merges: u64,
    /// Times that writing waited for memtables to be flushed.
    pub write_stalls: u64,
}
