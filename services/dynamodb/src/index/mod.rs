//! Secondary indexes: which entries a write of an item changes.
//!
//! An entry lies under the index key followed by the table key, so items with equal index keys stand side by side;
//! its content is the projected part of the item. An item without a value for every index key attribute has no
//! entry (sparse index).

mod global;
mod local;
#[cfg(test)]
mod tests;

pub use global::GlobalIndex;
pub use local::LocalIndex;

use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::key_schema::KeySchema;

/// What of an item an index entry carries, besides the keys of the index and the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexProjection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

impl IndexProjection {
    /// ProjectionType.
    pub fn name(&self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::KeysOnly => "KEYS_ONLY",
            Self::Include(_) => "INCLUDE",
        }
    }

    /// NonKeyAttributes.
    pub fn non_key_attributes(&self) -> &[String] {
        match self {
            Self::Include(names) => names,
            Self::All | Self::KeysOnly => &[],
        }
    }

    /// Whether an entry carries the attribute.
    pub fn carries(&self, name: &str, index: &KeySchema, table: &KeySchema) -> bool {
        match self {
            Self::All => true,
            Self::KeysOnly => index.contains(name) || table.contains(name),
            Self::Include(names) => {
                index.contains(name) || table.contains(name) || names.iter().any(|included| included == name)
            }
        }
    }

    fn project(&self, item: &Item, index: &KeySchema, table: &KeySchema) -> Item {
        if *self == Self::All {
            return item.clone();
        }
        let keys = index.attributes().chain(table.attributes()).map(|attribute| attribute.name.as_str());
        item.only(keys.chain(self.non_key_attributes().iter().map(String::as_str)))
    }
}

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The index key, then the table key (see [`crate::key_encoding`]).
    pub key: Vec<u8>,
    pub item: Item,
}

/// What a write changes in one index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexChange {
    /// Key of the entry to remove.
    pub removed: Option<Vec<u8>>,
    /// Entry to put: a new one, or the new content under an unchanged key.
    pub put: Option<Entry>,
}

impl IndexChange {
    pub fn is_empty(&self) -> bool {
        self.removed.is_none() && self.put.is_none()
    }
}

/// The entry of an item in an index; `None` when it has none.
pub(crate) fn entry(
    index: &KeySchema,
    projection: &IndexProjection,
    table: &KeySchema,
    item: &Item,
) -> Option<Entry> {
    let index_key = index.index_key_of(item)?;
    let mut key = index_key.into_bytes();
    key.extend_from_slice(table.index_key_of(item)?.as_bytes());
    Some(Entry { key, item: projection.project(item, index, table) })
}

pub(crate) fn change(
    index: &KeySchema,
    projection: &IndexProjection,
    table: &KeySchema,
    old: Option<&Item>,
    new: Option<&Item>,
) -> IndexChange {
    let old = old.and_then(|item| entry(index, projection, table, item));
    let new = new.and_then(|item| entry(index, projection, table, item));
    if old == new {
        return IndexChange::default();
    }
    let removed = old.filter(|old| new.as_ref().is_none_or(|new| new.key != old.key)).map(|old| old.key);
    IndexChange { removed, put: new }
}
