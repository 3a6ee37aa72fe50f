//! A method's request: what came in, taken apart once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use http::request::Parts;
use shapes::Timestamp;
use vtl::text_escape::url_decode;

pub(crate) struct MethodRequest {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    /// All values of headers and of query parameters, by name.
    pub header_values: BTreeMap<String, Vec<String>>,
    pub query_values: BTreeMap<String, Vec<String>>,
    pub body: Bytes,
    pub source_ip: String,
    pub request_id: String,
    pub received: Timestamp,
}

impl MethodRequest {
    pub(crate) fn new(
        head: &Parts,
        path: String,
        body: Bytes,
        peer: Option<IpAddr>,
        request_id: &str,
        received: Timestamp,
    ) -> Self {
        let mut header_values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &head.headers {
            if let Ok(value) = value.to_str() {
                header_values.entry(usual_case(name.as_str())).or_default().push(value.to_owned());
            }
        }
        let query_values = query_values(head.uri.query().unwrap_or_default());
        Self {
            method: head.method.as_str().to_owned(),
            path,
            headers: last(&header_values),
            query: last(&query_values),
            header_values,
            query_values,
            body,
            source_ip: peer.map(|peer| peer.to_string()).unwrap_or_default(),
            request_id: request_id.to_owned(),
            received,
        }
    }

    /// A header by its name, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body's media type, without its parameters; JSON where the request says none.
    pub(crate) fn media_type(&self) -> &str {
        let content_type = self.header("content-type").unwrap_or("application/json");
        content_type.split(';').next().unwrap_or_default().trim()
    }

    /// The body as a text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// Of several values the last one counts.
pub(crate) fn last(values: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    values.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone()))).collect()
}

/// The decoded parameters of a query string, each with its values.
pub(crate) fn query_values(query: &str) -> BTreeMap<String, Vec<String>> {
    let decoded = |text: &str| url_decode(text).unwrap_or_else(|_| text.to_owned());
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        values.entry(decoded(name)).or_default().push(decoded(value));
    }
    values
}

/// `Content-Type`: a header's name as clients usually spell it, since functions look for that and the spelling that came
/// is not known any more.
fn usual_case(name: &str) -> String {
    let mut begins = true;
    name.chars()
        .map(|c| {
            let c = if begins { c.to_ascii_uppercase() } else { c };
            begins = c == '-';
            c
        })
        .collect()
}
