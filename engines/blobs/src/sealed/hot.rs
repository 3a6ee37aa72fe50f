//! Stretches of blobs that are read again and again, opened: they cost neither the disk nor the cipher.
//!
//! A stretch is taken in when it is read again soon after the first time, so that one long reading of what nobody comes back
//! for pushes nothing out. What is here was checked when it was opened, and a blob never changes.

use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{BATCH_BYTES, Key, SealedId};

/// Stretches that are remembered as read once.
const SEEN: usize = 4096;
/// What a stretch takes beside its bytes, roughly.
const OVERHEAD_BYTES: u64 = 128;
/// A blob may have this part of the room at most.
const LARGEST_PART: u64 = 2;

/// Opened stretches, each of a whole batch of a blob's chunks, or of what the blob has of its last one.
pub(super) struct HotStretches {
    opened: Cache<Name, Bytes, ByLength>,
    limit_bytes: u64,
    /// Parts of the hashes of stretches that were read lately.
    seen: Box<[AtomicU16; SEEN]>,
}

/// A blob under the key it is read with: who comes with another key finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Blob {
    id: u128,
    key: [u8; 16],
}

type Name = (Blob, u64);

#[derive(Clone)]
struct ByLength;

impl Weighter<Name, Bytes> for ByLength {
    fn weight(&self, _: &Name, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + OVERHEAD_BYTES
    }
}

impl Blob {
    pub(super) fn new(id: SealedId, key: &Key) -> Self {
        let digest = Sha256::new().chain_update(b"brume hot stretches").chain_update(key.0).finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self { id: id.0, key }
    }
}

impl HotStretches {
    /// With room for `limit_bytes`; 0 remembers nothing.
    pub(super) fn new(limit_bytes: u64) -> Self {
        let entries = usize::try_from(limit_bytes / BATCH_BYTES).unwrap_or(usize::MAX);
        Self {
            opened: Cache::with_weighter(entries, limit_bytes, ByLength),
            limit_bytes,
            seen: Box::new([const { AtomicU16::new(0) }; SEEN]),
        }
    }

    /// The bytes of batch `batch`.
    pub(super) fn get(&self, blob: Blob, batch: u64) -> Option<Bytes> {
        self.opened.get(&(blob, batch))
    }

    /// Whether a batch that is being read should be added: it was read before, and its blob of `length` bytes leaves room for others.
    pub(super) fn wants(&self, blob: Blob, batch: u64, length: u64) -> bool {
        if length > self.limit_bytes / LARGEST_PART {
            return false;
        }
        // Names of blobs are random.
        let hash = (blob.id as u64).wrapping_add(batch.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mark = ((hash >> 48) as u16).max(1);
        self.seen[hash as usize % SEEN].swap(mark, Relaxed) == mark
    }

    pub(super) fn add(&self, blob: Blob, batch: u64, bytes: Bytes) {
        self.opened.insert((blob, batch), bytes);
    }
}

impl fmt::Debug for HotStretches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotStretches").field("bytes", &self.opened.weight()).finish_non_exhaustive()
    }
}
