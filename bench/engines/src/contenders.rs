//! The libraries that are compared, behind one shape.

use std::ops::ControlFlow;
use std::path::Path;
use std::pin::Pin;

use kv::{Durability, EmbeddedEngine, EmbeddedOptions, Engine, KeyRange, Order, Verdict};

use crate::Result;
use crate::rivals::{Fjall, Redb};
use crate::writer::Batching;

pub(crate) const NAMES: [&str; 4] = ["kv", "fjall", "redb", "redb-quick"];

pub(crate) trait Contender: Send + Sync {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;
    /// Writes many pairs at once.
    fn load(&self, pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<()>;
    fn get(&self, key: &[u8]) -> Result<Option<usize>>;
    /// Visits `limit` pairs from `from` on, and returns how many bytes they had.
    fn scan(&self, from: &[u8], limit: usize) -> Result<usize>;
}

pub(crate) fn open(name: &str, directory: &Path, is_relaxed: bool) -> Result<Box<dyn Contender>> {
    Ok(match name {
        "kv" => Box::new(Kv::open(directory, is_relaxed)?),
        "fjall" => Box::new(Batching::new(Fjall::open(directory, is_relaxed)?)),
        "redb" => Box::new(Batching::new(Redb::open(directory, false, is_relaxed)?)),
        "redb-quick" => Box::new(Batching::new(Redb::open(directory, true, is_relaxed)?)),
        other => return Err(format!("{other} is not one of {NAMES:?}").into()),
    })
}

/// The product's own engine, with its own batching.
struct Kv {
    engine: EmbeddedEngine,
}

impl Kv {
    fn open(directory: &Path, is_relaxed: bool) -> Result<Self> {
        let durability = if is_relaxed { Durability::Relaxed } else { Durability::Durable };
        let options = EmbeddedOptions { durability, ..EmbeddedOptions::default() };
        Ok(Self { engine: EmbeddedEngine::open(directory, &options)? })
    }
}

impl Contender for Kv {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async move {
            let work = move |tx: &mut dyn kv::Transaction| {
                tx.put(&key, &value);
                Verdict::Commit
            };
            Ok(self.engine.transact(Box::new(work)).await?)
        })
    }

    fn load(&self, pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
        let written = self.engine.transact(Box::new(move |tx| {
            pairs.iter().for_each(|(key, value)| tx.put(key, value));
            Verdict::Commit
        }));
        Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(written)?)
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>> {
        Ok(self.engine.get(key)?.map(|value| value.len()))
    }

    fn scan(&self, from: &[u8], limit: usize) -> Result<usize> {
        let (mut bytes, mut left) = (0, limit);
        let range = KeyRange { from, to: &[0xff; 32] };
        self.engine.snapshot()?.scan(range, Order::Ascending, &mut |key, value| {
            bytes += key.len() + value.len();
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(bytes)
    }
}
