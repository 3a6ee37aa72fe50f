//! The canonical request: one spelling for all requests that mean the same.

use std::borrow::Cow;
use std::ops::Range;

use super::signing_key::push_hex_sha256;
use super::{Headers, PathRule, Payload, RequestView};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The canonical request of `request` with these headers signed (names separated by semicolons).
pub fn canonical_request(
    request: &RequestView<'_>,
    signed_headers: &str,
    payload: Payload<'_>,
    rule: PathRule,
) -> String {
    let mut out = String::new();
    write(&mut out, request, signed_headers, payload, rule);
    out
}

pub(super) fn write(
    out: &mut String,
    request: &RequestView<'_>,
    signed_headers: &str,
    payload: Payload<'_>,
    rule: PathRule,
) {
    out.reserve(512 + request.path.len() + request.query.len());
    out.push_str(request.method);
    out.push('\n');
    write_path(out, request.path, rule);
    out.push('\n');
    write_query(out, request.query);
    out.push('\n');
    for name in signed_headers.split(';').filter(|name| !name.is_empty()) {
        write_header(out, request, name);
    }
    out.push('\n');
    out.push_str(signed_headers);
    out.push('\n');
    match payload {
        Payload::Body(body) => push_hex_sha256(out, body),
        Payload::Declared(declared) => out.push_str(declared),
    }
}

fn write_path(out: &mut String, path: &str, rule: PathRule) {
    match rule {
        PathRule::S3 if path.is_empty() => out.push('/'),
        PathRule::S3 => reencode(out, path, true),
        PathRule::Normalised if !path.contains("//") && !path.contains("/.") && path.starts_with('/') => {
            encode(out, path.as_bytes(), true);
        }
        PathRule::Normalised => write_normalised(out, path),
    }
}

/// Drops empty and `.` segments and lets `..` take back the one before it.
fn write_normalised(out: &mut String, path: &str) {
    let start = out.len();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                let last = out[start..].rfind('/').unwrap_or(0);
                out.truncate(start + last);
            }
            segment => {
                out.push('/');
                encode(out, segment.as_bytes(), false);
            }
        }
    }
    if out.len() == start || path.ends_with('/') {
        out.push('/');
    }
}

/// Writes the parameters encoded once, sorted by name and then by value, without the signature itself.
fn write_query(out: &mut String, query: &str) {
    if query.is_empty() {
        return;
    }
    let start = out.len();
    let mut pairs: Vec<(Range<usize>, Range<usize>)> = Vec::with_capacity(8);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name == "X-Amz-Signature" {
            continue;
        }
        if out.len() > start {
            out.push('&');
        }
        let name_start = out.len();
        reencode(out, name, false);
        let name_end = out.len();
        out.push('=');
        reencode(out, value, false);
        pairs.push((name_start..name_end, name_end + 1..out.len()));
    }
    let is_sorted = pairs.is_sorted_by(|(a, b), (c, d)| {
        (&out[a.clone()], &out[b.clone()]) <= (&out[c.clone()], &out[d.clone()])
    });
    if !is_sorted {
        let mut sorted: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (out[name].to_owned(), out[value].to_owned())).collect();
        sorted.sort_unstable();
        out.truncate(start);
        for (index, (name, value)) in sorted.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            out.push_str(value);
        }
    }
}

fn write_header(out: &mut String, request: &RequestView<'_>, name: &str) {
    out.push_str(name);
    out.push(':');
    let mut count = 0;
    request.headers.each_value(name, &mut |value| {
        if count > 0 {
            out.push(',');
        }
        count += 1;
        write_header_value(out, value);
    });
    if count == 0 && name == "host" {
        out.push_str(request.authority.unwrap_or_default());
    }
    out.push('\n');
}

/// A value of visible letters with single spaces between them, as nearly all are.
fn canonical_already(value: &[u8]) -> Option<&str> {
    let mut was_blank = true;
    for &byte in value {
        if !(0x20..0x7F).contains(&byte) || byte == b' ' && was_blank {
            return None;
        }
        was_blank = byte == b' ';
    }
    std::str::from_utf8(value).ok().filter(|_| !was_blank)
}

/// Trims the value and makes one space of several.
fn write_header_value(out: &mut String, value: &[u8]) {
    if let Some(value) = canonical_already(value) {
        return out.push_str(value);
    }
    // Clients sign text. Bytes that are none become replacement letters, and such a signature is refused.
    let value = String::from_utf8_lossy(value);
    let value = value.trim_matches([' ', '\t', '\n', '\r']);
    let has_runs = value.as_bytes().windows(2).any(|pair| is_blank(pair[0]) && is_blank(pair[1]));
    if !has_runs && !value.contains(['\n', '\r']) {
        out.push_str(value);
        return;
    }
    for (index, word) in value.split([' ', '\n', '\r']).filter(|word| !word.is_empty()).enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r')
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Encodes what is not encoded yet.
pub(super) fn encode(out: &mut String, bytes: &[u8], keeps_slash: bool) {
    for &byte in bytes {
        encode_byte(out, byte, keeps_slash);
    }
}

fn encode_byte(out: &mut String, byte: u8, keeps_slash: bool) {
    if is_unreserved(byte) || keeps_slash && byte == b'/' {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Encodes what may be encoded already, in one way or another, to the one canonical way. A plus means a space in a
/// query, as it does in forms; in a path it means itself.
fn reencode(out: &mut String, text: &str, is_path: bool) {
    let bytes = text.as_bytes();
    if bytes.iter().all(|&byte| is_unreserved(byte) || is_path && byte == b'/') {
        out.push_str(text);
        return;
    }
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = decode_at(bytes, at);
        let byte = if !is_path && bytes[at] == b'+' { b' ' } else { byte };
        encode_byte(out, byte, is_path);
        at += length;
    }
}

/// The byte at `at` and how many bytes spell it.
fn decode_at(bytes: &[u8], at: usize) -> (u8, usize) {
    let digit = |place: usize| bytes.get(place).and_then(|byte| char::from(*byte).to_digit(16));
    match (bytes[at], digit(at + 1), digit(at + 2)) {
        (b'%', Some(high), Some(low)) => ((high * 16 + low) as u8, 3),
        (byte, ..) => (byte, 1),
    }
}

/// The text of a query parameter's value.
pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = decode_at(bytes, at);
        decoded.push(if bytes[at] == b'+' { b' ' } else { byte });
        at += length;
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

/// The first header that S3 wants signed and is not: `x-amz-*` beside the token and the content's hash.
pub(super) fn unsigned_amz_header(headers: &dyn Headers, signed_headers: &str) -> Option<String> {
    let mut unsigned = None;
    headers.each(&mut |name, _| {
        let is_amz = name.get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-amz-"));
        if !is_amz || unsigned.is_some() {
            return;
        }
        let is_exempt =
            ["x-amz-security-token", "x-amz-content-sha256"].iter().any(|e| name.eq_ignore_ascii_case(e));
        if !is_exempt && !signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(name)) {
            unsigned = Some(name.to_owned());
        }
    });
    unsigned
}
