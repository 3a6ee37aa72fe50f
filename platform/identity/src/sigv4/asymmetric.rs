//! Signature Version 4A: signatures by ECDSA over P-256 that several regions can check ("AWS Signature Version 4 for API
//! requests", "Asymmetric Signature Version 4 (SigV4a)"). Clients make them for multi-Region endpoints.
//!
//! The key pair is derived from the secret access key (NIST SP 800-108, counter mode), so nothing more is stored.

use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, SigningKey};
use sha2::Sha256;

pub(super) const ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";

/// The order of P-256's group less two: the largest candidate for a key.
const LARGEST: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC,
    0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x4F,
];

/// The private key of an access key.
pub(super) fn derive(access_key: &str, secret: &str) -> Option<SigningKey> {
    let base = [b"AWS4A".as_slice(), secret.as_bytes()].concat();
    (1..=254_u8).find_map(|counter| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&base).ok()?;
        mac.update(&1_u32.to_be_bytes());
        mac.update(ALGORITHM.as_bytes());
        mac.update(&[0]);
        mac.update(access_key.as_bytes());
        mac.update(&[counter]);
        mac.update(&256_u32.to_be_bytes());
        let candidate: [u8; 32] = mac.finalize().into_bytes().into();
        // Both are as long, so they compare as numbers do. One in four thousand million is too large.
        if candidate > LARGEST { None } else { SigningKey::from_slice(&incremented(candidate)).ok() }
    })
}

fn incremented(mut number: [u8; 32]) -> [u8; 32] {
    for byte in number.iter_mut().rev() {
        let (sum, carries) = byte.overflowing_add(1);
        *byte = sum;
        if !carries {
            break;
        }
    }
    number
}

/// Whether `signature` (DER in hex) of `text` was made with the key that belongs to the secret.
pub(super) fn is_signed(access_key: &str, secret: &str, text: &str, signature: &str) -> bool {
    let (Some(key), Some(der)) = (derive(access_key, secret), from_hex(signature)) else { return false };
    Signature::from_der(&der)
        .is_ok_and(|signature| key.verifying_key().verify(text.as_bytes(), &signature).is_ok())
}

/// A signature in DER has 72 bytes at most.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() > 144 || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The region that a region set means here: the first one that is spelled out, else any.
pub(super) fn region_of(set: &str) -> &str {
    let mut regions = set.split(',').map(str::trim);
    regions.find(|region| !region.is_empty() && !region.contains('*')).unwrap_or(super::ANY_REGION)
}

#[cfg(test)]
mod tests {
    use super::{derive, incremented, is_signed, region_of};

    /// The key of AWS's published example credentials, as its own client libraries derive it.
    #[test]
    fn keys_are_derived_as_clients_derive_them() {
        let key = derive("AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom").unwrap();
        let hex: String = key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "7fd3bd010c0d9c292141c2b77bfbde1042c92e6836fff749d1269ec890fca1bd");
    }

    #[test]
    fn numbers_carry_and_regions_are_chosen() {
        let mut number = [0; 32];
        number[30] = 1;
        number[31] = 0xFF;
        let next = incremented(number);
        assert_eq!((next[30], next[31]), (2, 0));
        assert_eq!(region_of("*"), super::super::ANY_REGION);
        assert_eq!(region_of("us-*, eu-west-1"), "eu-west-1");
        assert!(!is_signed("key", "secret", "text", "30"));
        assert!(!is_signed("key", "secret", "text", "zz"));
    }
}
