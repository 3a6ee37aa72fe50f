//! The key of one file.

use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;

use super::{Key, TAG_BYTES};

/// Seals and opens the chunks of one file.
pub(super) struct FileKey(LessSafeKey);

impl FileKey {
    /// Derived by one block of HKDF's expansion (RFC 5869) from a key that is random already.
    pub(super) fn derive(key: &Key, salt: &[u8; 16]) -> Self {
        // A key of any length is good for HMAC; the other branch exists for ciphers that share the trait.
        let mac = Hmac::<Sha256>::new_from_slice(&key.0).unwrap_or_else(|_| Hmac::new(&Default::default()));
        let derived = mac.chain_update(b"brume blob").chain_update(salt).chain_update([1]).finalize();
        let unbound =
            UnboundKey::new(&AES_256_GCM, &derived.into_bytes()).expect("AES-256 takes a key of 32 bytes");
        Self(LessSafeKey::new(unbound))
    }

    /// Seals `bytes[start..]` in place as chunk `index` and appends the tag.
    pub(super) fn seal(&self, index: u64, bytes: &mut Vec<u8>, start: usize) {
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(index), Aad::empty(), &mut bytes[start..])
            .expect("a chunk is far below AES-GCM's limit of 64 GB");
        bytes.extend_from_slice(tag.as_ref());
    }

    /// Opens chunk `index` in place; its bytes without the tag come first. `None` when they are not what was sealed.
    pub(super) fn open(&self, index: u64, sealed: &mut [u8]) -> Option<usize> {
        let length = sealed.len().checked_sub(TAG_BYTES)?;
        self.0.open_in_place(nonce(index), Aad::empty(), sealed).ok()?;
        Some(length)
    }
}

/// Unique per key, since every file has a key of its own.
fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
