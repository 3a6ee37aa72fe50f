//! How an embedded engine is tuned, and why so.

/// Whether a transaction waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A transaction resolves once it is on disk.
    #[default]
    Durable,
    /// A transaction resolves once the operating system has it: it survives the process, not a power cut.
    Relaxed,
}

/// The defaults suit one machine of any size: a fresh engine takes some 20 MiB of memory, one with its cache full some
/// 60, and a flood of writes makes it 110.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedOptions {
    pub durability: Durability,
    /// Memory for blocks of the tree read from disk. The system's page cache stands behind it, so more helps little.
    pub cache_bytes: u64,
    /// Memory for pairs that were read lately.
    pub hot_pairs_bytes: u64,
    /// How much is written before it is moved from memory to a sorted file. Up to five of these can be in memory when
    /// the disk is slow. Smaller means more files and more merging, larger a longer start after a crash.
    pub memtable_bytes: u64,
    /// Writes are refused while the disk has less than this free: the tree needs room to merge files, and deleting
    /// needs room too. Reads go on.
    pub reserved_bytes: u64,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Durable,
            cache_bytes: 32 << 20,
            hot_pairs_bytes: 16 << 20,
            memtable_bytes: 16 << 20,
            reserved_bytes: 256 << 20,
        }
    }
}
