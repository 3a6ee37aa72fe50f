//! Recomputing a request's signature.

use super::authentication::{Authentication, Form};
use super::canonical::{self, unsigned_amz_header};
use super::error::{Mismatch, SignatureError};
use super::signing_key::{KeyCache, SigningKey, digest_hex, is_same, push_hex, push_hex_sha256};
use super::{ALGORITHM, PathRule, Payload, RequestView, asymmetric};
use crate::timestamp::format_basic;

/// How far a client's clock may be off.
pub const SKEW_SECONDS: i64 = 15 * 60;

/// A presigned URL lives a week at most.
pub const LONGEST_PRESIGNED_SECONDS: i64 = 7 * 24 * 3600;

/// A signature that was right: what the chunks of a streamed body continue from.
#[derive(Clone, Debug)]
pub struct Verified {
    pub(super) key: SigningKey,
    pub(super) signature: [u8; 64],
}

impl Authentication<'_> {
    /// Checks the time, that the host is signed, and the signature itself. `now` is epoch seconds. The token is the
    /// caller's to compare: only the keeper of sessions knows which one belongs to the key.
    pub fn verify(
        &self,
        request: &RequestView<'_>,
        payload: Payload<'_>,
        secret: &str,
        rule: PathRule,
        now: i64,
        keys: &KeyCache,
    ) -> Result<Verified, SignatureError> {
        self.check_time(now)?;
        self.check_signed_headers(request, rule)?;
        let timestamp = self.timestamp();
        if self.date != timestamp[..8] {
            let (scope, day) = (&self.date, &timestamp[..8]);
            return Err(SignatureError::Scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' \
                 != '{day}', from '{timestamp}'."
            )));
        }
        let mut text = String::with_capacity(1024);
        // The client signed the hash it declared; whether that is the body's is the second question.
        let declared = declared_hash(request, payload);
        let signed_payload = declared.map_or(payload, Payload::Declared);
        canonical::write(&mut text, request, &self.signed_headers, signed_payload, rule);
        let canonical_end = text.len();
        write_string_to_sign(&mut text, canonical_end, self, &timestamp);
        let key = keys.get(&self.access_key, secret, &self.date, &self.region, &self.service);
        let signature = key.sign(&text[canonical_end..]);
        let is_right = match self.is_asymmetric {
            true => asymmetric::is_signed(&self.access_key, secret, &text[canonical_end..], &self.signature),
            false => is_same(&signature, &self.signature),
        };
        if is_right {
            return match (declared, payload) {
                (Some(declared), Payload::Body(body)) if !is_same(&digest_hex(body), declared) => {
                    Err(SignatureError::ContentMismatch)
                }
                _ => Ok(Verified { key, signature }),
            };
        }
        let string_to_sign = text.split_off(canonical_end);
        Err(SignatureError::Mismatch(Box::new(Mismatch { canonical_request: text, string_to_sign })))
    }

    fn check_time(&self, now: i64) -> Result<(), SignatureError> {
        let signed_at = self.signed_at;
        if signed_at > now.saturating_add(SKEW_SECONDS) {
            return Err(SignatureError::NotYetCurrent { signed_at, now });
        }
        match self.form {
            Form::Header if signed_at < now.saturating_sub(SKEW_SECONDS) => {
                Err(SignatureError::Expired { signed_at, now })
            }
            Form::Presigned { expires_seconds } if signed_at + expires_seconds < now => {
                Err(SignatureError::RequestExpired { expired_at: signed_at + expires_seconds, now })
            }
            _ => Ok(()),
        }
    }

    fn check_signed_headers(&self, request: &RequestView<'_>, rule: PathRule) -> Result<(), SignatureError> {
        if self.is_asymmetric && !self.signed_headers.split(';').any(|name| name == "x-amz-region-set") {
            let message = "'X-Amz-Region-Set' must be a 'SignedHeader' in the AWS Authorization.";
            return Err(SignatureError::HeadersNotSigned(message.to_owned()));
        }
        if !self.signed_headers.split(';').any(|name| name == "host" || name == ":authority") {
            let message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
            return Err(SignatureError::HeadersNotSigned(message.to_owned()));
        }
        let unsigned = match rule {
            PathRule::S3 => unsigned_amz_header(request.headers, &self.signed_headers),
            PathRule::Normalised => None,
        };
        match unsigned {
            Some(name) => Err(SignatureError::HeadersNotSigned(format!(
                "There were headers present in the request which were not signed: {name}"
            ))),
            None => Ok(()),
        }
    }
}

/// The hash in `x-amz-content-sha256` of a request whose body is at hand.
fn declared_hash<'a>(request: &RequestView<'a>, payload: Payload<'_>) -> Option<&'a str> {
    let Payload::Body(_) = payload else { return None };
    let declared = std::str::from_utf8(request.headers.first("x-amz-content-sha256")?).ok()?.trim();
    let is_hash = declared.len() == 64 && declared.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(declared)
}

/// Appends the string to sign to the canonical request that ends at `canonical_end`.
fn write_string_to_sign(text: &mut String, canonical_end: usize, auth: &Authentication<'_>, timestamp: &str) {
    let (algorithm, region, slash) = match auth.is_asymmetric {
        true => (asymmetric::ALGORITHM, "", ""),
        false => (ALGORITHM, &*auth.region, "/"),
    };
    let parts =
        [algorithm, "\n", timestamp, "\n", &auth.date, "/", region, slash, &auth.service, "/aws4_request\n"];
    for part in parts {
        text.push_str(part);
    }
    let digest = digest_hex(&text.as_bytes()[..canonical_end]);
    push_hex(text, &digest);
}

/// The string to sign of a canonical request. `signed_at` is epoch seconds.
pub fn string_to_sign(canonical_request: &str, signed_at: i64, region: &str, service: &str) -> String {
    let timestamp = format_basic(signed_at);
    let date = &timestamp[..8];
    let mut text = format!("{ALGORITHM}\n{timestamp}\n{date}/{region}/{service}/aws4_request\n");
    push_hex_sha256(&mut text, canonical_request.as_bytes());
    text
}
