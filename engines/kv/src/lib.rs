//! An ordered, transactional, durable key-value engine: plain bytes in key order, serialisable transactions, consistent
//! snapshots, and topics that wake waiters once a change is durable.
//!
//! [`Engine`] is the shape; [`MemoryEngine`] keeps nothing and is the reference for tests, [`EmbeddedEngine`] is one
//! directory on a local disk, for one process. The crate knows no tables, rows or tenants: those stand above it.

mod embedded;
mod engine;
mod error;
mod memory;
mod stats;
mod watch;

pub use embedded::{Durability, EmbeddedEngine, EmbeddedOptions};
pub use engine::{
    BoxFuture, Engine, Hook, Key, KeyRange, MAX_KEY_BYTES, MAX_VALUE_BYTES, Order, Snapshot, Transaction,
    Verdict, Visit, Work,
};
pub use error::KvError;
pub use memory::MemoryEngine;
pub use stats::Stats;
pub use watch::Watch;
