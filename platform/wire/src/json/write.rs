//! Writes views as JSON.

use std::io::Write;

use shapes::{Document, Kind, Member, Struct, TimestampFormat, Union, View};

use super::plain_length;
use crate::rest::BodyOf;
use crate::{text, timestamp};

/// A whole structure, as far as it belongs in the body.
pub(crate) fn structure(out: &mut Vec<u8>, value: &dyn Struct, body: BodyOf) {
    out.push(b'{');
    members(out, value, body, |_| true);
    out.push(b'}');
}

/// A union as an object with one member.
pub(crate) fn union(out: &mut Vec<u8>, value: &dyn Union) {
    out.push(b'{');
    if let Some((index, node)) = value.variant() {
        let member = &value.shape().members[index];
        key(out, member.wire_name());
        write(out, &node.view(), member);
    }
    out.push(b'}');
}

/// The members of a structure that `wanted` admits, after whatever stands in `out` already.
pub(crate) fn members(
    out: &mut Vec<u8>,
    value: &dyn Struct,
    body: BodyOf,
    wanted: impl Fn(&'static Member) -> bool,
) {
    for (index, member) in value.shape().members.iter().enumerate() {
        if !body.has(member) || !wanted(member) {
            continue;
        }
        let view = value.member(index).view();
        if !matches!(view, View::Absent) {
            key(out, member.wire_name());
            write(out, &view, member);
        }
    }
}

/// A string with its quotation marks.
pub(crate) fn string(out: &mut Vec<u8>, string: &str) {
    out.push(b'"');
    let bytes = string.as_bytes();
    let mut rest = bytes;
    loop {
        let length = plain_length(rest);
        if length == rest.len() {
            break;
        }
        out.extend_from_slice(&rest[..length]);
        match rest[length] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => put(out, format_args!("\\u{byte:04x}")),
        }
        rest = &rest[length + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// A document.
pub(crate) fn document(out: &mut Vec<u8>, value: &Document) {
    match value {
        Document::Null => out.extend_from_slice(b"null"),
        Document::Bool(value) => boolean(out, *value),
        Document::Integer(value) => put(out, format_args!("{value}")),
        Document::Float(value) => double(out, *value),
        Document::String(value) => string(out, value),
        Document::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                document(out, item);
            }
            out.push(b']');
        }
        Document::Map(entries) => {
            out.push(b'{');
            for (name, value) in entries {
                key(out, name);
                document(out, value);
            }
            out.push(b'}');
        }
    }
}

fn write(out: &mut Vec<u8>, view: &View<'_>, member: &'static Member) {
    match view {
        View::Absent => out.extend_from_slice(b"null"),
        View::Boolean(value) => boolean(out, *value),
        View::Integer(value) => put(out, format_args!("{value}")),
        View::Long(value) => put(out, format_args!("{value}")),
        View::Float(value) if value.is_finite() => put(out, format_args!("{value:?}")),
        View::Float(value) => double(out, f64::from(*value)),
        View::Double(value) => double(out, *value),
        View::String(value) => string(out, value),
        View::Blob(value) => {
            out.push(b'"');
            text::base64_into(value, out);
            out.push(b'"');
        }
        // Only a whole body may be in pieces.
        View::Stream(_) => out.extend_from_slice(b"null"),
        View::Timestamp(value) => match timestamp::format_of(member, TimestampFormat::EpochSeconds) {
            TimestampFormat::EpochSeconds => {
                out.extend_from_slice(timestamp::epoch_seconds(*value).as_bytes());
            }
            format => string(out, &timestamp::write(*value, format)),
        },
        View::Document(value) => document(out, value),
        View::List(list) => {
            let Kind::List(item) = member.shape.kind else { return out.extend_from_slice(b"[]") };
            out.push(b'[');
            for index in 0..list.len() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, &list.item(index).view(), item);
            }
            out.push(b']');
        }
        View::Map(map) => {
            let Kind::Map(_, item) = member.shape.kind else { return out.extend_from_slice(b"{}") };
            out.push(b'{');
            for (name, value) in map.entries() {
                key(out, name);
                write(out, &value.view(), item);
            }
            out.push(b'}');
        }
        View::Struct(value) => structure(out, *value, BodyOf::Rpc),
        View::Union(value) => union(out, *value),
    }
}

/// A member's name with its colon, and a comma before it unless it is the first.
fn key(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    string(out, name);
    out.push(b':');
}

fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn double(out: &mut Vec<u8>, value: f64) {
    match text::special(value) {
        Some(name) => string(out, name),
        None => put(out, format_args!("{value:?}")),
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}
