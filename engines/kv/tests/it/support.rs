//! Engines to test, and short forms of what tests do with them.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use kv::{
    Durability, EmbeddedEngine, EmbeddedOptions, Engine, KeyRange, KvError, MemoryEngine, Order, Transaction,
    Verdict,
};
use tempfile::TempDir;

pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// An engine with the directory that goes when the test ends.
pub(crate) struct Subject {
    pub(crate) engine: Arc<dyn Engine>,
    _directory: Option<TempDir>,
}

pub(crate) fn memory() -> Subject {
    Subject { engine: Arc::new(MemoryEngine::new()), _directory: None }
}

pub(crate) fn embedded(durability: Durability) -> Subject {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path(), durability));
    Subject { engine, _directory: Some(directory) }
}

pub(crate) fn open(path: &Path, durability: Durability) -> EmbeddedEngine {
    EmbeddedEngine::open(path, &options(durability)).unwrap()
}

/// Small, so that tests reach the tree's files too.
pub(crate) fn options(durability: Durability) -> EmbeddedOptions {
    EmbeddedOptions {
        durability,
        memtable_bytes: 256 << 10,
        reserved_bytes: 1 << 20,
        ..EmbeddedOptions::default()
    }
}

/// Runs `work` in a transaction that commits, and returns what it returned.
pub(crate) async fn commit<T: Send + 'static>(
    engine: &dyn Engine,
    mut work: impl FnMut(&mut dyn Transaction) -> T + Send + 'static,
) -> Result<T, KvError> {
    let result = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&result);
    engine
        .transact(Box::new(move |tx| {
            *slot.lock().unwrap() = Some(work(tx));
            Verdict::Commit
        }))
        .await?;
    Ok(result.lock().unwrap().take().unwrap())
}

pub(crate) async fn put(engine: &dyn Engine, key: &[u8], value: &[u8]) -> Result<(), KvError> {
    let (key, value) = (key.to_vec(), value.to_vec());
    commit(engine, move |tx| tx.put(&key, &value)).await
}

pub(crate) fn get(engine: &dyn Engine, key: &[u8]) -> Option<Vec<u8>> {
    let value = engine.get(key).unwrap();
    assert_eq!(value, engine.snapshot().unwrap().get(key).unwrap());
    value.map(|value| value.to_vec())
}

pub(crate) fn scan_tx(
    tx: &mut dyn Transaction,
    from: &[u8],
    to: &[u8],
    order: Order,
    limit: usize,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    tx.scan(KeyRange { from, to }, order, &mut collect(&mut pairs, limit)).unwrap();
    pairs
}

pub(crate) fn scan(engine: &dyn Engine, from: &[u8], to: &[u8], order: Order, limit: usize) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let snapshot = engine.snapshot().unwrap();
    snapshot.scan(KeyRange { from, to }, order, &mut collect(&mut pairs, limit)).unwrap();
    pairs
}

fn collect(pairs: &mut Vec<Pair>, limit: usize) -> impl FnMut(&[u8], &[u8]) -> ControlFlow<()> {
    move |key, value| {
        pairs.push((key.to_vec(), value.to_vec()));
        if pairs.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Pairs as text, for assertions that read well: `a=1 b=2`.
pub(crate) fn text(pairs: &[Pair]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    pairs.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect::<Vec<_>>().join(" ")
}
