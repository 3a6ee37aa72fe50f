//! The keys that rows are sealed under, ready to be used.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use cloud::{Cloud, RootKey, SealingKey};
use shapes::ApiError;
use store::{Scope, Tx};

use super::Sealer;

/// Keys remembered; past it all are made anew.
const KEPT: usize = 10_000;

/// A key as rows name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyName {
    /// DynamoDB's own key for the table of an id, derived from the region's root key.
    Owned(u64),
}

/// A key, scheduled once for all rows.
pub(crate) struct RowKey {
    name: KeyName,
    key: SealingKey,
    first_nonce: u128,
    sealed: AtomicU64,
}

impl RowKey {
    fn new(name: KeyName, key: SealingKey, cloud: &Cloud) -> Self {
        Self { name, key, first_nonce: cloud.ids().number(), sealed: AtomicU64::new(0) }
    }

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
        let count = self.sealed.fetch_add(1, Ordering::Relaxed);
        let nonce = self.first_nonce.wrapping_add(u128::from(count)).to_le_bytes();
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
}

impl fmt::Debug for RowKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowKeys")
    }
}

impl RowKeys {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, root: OnceLock::new(), known: RwLock::default() }
    }

    /// The key that a row names.
    pub(super) fn find(&self, name: KeyName) -> Result<Arc<RowKey>, ApiError> {
        if let Some(key) = self.known(name) {
            return Ok(key);
        }
        let root = self.root()?.ok_or_else(|| ApiError::internal("the region's root key is missing"))?;
        self.make(name, root)
    }

    /// What seals rows of `tx` under a key.
    pub(crate) fn sealer(&self, tx: &mut Tx<'_>, name: KeyName) -> Result<Sealer, ApiError> {
        if let Some(key) = self.known(name) {
            return Ok(Sealer::Under(key));
        }
        match self.root()? {
            Some(root) => self.make(name, root).map(Sealer::Under),
            None => {
                // Whoever makes a table makes the root key first; this table is from before. The key may be used once it
                // is durable, as what is sealed under a key that a crash takes away is lost.
                RootKey::ensure(tx, self.cloud.ids().bytes())?;
                Ok(Sealer::Plain)
            }
        }
    }

    fn known(&self, name: KeyName) -> Option<Arc<RowKey>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }

    fn make(&self, name: KeyName, root: &RootKey) -> Result<Arc<RowKey>, ApiError> {
        let KeyName::Owned(table) = name;
        let key = RowKey::new(name, root.derive(&format!("dynamodb/table/{table:016x}"))?, &self.cloud);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        // Another thread may have been faster.
        Ok(Arc::clone(known.entry(name).or_insert_with(|| Arc::new(key))))
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
