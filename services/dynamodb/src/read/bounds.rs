//! Where a Query or a Scan begins and ends.

use shapes::ApiError;
use store::{Range, Tail};

use crate::definitions::{Index, Table, place};
use crate::errors::validation;
use crate::item::Item;

/// Places from `start` (inclusive) to `end` (exclusive).
pub(super) struct Bounds {
    /// The encoded hash key, where there is one.
    pub hash: Option<Vec<u8>>,
    pub start: Vec<u8>,
    pub end: Option<Vec<u8>>,
}

impl Bounds {
    pub(super) fn range(&self, id: u64) -> Range {
        let start = (id, Tail(self.start.clone()));
        match &self.end {
            Some(end) => Range::between(&start, &(id, Tail(end.clone()))),
            None => Range::prefix(&id).starting_at(&start),
        }
    }

    pub(super) fn contains(&self, place: &[u8]) -> bool {
        *self.start <= *place && self.end.as_ref().is_none_or(|end| *place < **end)
    }
}

/// Where the item of an ExclusiveStartKey lies in the table or the index.
pub(super) fn start_place(table: &Table, index: Option<&Index>, start: &Item) -> Result<Vec<u8>, ApiError> {
    let invalid = || validation("The provided starting key is invalid");
    let Some(index) = index else {
        let key = table
            .keys()
            .exact_key(start)
            .map_err(|error| validation(format!("The provided starting key is invalid: {error}")))?;
        return Ok(place(key.hash_bytes().len(), key.as_bytes()));
    };
    let is_key = |name: &str| index.keys.contains(name) || table.keys().contains(name);
    if start.iter().any(|(name, _)| !is_key(name)) {
        return Err(invalid());
    }
    let index_key = index.keys.index_key_of(start).ok_or_else(invalid)?;
    let table_key = table.keys().index_key_of(start).ok_or_else(invalid)?;
    let hash_length = index_key.hash_bytes().len();
    let mut key = index_key.into_bytes();
    key.extend_from_slice(table_key.as_bytes());
    Ok(place(hash_length, &key))
}
