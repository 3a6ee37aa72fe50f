//! Items sealed at rest (Developer Guide, "DynamoDB encryption at rest"): on disk nothing of an item can be read but the
//! keys that order it, wherever a copy of it lies: in a table, an index, a backup, a stream, a journal, an export under way.
//!
//! ```text
//! sealed = kind:u8 size:u32 key:u64 nonce:12 AES-256-GCM(size:u32 count:varint attribute*) tag:16
//! kind   = 02 under DynamoDB's own key for a table    03 under a data key of KMS
//! ```
//! The content is that of a plain row (see [`crate::item`]), which rows from before are and stay until they are written
//! again. The size stands outside as well, so that who counts needs no key. A row says which key it is under
//! ([`row_keys`]), and is bound to its place: moved to another one, it does not open.

mod data_key;
mod row_keys;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use data_key::{DATA_KEYS, DataKeyRow, context};
pub(crate) use row_keys::{KeyName, RowKey, RowKeys};

use std::sync::Arc;

use cloud::SealingKey;
use shapes::ApiError;
use store::Key;

use crate::item::{Item, ItemRow};

const OWNED: u8 = 2;
const KMS: u8 = 3;
const NONCE_AT: usize = 1 + 4 + 8;
const CONTENT_AT: usize = NONCE_AT + SealingKey::NONCE_BYTES;

/// A copy of an item that is a part of another row; with that row's key, what the copy is bound to. Its first byte is none
/// that a table's name begins with, so it is never a place of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    OldImage = 1,
    NewImage = 2,
    /// Of the journal.
    Before = 3,
    /// Of an export's differences.
    Within = 4,
    Until = 5,
}

impl Part {
    fn bound(self, key: &impl Key) -> Vec<u8> {
        let mut bound = Vec::with_capacity(64);
        bound.push(self as u8);
        key.encode(&mut bound);
        bound
    }
}

/// Seals the items of one table.
pub(crate) enum Sealer {
    Under(Arc<RowKey>),
    /// Of a region from before items were sealed, in the moment in which it gets its root key.
    Plain,
}

impl Sealer {
    /// The row of an item that lies at `place`, appended to `out`.
    pub(crate) fn seal_into(&self, place: &[u8], item: &Item, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let Self::Under(key) = self else {
            item.encode_into(out);
            return Ok(());
        };
        let size = item.size();
        out.reserve(CONTENT_AT + size + 16 + 4 * item.len() + SealingKey::TAG_BYTES);
        let (kind, number) = match key.name() {
            KeyName::Owned(number) => (OWNED, number),
            KeyName::Kms(number) => (KMS, number),
        };
        out.push(kind);
        out.extend_from_slice(&(size as u32).to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        let nonce = key.next_nonce();
        out.extend_from_slice(&nonce);
        let start = out.len();
        item.encode_content(size, out);
        key.key().seal_in_place(nonce, place, out, start)
    }

    /// An item that is a part of the row under `key`.
    pub(crate) fn part(&self, part: Part, key: &impl Key, item: &Item) -> Result<Vec<u8>, ApiError> {
        let mut out = Vec::new();
        self.seal_into(&part.bound(key), item, &mut out)?;
        Ok(out)
    }
}

/// Opens the rows of one read: it keeps the key of the last row, and the space that rows are opened in.
pub(crate) struct Opener<'k> {
    keys: &'k RowKeys,
    last: Option<Arc<RowKey>>,
    opened: Vec<u8>,
}

impl<'k> Opener<'k> {
    pub(crate) fn new(keys: &'k RowKeys) -> Self {
        Self { keys, last: None, opened: Vec::new() }
    }

    /// The item whose row lies at `place`, sealed or plain.
    pub(crate) fn open<'b>(&'b mut self, place: &[u8], row: &'b [u8]) -> Result<ItemRow<'b>, ApiError> {
        let Some(sealed) = SealedRow::of(row) else { return ItemRow::new(row).map_err(ApiError::internal) };
        let key = match &self.last {
            Some(key) if key.name() == sealed.key => key,
            _ => self.last.insert(self.keys.find(sealed.key)?),
        };
        self.opened.clear();
        self.opened.extend_from_slice(sealed.content);
        let content = key.key().open_in_place(sealed.nonce, place, &mut self.opened);
        let item = ItemRow::of_content(content.ok_or_else(damaged)?).map_err(ApiError::internal)?;
        if item.size() == sealed.size { Ok(item) } else { Err(damaged()) }
    }

    /// An item that [`Sealer::part`] sealed.
    pub(crate) fn part(&mut self, part: Part, key: &impl Key, row: &[u8]) -> Result<Item, ApiError> {
        self.open(&part.bound(key), row)?.item().map_err(ApiError::internal)
    }
}

/// The size of a stored item, sealed or plain; `None` when it is damaged.
pub(crate) fn size_of(row: &[u8]) -> Option<usize> {
    match SealedRow::of(row) {
        Some(sealed) => Some(sealed.size),
        None => Some(ItemRow::new(row).ok()?.size()),
    }
}

struct SealedRow<'a> {
    key: KeyName,
    size: usize,
    nonce: [u8; SealingKey::NONCE_BYTES],
    /// With its tag.
    content: &'a [u8],
}

impl<'a> SealedRow<'a> {
    /// `None` for what is not sealed.
    fn of(row: &'a [u8]) -> Option<Self> {
        let (&version, rest) = row.split_first()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (nonce, content) = rest.split_first_chunk()?;
        let number = u64::from_le_bytes(*number);
        let key = match version {
            OWNED => KeyName::Owned(number),
            KMS => KeyName::Kms(number),
            _ => return None,
        };
        Some(Self { key, size: u32::from_le_bytes(*size) as usize, nonce: *nonce, content })
    }
}

fn damaged() -> ApiError {
    ApiError::internal("a sealed item is damaged, or not where it was put")
}
