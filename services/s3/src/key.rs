//! Keys of objects, and names of buckets.

use shapes::ApiError;

use crate::errors;

/// Bytes of a key in UTF-8 (S3 User Guide, "Naming Amazon S3 objects").
const LONGEST_KEY: usize = 1024;

pub(crate) fn check(key: &str) -> Result<(), ApiError> {
    match key.len() {
        0 => Err(errors::invalid_argument("key", key, "A key must not be empty.")),
        1..=LONGEST_KEY => Ok(()),
        length => Err(errors::key_too_long(length)),
    }
}

/// Whether a new bucket may have this name (S3 User Guide, "General purpose bucket naming rules").
pub(crate) fn is_bucket_name(name: &str) -> bool {
    let is_outer =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    let is_known =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    (3..=63).contains(&name.len())
        && bytes.iter().all(is_known)
        && is_outer(bytes.first())
        && is_outer(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

/// `arn:aws:s3:::bucket` or `arn:aws:s3:::bucket/key`.
pub(crate) fn arn(bucket: &str, key: Option<&str>) -> String {
    match key {
        Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
        None => format!("arn:aws:s3:::{bucket}"),
    }
}

/// The bucket of `arn:aws:s3:::bucket`, or of the bare name.
pub(crate) fn bucket_of_arn(arn: &str) -> &str {
    arn.strip_prefix("arn:aws:s3:::").unwrap_or(arn)
}

/// As a list's `encoding-type=url` has keys, and as events do.
pub(crate) fn url_encode(text: &str, keeps_slash: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => out.push(char::from(byte)),
            b'/' if keeps_slash => out.push('/'),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Decodes `%20`, and a plus as a space when `plus_is_space`; `None` when that is not UTF-8.
pub(crate) fn url_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{is_bucket_name, url_decode, url_encode};

    #[test]
    fn bucket_names_follow_the_rules() {
        for name in ["abc", "my-bucket", "a.b.c", "0bucket9"] {
            assert!(is_bucket_name(name), "{name}");
        }
        let long = "a".repeat(64);
        for name in
            ["ab", "My-Bucket", "-abc", "abc-", "a..b", "1.2.3.4", "xn--abc", "a_b", "abc-s3alias", &long]
        {
            assert!(!is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn keys_survive_encoding() {
        let key = "a b/ü+%&?";
        assert_eq!(url_encode(key, true), "a+b/%C3%BC%2B%25%26%3F");
        assert_eq!(url_decode(&url_encode(key, false), true).as_deref(), Some(key));
        assert_eq!(url_decode("a+b%2", false).as_deref(), Some("a+b%2"));
        assert_eq!(url_decode("%ff", false), None);
    }
}
