//! Ciphertexts of symmetric keys: what they say of their key, and how they are made.
//!
//! A ciphertext begins with the key's account and id and the id of its material, so that it opens without being told
//! its key, also with a material that no longer encrypts, and with each of a multi-Region key's replicas. What follows
//! is AES-256-GCM under a key of its own (HMAC-SHA256 of a salt under the material), bound to that head and to the
//! encryption context.

use identity::AccountId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use shapes::Map;

use cloud::Ids;

use crate::material::Secret;

/// Mark and version, which look like those of AWS's ciphertexts in base 64: `AQICAHg`.
const MAGIC: [u8; 5] = [0x01, 0x02, 0x02, 0x00, 0x78];
const SALT: usize = 16;
const MATERIAL: usize = 16;
/// Mark, whether the key is a multi-Region key, account, key, material, salt, nonce.
const HEAD: usize = MAGIC.len() + 1 + 8 + 16 + MATERIAL + SALT + NONCE_LEN;
const TAG: usize = 16;

/// A ciphertext, read but not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ciphertext<'a> {
    pub account: AccountId,
    pub key_id: String,
    /// The first 32 digits of the material's id.
    pub material: String,
    bytes: &'a [u8],
}

impl<'a> Ciphertext<'a> {
    /// `None` for bytes that no symmetric key of ours has made.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        if bytes.len() < HEAD + TAG {
            return None;
        }
        let (flag, rest) = rest.split_first()?;
        let (account, rest) = rest.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let material = rest.get(..MATERIAL)?;
        let key = hex(key);
        let key_id = match flag {
            0 => {
                let part = |range: std::ops::Range<usize>| key.get(range).unwrap_or_default();
                let parts = [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)];
                parts.join("-")
            }
            1 => format!("mrk-{key}"),
            _ => return None,
        };
        let account = AccountId::from_number(u64::from_be_bytes(*account))?;
        Some(Self { account, key_id, material: hex(material), bytes })
    }

    /// `None` when it was not made with this material and context, or was changed.
    pub(crate) fn open(&self, material: &Secret, context: Option<&Map<String>>) -> Option<Secret> {
        let (head, body) = self.bytes.split_at_checked(HEAD)?;
        let (head, nonce) = head.split_last_chunk::<NONCE_LEN>()?;
        let (_, salt) = head.split_last_chunk::<SALT>()?;
        let mut body = Secret::buffer(body);
        let bound = bound(&self.bytes[..HEAD], context);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = derive(material, salt)?.open_in_place(nonce, Aad::from(bound), &mut body).ok()?.len();
        Some(Secret::new(body[..length].to_vec()))
    }
}

impl Secret {
    fn buffer(bytes: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
        zeroize::Zeroizing::new(bytes.to_vec())
    }
}

/// Encrypts under a material of a key.
pub(crate) fn encrypt(
    ids: &Ids,
    (account, key_id, material_id): (AccountId, &str, &str),
    material: &Secret,
    context: Option<&Map<String>>,
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(HEAD + plaintext.len() + TAG);
    out.extend_from_slice(&MAGIC);
    out.push(u8::from(key_id.starts_with("mrk-")));
    out.extend_from_slice(&account.number().to_be_bytes());
    out.extend_from_slice(&unhex::<16>(key_id.strip_prefix("mrk-").unwrap_or(key_id))?);
    out.extend_from_slice(&unhex::<MATERIAL>(material_id)?);
    let salt: [u8; SALT] = ids.bytes();
    let nonce: [u8; NONCE_LEN] = ids.bytes();
    out.extend_from_slice(&salt);
    out.extend_from_slice(&nonce);
    let bound = bound(&out, context);
    out.extend_from_slice(plaintext);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let key = derive(material, &salt)?;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut out[HEAD..]).ok()?;
    out.extend_from_slice(tag.as_ref());
    Some(out)
}

fn derive(material: &Secret, salt: &[u8; SALT]) -> Option<LessSafeKey> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, material.bytes());
    let derived = hmac::sign(&key, &[b"kms encrypt".as_slice(), salt].concat());
    UnboundKey::new(&AES_256_GCM, derived.as_ref()).ok().map(LessSafeKey::new)
}

/// The head and the encryption context in one unambiguous form. No context and an empty one are the same.
fn bound(head: &[u8], context: Option<&Map<String>>) -> Vec<u8> {
    let mut bound = head.to_vec();
    for text in context.into_iter().flatten().flat_map(|(name, value)| [name, value]) {
        bound.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bound.extend_from_slice(text.as_bytes());
    }
    bound
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first bytes of a text of hexadecimal digits and hyphens.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digits = text.chars().filter(|letter| *letter != '-').map(|letter| letter.to_digit(16));
    let mut out = [0; N];
    for byte in &mut out {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use cloud::Ids;
    use identity::AccountId;
    use proptest::prelude::*;
    use shapes::Map;

    use super::{Ciphertext, encrypt};
    use crate::material::Secret;

    const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

    fn context(pairs: &[(&str, &str)]) -> Map<String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_ciphertext_names_its_key_and_opens_with_its_context_alone() {
        let ids = Ids::seeded(1);
        let secret = Secret::random(&ids, 32);
        let account = AccountId::from_number(123_456_789_012).unwrap();
        for key in [KEY, MRK] {
            let id = secret.material_id(key);
            let made =
                encrypt(&ids, (account, key, &id), &secret, Some(&context(&[("a", "bc")])), b"text").unwrap();
            let read = Ciphertext::parse(&made).unwrap();
            assert_eq!(
                (read.account, read.key_id.as_str(), read.material.as_str()),
                (account, key, &id[..32])
            );
            assert_eq!(read.open(&secret, Some(&context(&[("a", "bc")]))).unwrap().bytes(), b"text");
            assert!(read.open(&secret, Some(&context(&[("ab", "c")]))).is_none());
            assert!(read.open(&secret, None).is_none());
            assert!(read.open(&Secret::random(&ids, 32), Some(&context(&[("a", "bc")]))).is_none());
        }
    }

    proptest! {
        #[test]
        fn any_change_is_noticed(position in 0_usize..140, bit in 0_u8..8) {
            let ids = Ids::seeded(2);
            let secret = Secret::random(&ids, 32);
            let id = secret.material_id(KEY);
            let made = encrypt(&ids, (AccountId::DEFAULT, KEY, &id), &secret, None, &[7; 64]).unwrap();
            let mut changed = made.clone();
            let position = position % made.len();
            changed[position] ^= 1 << bit;
            let opened = Ciphertext::parse(&changed).and_then(|read| read.open(&secret, None));
            prop_assert!(opened.is_none());
        }

        #[test]
        fn any_bytes_are_read_or_not_without_panic(junk: Vec<u8>) {
            let marked = [super::MAGIC.as_slice(), &junk].concat();
            for bytes in [junk, marked] {
                if let Some(read) = Ciphertext::parse(&bytes) {
                    prop_assert!(read.open(&Secret::random(&Ids::seeded(3), 32), None).is_none());
                }
            }
        }
    }
}
