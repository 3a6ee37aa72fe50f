//! The region's root key, and the keys derived from it that seal secrets at rest.
//!
//! A region has one random root key, made when the first secret is stored. Nothing is sealed under the key itself: each
//! use derives its own (one block of HKDF's expansion, RFC 5869), so that what one service sealed opens for no other.
//! The key lies in the same store as what it seals. It keeps secrets out of copies of single rows, logs and disk
//! blocks, and not from someone who has the whole data folder.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Reader, Scope, StoreError, Table, Tx};

use crate::{Cloud, Ids};

/// In the global scope, by its number: there is one. Queues were the first to need a key, hence its place on disk.
const ROOT_KEYS: Table<u8, RootKey> = Table::new("sqs/region-key");

/// The region's root key.
#[derive(Clone, Serialize, Deserialize)]
pub struct RootKey {
    key: [u8; 32],
}

store::row!(RootKey, 1);

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

impl RootKey {
    /// The region's key; made by this transaction if there is none yet. `fresh` is random.
    pub fn ensure(tx: &mut Tx<'_>, fresh: [u8; 32]) -> Result<Self, StoreError> {
        tx.with_scope(&Scope::global(), |tx| {
            if let Some(key) = ROOT_KEYS.find(tx, &0)? {
                return Ok(key);
            }
            let key = Self { key: fresh };
            ROOT_KEYS.put(tx, &0, &key);
            Ok(key)
        })
    }

    /// As it is stored; `None` while the region has none. The reader is of the global scope.
    pub fn find(reader: &mut dyn Reader) -> Result<Option<Self>, StoreError> {
        ROOT_KEYS.find(reader, &0)
    }

    /// The bytes of the key for one use, for engines that seal by themselves.
    pub fn derive_bytes(&self, label: &str) -> [u8; 32] {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), label.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(derived.as_ref());
        bytes
    }

    /// The key for one use, such as `kms/material/` and the key's id.
    pub fn derive(&self, label: &str) -> Result<SealingKey, ApiError> {
        let key = UnboundKey::new(&AES_256_GCM, &self.derive_bytes(label)).map_err(|_| unusable())?;
        Ok(SealingKey(LessSafeKey::new(key)))
    }
}

/// Seals and opens with AES-256-GCM under random nonces. For fewer than 2^32 secrets of one use (NIST SP 800-38D,
/// section 8.3).
pub struct SealingKey(LessSafeKey);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

impl SealingKey {
    /// A data key of KMS; `None` when it has not 32 bytes.
    pub fn of_data_key(bytes: &[u8]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, bytes).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Bytes of a nonce.
    pub const NONCE_BYTES: usize = NONCE_LEN;
    /// Bytes that sealing adds.
    pub const TAG_BYTES: usize = 16;

    /// Seals `bytes[start..]` where they are and appends the tag, for those who have no time for a copy. `nonce` must never
    /// be used twice with the key.
    pub fn seal_in_place(
        &self,
        nonce: [u8; NONCE_LEN],
        bound: &[u8],
        bytes: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), ApiError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let secret = bytes.get_mut(start..).ok_or_else(unusable)?;
        let tag =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(bound), secret).map_err(|_| unusable())?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens what [`Self::seal_in_place`] sealed, tag included, where it is; `None` as [`Self::open`].
    pub fn open_in_place<'b>(
        &self,
        nonce: [u8; NONCE_LEN],
        bound: &[u8],
        sealed: &'b mut [u8],
    ) -> Option<&'b [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        Some(self.0.open_in_place(nonce, Aad::from(bound), sealed).ok()?)
    }

    /// `bound` is not stored and must be given again to open.
    pub fn seal(&self, ids: &Ids, bound: &[u8], secret: &[u8]) -> Result<Vec<u8>, ApiError> {
        let nonce: [u8; NONCE_LEN] = ids.bytes();
        let mut sealed = Vec::with_capacity(NONCE_LEN + secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(secret);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(bound), &mut sealed[NONCE_LEN..])
            .map_err(|_| unusable())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// `None` when the bytes, the key or what they are bound to are others.
    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, Aad::from(bound), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }
}

impl Cloud {
    /// The region's root key; made if there is none yet.
    pub async fn root_key(&self) -> Result<RootKey, ApiError> {
        if let Some(key) = RootKey::find(&mut self.store().read(&Scope::global())?)? {
            return Ok(key);
        }
        let fresh = self.ids().bytes();
        self.store().write(&Scope::global(), move |tx| Ok(RootKey::ensure(tx, fresh)?)).await
    }
}

fn unusable() -> ApiError {
    ApiError::internal("a key derived from the region's root key cannot be used")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::{Scope, Store, StoreError};

    use super::RootKey;
    use crate::Ids;

    async fn ensure(store: &Store, fresh: u8) -> RootKey {
        let made = store.write(&Scope::global(), move |tx| RootKey::ensure(tx, [fresh; 32])).await;
        made.map_err(|error: StoreError| error.to_string()).unwrap()
    }

    #[tokio::test]
    async fn secrets_open_with_their_use_and_what_they_are_bound_to_alone() {
        let store = Store::new(Arc::new(kv::MemoryEngine::default()));
        let key = ensure(&store, 1).await;
        let sealed = key.derive("a").unwrap().seal(&Ids::seeded(1), b"id", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let again = ensure(&store, 2).await;
        let open = |label: &str, bound: &[u8]| again.derive(label).unwrap().open(bound, &sealed);
        assert_eq!(open("a", b"id").as_deref(), Some(b"secret".as_slice()), "the first key stays");
        assert_eq!(open("b", b"id"), None);
        assert_eq!(open("a", b"other"), None);
        assert_eq!(again.derive("a").unwrap().open(b"id", &sealed[..10]), None);
        assert_eq!(format!("{again:?}"), "RootKey");
        let mut bytes = b"head secret".to_vec();
        again.derive("a").unwrap().seal_in_place([7; 12], b"id", &mut bytes, 5).unwrap();
        assert_eq!((&bytes[..5], bytes.len()), (b"head ".as_slice(), 5 + 6 + super::SealingKey::TAG_BYTES));
        let open = |bound: &[u8]| {
            let mut sealed = bytes[5..].to_vec();
            again.derive("a").unwrap().open_in_place([7; 12], bound, &mut sealed).map(<[u8]>::to_vec)
        };
        assert_eq!((open(b"id").as_deref(), open(b"other")), (Some(b"secret".as_slice()), None));
    }
}
