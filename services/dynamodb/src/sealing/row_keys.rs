//! The keys that rows are sealed under, ready to be used.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use cloud::{Cloud, RootKey, SealingKey};
use kms_envelope::{DataKeys, Use};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};

use super::Sealer;
use super::data_key::{self, DATA_KEYS, DataKeyRow, Wrapped};
use crate::errors::key_access_denied;

/// Keys remembered; past it all are made anew.
const KEPT: usize = 10_000;
/// Developer Guide, "How Amazon DynamoDB uses AWS KMS": the plaintext table key is cached for up to five minutes.
const REUSED_FOR: Duration = Duration::from_secs(300);

/// A key as rows name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyName {
    /// DynamoDB's own key for the table of an id, derived from the region's root key.
    Owned(u64),
    /// The data key of a number (see [`DataKeyRow`]).
    Kms(u64),
}

/// A key, scheduled once for all rows.
pub(crate) struct RowKey {
    name: KeyName,
    key: Arc<SealingKey>,
    nonces: Arc<Nonces>,
    /// When KMS is to be asked for it again.
    until: Option<Timestamp>,
}

/// The nonces of one key.
struct Nonces {
    first: u128,
    used: AtomicU64,
}

impl RowKey {
    pub(super) fn name(&self) -> KeyName {
        self.name
    }

    pub(super) fn key(&self) -> &SealingKey {
        &self.key
    }

    /// A nonce that the key has not seen: they count up, in 96 bits, from where chance put the first when this process
    /// began to use the key. Counting costs less than drawing, and knows no limit of 2^32 rows as random nonces do: two
    /// nonces meet only if two beginnings lie closer than rows were sealed since. With 2^16 beginnings of 2^40 rows each
    /// that is one chance in 2^23, with the few and short ones there are a far smaller one.
    pub(super) fn next_nonce(&self) -> [u8; SealingKey::NONCE_BYTES] {
        let count = self.nonces.used.fetch_add(1, Ordering::Relaxed);
        let nonce = self.nonces.first.wrapping_add(u128::from(count)).to_le_bytes();
        let mut bytes = [0; SealingKey::NONCE_BYTES];
        bytes.copy_from_slice(&nonce[..SealingKey::NONCE_BYTES]);
        bytes
    }
}

/// The keys in use.
pub(crate) struct RowKeys {
    cloud: Cloud,
    root: OnceLock<RootKey>,
    known: RwLock<HashMap<KeyName, Arc<RowKey>>>,
    /// Decides how long an answer of KMS is good for; `known` has the same keys at hand by their short names.
    of_kms: DataKeys,
}

impl fmt::Debug for RowKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKeys")
    }
}

impl RowKeys {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, root: OnceLock::new(), known: RwLock::default(), of_kms: DataKeys::default() }
    }

    /// The key that a row names.
    pub(super) fn find(&self, name: KeyName) -> Result<Arc<RowKey>, ApiError> {
        if let Some(key) = self.known(name) {
            return Ok(key);
        }
        match name {
            KeyName::Owned(table) => self.owned(table, self.root()?.ok_or_else(missing)?),
            KeyName::Kms(number) => {
                let row = DataKeyRow::find(&self.cloud, number)?;
                self.data_key(number, &row.ok_or_else(missing)?)
            }
        }
    }

    /// What seals rows of `tx` under a key.
    pub(crate) fn sealer(&self, tx: &mut Tx<'_>, name: KeyName) -> Result<Sealer, ApiError> {
        if let Some(key) = self.known(name) {
            return Ok(Sealer::Under(key));
        }
        let table = match name {
            KeyName::Owned(table) => table,
            KeyName::Kms(number) => {
                let row = tx.with_scope(&Scope::global(), |tx| DATA_KEYS.find(tx, &number))?;
                return self.data_key(number, &row.ok_or_else(missing)?).map(Sealer::Under);
            }
        };
        match self.root()? {
            Some(root) => self.owned(table, root).map(Sealer::Under),
            None => {
                // Whoever makes a table makes the root key first; this table is from before. The key may be used once it
                // is durable, as what is sealed under a key that a crash takes away is lost.
                RootKey::ensure(tx, self.cloud.ids().bytes())?;
                Ok(Sealer::Plain)
            }
        }
    }

    /// The key of the hashes under which a table's rows about its hash keys lie, kept in `known` once it is durable. Where
    /// there is no root key yet it comes with `tx`, as what is stored under it does.
    pub(crate) fn hash_key(
        &self,
        tx: &mut Tx<'_>,
        table: u64,
        known: &OnceLock<[u8; 32]>,
    ) -> Result<[u8; 32], ApiError> {
        let label = format!("dynamodb/hash/{table:016x}");
        if let Some(root) = self.root()? {
            return Ok(*known.get_or_init(|| root.derive_bytes(&label)));
        }
        Ok(RootKey::ensure(tx, self.cloud.ids().bytes())?.derive_bytes(&label))
    }

    fn known(&self, name: KeyName) -> Option<Arc<RowKey>> {
        let key = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()?;
        key.until.is_none_or(|until| self.cloud.clock().now() < until).then_some(key)
    }

    fn owned(&self, table: u64, root: &RootKey) -> Result<Arc<RowKey>, ApiError> {
        let key = root.derive(&format!("dynamodb/table/{table:016x}"))?;
        Ok(self.keep(KeyName::Owned(table), Arc::new(key), None))
    }

    /// A data key, for which KMS is asked where it is needed: it answers at once.
    fn data_key(&self, number: u64, row: &DataKeyRow) -> Result<Arc<RowKey>, ApiError> {
        let name = KeyName::Kms(number);
        let encrypted = match row.wrapped() {
            Wrapped::Kms { encrypted, .. } => Bytes::copy_from_slice(encrypted),
            Wrapped::Owned { sealed } => {
                let key = DataKeyRow::unwrapped(self.root()?.ok_or_else(missing)?, number, sealed)?;
                return Ok(self.keep(name, Arc::new(key), None));
            }
        };
        let (ctx, context) = row.asking(&self.cloud)?;
        let wanted = Use { service: data_key::SERVICE, context: &context, reuse: REUSED_FOR };
        match self.of_kms.opening_until(&ctx, wanted, &encrypted) {
            Ok((key, until)) => Ok(self.keep(name, key, Some(until))),
            Err(error) if error.status() < 500 => Err(key_access_denied()),
            Err(error) => Err(error),
        }
    }

    fn keep(&self, name: KeyName, key: Arc<SealingKey>, until: Option<Timestamp>) -> Arc<RowKey> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        // A key that comes again, or that another thread brought at the same time, goes on counting.
        let nonces = known.get(&name).map(|known| Arc::clone(&known.nonces));
        let fresh = || Arc::new(Nonces { first: self.cloud.ids().number(), used: AtomicU64::new(0) });
        let key = Arc::new(RowKey { name, key, nonces: nonces.unwrap_or_else(fresh), until });
        known.insert(name, Arc::clone(&key));
        key
    }

    /// The region's root key, once it is durable.
    fn root(&self) -> Result<Option<&RootKey>, ApiError> {
        if let Some(root) = self.root.get() {
            return Ok(Some(root));
        }
        let found = RootKey::find(&mut self.cloud.store().read(&Scope::global())?)?;
        Ok(found.map(|root| self.root.get_or_init(|| root)))
    }
}

fn missing() -> ApiError {
    ApiError::internal("a key that items are sealed under is missing")
}
