//! JSON web tokens (RFC 7519) that applications prove themselves with, and what platforms give for them; both are used
//! until shortly before they end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::Value;
use shapes::Timestamp;

/// Tokens that are remembered; past it all are forgotten.
const KEPT: usize = 1000;

/// Tokens by who they prove: nothing that would have to be kept.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, (String, Timestamp)>>);

impl Tokens {
    pub(super) fn find(&self, owner: &str, now: Timestamp) -> Option<String> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(owner).filter(|(_, until)| now < *until).map(|(token, _)| token.clone())
    }

    pub(super) fn keep(&self, owner: String, token: String, until: Timestamp) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= KEPT {
            tokens.clear();
        }
        tokens.insert(owner, (token, until));
    }

    pub(super) fn forget(&self, owner: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
    }
}

/// How a token is signed (RFC 7518, section 3.1).
#[derive(Clone, Copy, Debug)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
}

/// A signed token. `pem` is the private key in PKCS #8.
pub(super) fn sign(
    algorithm: Algorithm,
    header: &Value,
    claims: &Value,
    pem: &str,
) -> Result<String, String> {
    let key = der(pem).ok_or("the key is no private key in PEM form (PKCS #8)")?;
    let mut text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let random = SystemRandom::new();
    let signature = match algorithm {
        Algorithm::Rs256 => {
            let key = RsaKeyPair::from_pkcs8(&key).map_err(|error| error.to_string())?;
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
                .map_err(|error| error.to_string())?;
            signature
        }
        Algorithm::Es256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &random);
            let key = key.map_err(|error| error.to_string())?;
            key.sign(&random, text.as_bytes()).map_err(|error| error.to_string())?.as_ref().to_vec()
        }
    };
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(text)
}

/// The bytes of a private key in PEM (RFC 7468, section 10). Apple's console and SNS's users also give the text alone.
fn der(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    let key = STANDARD.decode(lines.collect::<String>()).ok()?;
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use ring::rand::SystemRandom;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
    };
    use serde_json::json;
    use shapes::Timestamp;

    use super::{Algorithm, Tokens, sign};

    #[test]
    fn a_token_carries_its_claims_under_a_signature() {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let body = STANDARD.encode(document.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        for text in [pem.as_str(), body.as_str()] {
            let token =
                sign(Algorithm::Es256, &json!({"alg": "ES256"}), &json!({"iss": "team"}), text).unwrap();
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
            public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
            let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
            assert_eq!(claims, br#"{"iss":"team"}"#);
        }
        assert!(sign(Algorithm::Rs256, &json!({}), &json!({}), "not a key").is_err());
    }

    #[test]
    fn tokens_are_used_until_they_end() {
        let tokens = Tokens::default();
        let at = Timestamp::from_seconds;
        tokens.keep("a".to_owned(), "t".to_owned(), at(100));
        assert_eq!((tokens.find("a", at(99)).as_deref(), tokens.find("a", at(100))), (Some("t"), None));
        tokens.forget("a");
        assert_eq!(tokens.find("a", at(1)), None);
    }
}
