//! What readers read: memtables and tables of one moment, and how they are put on top of each other.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use super::memtable::{Change, Hashed, Memtable};
use super::tables::TableList;
use crate::{KeyRange, KvError, MAX_KEY_BYTES, Order};

/// Holding it keeps the memtables in memory and the tables on disk.
#[derive(Clone)]
pub(super) struct State {
    /// The one being written first, then those before it.
    memtables: Vec<Arc<Memtable>>,
    tables: Arc<TableList>,
}

/// The state of now. Changing it never waits for the disk, so neither does reading it.
pub(super) struct Current {
    state: RwLock<Arc<State>>,
    /// Batches below are durable and in the state whole.
    visible_seqno: AtomicU64,
}

/// A consistent view: what was durable when it was taken.
pub(super) struct Snapshot {
    state: Arc<State>,
    seqno: u64,
}

impl Current {
    pub(super) fn new(memtable: Arc<Memtable>, tables: TableList) -> Self {
        let state = State { memtables: vec![memtable], tables: Arc::new(tables) };
        Self { state: RwLock::new(Arc::new(state)), visible_seqno: AtomicU64::new(0) }
    }

    /// Lets new snapshots see the batches below `seqno`.
    pub(super) fn publish(&self, seqno: u64) {
        self.visible_seqno.store(seqno, Ordering::Release);
    }

    /// Snapshots taken from now on are at this or above.
    pub(super) fn visible_seqno(&self) -> u64 {
        self.visible_seqno.load(Ordering::Acquire)
    }

    /// Puts an empty memtable in front.
    pub(super) fn push(&self, memtable: Arc<Memtable>) {
        self.change(|state| state.memtables.insert(0, memtable));
    }

    /// Puts `tables`, which have what `memtable` has, in its place and that of the tables before.
    pub(super) fn replace_memtable(&self, memtable: &Arc<Memtable>, tables: TableList) {
        self.change(|state| {
            state.memtables.retain(|other| !Arc::ptr_eq(other, memtable));
            state.tables = Arc::new(tables);
        });
    }

    pub(super) fn replace_tables(&self, tables: TableList) {
        self.change(|state| state.tables = Arc::new(tables));
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        // In this order: a state has all that is visible when it is read, and tables leave out only what was overwritten
        // before they were written, which a number read later does not look for.
        let state = self.read();
        Snapshot { state, seqno: self.visible_seqno() }
    }

    fn read(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut slot = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::clone(&slot);
        change(&mut next);
        let before = std::mem::replace(&mut *slot, Arc::new(next));
        drop(slot);
        // Perhaps a whole memtable, or files to delete: not while others wait.
        drop(before);
    }
}

impl Snapshot {
    /// It sees the batches below.
    pub(super) fn seqno(&self) -> u64 {
        self.seqno
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        if key.len() > MAX_KEY_BYTES {
            return Ok(None);
        }
        let key = Hashed::new(key);
        for memtable in &self.state.memtables {
            if let Some(change) = memtable.get(key, self.seqno) {
                return Ok(change);
            }
        }
        Ok(self.state.tables.get(key)?.flatten())
    }

    /// The pairs of `range`, which is not empty, in `order`.
    pub(super) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), KvError>> + use<'_> {
        let range = KeyRange { from: within_reach(range.from), to: within_reach(range.to) };
        let layers = self.state.memtables.iter();
        let layers = layers.map(|memtable| memtable.range(range, order, self.seqno).peekable()).collect();
        let mut changes = Layers { layers, order }.peekable();
        let mut stored = self.state.tables.range(range, order).peekable();
        std::iter::from_fn(move || {
            loop {
                let is_change_next = match (changes.peek(), stored.peek()) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some(_), Some(Err(_))) => false,
                    (Some((changed, _)), Some(Ok((key, _)))) => match order.compare(changed, key) {
                        std::cmp::Ordering::Less => true,
                        std::cmp::Ordering::Greater => false,
                        std::cmp::Ordering::Equal => {
                            stored.next();
                            true
                        }
                    },
                };
                if !is_change_next {
                    return stored.next();
                }
                if let Some((key, Some(value))) = changes.next() {
                    return Some(Ok((key, value)));
                }
            }
        })
    }
}

/// A bound that no key tells from `bound`, and that the library takes.
fn within_reach(bound: &[u8]) -> &[u8] {
    &bound[..bound.len().min(MAX_KEY_BYTES + 1)]
}

/// Changes of several memtables as one sequence; where more than one changed a key, the first of them counts.
struct Layers<I: Iterator<Item = (Bytes, Change)>> {
    layers: Vec<Peekable<I>>,
    order: Order,
}

impl<I: Iterator<Item = (Bytes, Change)>> Iterator for Layers<I> {
    type Item = (Bytes, Change);

    fn next(&mut self) -> Option<Self::Item> {
        let mut next: Option<(usize, &Bytes)> = None;
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let Some((key, _)) = layer.peek() else { continue };
            if next.is_none_or(|(_, least)| self.order.compare(key, least).is_lt()) {
                next = Some((index, key));
            }
        }
        let index = next?.0;
        let change = self.layers[index].next()?;
        for layer in &mut self.layers[index + 1..] {
            layer.next_if(|(key, _)| *key == change.0);
        }
        Some(change)
    }
}
