//! Buckets in host names.

use http::request::Parts;

/// The host that a request was sent to.
pub(super) fn authority(head: &Parts) -> &str {
    let host = || head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    head.uri.authority().map(http::uri::Authority::as_str).or_else(host).unwrap_or_default()
}

/// The bucket of `bucket.s3.us-east-1.amazonaws.com`, `bucket.s3.localhost.localstack.cloud`, `bucket.localhost`.
pub(super) fn bucket(authority: &str) -> Option<String> {
    let host = without_port(authority);
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

/// `bucket.s3-website-us-east-1.amazonaws.com`, `bucket.s3-website.localhost`.
pub(super) fn is_website(authority: &str) -> bool {
    authority.contains(".s3-website")
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::{bucket, is_website};

    #[test]
    fn buckets_stand_before_the_service() {
        for (host, expected) in [
            ("b.s3.us-east-1.amazonaws.com", Some("b")),
            ("a.b.s3.amazonaws.com", Some("a.b")),
            ("b.s3-us-west-2.amazonaws.com", Some("b")),
            ("b.s3-website-us-east-1.amazonaws.com", Some("b")),
            ("b.s3.localhost.localstack.cloud:4566", Some("b")),
            ("b.localhost:4566", Some("b")),
            ("a.b.localhost", Some("a.b")),
            ("s3.localhost", None),
            ("s3.us-east-1.amazonaws.com", None),
            ("localhost:4566", None),
            ("127.0.0.1:4566", None),
            ("[::1]:4566", None),
        ] {
            assert_eq!(bucket(host).as_deref(), expected, "{host}");
        }
        assert!(is_website("b.s3-website.localhost:4566") && !is_website("b.s3.localhost"));
    }
}
