//! Changes that are not in the tree yet, sorted by key.

use std::collections::{BTreeMap, btree_map};
use std::iter::{Peekable, Rev};
use std::ops::Bound;

use bytes::Bytes;

use crate::{KeyRange, Order};

/// The latest change of each key: `None` for a deletion.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    changes: BTreeMap<Bytes, Option<Bytes>>,
    bytes: usize,
}

/// What one transaction changed in an overlay, in case it must be put back.
#[derive(Debug, Default)]
pub(super) struct UndoLog {
    before: Vec<(Bytes, Option<Option<Bytes>>)>,
    bytes: usize,
}

impl Overlay {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of keys and values written, those overwritten within the overlay included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.changes.get(key)
    }

    pub(super) fn write(&mut self, key: &[u8], value: Option<&[u8]>, undo: &mut UndoLog) {
        let size = key.len() + value.map_or(0, <[u8]>::len);
        let key = Bytes::copy_from_slice(key);
        let before = self.changes.insert(key.clone(), value.map(Bytes::copy_from_slice));
        undo.before.push((key, before));
        undo.bytes += size;
        self.bytes += size;
    }

    /// Takes back what `undo` recorded and leaves it empty.
    pub(super) fn roll_back(&mut self, undo: &mut UndoLog) {
        for (key, before) in undo.before.drain(..).rev() {
            match before {
                Some(change) => self.changes.insert(key, change),
                None => self.changes.remove(&key),
            };
        }
        self.bytes -= std::mem::take(&mut undo.bytes);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Option<Bytes>)> {
        self.changes.iter()
    }

    /// The changes within `range`, which is not empty.
    pub(super) fn range(&self, range: KeyRange<'_>, order: Order) -> Changes<'_> {
        let range = self.changes.range::<[u8], _>((Bound::Included(range.from), Bound::Excluded(range.to)));
        match order {
            Order::Ascending => Changes::Ascending(range),
            Order::Descending => Changes::Descending(range.rev()),
        }
    }
}

impl UndoLog {
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty()
    }

    pub(super) fn forget(&mut self) {
        self.before.clear();
        self.bytes = 0;
    }
}

/// Changes of one overlay in the order of a scan.
pub(super) enum Changes<'a> {
    Ascending(btree_map::Range<'a, Bytes, Option<Bytes>>),
    Descending(Rev<btree_map::Range<'a, Bytes, Option<Bytes>>>),
}

impl<'a> Iterator for Changes<'a> {
    type Item = (&'a Bytes, &'a Option<Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Ascending(range) => range.next(),
            Self::Descending(range) => range.next(),
        }
    }
}

/// Changes of two overlays as one sequence; where both changed a key, the newer counts.
pub(super) struct StackedChanges<'a> {
    newer: Peekable<Changes<'a>>,
    older: Option<Peekable<Changes<'a>>>,
    order: Order,
}

impl<'a> StackedChanges<'a> {
    pub(super) fn new(
        newer: &'a Overlay,
        older: Option<&'a Overlay>,
        range: KeyRange<'_>,
        order: Order,
    ) -> Self {
        Self {
            newer: newer.range(range, order).peekable(),
            older: older.map(|older| older.range(range, order).peekable()),
            order,
        }
    }
}

impl<'a> Iterator for StackedChanges<'a> {
    type Item = (&'a Bytes, &'a Option<Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        let Some(older) = &mut self.older else {
            return self.newer.next();
        };
        match (self.newer.peek(), older.peek()) {
            (Some((newer_key, _)), Some((older_key, _))) => match self.order.compare(newer_key, older_key) {
                std::cmp::Ordering::Less => self.newer.next(),
                std::cmp::Ordering::Greater => older.next(),
                std::cmp::Ordering::Equal => {
                    older.next();
                    self.newer.next()
                }
            },
            (Some(_), None) => self.newer.next(),
            (None, _) => older.next(),
        }
    }
}
