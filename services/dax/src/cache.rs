//! Copies of items and of answers: bounded by their bytes, ended by the region's clock, and good for as long as what
//! they were made of has not changed.

use cloud::{Copies, Original};
use quick_cache::sync::{Cache as Bounded, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder, Weighter};
use shapes::{Blob, Timestamp};

/// What an entry takes beside its bytes.
const ENTRY_BYTES: u64 = 128;
/// The usual size of an entry, by which the cache makes room for entries at first.
const USUAL_BYTES: u64 = 1024;
/// Parts that are locked apart. Each has its share of the bytes, which must hold the largest entry many times, so they are
/// not more where there are more processors.
const PARTS: usize = 4;
/// The share of what was read again, which one-time reads do not drive out. The rest goes to what came last, as in a
/// cache that drops what was used least recently.
const READ_AGAIN: f64 = 0.3;

pub(crate) struct Cache(Bounded<Key, Copy, Weight>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    table: u32,
    key: Box<[u8]>,
}

#[derive(Hash)]
struct KeyRef<'a> {
    table: u32,
    key: &'a [u8],
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.table == key.table && *self.key == *key.key
    }
}

/// What a copy was made of, and how it stood then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub of: Original,
    pub version: u64,
}

#[derive(Clone)]
struct Copy {
    /// Nothing where there is nothing: that is worth remembering as well.
    bytes: Option<Blob>,
    made: Made,
    expires: Timestamp,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Copy> for Weight {
    fn weight(&self, key: &Key, copy: &Copy) -> u64 {
        ENTRY_BYTES + key.key.len() as u64 + copy.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }
}

impl Made {
    /// How `of` stands now: to be noted before it is read.
    pub(crate) fn now(copies: &Copies, of: Original) -> Self {
        Self { of, version: copies.version(of) }
    }

    /// After one change of the copy's own maker and no other.
    pub(crate) fn next(self, copies: &Copies) -> Option<Self> {
        let version = copies.version(self.of);
        (version == self.version.wrapping_add(1)).then_some(Self { version, ..self })
    }
}

impl Cache {
    pub(crate) fn new(bytes: u64) -> Self {
        Self::in_parts(bytes, PARTS)
    }

    fn in_parts(bytes: u64, parts: usize) -> Self {
        let mut options = OptionsBuilder::new();
        options.weight_capacity(bytes).estimated_items_capacity((bytes / USUAL_BYTES) as usize);
        let options = options.shards(parts).hot_allocation(READ_AGAIN).build();
        let options = options.expect("bytes and items are set");
        let (hashes, life) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self(Bounded::with_options(options, Weight, hashes, life))
    }

    /// The copy of what `key` names in a table, unless it is old.
    pub(crate) fn get(
        &self,
        copies: &Copies,
        now: Timestamp,
        table: u32,
        key: &[u8],
    ) -> Option<Option<Blob>> {
        let found = self.0.get(&KeyRef { table, key })?;
        let is_good = copies.version(found.made.of) == found.made.version && now < found.expires;
        is_good.then_some(found.bytes)
    }

    pub(crate) fn put(&self, table: u32, key: &[u8], bytes: Option<Blob>, made: Made, expires: Timestamp) {
        self.0.insert(Key { table, key: key.into() }, Copy { bytes, made, expires });
    }

