//! Tables: where rows of one kind live and how they are found.

use std::marker::PhantomData;
use std::ops::ControlFlow;

use bytes::Bytes;
use kv::{KeyRange, Order};

use crate::{Key, KeyReader, Reader, Row, StoreError, Tx};

/// Rows of type `R` under keys of type `K`. Declared as constants in a service's `tables.rs`; the name is the
/// table's place on disk (`sqs/message`), assigned once and never reused.
pub struct Table<K, R> {
    name: &'static str,
    types: PhantomData<fn() -> (K, R)>,
}

/// Which keys of a table a scan visits. Built from leading parts of the key.
#[derive(Clone, Debug, Default)]
pub struct Range {
    from: Vec<u8>,
    /// `None` is the end of the table.
    to: Option<Vec<u8>>,
}

impl Range {
    pub fn all() -> Self {
        Self::default()
    }

    /// All keys that begin with these parts.
    pub fn prefix(parts: &impl Key) -> Self {
        let from = encoded(parts);
        Self { to: successor(&from), from }
    }

    /// Keys from `from` up to and without `to`.
    pub fn between(from: &impl Key, to: &impl Key) -> Self {
        Self { from: encoded(from), to: Some(encoded(to)) }
    }

    /// The part of this range that begins at `key`.
    #[must_use]
    pub fn starting_at(mut self, key: &impl Key) -> Self {
        self.from = self.from.max(encoded(key));
        self
    }

    /// The part of this range behind `key` and all keys that it is a prefix of.
    #[must_use]
    pub fn after(mut self, key: &impl Key) -> Self {
        match successor(&encoded(key)) {
            Some(next) => self.from = self.from.max(next),
            None => self.to = Some(self.from.clone()),
        }
        self
    }

    /// The part of this range before `key`.
    #[must_use]
    pub fn before(mut self, key: &impl Key) -> Self {
        let end = encoded(key);
        self.to = Some(self.to.map_or(end.clone(), |to| to.min(end)));
        self
    }
}

fn encoded(key: &impl Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    key.encode(&mut bytes);
    bytes
}

/// The least byte string above every one that begins with `prefix`; `None` when there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

impl<K: Key, R: Row> Table<K, R> {
    pub const fn new(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The row under `key`.
    pub fn find(&self, reader: &mut dyn Reader, key: &K) -> Result<Option<R>, StoreError> {
        let key = self.key(reader, key);
        let bytes = reader.get(&key)?;
        bytes.map(|bytes| self.row(&bytes)).transpose()
    }

    /// The row under `key` as it is stored: for those who keep what they decoded and compare.
    pub fn bytes(&self, reader: &mut dyn Reader, key: &K) -> Result<Option<Bytes>, StoreError> {
        let key = self.key(reader, key);
        reader.get(&key)
    }

    /// Reads the row under `key` as it is stored, knowing its place: the whole key as the engine has it, which no other row
    /// of the region has. For rows that are bound to where they are.
    pub fn find_at<T>(
        &self,
        reader: &mut dyn Reader,
        key: &K,
        read: impl FnOnce(&[u8], &[u8]) -> T,
    ) -> Result<Option<T>, StoreError> {
        let place = self.key(reader, key);
        Ok(reader.get(&place)?.map(|bytes| read(&place, &bytes)))
    }

    pub fn contains(&self, reader: &mut dyn Reader, key: &K) -> Result<bool, StoreError> {
        let key = self.key(reader, key);
        Ok(reader.get(&key)?.is_some())
    }

    /// Puts `row` under `key`, in place of one that may be there.
    pub fn put(&self, tx: &mut Tx<'_>, key: &K, row: &R) {
        self.put_with(tx, key, |out| row.encode(out));
    }

    /// As [`Self::put`], for a row that its owner encodes in place instead of giving it away. `encode` must write what
    /// the row's own encoding would.
    pub fn put_with(&self, tx: &mut Tx<'_>, key: &K, encode: impl FnOnce(&mut Vec<u8>)) {
        let key = self.key(tx, key);
        let mut bytes = Vec::with_capacity(256);
        encode(&mut bytes);
        tx.put_raw(&key, &bytes);
    }

    /// As [`Self::put_with`], for a row that is bound to its place (see [`Self::find_at`]). What `encode` refuses is not put.
    pub fn put_at<E>(
        &self,
        tx: &mut Tx<'_>,
        key: &K,
        encode: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = self.key(tx, key);
        let mut bytes = Vec::with_capacity(256);
        encode(&place, &mut bytes)?;
        tx.put_raw(&place, &bytes);
        Ok(())
    }

    pub fn delete(&self, tx: &mut Tx<'_>, key: &K) {
        let key = self.key(tx, key);
        tx.delete_raw(&key);
    }

    /// Visits the rows of `range` in `order` until told to stop.
    pub fn visit(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        order: Order,
        mut visit: impl FnMut(K, R) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut failure = None;
        self.visit_at(reader, range, order, |_, key, bytes| match self.row(bytes) {
            Ok(row) => visit(key, row),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failure.map_or(Ok(()), Err)
    }

    /// Visits the rows of `range` as they are stored, each with its place (see [`Self::find_at`]) and its key.
    pub fn visit_at(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        order: Order,
        mut visit: impl FnMut(&[u8], K, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let prefix = self.prefix(reader);
        let from = [prefix.as_slice(), &range.from].concat();
        let to = match &range.to {
            Some(to) => [prefix.as_slice(), to].concat(),
            None => successor(&prefix).unwrap_or_default(),
        };
        if from >= to {
            return Ok(());
        }
        let mut is_whole = true;
        reader.scan(KeyRange { from: &from, to: &to }, order, &mut |place, value| match K::decode(
            &mut KeyReader(&place[prefix.len()..]),
        ) {
            Some(key) => visit(place, key, value),
            None => {
                is_whole = false;
                ControlFlow::Break(())
            }
        })?;
        if is_whole { Ok(()) } else { Err(StoreError::Key { table: self.name }) }
    }

    /// The first `limit` rows of `range` with their keys.
    pub fn list(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        limit: usize,
    ) -> Result<Vec<(K, R)>, StoreError> {
        let mut rows = Vec::new();
        if limit == 0 {
            return Ok(rows);
        }
        self.visit(reader, range, Order::Ascending, |key, row| {
            rows.push((key, row));
            if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(rows)
    }

    fn row(&self, bytes: &[u8]) -> Result<R, StoreError> {
        R::decode(bytes).map_err(|source| StoreError::Row { table: self.name, source })
    }

    fn prefix(&self, reader: &dyn Reader) -> Vec<u8> {
        let scope = reader.scope().as_bytes();
        let mut bytes = Vec::with_capacity(self.name.len() + scope.len() + 64);
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(scope);
        bytes
    }

    fn key(&self, reader: &dyn Reader, key: &K) -> Vec<u8> {
        let mut bytes = self.prefix(reader);
        key.encode(&mut bytes);
        bytes
    }
}
