//! Making signatures, for clients of ours: calls between regions, deliveries, load.

use super::canonical::{self, encode};
use super::chunk::ChunkSigner;
use super::signing_key::{KeyCache, SigningKey, hex_sha256, push_hex};
use super::verify::string_to_sign;
use super::{ALGORITHM, Headers, PathRule, Payload, RequestView};
use crate::timestamp::{format_basic, parse_basic};

/// Whose signatures, and for what.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub access_key: &'a str,
    pub secret: &'a str,
    /// Of temporary credentials.
    pub token: Option<&'a str>,
    pub region: &'a str,
    pub service: &'a str,
    pub rule: PathRule,
    /// Saves deriving the key anew each time; worth it for more than a few signatures.
    pub keys: Option<&'a KeyCache>,
}

/// Headers that proxies and HTTP libraries change on the way, and which are left unsigned for that reason.
const UNSIGNED_HEADERS: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "accept-encoding",
    "x-amzn-trace-id",
];

impl Signer<'_> {
    /// The headers to add to a request: `x-amz-date`, `authorization`, and where they apply `x-amz-security-token`
    /// and `x-amz-content-sha256`. All headers of the request are signed but those that change on the way; one of
    /// `host` or an authority must be there. `now` is epoch seconds.
    pub fn sign(
        &self,
        request: &RequestView<'_>,
        payload: Payload<'_>,
        now: i64,
    ) -> Vec<(&'static str, String)> {
        self.sign_with_chunks(request, payload, now).0
    }

    /// As [`Signer::sign`], with the signer of the chunks that follow.
    pub fn sign_with_chunks(
        &self,
        request: &RequestView<'_>,
        payload: Payload<'_>,
        now: i64,
    ) -> (Vec<(&'static str, String)>, ChunkSigner) {
        let mut added = Vec::with_capacity(4);
        let given_date = request.headers.first("x-amz-date").and_then(|date| std::str::from_utf8(date).ok());
        let now = given_date.and_then(parse_basic).unwrap_or(now);
        if given_date.is_none() {
            added.push(("x-amz-date", format_basic(now)));
        }
        if let Some(token) = self.token
            && request.headers.first("x-amz-security-token").is_none()
        {
            added.push(("x-amz-security-token", token.to_owned()));
        }
        if self.rule == PathRule::S3 && request.headers.first("x-amz-content-sha256").is_none() {
            let hash = match payload {
                Payload::Body(body) => hex_sha256(body),
                Payload::Declared(declared) => declared.to_owned(),
            };
            added.push(("x-amz-content-sha256", hash));
        }
        let headers = Layered { base: request.headers, added: &added };
        let signed_headers = signed_headers(&headers);
        let view = RequestView { headers: &headers, ..*request };
        let canonical = canonical::canonical_request(&view, &signed_headers, payload, self.rule);
        let (signature, key, scope) = self.signature(&canonical, now);
        let access_key = self.access_key;
        let mut authorization = format!(
            "{ALGORITHM} Credential={access_key}/{scope}, SignedHeaders={signed_headers}, Signature="
        );
        push_hex(&mut authorization, &signature);
        added.push(("authorization", authorization));
        (added, ChunkSigner::new(key, format_basic(now), scope, signature))
    }

    /// The query of a presigned URL: the request's own, then the signature's parameters.
    pub fn presign(
        &self,
        request: &RequestView<'_>,
        payload: Payload<'_>,
        expires_seconds: i64,
        now: i64,
    ) -> String {
        let timestamp = format_basic(now);
        let signed_headers = signed_headers(request.headers);
        let scope = self.scope(&timestamp);
        let credential = format!("{}/{scope}", self.access_key);
        let expires = expires_seconds.to_string();
        let mut query = request.query.to_owned();
        let mut add = |name: &str, value: &str| {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            encode(&mut query, value.as_bytes(), false);
        };
        add("X-Amz-Algorithm", ALGORITHM);
        add("X-Amz-Credential", &credential);
        add("X-Amz-Date", &timestamp);
        add("X-Amz-Expires", &expires);
        if let Some(token) = self.token {
            add("X-Amz-Security-Token", token);
        }
        add("X-Amz-SignedHeaders", &signed_headers);
        let view = RequestView { query: &query, ..*request };
        let canonical = canonical::canonical_request(&view, &signed_headers, payload, self.rule);
        let (signature, ..) = self.signature(&canonical, now);
        query.push_str("&X-Amz-Signature=");
        push_hex(&mut query, &signature);
        query
    }

    fn scope(&self, timestamp: &str) -> String {
        format!("{}/{}/{}/aws4_request", &timestamp[..8], self.region, self.service)
    }

    fn signature(&self, canonical: &str, now: i64) -> ([u8; 64], SigningKey, String) {
        let timestamp = format_basic(now);
        let date = &timestamp[..8];
        let key = match self.keys {
            Some(keys) => keys.get(self.access_key, self.secret, date, self.region, self.service),
            None => SigningKey::derive(self.secret, date, self.region, self.service),
        };
        let signature = key.sign(&string_to_sign(canonical, now, self.region, self.service));
        (signature, key, self.scope(&timestamp))
    }
}

/// The sorted names of what is signed; always with the host, which may stand in the authority.
fn signed_headers(headers: &dyn Headers) -> String {
    let mut names = vec!["host".to_owned()];
    headers.each(&mut |name, _| {
        let name = name.to_ascii_lowercase();
        if !UNSIGNED_HEADERS.contains(&name.as_str()) {
            names.push(name);
        }
    });
    names.sort_unstable();
    names.dedup();
    names.join(";")
}

struct Layered<'a> {
    base: &'a dyn Headers,
    added: &'a Vec<(&'static str, String)>,
}

impl Headers for Layered<'_> {
    fn each_value<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.base.each_value(name, visit);
        self.added.each_value(name, visit);
    }

    fn each(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        self.base.each(visit);
        self.added.each(visit);
    }
}
