//! Percent-encoding (RFC 3986) and the pairs of query strings and forms.

use std::borrow::Cow;

/// Encodes everything but unreserved characters; `keep_slash` for greedy labels.
pub(crate) fn encode_into(text: &str, keep_slash: bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~')
            || (keep_slash && byte == b'/')
        {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Appends `name=value` to a query string or form.
pub(crate) fn push_pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    encode_into(name, false, out);
    out.push('=');
    encode_into(value, false, out);
}

/// Decodes `%XX` and, in forms and query strings, `+`. `None` when what comes out is not UTF-8.
/// A percent sign that no two hex digits follow stands for itself.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = match bytes[at] {
            b'+' if plus_is_space => (b' ', 1),
            b'%' => match (digit(bytes, at + 1), digit(bytes, at + 2)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            byte => (byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn digit(bytes: &[u8], at: usize) -> Option<u8> {
    char::from(*bytes.get(at)?).to_digit(16).map(|digit| digit as u8)
}

/// The pairs of a query string or form as sent, in order; a name without `=` has an empty value.
pub(crate) fn raw_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode_into, raw_pairs};

    #[test]
    fn there_and_back() {
        let mut encoded = String::new();
        encode_into(" %/+é", false, &mut encoded);
        assert_eq!(encoded, "%20%25%2F%2B%C3%A9");
        assert_eq!(decode(&encoded, true).as_deref(), Some(" %/+é"));
        assert_eq!(decode("a+b%", true).as_deref(), Some("a b%"));
        assert_eq!(decode("%ff", true), None);
        assert_eq!(raw_pairs("a=1&&b&c==").collect::<Vec<_>>(), [("a", "1"), ("b", ""), ("c", "=")]);
    }
}
