//! What was written last, sorted, in memory. Names the library for its skip list, which one thread adds to while others
//! read.

use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lsm_tree::table::filter::standard_bloom;
use lsm_tree::{InternalValue, SeqNo, ValueType};

use crate::{KeyRange, Order};

/// Bytes of a memtable's limit for each bit of its filter: with pairs of 300 bytes one in some hundred reads of a key that
/// is not there looks further, with tiny ones one in ten.
const BYTES_PER_FILTER_BIT: u64 = 16;

/// A value, or `None` where the key was deleted.
pub(super) type Change = Option<Bytes>;

pub(super) struct Memtable {
    changes: lsm_tree::Memtable,
    filter: Filter,
}

/// Tells most keys that are not in the memtable for the price of a look at memory.
struct Filter {
    words: Box<[AtomicU64]>,
}

/// A key with its hash, which every memtable and table needs.
#[derive(Clone, Copy)]
pub(super) struct Hashed<'a> {
    pub(super) key: &'a [u8],
    pub(super) hash: u64,
}

impl<'a> Hashed<'a> {
    pub(super) fn new(key: &'a [u8]) -> Self {
        Self { key, hash: standard_bloom::Builder::get_hash(key) }
    }
}

impl Memtable {
    /// For about `bytes`.
    pub(super) fn new(bytes: u64) -> Self {
        Self { changes: lsm_tree::Memtable::new(0), filter: Filter::new(bytes / BYTES_PER_FILTER_BIT) }
    }

    pub(super) fn insert(&self, seqno: u64, key: Bytes, change: Change) {
        self.filter.add(Hashed::new(&key).hash);
        let _ = self.changes.insert(match change {
            Some(value) => InternalValue::from_components(key, value, seqno, ValueType::Value),
            None => InternalValue::new_tombstone(key, seqno),
        });
    }

    /// The latest change of a key below `seqno`, if there is one here.
    pub(super) fn get(&self, key: Hashed<'_>, seqno: u64) -> Option<Change> {
        if !self.filter.may_have(key.hash) {
            return None;
        }
        self.changes.get(key.key, seqno).map(change_of)
    }

    /// What it takes, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.changes.size()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// For each key of `range`, which is not empty, its latest change below `seqno`, in `order`.
    pub(super) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
        seqno: u64,
    ) -> Box<dyn Iterator<Item = (Bytes, Change)> + '_> {
        // The latest change of a key comes first. A bound, unlike a key, may be empty.
        let first_of = |bound: &[u8]| {
            let mut first = InternalValue::from_components([0], [], SeqNo::MAX, ValueType::Value).key;
            first.user_key = bound.into();
            first
        };
        let bounds = (Bound::Included(first_of(range.from)), Bound::Excluded(first_of(range.to)));
        let entries = self.changes.items.range(bounds).filter(move |entry| entry.key().seqno < seqno);
        match order {
            Order::Ascending => {
                let mut previous: Option<Bytes> = None;
                Box::new(entries.filter_map(move |entry| {
                    let key = Bytes::from(entry.key().user_key.clone());
                    if previous.as_ref() == Some(&key) {
                        return None;
                    }
                    previous = Some(key.clone());
                    let is_deleted = entry.key().value_type == ValueType::Tombstone;
                    Some((key, (!is_deleted).then(|| Bytes::from(entry.value().clone()))))
                }))
            }
            Order::Descending => {
                let mut entries = entries.rev().peekable();
                Box::new(std::iter::from_fn(move || {
                    let mut entry = entries.next()?;
                    while let Some(later) =
                        entries.next_if(|next| next.key().user_key == entry.key().user_key)
                    {
                        entry = later;
                    }
                    let is_deleted = entry.key().value_type == ValueType::Tombstone;
                    let change = (!is_deleted).then(|| Bytes::from(entry.value().clone()));
                    Some((Bytes::from(entry.key().user_key.clone()), change))
                }))
            }
        }
    }

    /// The latest change of each key, as a table takes it. Whoever reads an earlier one has the memtable itself.
    pub(super) fn latest(&self) -> impl Iterator<Item = InternalValue> + '_ {
        let mut previous = None;
        self.changes.iter().filter(move |change| {
            let is_latest = previous.as_ref() != Some(&change.key.user_key);
            if is_latest {
                previous = Some(change.key.user_key.clone());
            }
            is_latest
        })
    }
}

pub(super) fn change_of(value: InternalValue) -> Change {
    (!value.is_tombstone()).then(|| Bytes::from(value.value))
}

impl Filter {
    fn new(bits: u64) -> Self {
        let words = (bits / 64).max(16).next_power_of_two();
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// One word, so one look at memory, and two bits of it.
    fn place(&self, hash: u64) -> (&AtomicU64, u64) {
        let word = (hash >> 12) as usize & (self.words.len() - 1);
        (&self.words[word], 1 << (hash & 63) | 1 << ((hash >> 6) & 63))
    }

    fn add(&self, hash: u64) {
        let (word, bits) = self.place(hash);
        if word.load(Ordering::Relaxed) & bits != bits {
            word.fetch_or(bits, Ordering::Release);
        }
    }

    fn may_have(&self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        word.load(Ordering::Acquire) & bits == bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_shows_the_latest_change_of_each_key() {
        let memtable = Memtable::new(1 << 20);
        let changes: [(u64, &'static [u8], Option<&'static [u8]>); 6] = [
            (1, b"a", Some(b"1")),
            (1, b"b", Some(b"1")),
            (2, b"b", None),
            (3, b"b", Some(b"3")),
            (3, b"c", Some(b"3")),
            (4, b"c", None),
        ];
        for (seqno, key, value) in changes {
            memtable.insert(seqno, Bytes::from_static(key), value.map(Bytes::from_static));
        }
        let shown = |seqno, order| {
            let range = KeyRange { from: b"a", to: b"z" };
            let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
            let show =
                |(key, change): (Bytes, Change)| text(&key) + &change.as_ref().map_or("-".into(), text);
            memtable.range(range, order, seqno).map(show).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(2, Order::Ascending), "a1 b1");
        assert_eq!(shown(3, Order::Ascending), "a1 b-");
        assert_eq!(shown(4, Order::Ascending), "a1 b3 c3");
        assert_eq!(shown(9, Order::Ascending), "a1 b3 c-");
        assert_eq!(shown(2, Order::Descending), "b1 a1");
        assert_eq!(shown(3, Order::Descending), "b- a1");
        assert_eq!(shown(9, Order::Descending), "c- b3 a1");
        assert_eq!(memtable.get(Hashed::new(b"b"), 3), Some(None));
        assert_eq!(memtable.get(Hashed::new(b"b"), 4), Some(Some(Bytes::from_static(b"3"))));
        assert_eq!(memtable.get(Hashed::new(b"c"), 3), None);
        assert_eq!(memtable.latest().map(|value| value.key.seqno).collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn the_filter_knows_what_is_there_and_most_of_what_is_not() {
        let memtable = Memtable::new(1 << 20);
        let key = |n: u32| Bytes::from(format!("key {n}"));
        for n in 0..2500 {
            memtable.insert(1, key(n), None);
        }
        assert!((0..2500).all(|n| memtable.get(Hashed::new(&key(n)), 2) == Some(None)));
        let mistaken =
            (2500..12_500).filter(|n| memtable.filter.may_have(Hashed::new(&key(*n)).hash)).count();
        assert!(mistaken < 500, "{mistaken} of 10000");
    }
}