    pub(crate) fn clear(&self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod interleavings;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cloud::{Copies, Original};
    use proptest::prelude::*;
    use shapes::{Blob, Timestamp};

    use super::{Cache, ENTRY_BYTES, Made};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_seconds(1_800_000_060);

    struct Lab {
        copies: Copies,
        cache: Cache,
    }

    impl Lab {
        fn of(bytes: u64) -> Self {
            Self { copies: Copies::default(), cache: Cache::in_parts(bytes, 1) }
        }

        fn made(&self, key: u16) -> Made {
            Made::now(&self.copies, Original::of_hash(u64::from(key) << 40))
        }

        fn put(&self, key: u16, bytes: Option<usize>) {
            let copy = bytes.map(|bytes| Blob::from(vec![0; bytes]));
            self.cache.put(1, &key.to_be_bytes(), copy, self.made(key), LATER);
        }

        fn get(&self, key: u16) -> Option<Option<usize>> {
            let found = self.cache.get(&self.copies, NOW, 1, &key.to_be_bytes())?;
            Some(found.map(|bytes| bytes.len()))
        }
    }

    proptest! {
        #[test]
        fn a_cache_is_never_larger_than_it_may_be(
            steps in proptest::collection::vec((0..200_u16, prop::option::of(0..20_000_usize), any::<bool>()), 1..400),
        ) {
            let lab = Lab::of(64 << 10);
            let mut sizes = std::collections::HashMap::new();
            for (key, bytes, is_read) in steps {
                if is_read {
                    // What is found is what was put last.
                    if let Some(found) = lab.get(key) {
                        prop_assert_eq!(Some(&found), sizes.get(&key));
                    }
                } else {
                    lab.put(key, bytes);
                    sizes.insert(key, bytes);
                }
                prop_assert!(lab.cache.0.weight() <= 64 << 10);
                let kept = sizes.keys().filter_map(|key| Some(lab.get(*key)?.unwrap_or(0) as u64));
                let weight: u64 = kept.map(|bytes| ENTRY_BYTES + 2 + bytes).sum();
                prop_assert_eq!(weight, lab.cache.0.weight());
            }
        }
    }

    #[test]
    fn what_comes_last_is_kept_however_full_the_cache_is() {
        let lab = Lab::of(1 << 20);
        for key in 0..2_000 {
            lab.put(key, Some(2_000));
            assert_eq!(lab.get(key), Some(Some(2_000)), "{key}");
        }
        for (key, bytes) in [(3_000, 100_000), (3_001, 150_000), (3_002, 10)] {
            lab.put(key, Some(bytes));
            assert_eq!(lab.get(key), Some(Some(bytes)), "{key}");
        }
    }

    #[test]
    fn what_is_read_again_and_again_outlives_what_is_read_once() {
        let lab = Lab::of(256 << 10);
        for key in 0..20 {
            lab.put(key, Some(1_000));
        }
        for key in 1_000..3_000 {
            lab.put(key, Some(1_000));
            (0..20).for_each(|often| {
                lab.get(often);
            });
        }
        let kept = (0..20).filter(|key| lab.get(*key).is_some()).count();
        assert_eq!(kept, 20);
        let once = (1_000..3_000).filter(|key| lab.get(*key).is_some()).count();
        let room = ((256 << 10) - 20 * 1_130) / 1_130;
        assert!((room - 20..=room).contains(&once), "{once} of {room}");
    }

    #[test]
    fn what_is_larger_than_the_cache_is_not_kept_and_replaces_what_it_was() {
        let lab = Lab::of(64 << 10);
        lab.put(1, Some(10));
        lab.put(2, Some(10));
        lab.put(1, Some(100_000));
        assert_eq!((lab.get(1), lab.get(2)), (None, Some(Some(10))));
    }

    #[test]
    fn copies_end_with_their_time_and_with_what_they_were_made_of() {
        let lab = Lab::of(64 << 10);
        lab.put(1, Some(10));
        lab.put(2, None);
        assert_eq!((lab.get(1), lab.get(2)), (Some(Some(10)), Some(None)));
        let at = |now| lab.cache.get(&lab.copies, now, 1, &1_u16.to_be_bytes());
        assert!(at(LATER + Duration::from_millis(0)).is_none());
        assert!(at(Timestamp::from_millis(LATER.seconds() * 1000 - 1)).is_some());
        lab.copies.outdate([lab.made(1).of]);
        assert_eq!((lab.get(1), lab.get(2)), (None, Some(None)));
        // What was read before the change and comes after it is old already.
        let before = lab.made(1);
        lab.copies.outdate([before.of]);
        lab.cache.put(1, &1_u16.to_be_bytes(), None, before, LATER);
        assert_eq!(lab.get(1), None);
    }

    #[test]
    fn only_the_makers_own_change_leaves_a_copy_good() {
        let lab = Lab::of(64 << 10);
        let before = lab.made(1);
        assert_eq!(before.next(&lab.copies), None);
        lab.copies.outdate([before.of]);
        assert_eq!(before.next(&lab.copies), Some(lab.made(1)));
        lab.copies.outdate([before.of]);
        assert_eq!(before.next(&lab.copies), None);
    }
}
