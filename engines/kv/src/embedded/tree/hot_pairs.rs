//! Pairs that were read lately, so that what every request asks for again (a key's secret, a queue's settings) costs a look
//! into a map instead of a search through memtables and tables.
//!
//! A pair is kept with the bound from which on snapshots see it. A commit replaces what it changes before readers may see
//! the commit; a reader adds what it found only if no commit touched the pair's shard since its snapshot. So a pair that is
//! here is what the tree has, for every snapshot from its bound on.
//!
//! A pair is taken in when it is read again soon after the first time: reads spread over a large table would otherwise pay
//! for copies that nobody comes back for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

const SHARDS: usize = 32;
/// Keys of a shard that are remembered as read once.
const SEEN: usize = 1024;
/// What a pair takes beside its bytes, roughly.
const OVERHEAD_BYTES: usize = 128;

#[derive(Debug)]
pub(super) struct HotPairs {
    shards: Box<[Mutex<Shard>]>,
    /// Of half a shard.
    limit_bytes: usize,
}

#[derive(Clone, Debug)]
struct Pair {
    /// Snapshots at this bound or above see it.
    bound: u64,
    /// `None`: the key is not there.
    value: Option<Bytes>,
}

/// Two generations: what is read again in the younger half of the time moves on, the rest goes.
#[derive(Debug)]
struct Shard {
    /// Parts of the hashes of keys that were read lately.
    seen: Box<[u16; SEEN]>,
    young: HashMap<Bytes, Pair>,
    old: HashMap<Bytes, Pair>,
    young_bytes: usize,
    /// The bound of the latest commit that changed a key of this shard.
    changed: u64,
}

impl HotPairs {
    pub(super) fn new(bytes: u64) -> Self {
        let limit_bytes = usize::try_from(bytes).unwrap_or(usize::MAX) / SHARDS / 2;
        Self { shards: (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect(), limit_bytes }
    }

    /// What a snapshot at `bound` sees under `key`: nothing when that is not known here.
    pub(super) fn get(&self, key: &[u8], bound: u64) -> Option<Option<Bytes>> {
        let (mut shard, _) = self.shard(key);
        if let Some(pair) = shard.young.get(key) {
            return (pair.bound <= bound).then(|| pair.value.clone());
        }
        let (key, pair) = shard.old.remove_entry(key)?;
        let seen = (pair.bound <= bound).then(|| pair.value.clone());
        shard.add(key, pair, self.limit_bytes);
        seen
    }

    /// Adds what a snapshot at `bound` saw, if the key was read lately.
    pub(super) fn add(&self, key: &[u8], value: Option<&Bytes>, bound: u64) {
        if key.len() + value.map_or(0, Bytes::len) + OVERHEAD_BYTES > self.limit_bytes / 4 {
            return;
        }
        let (mut shard, hash) = self.shard(key);
        if !shard.has_seen(hash) {
            return;
        }
        if shard.changed <= bound && !shard.young.contains_key(key) {
            // Copied: what the tree hands out is a piece of a whole block.
            let value = value.map(|value| Bytes::copy_from_slice(value));
            shard.add(Bytes::copy_from_slice(key), Pair { bound, value }, self.limit_bytes);
        }
    }

    /// Notes a change that snapshots from `bound` on see.
    pub(super) fn change(&self, key: &[u8], value: Option<&Bytes>, bound: u64) {
        let (mut shard, _) = self.shard(key);
        shard.changed = bound;
        let Shard { young, old, .. } = &mut *shard;
        if let Some(pair) = young.get_mut(key).or_else(|| old.get_mut(key)) {
            *pair = Pair { bound, value: value.cloned() };
        }
    }

    /// The shard of a key, and the rest of the key's hash.
    fn shard(&self, key: &[u8]) -> (MutexGuard<'_, Shard>, u64) {
        let hash = xxh3_64(key);
        let shard = &self.shards[hash as usize % SHARDS];
        // A panic half-way would be one of the allocator's.
        (shard.lock().unwrap_or_else(PoisonError::into_inner), hash / SHARDS as u64)
    }
}

impl Shard {
    fn new() -> Self {
        let seen = Box::new([0; SEEN]);
        Self { seen, young: HashMap::new(), old: HashMap::new(), young_bytes: 0, changed: 0 }
    }

    /// Whether a key was read lately; from now on it was.
    fn has_seen(&mut self, hash: u64) -> bool {
        let place = &mut self.seen[hash as usize % SEEN];
        let mark = (hash >> 32) as u16;
        std::mem::replace(place, mark) == mark
    }

    fn add(&mut self, key: Bytes, pair: Pair, limit_bytes: usize) {
        self.young_bytes += key.len() + pair.value.as_ref().map_or(0, Bytes::len) + OVERHEAD_BYTES;
        self.young.insert(key, pair);
        if self.young_bytes > limit_bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    #[test]
    fn a_snapshot_sees_what_was_there_at_its_bound() {
        let pairs = HotPairs::new(1 << 20);
        assert_eq!(pairs.get(b"key", 9), None, "nothing is known yet");
        pairs.add(b"key", Some(&value("first")), 5);
        assert_eq!(pairs.get(b"key", 9), None, "it may not be read again");
        pairs.add(b"key", Some(&value("first")), 5);
        assert_eq!(pairs.get(b"key", 9), Some(Some(value("first"))));
        assert_eq!(pairs.get(b"key", 4), None, "it may have come later");
        pairs.change(b"key", Some(&value("second")), 10);
        assert_eq!(pairs.get(b"key", 9), None);
        assert_eq!(pairs.get(b"key", 10), Some(Some(value("second"))));
        pairs.change(b"key", None, 12);
        assert_eq!(pairs.get(b"key", 12), Some(None));
    }

    #[test]
    fn what_a_reader_found_before_a_commit_is_not_added_after_it() {
        let pairs = HotPairs::new(1 << 20);
        pairs.change(b"key", Some(&value("new")), 7);
        for _ in 0..2 {
            pairs.add(b"key", Some(&value("old")), 6);
        }
        assert_eq!(pairs.get(b"key", 8), None);
        pairs.add(b"key", Some(&value("new")), 7);
        assert_eq!(pairs.get(b"key", 8), Some(Some(value("new"))));
    }

    #[test]
    fn what_is_read_stays_and_the_rest_makes_room() {
        let pairs = HotPairs::new(1 << 20);
        for _ in 0..2 {
            pairs.add(b"hot", Some(&value("hot")), 1);
        }
        for number in 0..100_000_u32 {
            for _ in 0..2 {
                pairs.add(&number.to_be_bytes(), Some(&value("cold")), 1);
            }
            assert!(pairs.get(b"hot", 1).is_some(), "after {number}");
        }
        let bytes: usize = pairs.shards.iter().map(|shard| shard.lock().expect("no panic").bytes()).sum();
        assert!(bytes <= 1 << 20, "{bytes}");
        for _ in 0..2 {
            pairs.add(b"large", Some(&Bytes::from(vec![0; 1 << 20])), 1);
        }
        assert_eq!(pairs.get(b"large", 1), None);
    }

    impl Shard {
        fn bytes(&self) -> usize {
            let pairs = self.young.iter().chain(&self.old);
            pairs
                .map(|(key, pair)| key.len() + pair.value.as_ref().map_or(0, Bytes::len) + OVERHEAD_BYTES)
                .sum()
        }
    }
}
