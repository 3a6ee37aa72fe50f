//! Signature Version 4: reading, checking and making the signatures of AWS requests.
//!
//! [`Authentication::of`] reads whose signature a request carries, in either form; once the secret of that key is
//! known, [`Authentication::verify`] recomputes it. [`Signer`] makes signatures. The rules are those of "AWS
//! Signature Version 4 for API requests" in the IAM user guide.

mod asymmetric;
mod authentication;
mod canonical;
mod chunk;
mod error;
mod sign;
mod signing_key;
#[cfg(test)]
mod tests;
mod verify;

pub use authentication::{Authentication, Form};
pub use canonical::canonical_request;
pub(crate) use canonical::percent_decode;
pub use chunk::ChunkSigner;
pub use error::{Answer, Dialect, Mismatch, SignatureError};
pub use sign::Signer;
pub use signing_key::{KeyCache, SigningKey, hex_sha256};
pub use verify::{LONGEST_PRESIGNED_SECONDS, SKEW_SECONDS, Verified, string_to_sign};

/// The usual algorithm. Header signatures may also be asymmetric ones.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The region of a signature that all regions take.
pub const ANY_REGION: &str = "*";

/// In place of a body's hash: the body is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// In place of a body's hash: the body comes in chunks with signatures of their own.
pub const STREAMING_SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
/// As [`STREAMING_SIGNED`], with signed trailers after the last chunk.
pub const STREAMING_SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
/// Unsigned chunks with trailers.
pub const STREAMING_UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// What a signature covers, borrowed from the request.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    pub method: &'a str,
    /// As on the wire: still percent-encoded, without the query.
    pub path: &'a str,
    /// As on the wire, without the question mark; empty when there is none.
    pub query: &'a str,
    pub headers: &'a dyn Headers,
    /// What stands for the `host` header when there is none: HTTP/2's `:authority`.
    pub authority: Option<&'a str>,
}

/// A request's headers, wherever they are kept. Names compare without case.
pub trait Headers {
    /// Each value of a header in order of appearance.
    fn each_value<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8]));

    /// Each header in order of appearance.
    fn each(&self, visit: &mut dyn FnMut(&str, &[u8]));

    fn first<'h>(&'h self, name: &str) -> Option<&'h [u8]> {
        let mut first = None;
        self.each_value(name, &mut |value| {
            first.get_or_insert(value);
        });
        first
    }
}

/// As many as are looked through one after another.
const FEW_HEADERS: usize = 32;

impl Headers for http::HeaderMap {
    fn each_value<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        // Nearly every request has few headers: comparing names is quicker than parsing and hashing one.
        if self.len() > FEW_HEADERS {
            return self.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
        }
        for (other, value) in self {
            if other.as_str().eq_ignore_ascii_case(name) {
                visit(value.as_bytes());
            }
        }
    }

    fn each(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in self {
            visit(name.as_str(), value.as_bytes());
        }
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn each_value<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        for (_, value) in self.iter().filter(|(key, _)| key.as_ref().eq_ignore_ascii_case(name)) {
            visit(value.as_ref());
        }
    }

    fn each(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in self {
            visit(name.as_ref(), value.as_ref());
        }
    }
}

/// How a service's paths enter the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRule {
    /// Normalised and encoded once more: every service but S3.
    Normalised,
    /// As the object's key is spelled, encoded once: S3. It also demands that every `x-amz-` header is signed.
    S3,
}

/// Where the last line of the canonical request comes from.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// The body, hashed here.
    Body(&'a [u8]),
    /// The hash in hex, or one of the markers such as [`UNSIGNED_PAYLOAD`].
    Declared(&'a str),
}

impl<'a> Payload<'a> {
    pub const UNSIGNED: Payload<'static> = Payload::Declared(UNSIGNED_PAYLOAD);

    /// The usual source for a request whose whole body is at hand: its hash, unless `x-amz-content-sha256` says that
    /// the body is not part of the signature. A declared hash is not trusted: it is recomputed.
    pub fn of(headers: &'a dyn Headers, body: &'a [u8]) -> Self {
        let declared =
            headers.first("x-amz-content-sha256").and_then(|value| std::str::from_utf8(value).ok());
        match declared.map(str::trim) {
            Some(marker) if marker == UNSIGNED_PAYLOAD || marker.starts_with("STREAMING-") => {
                Self::Declared(marker)
            }
            _ => Self::Body(body),
        }
    }
}
