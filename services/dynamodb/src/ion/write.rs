//! Writing items as Ion text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{BINARY_SET, NUMBER_SET, STRING_SET};
use crate::item::Item;
use crate::number::Number;
use crate::value::Value;

/// What each line begins with.
pub(crate) const VERSION_MARKER: &str = "$ion_1_0";

/// Words that are no symbols unless they are quoted.
const KEYWORDS: &[&str] = &["null", "true", "false", "nan"];

/// Writes `{name:"text"}`.
pub(crate) fn write_item(item: &Item, out: &mut String) {
    write_struct(item.iter(), out);
}

fn write_struct<'v>(members: impl Iterator<Item = (&'v str, &'v Value)>, out: &mut String) {
    out.push('{');
    for (i, (name, value)) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_symbol(name, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::S(text) => write_string(text, out),
        Value::N(number) => write_number(number, out),
        Value::B(bytes) => write_blob(bytes, out),
        Value::Ss(members) => {
            write_list(Some(STRING_SET), members.iter(), out, |text, out| write_string(text, out));
        }
        Value::Ns(members) => write_list(Some(NUMBER_SET), members.iter(), out, write_number),
        Value::Bs(members) => {
            write_list(Some(BINARY_SET), members.iter(), out, |bytes, out| write_blob(bytes, out));
        }
        Value::M(members) => write_struct(members.iter().map(|(name, value)| (name.as_str(), value)), out),
        Value::L(members) => write_list(None, members.iter(), out, write_value),
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
    }
}

fn write_list<T>(
    annotation: Option<&str>,
    members: impl Iterator<Item = T>,
    out: &mut String,
    write: impl Fn(T, &mut String),
) {
    if let Some(annotation) = annotation {
        out.push_str(annotation);
        out.push_str("::");
    }
    out.push('[');
    for (i, member) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(member, out);
    }
    out.push(']');
}

/// A decimal: digits without a point or an exponent would be an int.
fn write_number(number: &Number, out: &mut String) {
    let text = number.to_string();
    out.push_str(&text);
    if !text.contains('.') {
        out.push('.');
    }
}

fn write_blob(bytes: &[u8], out: &mut String) {
    out.push_str("{{");
    out.push_str(&BASE64.encode(bytes));
    out.push_str("}}");
}

/// The escapes of JSON are all escapes of Ion.
fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn write_symbol(name: &str, out: &mut String) {
    if is_plain(name) {
        out.push_str(name);
        return;
    }
    out.push('\'');
    for character in name.chars() {
        match character {
            '\'' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            control if control.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('\'');
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    begins
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
        && !KEYWORDS.contains(&name)
}
