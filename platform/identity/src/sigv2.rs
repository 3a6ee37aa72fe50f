//! Signature Version 2 of S3, which some clients still make for URLs and browser forms ("Signing and authenticating
//! REST requests" in the S3 developer guide).

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::sigv4::{Mismatch, RequestView, SignatureError};
use crate::timestamp::parse_http_date;

/// What a request says about its signature of version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureV2<'a> {
    pub access_key: Cow<'a, str>,
    /// In base 64.
    signature: Cow<'a, str>,
    /// Epoch seconds, of a URL.
    pub expires: Option<i64>,
    pub token: Option<Cow<'a, str>>,
}

/// Query parameters that are part of the resource that is signed.
const SUBRESOURCES: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

impl<'a> SignatureV2<'a> {
    /// The signature that a request carries; nothing when it carries none of this version.
    pub fn of(request: &RequestView<'a>) -> Option<Self> {
        let header = request.headers.first("authorization").and_then(|value| std::str::from_utf8(value).ok());
        if let Some((access_key, signature)) =
            header.and_then(|value| value.strip_prefix("AWS ")).and_then(|value| value.split_once(':'))
        {
            let token = request.headers.first("x-amz-security-token");
            return Some(Self {
                access_key: access_key.trim().into(),
                signature: signature.trim().into(),
                expires: None,
                token: token.and_then(|token| std::str::from_utf8(token).ok()).map(Cow::Borrowed),
            });
        }
        let parameter = |name: &str| {
            let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| decode(value))
        };
        Some(Self {
            access_key: parameter("AWSAccessKeyId")?,
            signature: parameter("Signature")?,
            expires: Some(parameter("Expires")?.parse().ok()?),
            token: parameter("x-amz-security-token"),
        })
    }

    /// Checks the time and the signature. `path` is the resource's: the request's, with the bucket that its host names
    /// before it. `now` is epoch seconds.
    pub fn verify(
        &self,
        request: &RequestView<'_>,
        path: &str,
        secret: &str,
        now: i64,
    ) -> Result<(), SignatureError> {
        self.check_time(request, now)?;
        let text = self.string_to_sign(request, path);
        if is_signature_of(secret, &text, &self.signature) {
            return Ok(());
        }
        let mismatch = Mismatch { canonical_request: String::new(), string_to_sign: text };
        Err(SignatureError::Mismatch(Box::new(mismatch)))
    }

    /// What of the check needs no secret.
    pub fn check_time(&self, request: &RequestView<'_>, now: i64) -> Result<(), SignatureError> {
        if let Some(expired_at) = self.expires.filter(|expires| *expires < now) {
            return Err(SignatureError::RequestExpired { expired_at, now });
        }
        let date = request.headers.first("x-amz-date").or_else(|| request.headers.first("date"));
        let date = date.and_then(|date| std::str::from_utf8(date).ok()).and_then(parse_http_date);
        match date {
            _ if self.expires.is_some() => Ok(()),
            Some(signed_at) if (signed_at - now).abs() <= crate::sigv4::SKEW_SECONDS => Ok(()),
            Some(signed_at) => Err(SignatureError::Expired { signed_at, now }),
            None => Err(SignatureError::Incomplete {
                presigned: false,
                message: "AWS authentication requires a valid Date or x-amz-date header".to_owned(),
            }),
        }
    }

    fn string_to_sign(&self, request: &RequestView<'_>, path: &str) -> String {
        let header = |name: &str| {
            let value = request.headers.first(name).and_then(|value| std::str::from_utf8(value).ok());
            value.unwrap_or_default().trim().to_owned()
        };
        let date = match self.expires {
            Some(expires) => expires.to_string(),
            None if request.headers.first("x-amz-date").is_some() => String::new(),
            None => header("date"),
        };
        let mut text =
            format!("{}\n{}\n{}\n{date}\n", request.method, header("content-md5"), header("content-type"));
        self.push_amz_headers(request, &mut text);
        text.push_str(path);
        push_subresources(request.query, &mut text);
        text
    }

    fn push_amz_headers(&self, request: &RequestView<'_>, text: &mut String) {
        let mut headers: Vec<(String, String)> = Vec::new();
        request.headers.each(&mut |name, value| {
            let name = name.to_ascii_lowercase();
            if !name.starts_with("x-amz-") {
                return;
            }
            let value = String::from_utf8_lossy(value).trim().to_owned();
            match headers.iter_mut().find(|(other, _)| *other == name) {
                Some((_, values)) => {
                    values.push(',');
                    values.push_str(&value);
                }
                None => headers.push((name, value)),
            }
        });
        if let (Some(token), Some(_)) = (&self.token, self.expires) {
            headers.push(("x-amz-security-token".to_owned(), token.to_string()));
        }
        headers.sort();
        for (name, value) in headers {
            text.push_str(&format!("{name}:{value}\n"));
        }
    }
}

fn push_subresources(query: &str, text: &mut String) {
    let mut pairs: Vec<(&str, Option<Cow<'_, str>>)> = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(decode(value)))))
        .filter(|(name, _)| SUBRESOURCES.contains(name))
        .collect();
    pairs.sort_by_key(|(name, _)| *name);
    for (index, (name, value)) in pairs.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
}

/// Whether `signature`, in base 64, is that of a text: of a request, or of the policy of a form that a browser posts.
pub fn is_signature_of(secret: &str, text: &str, signature: &str) -> bool {
    // A key of any length is good for HMAC; the other branch exists for ciphers that share the trait.
    let mac =
        Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    let expected = base64(&mac.chain_update(text).finalize().into_bytes());
    let (expected, given) = (expected.as_bytes(), signature.as_bytes());
    expected.len() == given.len()
        && expected.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(28);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn decode(value: &str) -> Cow<'_, str> {
    crate::sigv4::percent_decode(value)
}

#[cfg(test)]
mod tests {
    use crate::sigv4::RequestView;

    use super::SignatureV2;

    /// The key of the examples in "Signing and authenticating REST requests".
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn check(method: &str, query: &str, headers: &[(&str, &str)], path: &str, now: i64) -> bool {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let view = RequestView { method, path, query, headers: &headers, authority: None };
        let signature = SignatureV2::of(&view).expect("a signature");
        assert_eq!(signature.access_key, "AKIAIOSFODNN7EXAMPLE");
        signature.verify(&view, path, SECRET, now).is_ok()
    }

    #[test]
    fn the_documented_signatures_are_right() {
        let get = [
            ("Date", "Tue, 27 Mar 2007 19:36:42 +0000"),
            ("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
        ];
        let now = 1_175_024_202;
        assert!(check("GET", "", &get, "/johnsmith/photos/puppy.jpg", now));
        assert!(!check("GET", "", &get, "/johnsmith/photos/kitten.jpg", now));
        assert!(!check("GET", "", &get, "/johnsmith/photos/puppy.jpg", now + 1000));
        let url = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
        assert!(check("GET", url, &[], "/johnsmith/photos/puppy.jpg", now));
        assert!(!check("GET", url, &[], "/johnsmith/photos/puppy.jpg", 1_175_139_621));
    }
}
