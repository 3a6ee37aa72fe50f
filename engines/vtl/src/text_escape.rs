//! Pure text functions that hosts of mapping templates offer: escaping, URL encoding, base 64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Escapes for a JavaScript string, as Commons Lang 2.x does: both quotes, the backslash, the slash, control
/// characters, and everything outside ASCII as `\uXXXX` (a surrogate pair where needed).
pub fn escape_java_script(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(b'\n') => out.push_str("\\n"),
            Some(b'\r') => out.push_str("\\r"),
            Some(b'\t') => out.push_str("\\t"),
            Some(0x08) => out.push_str("\\b"),
            Some(0x0c) => out.push_str("\\f"),
            Some(special @ (b'\'' | b'"' | b'\\' | b'/')) => {
                out.push('\\');
                out.push(char::from(special));
            }
            Some(plain @ 0x20..) => out.push(char::from(plain)),
            _ => out.push_str(&format!("\\u{unit:04X}")),
        }
    }
    out
}

/// Encodes as `java.net.URLEncoder` does in UTF-8: a space becomes `+`, letters, digits and `.-*_` stay.
pub fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Decodes as `java.net.URLDecoder` does in UTF-8. An error where a `%` is not followed by two hex digits;
/// bytes that are not UTF-8 become U+FFFD.
pub fn url_decode(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let code = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                out.push(code.ok_or("expected two hexadecimal digits after '%'")?);
            }
            other => out.push(other),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Base 64 with padding.
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes base 64 with padding.
pub fn base64_decode(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("not base 64: {error}"))
}
