//! The signatures within an `aws-chunked` body: each chunk's continues from the one before it, the first from the
//! request's own ("Signature calculations for the Authorization header: transferring payload in multiple chunks" and
//! "... including trailing headers" in the S3 API reference).

use super::authentication::Authentication;
use super::signing_key::{SigningKey, hex_sha256, is_same, push_hex};
use super::verify::Verified;

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Walks a body's chunks in order, to check or to make their signatures.
#[derive(Clone, Debug)]
pub struct ChunkSigner {
    key: SigningKey,
    timestamp: String,
    scope: String,
    previous: [u8; 64],
}

impl ChunkSigner {
    /// Begins after the request whose signature was right.
    pub fn after(auth: &Authentication<'_>, verified: &Verified) -> Self {
        let scope = format!("{}/{}/{}/aws4_request", auth.date, auth.region, auth.service);
        Self { key: verified.key.clone(), timestamp: auth.timestamp(), scope, previous: verified.signature }
    }

    pub(super) fn new(key: SigningKey, timestamp: String, scope: String, seed: [u8; 64]) -> Self {
        Self { key, timestamp, scope, previous: seed }
    }

    /// The signature of the next chunk; the last chunk is empty.
    pub fn sign(&mut self, chunk: &[u8]) -> String {
        self.sign_digest(&hex_sha256(chunk))
    }

    /// As [`ChunkSigner::sign`], for a chunk hashed on its way: its SHA-256 in hex.
    pub fn sign_digest(&mut self, chunk_sha256: &str) -> String {
        let previous = as_text(&self.previous);
        let (timestamp, scope) = (&self.timestamp, &self.scope);
        self.advance(&format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{timestamp}\n{scope}\n{previous}\n{EMPTY_SHA256}\n{chunk_sha256}"
        ))
    }

    /// The signature of the trailers: `name:value` lines, each ended by a line feed.
    pub fn sign_trailers(&mut self, trailers: &str) -> String {
        let previous = as_text(&self.previous);
        let digest = hex_sha256(trailers.as_bytes());
        let (timestamp, scope) = (&self.timestamp, &self.scope);
        self.advance(&format!("AWS4-HMAC-SHA256-TRAILER\n{timestamp}\n{scope}\n{previous}\n{digest}"))
    }

    /// Whether the next chunk's signature is right. A wrong one ends the body: what follows cannot be right either.
    pub fn is_signed(&mut self, chunk: &[u8], signature: &str) -> bool {
        self.sign(chunk);
        is_same(&self.previous, signature)
    }

    pub fn is_signed_digest(&mut self, chunk_sha256: &str, signature: &str) -> bool {
        self.sign_digest(chunk_sha256);
        is_same(&self.previous, signature)
    }

    pub fn are_trailers_signed(&mut self, trailers: &str, signature: &str) -> bool {
        self.sign_trailers(trailers);
        is_same(&self.previous, signature)
    }

    fn advance(&mut self, string_to_sign: &str) -> String {
        self.previous = self.key.sign(string_to_sign);
        let mut signature = String::with_capacity(64);
        push_hex(&mut signature, &self.previous);
        signature
    }
}

fn as_text(signature: &[u8; 64]) -> &str {
    std::str::from_utf8(signature).unwrap_or_default()
}
