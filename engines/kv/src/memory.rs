//! The reference engine: a map behind a lock. Nothing outlives the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::engine::{check_limits, run_hooks};
use crate::watch::Topics;
use crate::{
    BoxFuture, Engine, Hook, KeyRange, KvError, Order, Snapshot, Stats, Transaction, Verdict, Visit, Watch,
    Work,
};

type Map = BTreeMap<Bytes, Bytes>;

/// Keeps everything in memory: for tests, and the yardstick that other engines are compared with.
///
/// Readers share the map. A transaction's first write copies the map's tree, but not keys and values.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    /// Held by the one transaction that runs. Readers do not need it: a transaction's closure may take snapshots.
    turn: Mutex<()>,
    state: Mutex<State>,
    topics: Topics,
}

#[derive(Debug, Default)]
struct State {
    map: Arc<Map>,
    stats: Stats,
    is_closed: bool,
}

/// Writes to a copy, which takes the map's place on commit.
struct MemoryTransaction<'a> {
    map: &'a mut Arc<Map>,
    written_bytes: u64,
    topics: Vec<Bytes>,
    hooks: Vec<Hook>,
    failure: Option<KvError>,
}

struct MemorySnapshot {
    map: Arc<Map>,
}

impl MemoryEngine {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Panics of closures are caught before they reach the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut work: Work) -> Result<(), KvError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut map = {
            let state = self.state();
            if state.is_closed {
                return Err(KvError::Closed);
            }
            Arc::clone(&state.map)
        };
        let mut transaction = MemoryTransaction {
            map: &mut map,
            written_bytes: 0,
            topics: Vec::new(),
            hooks: Vec::new(),
            failure: None,
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| work(&mut transaction)));
        let outcome = match (verdict, transaction.failure.take()) {
            (Err(payload), _) => Err(KvError::panicked(&*payload)),
            (Ok(_), Some(failure)) => Err(failure),
            (Ok(verdict), None) => Ok(verdict),
        };
        let (topics, written_bytes) = (std::mem::take(&mut transaction.topics), transaction.written_bytes);
        let hooks = std::mem::take(&mut transaction.hooks);
        let mut state = self.state();
        match outcome {
            Ok(Verdict::Commit) => {
                state.map = map;
                state.stats.committed += 1;
                state.stats.written_bytes += written_bytes;
                drop(state);
                run_hooks(hooks);
                topics.iter().for_each(|topic| self.topics.announce(topic));
                Ok(())
            }
            Ok(Verdict::Abort) => {
                state.stats.aborted += 1;
                Ok(())
            }
            Err(error) => {
                state.stats.failed += 1;
                Err(error)
            }
        }
    }
}

impl Engine for MemoryEngine {
    fn transact<'a>(&'a self, work: Work) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move { self.run(work) })
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.state().map.get(key).cloned())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        Ok(Box::new(MemorySnapshot { map: Arc::clone(&self.state().map) }))
    }

    fn watch(&self, topic: &[u8]) -> Watch {
        self.topics.watch(topic)
    }

    fn stats(&self) -> Stats {
        Stats { watched_topics: self.topics.watched(), ..self.state().stats.clone() }
    }

    fn flush<'a>(&'a self) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async { Ok(()) })
    }

    fn close<'a>(&'a self) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async {
            self.state().is_closed = true;
            self.topics.announce_all();
            Ok(())
        })
    }
}

impl MemoryTransaction<'_> {
    fn write(&mut self, key: &[u8], value: Option<&[u8]>) {
        if let Err(error) = check_limits(key, value.map_or(0, <[u8]>::len)) {
            self.failure.get_or_insert(error);
            return;
        }
        self.written_bytes += (key.len() + value.map_or(0, <[u8]>::len)) as u64;
        let key = Bytes::copy_from_slice(key);
        let map = Arc::make_mut(self.map);
        match value {
            Some(value) => map.insert(key, Bytes::copy_from_slice(value)),
            None => map.remove(&key),
        };
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.map.get(key).cloned())
    }

    fn scan(&mut self, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) -> Result<(), KvError> {
        scan(self.map, range, order, visit);
        Ok(())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.write(key, Some(value));
    }

    fn delete(&mut self, key: &[u8]) {
        self.write(key, None);
    }

    fn announce(&mut self, topic: &[u8]) {
        self.topics.push(Bytes::copy_from_slice(topic));
    }

    fn after_commit(&mut self, hook: Hook) {
        self.hooks.push(hook);
    }
}

impl Snapshot for MemorySnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.map.get(key).cloned())
    }

    fn scan(&self, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) -> Result<(), KvError> {
        scan(&self.map, range, order, visit);
        Ok(())
    }
}

fn scan(map: &Map, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) {
    if range.is_empty() {
        return;
    }
    let mut pairs = map.range::<[u8], _>((Bound::Included(range.from), Bound::Excluded(range.to)));
    while let Some((key, value)) = match order {
        Order::Ascending => pairs.next(),
        Order::Descending => pairs.next_back(),
    } {
        if visit(key, value).is_break() {
            return;
        }
    }
}
