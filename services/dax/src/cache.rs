//! Copies of items and of answers: bounded by their bytes, ended by the region's clock, and good for as long as what
//! they were made of has not changed.

use cloud::{Copies, Original};
use quick_cache::sync::Cache as Bounded;
use quick_cache::{Equivalent, Weighter};
use shapes::{Blob, Timestamp};

/// What an entry takes beside its bytes.
const ENTRY_BYTES: u64 = 128;
/// The usual size of an entry, by which the cache makes room for entries at first.
const USUAL_BYTES: u64 = 1024;

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
        Self(Bounded::with_weighter((bytes / USUAL_BYTES) as usize, bytes, Weight))
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
