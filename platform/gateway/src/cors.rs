//! Cross-origin requests from browsers.
//!
//! AWS's endpoints answer any origin, since a page without keys can do nothing there. Here a page needs no keys in
//! developer mode, so only pages from this machine are let in, unless the region is strict.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use wire::identify::Head;

/// The headers that AWS's SDKs for browsers read.
const EXPOSED: &str = "x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,x-amzn-trace-id,x-amz-request-id,\
                       x-amz-id-2,x-amz-crc32,x-amzn-query-error,date";
/// What AWS's endpoints allow for.
const MAX_AGE_SECONDS: &str = "172800";

/// Whether a browser sent this for a page of a site that is not this machine's.
pub(crate) fn is_foreign(head: &Head<'_>) -> bool {
    let is_cross_site = head.fetch_site.is_some_and(|site| site == "cross-site");
    is_cross_site || head.origin.is_some_and(|origin| !is_local(origin))
}

fn is_local(origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

/// Lets the page read the answer.
pub(crate) fn allow(origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

/// Answers a browser that asks what it may send.
pub(crate) fn preflight(request: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(origin) = request.get(ORIGIN) {
        allow(origin, &mut headers);
    }
    let wanted = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.unwrap_or(HeaderValue::from_static("*")));
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECONDS));
    headers
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    #[test]
    fn only_pages_of_this_machine_are_local() {
        for (origin, is_local) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.1:4566", true),
            ("http://[::1]:80", true),
            ("http://app.localhost", true),
            ("https://example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com", false),
            ("null", false),
        ] {
            assert_eq!(super::is_local(&HeaderValue::from_static(origin)), is_local, "{origin}");
        }
    }
}
