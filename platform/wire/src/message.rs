//! The HTTP messages that protocols read and write, without a connection.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::identify::Head;

/// A request as it came in, with its body read whole.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// As sent, percent-encoded, without the query string.
    pub path: &'a str,
    /// As sent, without the question mark; empty when there is none.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// What the headers say, found already.
    pub head: Head<'a>,
    pub body: &'a Bytes,
}

impl<'a> Request<'a> {
    pub fn new(
        method: &'a str,
        path: &'a str,
        query: &'a str,
        headers: &'a HeaderMap,
        body: &'a Bytes,
    ) -> Self {
        Self { method, path, query, headers, head: Head::of(headers), body }
    }

    /// A header's value, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer to be sent.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body: body.into() }
    }

    /// Sets a header; a value that cannot stand in one is left out.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }

    /// A header's value, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request to be sent: everything but host, signature and connection.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    pub method: &'static str,
    /// Percent-encoded path and query string.
    pub path_and_query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl ClientRequest {
    pub(crate) fn post(path: impl Into<String>, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { method: "POST", path_and_query: path.into(), headers, body: body.into() }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }
}
