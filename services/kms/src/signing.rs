//! Signatures and authentication codes (Developer Guide, "Key spec reference").

use cloud::Ids;
use hmac::{Hmac, KeyInit, Mac};
use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::{Digest, Sha256, Sha384, Sha512};
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use shapes::ApiError;

use crate::asymmetric::{Random, damaged, rsa_key};
use crate::material::Secret;
use crate::spec::KeySpec;
use crate::{asymmetric, errors};

/// The hash of a signing algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn of(algorithm: &str) -> Self {
        match algorithm.rsplit('_').next() {
            Some("384") => Self::Sha384,
            Some("512") => Self::Sha512,
            _ => Self::Sha256,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    fn pkcs1(self) -> Pkcs1v15Sign {
        match self {
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }

    /// With a salt as long as the hash.
    fn pss(self) -> Pss {
        match self {
            Self::Sha256 => Pss::new_blinded::<Sha256>(),
            Self::Sha384 => Pss::new_blinded::<Sha384>(),
            Self::Sha512 => Pss::new_blinded::<Sha512>(),
        }
    }
}

/// What is signed: the digest of a message, or the digest that the request brings.
pub(crate) fn digest(
    algorithm: &str,
    message_type: Option<&str>,
    message: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let hash = Hash::of(algorithm);
    match message_type {
        None | Some("RAW") => Ok(hash.digest(message)),
        Some("DIGEST") if message.len() == hash.length() => Ok(message.to_vec()),
        Some("DIGEST") => {
            Err(errors::validation(format!("Digest is invalid length for algorithm {algorithm}.")))
        }
        Some(other) => {
            Err(errors::validation(format!("MessageType {other} is not valid for algorithm {algorithm}.")))
        }
    }
}

macro_rules! ecdsa_sign {
    ($curve:ident, $ids:expr, $private:expr, $digest:expr) => {{
        use $curve::ecdsa::signature::hazmat::RandomizedPrehashSigner;
        let key = $curve::SecretKey::from_pkcs8_der($private.bytes()).map_err(|_| damaged())?;
        let key = $curve::ecdsa::SigningKey::from_bytes(&key.to_bytes()).map_err(|_| damaged())?;
        let signature: $curve::ecdsa::Signature =
            key.sign_prehash_with_rng(&mut Random($ids), $digest).map_err(|_| damaged())?;
        signature.to_der().as_bytes().to_vec()
    }};
}

macro_rules! ecdsa_verify {
    ($curve:ident, $private:expr, $digest:expr, $signature:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashVerifier;
        let key = $curve::SecretKey::from_pkcs8_der($private.bytes()).map_err(|_| damaged())?;
        let key = $curve::ecdsa::VerifyingKey::from_affine(*key.public_key().as_affine()).map_err(|_| damaged())?;
        let signature = $curve::ecdsa::Signature::from_der($signature);
        // Both of a signature's forms are valid (SEC 1, section 4.1.4), and some implementations take but one.
        let signature = signature.map(|signature| signature.normalize_s().unwrap_or(signature));
        signature.is_ok_and(|signature| key.verify_prehash($digest, &signature).is_ok())
    }};
}

/// Signs a digest: RFC 8017 for RSA, ECDSA in DER (RFC 3279) for elliptic curves.
pub(crate) fn sign(
    ids: &Ids,
    spec: KeySpec,
    private: &Secret,
    algorithm: &str,
    digest: &[u8],
) -> Result<Vec<u8>, ApiError> {
    Ok(match spec {
        KeySpec::P256 => ecdsa_sign!(p256, ids, private, digest),
        KeySpec::P384 => ecdsa_sign!(p384, ids, private, digest),
        KeySpec::P521 => ecdsa_sign!(p521, ids, private, digest),
        KeySpec::K256 => ecdsa_sign!(k256, ids, private, digest),
        _ => {
            let (key, hash) = (rsa_key(private)?, Hash::of(algorithm));
            let random = &mut Random(ids);
            let signed = match algorithm.starts_with("RSASSA_PSS") {
                true => key.sign_with_rng(random, hash.pss(), digest),
                false => key.sign_with_rng(random, hash.pkcs1(), digest),
            };
            signed.map_err(|_| damaged())?
        }
    })
}

/// Whether a signature is the key's.
pub(crate) fn verify(
    spec: KeySpec,
    private: &Secret,
    algorithm: &str,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, ApiError> {
    Ok(match spec {
        KeySpec::P256 => ecdsa_verify!(p256, private, digest, signature),
        KeySpec::P384 => ecdsa_verify!(p384, private, digest, signature),
        KeySpec::P521 => ecdsa_verify!(p521, private, digest, signature),
        KeySpec::K256 => ecdsa_verify!(k256, private, digest, signature),
        _ => {
            let (key, hash) = (RsaPublicKey::from(&asymmetric::rsa_key(private)?), Hash::of(algorithm));
            match algorithm.starts_with("RSASSA_PSS") {
                true => key.verify(hash.pss(), digest, signature).is_ok(),
                false => key.verify(hash.pkcs1(), digest, signature).is_ok(),
            }
        }
    })
}

/// The code of a message (RFC 2104).
pub(crate) fn mac(secret: &Secret, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, ApiError> {
    match algorithm {
        "HMAC_SHA_224" => code::<Hmac<sha2::Sha224>>(secret, message),
        "HMAC_SHA_384" => code::<Hmac<sha2::Sha384>>(secret, message),
        "HMAC_SHA_512" => code::<Hmac<sha2::Sha512>>(secret, message),
        _ => code::<Hmac<sha2::Sha256>>(secret, message),
    }
}

fn code<M: Mac + KeyInit>(secret: &Secret, message: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mac = <M as KeyInit>::new_from_slice(secret.bytes()).map_err(|_| damaged())?;
    Ok(mac.chain_update(message).finalize().into_bytes().to_vec())
}

/// Whether two codes are the same, in a time that does not tell where they differ.
pub(crate) fn is_same_code(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}
