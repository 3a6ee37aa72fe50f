//! Key pairs: making them, and RSA encryption. Private keys are PKCS #8 in DER, public ones SubjectPublicKeyInfo.

use cloud::Ids;
use p256::elliptic_curve;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use shapes::ApiError;

use crate::errors;
use crate::material::Secret;
use crate::spec::KeySpec;

/// The region's randomness, as the cryptographic crates want it.
pub(crate) struct Random<'a>(pub &'a Ids);

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.0.bytes())
    }
    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let bytes: [u8; 32] = self.0.bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}

/// A fresh private key. Slow for RSA.
pub(crate) fn generate(ids: &Ids, spec: KeySpec) -> Result<Secret, ApiError> {
    let random = &mut Random(ids);
    let encoded = match spec {
        KeySpec::P256 => p256::SecretKey::random(random).to_pkcs8_der(),
        KeySpec::P384 => p384::SecretKey::random(random).to_pkcs8_der(),
        KeySpec::P521 => p521::SecretKey::random(random).to_pkcs8_der(),
        KeySpec::K256 => k256::SecretKey::random(random).to_pkcs8_der(),
        _ => {
            let bits = spec.rsa_bits().ok_or_else(|| ApiError::internal("a secret is not a key pair"))?;
            RsaPrivateKey::new(random, bits).map_err(ApiError::internal)?.to_pkcs8_der()
        }
    };
    let encoded = encoded.map_err(|_| damaged())?;
    Ok(Secret::new(encoded.as_bytes().to_vec()))
}

/// The public key that belongs to a private one.
pub(crate) fn public_key(spec: KeySpec, private: &Secret) -> Result<Vec<u8>, ApiError> {
    let der = private.bytes();
    let encoded = match spec {
        KeySpec::P256 => {
            p256::SecretKey::from_pkcs8_der(der).map_err(|_| damaged())?.public_key().to_public_key_der()
        }
        KeySpec::P384 => {
            p384::SecretKey::from_pkcs8_der(der).map_err(|_| damaged())?.public_key().to_public_key_der()
        }
        KeySpec::P521 => {
            p521::SecretKey::from_pkcs8_der(der).map_err(|_| damaged())?.public_key().to_public_key_der()
        }
        KeySpec::K256 => {
            k256::SecretKey::from_pkcs8_der(der).map_err(|_| damaged())?.public_key().to_public_key_der()
        }
        _ => RsaPublicKey::from(&rsa_key(private)?).to_public_key_der(),
    };
    Ok(encoded.map_err(|_| damaged())?.into_vec())
}

pub(crate) fn rsa_key(private: &Secret) -> Result<RsaPrivateKey, ApiError> {
    RsaPrivateKey::from_pkcs8_der(private.bytes()).map_err(|_| damaged())
}

fn padding(algorithm: &str) -> Oaep {
    if algorithm == "RSAES_OAEP_SHA_1" {
        Oaep::new::<sha1_10::Sha1>()
    } else {
        Oaep::new::<rsa::sha2::Sha256>()
    }
}

/// RSAES-OAEP (RFC 8017, section 7.1).
pub(crate) fn encrypt(
    ids: &Ids,
    private: &Secret,
    algorithm: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let key = RsaPublicKey::from(&rsa_key(private)?);
    let made = key.encrypt(&mut Random(ids), padding(algorithm), plaintext);
    made.map_err(|_| errors::validation("Algorithm and key spec do not take a plaintext of this length."))
}

/// The time that this takes says nothing of the key: it is blinded.
pub(crate) fn decrypt(
    ids: &Ids,
    private: &Secret,
    algorithm: &str,
    ciphertext: &[u8],
) -> Result<Secret, ApiError> {
    let plaintext = rsa_key(private)?.decrypt_blinded(&mut Random(ids), padding(algorithm), ciphertext);
    plaintext.map(Secret::new).map_err(|_| errors::invalid_ciphertext())
}

/// ECDH with another party's public key (NIST SP 800-56A): the x-coordinate of the point that both find.
pub(crate) fn agree(spec: KeySpec, private: &Secret, public: &[u8]) -> Result<Option<Secret>, ApiError> {
    macro_rules! agree {
        ($curve:ident) => {{
            use elliptic_curve::pkcs8::DecodePublicKey;
            let own = $curve::SecretKey::from_pkcs8_der(private.bytes()).map_err(|_| damaged())?;
            let Ok(other) = $curve::PublicKey::from_public_key_der(public) else { return Ok(None) };
            let shared = elliptic_curve::ecdh::diffie_hellman(own.to_nonzero_scalar(), other.as_affine());
            Secret::new(shared.raw_secret_bytes().to_vec())
        }};
    }
    Ok(Some(match spec {
        KeySpec::P256 => agree!(p256),
        KeySpec::P384 => agree!(p384),
        KeySpec::P521 => agree!(p521),
        _ => return Ok(None),
    }))
}

pub(crate) fn damaged() -> ApiError {
    ApiError::internal("a private key in the store is damaged")
}
