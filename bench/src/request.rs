//! Building and signing requests.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use identity::sigv4::{KeyCache, PathRule, Payload, RequestView, Signer};
use shapes::{Op, Struct};

use crate::BenchError;

/// A place that speaks AWS's protocols over plain HTTP.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host and port.
    pub authority: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not like http://127.0.0.1:4566")]
pub struct EndpointError(String);

impl Endpoint {
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let authority = authority.filter(|rest| !rest.is_empty() && !rest.contains('/'));
        let authority = authority.ok_or_else(|| EndpointError(url.to_owned()))?;
        let has_port = authority.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        Ok(Self { authority: if has_port { authority.to_owned() } else { format!("{authority}:80") } })
    }
}

/// Who asks.
#[derive(Clone)]
pub struct Client {
    pub endpoint: Endpoint,
    pub access_key: String,
    pub secret: String,
    pub region: String,
    /// Requests that follow from answers are signed while the clock runs: with a key that is derived once.
    keys: Arc<KeyCache>,
}

impl Client {
    pub fn new(endpoint: Endpoint, access_key: &str, secret: &str, region: &str) -> Self {
        let (access_key, secret, region) = (access_key.to_owned(), secret.to_owned(), region.to_owned());
        Self { endpoint, access_key, secret, region, keys: Arc::default() }
    }

    /// The bytes of a signed HTTP/1.1 request.
    pub fn request<O: Op>(&self, input: &O::Input) -> Result<Bytes, BenchError> {
        let protocol = O::SERVICE.protocols[0];
        let built = wire::encode_input(protocol, O::SERVICE, O::SCHEMA, input as &dyn Struct)
            .map_err(|error| BenchError::Request(error.to_string()))?;
        let mut headers: HeaderMap = built.headers;
        let host = self.endpoint.authority.parse();
        headers.insert(
            http::header::HOST,
            host.map_err(|_| BenchError::Request("the host is invalid".to_owned()))?,
        );
        // S3 asks every request how its body is signed. Over TLS its clients leave the body out, and so do we.
        let is_s3 = O::SERVICE.signing_name == "s3";
        if is_s3 {
            let marker = http::HeaderValue::from_static("UNSIGNED-PAYLOAD");
            headers.insert("x-amz-content-sha256", marker);
        }
        let (path, query) = built.path_and_query.split_once('?').unwrap_or((&built.path_and_query, ""));
        let view = RequestView { method: built.method, path, query, headers: &headers, authority: None };
        let signer = Signer {
            access_key: &self.access_key,
            secret: &self.secret,
            token: None,
            region: &self.region,
            service: O::SERVICE.signing_name,
            rule: PathRule::Normalised,
            keys: Some(&self.keys),
        };
        let payload = if is_s3 { Payload::UNSIGNED } else { Payload::Body(&built.body) };
        let signature = signer.sign(&view, payload, now());
        let mut out = format!("{} {} HTTP/1.1\r\n", built.method, built.path_and_query).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        for (name, value) in &headers {
            line(name.as_str(), value.as_bytes());
        }
        for (name, value) in &signature {
            line(name, value.as_bytes());
        }
        line("content-length", built.body.len().to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&built.body);
        Ok(out.into())
    }

    /// Reads the answer to an operation.
    pub fn output<O: Op>(&self, status: u16, body: Bytes) -> Result<O::Output, BenchError> {
        let response = wire::Response { status, headers: HeaderMap::new(), body: body.clone() };
        let mut output = O::Output::default();
        wire::decode_response(O::SERVICE.protocols[0], O::SCHEMA, &response, &mut output).map_err(|_| {
            let body = String::from_utf8_lossy(&body).into_owned();
            BenchError::Refused { operation: O::SCHEMA.name, status, body }
        })?;
        Ok(output)
    }
}

/// Signatures carry the machine's time: the endpoint may be anywhere.
#[allow(clippy::disallowed_methods)]
fn now() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since_epoch.as_secs() as i64
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn endpoints_are_plain_http() {
        let parse = |url: &str| Endpoint::parse(url).map(|endpoint| endpoint.authority).ok();
        assert_eq!(parse("http://127.0.0.1:4566/").as_deref(), Some("127.0.0.1:4566"));
        assert_eq!(parse("http://localhost").as_deref(), Some("localhost:80"));
        assert_eq!(parse("https://localhost"), None);
        assert_eq!(parse("http://a/b"), None);
    }
}
