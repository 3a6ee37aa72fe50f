//! What S3's HTTP has beyond its model: buckets in host names, and answers to browsers.

use std::sync::Arc;

use cloud::{Apart, BoxFuture, Claim, Exchange, HttpFront};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use shapes::{ApiError, Body};

use crate::{S3, errors};

pub(crate) struct Front(pub Arc<S3>);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

impl HttpFront for Front {
    fn claim(&self, head: &Parts, authority: &str, scope: Option<&str>) -> Option<Claim> {
        let bucket = bucket_of_host(authority);
        if scope.is_none() && bucket.is_none() && !is_likely(head, authority) {
            return None;
        }
        let path = head.uri.path();
        let path = match &bucket {
            Some(bucket) => format!("/{bucket}{path}"),
            None => path.to_owned(),
        };
        let mut query = head.uri.query().unwrap_or_default().to_owned();
        if head.method == Method::PUT && head.headers.contains_key("x-amz-copy-source") {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str("x-amz-copy-source");
        }
        Some(Claim { path, query })
    }

    fn is_apart(&self, _head: &Parts, _claim: &Claim) -> bool {
        false
    }

    fn serve_apart<'a>(&'a self, _request: Apart<'a>) -> BoxFuture<'a, Result<Response<Body>, ApiError>> {
        Box::pin(async { Err(errors::method_not_allowed()) })
    }

    fn error_facts(&self, claim: &Claim) -> Vec<(&'static str, String)> {
        vec![("Resource", claim.path.clone()), ("HostId", "brume".to_owned())]
    }

    fn finish(&self, exchange: &Exchange<'_>, response: &mut Response<Body>) {
        let headers = response.headers_mut();
        headers.remove("x-amzn-requestid");
        if let Ok(id) = HeaderValue::from_str(exchange.request_id) {
            headers.insert(REQUEST_ID, id.clone());
            headers.insert(HOST_ID, id);
        }
        headers.insert(http::header::SERVER, HeaderValue::from_static("AmazonS3"));
    }
}

/// The bucket of `bucket.s3.us-east-1.amazonaws.com`, `bucket.s3.localhost.localstack.cloud`, `bucket.localhost`.
fn bucket_of_host(authority: &str) -> Option<String> {
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    for (at, _) in host.match_indices('.') {
        let rest = &host[at + 1..];
        let is_s3 = rest.starts_with("s3.") || rest.starts_with("s3-");
        if is_s3 || rest == "localhost" {
            let bucket = &host[..at];
            return (bucket != "s3" && !bucket.is_empty()).then(|| bucket.to_owned());
        }
    }
    None
}

/// Whether a request without a signature and of no other service may be one for a bucket.
fn is_likely(head: &Parts, authority: &str) -> bool {
    let is_s3_host = authority.starts_with("s3.") || authority.starts_with("s3-");
    let has_path = head.uri.path().len() > 1;
    let query = head.uri.query().unwrap_or_default();
    let is_v2 = query.contains("AWSAccessKeyId=");
    let is_form = || {
        let content_type = head.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|value| value.starts_with("multipart/form-data"))
    };
    match head.method {
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS => {
            has_path || is_s3_host || is_v2
        }
        Method::POST => {
            let is_operation = ["uploads", "uploadId", "delete", "restore", "select"]
                .iter()
                .any(|name| query.starts_with(name));
            has_path && (is_form() || is_operation)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::bucket_of_host;

    #[test]
    fn buckets_stand_before_the_service() {
        for (host, bucket) in [
            ("b.s3.us-east-1.amazonaws.com", Some("b")),
            ("a.b.s3.amazonaws.com", Some("a.b")),
            ("b.s3-us-west-2.amazonaws.com", Some("b")),
            ("b.s3.localhost.localstack.cloud:4566", Some("b")),
            ("b.localhost:4566", Some("b")),
            ("a.b.localhost", Some("a.b")),
            ("s3.localhost", None),
            ("s3.us-east-1.amazonaws.com", None),
            ("localhost:4566", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
        ] {
            assert_eq!(bucket_of_host(host).as_deref(), bucket, "{host}");
        }
    }
}
