//! All state of the region: typed tables and transactions over one ordered key-value engine.
//!
//! A table has a name on disk, a key type and a row type. Every key begins with the table's name and the
//! [`Scope`] of the transaction (whose state it is: an account and region), so forgetting the tenant does not
//! compile. A transaction is atomic over all tables, and [`Store::write`] returns once it is durable.
//! The crate knows nothing of AWS, and nothing of how the engine keeps its promise.

mod error;
mod key;
mod row;
mod scope;
mod table;
mod transaction;

pub use error::StoreError;
pub use key::{Key, KeyPart, KeyReader, Tail};
pub use kv::{Durability, Order, Watch};
pub use row::{Row, RowError};
#[doc(hidden)]
pub use row::{decode_postcard, encode_postcard};
pub use scope::Scope;
pub use table::{Range, Table};
pub use transaction::{Reader, Snapshot, Store, Tx};
