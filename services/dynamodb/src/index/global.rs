//! Global secondary indexes: keys of their own, throughput of their own.

use serde::{Deserialize, Serialize};

use super::{Entry, IndexChange, IndexProjection};
use crate::item::Item;
use crate::key_schema::KeySchema;
use crate::table::{IndexStatus, Throughput};

/// A global secondary index of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalIndex {
    pub name: String,
    pub keys: KeySchema,
    pub projection: IndexProjection,
    /// Absent when the table is billed per request.
    pub throughput: Option<Throughput>,
    pub status: IndexStatus,
}

impl GlobalIndex {
    /// What a write changes in the index.
    pub fn change(&self, table: &KeySchema, old: Option<&Item>, new: Option<&Item>) -> IndexChange {
        super::change(&self.keys, &self.projection, table, old, new)
    }

    /// The entry of an item, for filling the index.
    pub fn entry(&self, table: &KeySchema, item: &Item) -> Option<Entry> {
        super::entry(&self.keys, &self.projection, table, item)
    }
}
