//! Local secondary indexes: the table's hash key with another range key.

use serde::{Deserialize, Serialize};

use super::{Entry, IndexChange, IndexProjection};
use crate::item::Item;
use crate::key_schema::KeySchema;

/// A local secondary index of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalIndex {
    pub name: String,
    pub keys: KeySchema,
    pub projection: IndexProjection,
}

impl LocalIndex {
    /// What a write changes in the index.
    pub fn change(&self, table: &KeySchema, old: Option<&Item>, new: Option<&Item>) -> IndexChange {
        super::change(&self.keys, &self.projection, table, old, new)
    }

    /// The entry of an item.
    pub fn entry(&self, table: &KeySchema, item: &Item) -> Option<Entry> {
        super::entry(&self.keys, &self.projection, table, item)
    }
}
