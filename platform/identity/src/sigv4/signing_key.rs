//! Signing keys: derived from a secret for one day, region and service.

use std::hash::{Hash, Hasher};
use std::sync::Mutex;

use hmac::{Hmac, KeyInit, Mac};
use rustc_hash::FxHasher;
use sha2::{Digest, Sha256};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A derived key, ready to sign. It holds the state after the key's blocks, which saves hashing them each time.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// `date` has eight digits.
    pub fn derive(secret: &str, date: &str, region: &str, service: &str) -> Self {
        let first = keyed(&[b"AWS4", secret.as_bytes()].concat());
        let mut key = first;
        for part in [date, region, service, "aws4_request"] {
            key = keyed(&key.chain_update(part).finalize().into_bytes());
        }
        Self(key)
    }

    /// The signature of a string to sign, in hex.
    pub fn sign(&self, string_to_sign: &str) -> [u8; 64] {
        hex(&self.0.clone().chain_update(string_to_sign).finalize().into_bytes())
    }

    /// Whether `signature`, in hex, is that of a text, found out in constant time. For what is not a request: the
    /// policy of a form that a browser posts to S3, in base 64.
    pub fn is_signature_of(&self, string_to_sign: &str, signature: &str) -> bool {
        is_same(&self.sign(string_to_sign), signature)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // A key of any length is good for HMAC; the other branch exists for ciphers that share the trait.
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

/// Derived keys of recent requests. Its size is fixed: keys that meet in a slot displace one another.
pub struct KeyCache {
    slots: Box<[Mutex<Option<Entry>>]>,
}

struct Entry {
    /// Key id, secret, date, region and service, each followed by a line feed. The secret is part of it, so that a
    /// key id given anew never signs with the old secret.
    identity: Box<str>,
    key: SigningKey,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self::with_slots(512)
    }
}

impl KeyCache {
    pub fn with_slots(slots: usize) -> Self {
        Self { slots: (0..slots.max(1)).map(|_| Mutex::new(None)).collect() }
    }

    pub fn get(&self, access_key: &str, secret: &str, date: &str, region: &str, service: &str) -> SigningKey {
        let parts = [access_key, secret, date, region, service];
        let slot = &self.slots[hash(parts) as usize % self.slots.len()];
        // A thread that panicked here left either entry whole.
        let mut entry = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*entry {
            Some(entry) if is_identity(&entry.identity, parts) => entry.key.clone(),
            _ => {
                let key = SigningKey::derive(secret, date, region, service);
                let identity = parts.iter().flat_map(|part| [*part, "\n"]).collect::<String>().into();
                *entry = Some(Entry { identity, key: key.clone() });
                key
            }
        }
    }
}

fn is_identity(mut identity: &str, parts: [&str; 5]) -> bool {
    for part in parts {
        let Some(rest) = identity.strip_prefix(part).and_then(|rest| rest.strip_prefix('\n')) else {
            return false;
        };
        identity = rest;
    }
    identity.is_empty()
}

/// A quick hash: collisions cost a derivation, nothing else.
fn hash(parts: [&str; 5]) -> u64 {
    let mut hasher = FxHasher::default();
    parts.hash(&mut hasher);
    // Its upper bits are the good ones.
    hasher.finish() >> 32
}

fn hex(bytes: &[u8]) -> [u8; 64] {
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    text
}

/// SHA-256 in hex.
pub fn hex_sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    push_hex_sha256(&mut text, bytes);
    text
}

pub(super) fn push_hex_sha256(out: &mut String, bytes: &[u8]) {
    push_hex(out, &digest_hex(bytes));
}

/// The digits of SHA-256.
pub(super) fn digest_hex(bytes: &[u8]) -> [u8; 64] {
    hex(&Sha256::digest(bytes))
}

pub(super) fn push_hex(out: &mut String, digits: &[u8; 64]) {
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

/// Compares without telling by its duration where two signatures differ.
pub(super) fn is_same(expected: &[u8; 64], given: &str) -> bool {
    let given = given.as_bytes();
    if given.len() != expected.len() {
        return false;
    }
    let difference = expected.iter().zip(given).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(difference) == 0
}
