//! Import of key material: the tokens that go with a wrapping key, and unwrapping (Developer Guide, "Importing key
//! material for AWS KMS keys").
//!
//! Nothing of a wrapping key is stored. Its private half travels in the import token, sealed under a key derived from
//! the region's root key.

use std::time::Duration;

use aes_kw::KekAes256;
use clock::Jobs;
use cloud::{Ctx, Ids, RootKey};
use rsa::{Oaep, RsaPrivateKey};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Reader, Row, Tx};

use crate::asymmetric::{self, Random, rsa_key};
use crate::jobs::{self, Event};
use crate::key::{Expiry, Key, Located};
use crate::material::{Cause, Material, Secret};
use crate::spec::{Family, KeySpec, names};
use crate::{errors, tables};

/// How long a wrapping key and its token are good for.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(86_400);
/// Materials of a key; see the limit of rotations on demand.
pub(crate) const MOST_MATERIALS: usize = 100;
const LABEL: &str = "kms/import-token";

names! {
    /// How material is wrapped.
    Wrapping {
        OaepSha1 = "RSAES_OAEP_SHA_1",
        OaepSha256 = "RSAES_OAEP_SHA_256",
        KeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
        KeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
    }
}

/// What an import token holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Token {
    pub key_id: String,
    pub wrapping: Wrapping,
    pub valid_to: Timestamp,
    private: Vec<u8>,
}

store::row!(Token, 1);

impl Token {
    pub(crate) fn new(key_id: &str, wrapping: Wrapping, valid_to: Timestamp, private: &Secret) -> Self {
        Self { key_id: key_id.to_owned(), wrapping, valid_to, private: private.bytes().to_vec() }
    }

    pub(crate) fn seal(&self, root: &RootKey, ids: &Ids) -> Result<Vec<u8>, ApiError> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        root.derive(LABEL)?.seal(ids, b"", &bytes)
    }

    pub(crate) fn open(root: &RootKey, sealed: &[u8]) -> Result<Self, ApiError> {
        let bytes = root.derive(LABEL)?.open(b"", sealed).ok_or_else(errors::invalid_import_token)?;
        Self::decode(&bytes).map_err(|_| errors::invalid_import_token())
    }

    /// The material that was wrapped for this token.
    pub(crate) fn unwrap(self, ids: &Ids, wrapped: &[u8]) -> Result<Secret, ApiError> {
        let private = rsa_key(&Secret::new(self.private))?;
        let unwrapped = match self.wrapping {
            Wrapping::OaepSha1 | Wrapping::OaepSha256 => decrypt(ids, &private, self.wrapping, wrapped),
            Wrapping::KeyWrapSha1 | Wrapping::KeyWrapSha256 => {
                unwrap_by_aes(ids, &private, self.wrapping, wrapped)
            }
        };
        unwrapped.ok_or_else(errors::invalid_ciphertext)
    }
}

fn decrypt(ids: &Ids, private: &RsaPrivateKey, wrapping: Wrapping, wrapped: &[u8]) -> Option<Secret> {
    let padding = match wrapping {
        Wrapping::OaepSha1 | Wrapping::KeyWrapSha1 => Oaep::new::<sha1_10::Sha1>(),
        Wrapping::OaepSha256 | Wrapping::KeyWrapSha256 => Oaep::new::<rsa::sha2::Sha256>(),
    };
    private.decrypt_blinded(&mut Random(ids), padding, wrapped).ok().map(Secret::new)
}

/// First an AES key under RSA, then the material under that AES key with padding (RFC 5649).
fn unwrap_by_aes(ids: &Ids, private: &RsaPrivateKey, wrapping: Wrapping, wrapped: &[u8]) -> Option<Secret> {
    use rsa::traits::PublicKeyParts;
    let (first, second) = wrapped.split_at_checked(private.size())?;
    let aes = decrypt(ids, private, wrapping, first)?;
    let key =
        KekAes256::new(aes.bytes().first_chunk::<32>().filter(|key| key.len() == aes.bytes().len())?.into());
    key.unwrap_with_padding_vec(second).ok().map(Secret::new)
}

/// Whether a wrapping fits the material of a spec: RSA keys are too long for RSA alone.
pub(crate) fn check_wrapping(spec: KeySpec, wrapping: Wrapping) -> Result<(), ApiError> {
    let is_plain = matches!(wrapping, Wrapping::OaepSha1 | Wrapping::OaepSha256);
    if spec.family() == Family::Rsa && is_plain {
        return Err(errors::validation(format!(
            "Wrapping algorithm {} cannot wrap key material of key spec {}.",
            wrapping.as_str(),
            spec.as_str()
        )));
    }
    Ok(())
}

/// Whether material is of the key's spec.
pub(crate) fn check_material(key: &Key, material: &Secret) -> Result<(), ApiError> {
    use rsa::traits::PublicKeyParts;
    let is_right = match (key.spec.secret_length(), key.spec.rsa_bits()) {
        (Some(length), _) => material.bytes().len() == length,
        (None, Some(bits)) => rsa_key(material).is_ok_and(|key| key.size() * 8 == bits),
        (None, None) => asymmetric::public_key(key.spec, material).is_ok(),
    };
    if is_right { Ok(()) } else { Err(errors::incorrect_material()) }
}

/// Brings the key's state in line with its materials: it works while all of them are there, and until the first of
/// them expires.
pub(crate) fn settle(ctx: &Ctx, tx: &mut Tx<'_>, located: &Located, key: &mut Key) -> Result<(), ApiError> {
    let rows = materials(tx, &key.id)?;
    let mut in_use: Vec<_> =
        rows.iter().filter(|(_, material)| material.cause != Cause::PendingImport).collect();
    in_use.sort_by_key(|(_, material)| material.since);
    let is_whole = in_use.iter().all(|(_, material)| material.sealed.is_some());
    key.material = in_use.last().filter(|_| is_whole).map(|(id, _)| id.clone());
    if let Some(expiry) = key.expires.take() {
        Jobs::cancel(tx, expiry.job);
    }
    let first = in_use.iter().filter_map(|(_, material)| material.valid_to).min();
    key.expires = first.filter(|_| is_whole).map(|due| Expiry {
        job: jobs::schedule(ctx, tx, (located.account, located.region), &key.id, Event::Expiry, due),
    });
    Ok(())
}

/// The materials of a key with their ids.
pub(crate) fn materials(reader: &mut dyn Reader, key_id: &str) -> Result<Vec<(String, Material)>, ApiError> {
    let rows = tables::MATERIALS.list(reader, &Range::prefix(&key_id.to_owned()), MOST_MATERIALS)?;
    Ok(rows.into_iter().map(|((_, id), material)| (id, material)).collect())
}
