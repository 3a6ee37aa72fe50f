//! Tokens of web identities: signed claims in JSON (RFC 7519), read and verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;
use shapes::ApiError;

use super::session_tags::SessionTags;

/// Where AWS looks for a session's tags in a token ("Pass session tags in AWS STS").
const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::sender("InvalidIdentityToken", message)
}

/// A token whose signature nobody has checked yet.
pub(crate) struct WebToken<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    algorithm: String,
    key_id: Option<String>,
    claims: Value,
}

/// A public key of a provider (RFC 7517).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PublicKey {
    pub id: Option<String>,
    kind: KeyKind,
}

#[derive(Clone, Debug, PartialEq)]
enum KeyKind {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// A point in its uncompressed form.
    P256(Vec<u8>),
    P384(Vec<u8>),
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_slice(&decoded(text)?).ok().filter(Value::is_object)
}

impl<'a> WebToken<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, ApiError> {
        Self::parts(token).ok_or_else(|| invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"))
    }

    fn parts(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = object(header)?;
        Some(Self {
            signed,
            signature: decoded(signature)?,
            algorithm: header.get("alg")?.as_str()?.to_owned(),
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            claims: object(claims)?,
        })
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(crate) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    pub(crate) fn issuer(&self) -> Result<&str, ApiError> {
        self.claim("iss").ok_or_else(|| invalid("Missing a required claim: iss"))
    }

    pub(crate) fn subject(&self) -> Result<&str, ApiError> {
        self.claim("sub").ok_or_else(|| invalid("Missing a required claim: sub"))
    }

    /// The audiences: one text or a list of them.
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(one) => one.as_str().into_iter().collect(),
            None => Vec::new(),
        }
    }

    pub(crate) fn source_identity(&self) -> Option<&str> {
        self.claim(SOURCE_IDENTITY_CLAIM)
    }

    /// Tags for the session, each with one value.
    pub(crate) fn session_tags(&self) -> Result<SessionTags, ApiError> {
        let Some(claim) = self.claims.get(TAGS_CLAIM) else { return Ok(SessionTags::default()) };
        let malformed = || invalid(format!("The claim {TAGS_CLAIM} is not as it has to be"));
        let mut tags = Vec::new();
        for (key, value) in claim.get("principal_tags").and_then(Value::as_object).into_iter().flatten() {
            let value = match value {
                Value::Array(values) if values.len() == 1 => &values[0],
                value => value,
            };
            tags.push((key.clone(), value.as_str().ok_or_else(malformed)?.to_owned()));
        }
        let transitive = claim.get("transitive_tag_keys").and_then(Value::as_array).into_iter().flatten();
        let transitive = transitive.filter_map(Value::as_str).map(str::to_owned).collect();
        SessionTags::new(tags, transitive)
    }

    /// Refuses a token whose time is over or has not come, in seconds; machines' clocks may differ a little.
    pub(crate) fn check_time(&self, now: i64) -> Result<(), ApiError> {
        const LEEWAY: i64 = 300;
        let moment = |name: &str| self.claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
        let expires = moment("exp").ok_or_else(|| invalid("Missing a required claim: exp"))?;
        if expires <= now {
            let message = format!(
                "Token expired: current date/time {now} must be before the expiration date/time {expires}"
            );
            return Err(ApiError::sender("ExpiredTokenException", message));
        }
        for name in ["nbf", "iat"] {
            if moment(name).is_some_and(|begins| begins > now + LEEWAY) {
                return Err(invalid(format!("The token's {name} is in the future")));
            }
        }
        Ok(())
    }

    /// Whether one of the keys made the signature.
    pub(crate) fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        keys.iter().filter(|key| self.fits(key)).any(|key| key.verifies(self))
    }

    /// A token that names no key may be of any.
    fn fits(&self, key: &PublicKey) -> bool {
        match (&self.key_id, &key.id) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        }
    }
}

impl PublicKey {
    /// Reads one key of a set; nothing for kinds that sign no tokens here.
    pub(crate) fn parse(key: &Value) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let point = || {
            let (x, y) = (decoded(text("x")?)?, decoded(text("y")?)?);
            Some([&[4], x.as_slice(), &y].concat())
        };
        let kind = match (text("kty")?, text("crv")) {
            ("RSA", _) => KeyKind::Rsa { modulus: decoded(text("n")?)?, exponent: decoded(text("e")?)? },
            ("EC", Some("P-256")) => KeyKind::P256(point()?),
            ("EC", Some("P-384")) => KeyKind::P384(point()?),
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), kind })
    }

    fn verifies(&self, token: &WebToken<'_>) -> bool {
        let (signed, signature) = (token.signed.as_bytes(), token.signature.as_slice());
        let verified = match (&self.kind, token.algorithm.as_str()) {
            (KeyKind::Rsa { modulus, exponent }, algorithm) => {
                let parameters = match algorithm {
                    "RS256" => &RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &RSA_PKCS1_2048_8192_SHA512,
                    _ => return false,
                };
                // The first byte of a number is not zero.
                let n = modulus.iter().position(|byte| *byte != 0).map_or(&[][..], |start| &modulus[start..]);
                RsaPublicKeyComponents { n, e: exponent.as_slice() }.verify(parameters, signed, signature)
            }
            (KeyKind::P256(point), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
            (KeyKind::P384(point), "ES384") => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(signed, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PublicKey, WebToken};

    /// RFC 7515, appendix A.3: a token signed with P-256.
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvb\
S9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    #[test]
    fn the_token_of_the_rfc_is_signed_by_its_key_alone() {
        let key = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let key = PublicKey::parse(&key).expect("a key");
        let token = WebToken::parse(TOKEN).expect("a token");
        assert_eq!(token.issuer().ok(), Some("joe"));
        assert!(token.is_signed_by(std::slice::from_ref(&key)));
        assert!(!token.is_signed_by(&[]));
        assert!(token.check_time(1_300_819_379).is_ok());
        let over = token.check_time(1_300_819_380).expect_err("its time is over");
        assert_eq!(over.code(), "ExpiredTokenException");
        let changed = TOKEN.replacen(
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAs",
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODEs",
            1,
        );
        assert!(!WebToken::parse(&changed).expect("still a token").is_signed_by(&[key]));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for wrong in ["", "a.b", "a.b.c", "e30.e30.", "e30.e30.e30"] {
            assert!(WebToken::parse(wrong).is_err(), "{wrong}");
        }
    }
}
