//! Bodies sealed at rest: what SSE-SQS stands for here (Developer Guide, "Encryption at rest in Amazon SQS").
//!
//! A region has one random key in its store; each queue's own key is derived from it. AES-256-GCM with a random nonce
//! for every message, bound to the message's id. The key lies in the same store as the messages: sealing keeps bodies
//! out of copies of single rows, logs and disk blocks, and not from someone who has the whole data folder.

use bytes::Bytes;
use cloud::Ids;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Reader, Scope, StoreError, Tx};

use crate::tables;

/// The region's key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegionKey {
    key: [u8; 32],
}

store::row!(RegionKey, 1);

impl RegionKey {
    /// Makes the region's key if there is none yet.
    pub(crate) fn ensure(tx: &mut Tx<'_>, ids: &Ids) -> Result<(), StoreError> {
        tx.with_scope(&Scope::global(), |tx| {
            if !tables::KEYS.contains(tx, &0)? {
                tables::KEYS.put(tx, &0, &Self { key: ids.bytes() });
            }
            Ok(())
        })
    }

    /// The key of one queue's bodies; `None` while the region has none. The reader is of the global scope.
    pub(crate) fn of_queue(reader: &mut dyn Reader, queue: u64) -> Result<Option<QueueKey>, ApiError> {
        let Some(region) = tables::KEYS.find(reader, &0)? else { return Ok(None) };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &region.key);
        let label = [b"sqs/queue/".as_slice(), &queue.to_be_bytes()].concat();
        let derived = hmac::sign(&key, &label);
        QueueKey::new(derived.as_ref()).map(Some)
    }
}

/// What seals and opens bodies: those of one queue, or those under one data key.
pub(crate) struct QueueKey(LessSafeKey);

impl QueueKey {
    /// From 32 bytes.
    pub(crate) fn new(secret: &[u8]) -> Result<Self, ApiError> {
        let key = UnboundKey::new(&AES_256_GCM, secret).map_err(|_| unusable())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub(crate) fn seal(&self, ids: &Ids, message_id: &str, text: &str) -> Result<Bytes, ApiError> {
        let nonce: [u8; NONCE_LEN] = ids.bytes();
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text.as_bytes());
        let aad = Aad::from(message_id.as_bytes());
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed[NONCE_LEN..])
            .map_err(|_| unusable())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed.into())
    }

    pub(crate) fn open(&self, message_id: &str, sealed: &Bytes) -> Result<String, ApiError> {
        let damaged = || ApiError::internal(format!("the sealed body of message {message_id} is damaged"));
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(damaged)?;
        let mut body = body.to_vec();
        let aad = Aad::from(message_id.as_bytes());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut body)
            .map_err(|_| damaged())?
            .len();
        body.truncate(length);
        String::from_utf8(body).map_err(|_| damaged())
    }
}

fn unusable() -> ApiError {
    ApiError::internal("a queue's key cannot be used")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cloud::Ids;
    use store::{Scope, Store};

    use super::RegionKey;

    #[tokio::test]
    async fn sealed_bodies_open_with_their_queues_key_and_their_id_alone() {
        let store = Store::new(Arc::new(kv::MemoryEngine::default()));
        let made = store.write(&Scope::global(), |tx| RegionKey::ensure(tx, &Ids::seeded(1))).await;
        assert!(made.is_ok());
        let key =
            |queue| RegionKey::of_queue(&mut store.read(&Scope::global()).unwrap(), queue).unwrap().unwrap();
        let sealed = key(1).seal(&Ids::seeded(2), "id", "secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key(1).open("id", &sealed).unwrap(), "secret");
        assert!(key(1).open("other", &sealed).is_err());
        assert!(key(2).open("id", &sealed).is_err());
        assert!(key(1).open("id", &sealed.slice(..20)).is_err());
        let again = store.write(&Scope::global(), |tx| RegionKey::ensure(tx, &Ids::seeded(3))).await;
        assert!(again.is_ok());
        assert_eq!(key(1).open("id", &sealed).unwrap(), "secret", "the key stays");
    }
}
