//! What every engine offers: transactions, snapshots, watches.
//!
//! # How an engine over the PostgreSQL wire protocol fits
//!
//! The shape is chosen so that a distributed engine can stand behind it, over one table `kv(k bytea primary key, v bytea)`:
//!
//! | here | there |
//! |---|---|
//! | [`Engine::transact`] | `BEGIN ISOLATION LEVEL SERIALIZABLE`, the closure on a blocking thread, `COMMIT`; SQLSTATE 40001 and 40P01 run the closure again, [`KvError::Conflict`] after a bounded number of attempts |
//! | [`Transaction::get`] | `SELECT v FROM kv WHERE k = $1`, after looking at the transaction's own writes |
//! | [`Transaction::scan`] | pages of `SELECT k, v FROM kv WHERE k >= $1 AND k < $2 ORDER BY k [DESC] LIMIT n`, merged with its own writes |
//! | [`Transaction::put`], [`Transaction::delete`] | kept until the end, then one `INSERT ... ON CONFLICT DO UPDATE` and one `DELETE ... = ANY($1)` |
//! | [`Transaction::announce`] | `NOTIFY` within the transaction, or an upsert into a table of topic versions where there is no `NOTIFY` |
//! | [`Engine::snapshot`] | `BEGIN READ ONLY` at repeatable read |
//! | [`Engine::watch`] | one `LISTEN` connection per process feeding the local subscribers |
//!
//! That is why writes cannot fail one by one, why a closure may run more than once, and why reads inside a transaction
//! are fallible and may block.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;

use bytes::Bytes;

use crate::{KvError, Stats, Watch};

/// Plain bytes, ordered lexicographically.
pub type Key = Vec<u8>;

/// The longest key, in bytes. Keys are of 1 to this many bytes.
pub const MAX_KEY_BYTES: usize = 32 * 1024;

/// The longest value, in bytes. Bigger things belong beside the engine, in files.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A transaction's closure. It may run more than once, so it has no effects outside the transaction that a second run
/// would not simply replace.
pub type Work = Box<dyn FnMut(&mut dyn Transaction) -> Verdict + Send + 'static>;

/// What is to happen once a transaction is durable.
pub type Hook = Box<dyn FnOnce() + Send + 'static>;

/// What a scan shows each key and value to. It stops the scan by returning `Break`.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// The keys of `[from, to)`. Empty when `from >= to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// The first key that belongs to the range.
    pub from: &'a [u8],
    /// The first key after the range.
    pub to: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// What a transaction's closure decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Keep every write and make every announcement.
    Commit,
    /// Keep nothing.
    Abort,
}

/// What a transaction's closure can do. All of it behaves as if transactions ran one after another.
///
/// A read that failed, or a key or value beyond the limits, fails the whole transaction, whatever the closure decides.
pub trait Transaction {
    /// The value under `key`, the transaction's own writes included.
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// Visits the pairs of `range` in `order` until `visit` breaks, the transaction's own writes included.
    fn scan(&mut self, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) -> Result<(), KvError>;

    /// Writes `value` under `key`, replacing what was there.
    fn put(&mut self, key: &[u8], value: &[u8]);

    /// Removes `key` if it is there.
    fn delete(&mut self, key: &[u8]);

    /// Announces that `topic` changed, once the transaction is durable: wakes [`Engine::watch`] on every node.
    fn announce(&mut self, topic: &[u8]);

    /// Runs `hook` in this process once the transaction is durable and snapshots show it, before its caller is told and
    /// even if nobody waits any more. Hooks run in the order of their transactions and never when one was taken back.
    /// They hold up the engine, so they are brief.
    fn after_commit(&mut self, hook: Hook);
}

/// Runs what transactions left to be run. A hook that panics is the loss of its owner alone.
pub(crate) fn run_hooks(hooks: Vec<Hook>) {
    for hook in hooks {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(hook)).is_err() {
            tracing::error!("what was to happen after a commit panicked");
        }
    }
}

/// A consistent view of what was durable when it was taken. Short-lived: while it lives, the engine keeps old versions.
pub trait Snapshot: Send {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// Visits the pairs of `range` in `order` until `visit` breaks.
    fn scan(&self, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) -> Result<(), KvError>;
}

/// An ordered, transactional key-value engine.
pub trait Engine: Send + Sync + 'static {
    /// Runs `work` as one serialisable transaction. Resolves once the outcome, and every write that the closure saw, is
    /// durable: `Ok` for a commit as well as for an abort that the closure asked for.
    ///
    /// Dropping the future does not take the transaction back: it may still commit.
    ///
    /// Errors: [`KvError::Panicked`] when `work` panicked (nothing is kept), [`KvError::OutOfSpace`] and
    /// [`KvError::Io`] when the writes could not be made durable (nothing is kept), [`KvError::Closed`] after
    /// [`close`](Engine::close).
    fn transact<'a>(&'a self, work: Work) -> BoxFuture<'a, Result<(), KvError>>;

    /// The durable value under `key` now, on the caller's thread: the cheapest read there is.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.snapshot()?.get(key)
    }

    /// A consistent view of what is durable now. What a resolved [`transact`](Engine::transact) wrote is in it.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError>;

    /// Subscribes to `topic`. No wake-up is lost by one who subscribes, then looks at the state, then awaits.
    fn watch(&self, topic: &[u8]) -> Watch;

    /// Figures since the engine was opened.
    fn stats(&self) -> Stats;

    /// Resolves once everything that was submitted before is on disk, also where durability is relaxed.
    fn flush<'a>(&'a self) -> BoxFuture<'a, Result<(), KvError>>;

    /// Finishes what was submitted, makes it durable and stops. Later transactions meet [`KvError::Closed`], and every
    /// watch wakes a last time.
    fn close<'a>(&'a self) -> BoxFuture<'a, Result<(), KvError>>;
}

impl KeyRange<'_> {
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.from <= key && key < self.to
    }
}

/// Whether `key` and a value of `value_bytes` are within the limits of every engine.
pub(crate) fn check_limits(key: &[u8], value_bytes: usize) -> Result<(), KvError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(KvError::KeyLength { bytes: key.len() });
    }
    if value_bytes > MAX_VALUE_BYTES {
        return Err(KvError::ValueLength { bytes: value_bytes });
    }
    Ok(())
}
