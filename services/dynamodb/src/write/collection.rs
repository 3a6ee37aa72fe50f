//! Item collections: all items and index entries of one hash key, in tables with local indexes. Their sizes are kept as
//! they change (Developer Guide, "Item collections in Local Secondary Indexes"), under a keyed hash of the hash key.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use dynamodb_api::ItemCollectionMetrics;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shapes::ApiError;
use store::{Order, Range, Reader, Tail, Tx};

use super::Cause;
use super::store::Decided;
use crate::attribute::into_api;
use crate::definitions::{Index, Table, hash_length, place};
use crate::errors::collection_too_large;
use crate::item::Item;
use crate::key_encoding;
use crate::tables::{COLLECTIONS, CollectionRow, ITEMS};

/// Bytes of the hash that names a collection.
const NAME_BYTES: usize = 16;
/// Bytes of a place that are its partition's token.
const TOKEN_BYTES: usize = 2;

/// What a table needs to keep the sizes of its collections.
#[derive(Debug)]
pub(crate) struct Collections {
    most_bytes: u64,
    /// Found with the first use.
    hash_key: OnceLock<[u8; 32]>,
}

impl Collections {
    pub(crate) fn new(most_bytes: u64) -> Self {
        Self { most_bytes, hash_key: OnceLock::new() }
    }
}

/// ReturnItemCollectionMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantsMetrics(pub bool);

impl WantsMetrics {
    pub(crate) fn parse(given: Option<&str>) -> Self {
        Self(given == Some("SIZE"))
    }
}

/// The metrics of the collection that `item` (or its key) is in; `None` for tables without local indexes.
pub(crate) fn collection_metrics(
    tx: &mut Tx<'_>,
    table: &Table,
    item: &Item,
    wants: WantsMetrics,
) -> Result<Option<ItemCollectionMetrics>, ApiError> {
    let hash = &table.keys().hash;
    let is_wanted = wants.0 && table.has_local_indexes();
    let Some(value) = item.get(&hash.name).filter(|_| is_wanted) else { return Ok(None) };
    let mut key = Vec::new();
    key_encoding::encode(value, &mut key);
    let prefix = place(key.len(), &key);
    let row_key = row_key(tx, table, &prefix)?;
    let gigabytes = (size(tx, table, &row_key, prefix)? >> 30) as f64;
    Ok(Some(ItemCollectionMetrics {
        item_collection_key: Some([(hash.name.clone(), into_api(value.clone()))].into()),
        size_estimate_range_gb: Some(vec![gigabytes, gigabytes + 1.0]),
    }))
}

/// Counts a change of the item at `place` that is about to be stored. A collection that is too large takes nothing that
/// makes it larger; it can be made smaller, and changed.
pub(super) fn grow(
    tx: &mut Tx<'_>,
    table: &Table,
    place: &[u8],
    decided: &Decided<'_>,
) -> Result<(), ApiError> {
    let change = decided.change;
    let (mut old, mut new) = (bytes(change.old), bytes(change.new));
    for (index, difference) in &decided.differences {
        let index = &table.indexes[*index];
        if !index.is_global {
            old += change.old.map_or(0, |item| entry_bytes(index, table, item));
            new += bytes(difference.put.as_ref().map(|entry| &entry.item));
        }
    }
    if new == old {
        return Ok(());
    }
    let token = place.len().min(TOKEN_BYTES);
    let prefix = &place[..token + hash_length(table.keys(), &place[token..])];
    let key = row_key(tx, table, prefix)?;
    let after = size(tx, table, &key, prefix.to_vec())?.saturating_sub(old) + new;
    // What another region accepted is accepted here.
    let is_asked = change.cause == Cause::User;
    if is_asked && new > old && after > table.collections.most_bytes {
        return Err(collection_too_large());
    }
    match after {
        0 => COLLECTIONS.delete(tx, &key),
        bytes => COLLECTIONS.put(tx, &key, &CollectionRow { bytes }),
    }
    Ok(())
}

fn bytes(item: Option<&Item>) -> u64 {
    item.map_or(0, Item::size) as u64
}

fn entry_bytes(index: &Index, table: &Table, item: &Item) -> u64 {
    bytes(index.change(table.keys(), None, Some(item)).put.as_ref().map(|entry| &entry.item))
}

/// Where the size of the collection is kept that lies under `prefix`, the token and the hash key of its places.
fn row_key(tx: &mut Tx<'_>, table: &Table, prefix: &[u8]) -> Result<(u64, Tail), ApiError> {
    let id = table.row.id;
    let key = match table.collections.hash_key.get() {
        Some(key) => *key,
        None => table.row_keys.hash_key(tx, id, &table.collections.hash_key)?,
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(ApiError::internal)?;
    mac.update(prefix);
    let name = mac.finalize().into_bytes();
    Ok((id, Tail(name[..NAME_BYTES].to_vec())))
}

/// Bytes of the collection under `prefix`.
fn size(reader: &mut dyn Reader, table: &Table, key: &(u64, Tail), prefix: Vec<u8>) -> Result<u64, ApiError> {
    if let Some(row) = COLLECTIONS.find(reader, key)? {
        return Ok(row.bytes);
    }
    // An empty one, or one of before sizes were kept.
    let mut bytes = 0;
    let locals = table.indexes.iter().filter(|index| !index.is_global).map(|index| index.id);
    for id in locals.chain([table.row.id]) {
        let range = Range::prefix(&(id, Tail(prefix.clone())));
        ITEMS.visit(reader, &range, Order::Ascending, |_, size| {
            bytes += size.0 as u64;
            ControlFlow::Continue(())
        })?;
    }
    Ok(bytes)
}
