//! Members in headers.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use shapes::{ApiError, Kind, Location, Member, Node, Slot, Struct, TimestampFormat, View};

use crate::missing::Seen;
use crate::{Side, errors, text};

/// Fills the members that are single headers.
pub(crate) fn read_headers(
    headers: &HeaderMap,
    target: &mut dyn Struct,
    seen: &mut Seen,
) -> Result<(), ApiError> {
    for (index, member) in target.shape().members.iter().enumerate() {
        if member.location != Location::Header {
            continue;
        }
        let Some(value) = joined(headers, member.wire_name()) else { continue };
        seen.add(index);
        read_value(&value, target.member_mut(index), member)
            .map_err(|reason| errors::invalid_binding("header", member.wire_name(), &reason))?;
    }
    Ok(())
}

/// Fills the members that are all headers with a prefix; for clients, as SDKs do, also when there is none.
pub(crate) fn read_prefixed(headers: &HeaderMap, target: &mut dyn Struct, side: Side, seen: &mut Seen) {
    for (index, member) in target.shape().members.iter().enumerate() {
        if member.location != Location::Headers {
            continue;
        }
        let prefix = member.wire_name().to_ascii_lowercase();
        let has_any = headers.keys().any(|name| name.as_str().starts_with(&prefix));
        if !has_any && side == Side::Server {
            continue;
        }
        let Slot::Map(map) = target.member_mut(index).slot() else { continue };
        seen.add(index);
        for name in headers.keys() {
            let (Some(key), Some(value)) =
                (name.as_str().strip_prefix(&prefix), joined(headers, name.as_str()))
            else {
                continue;
            };
            if let Slot::String(target) = map.insert(key.to_owned()).slot() {
                *target = value;
            }
        }
    }
}

/// All values of a header, joined as RFC 9110 has it.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut all = values.next()?.into_owned();
    for value in values {
        all.push_str(", ");
        all.push_str(&value);
    }
    Some(all)
}

fn read_value(value: &str, node: &mut dyn Node, member: &'static Member) -> Result<(), String> {
    match (node.slot(), &member.shape.kind) {
        (Slot::List(list), Kind::List(item)) => {
            for part in split(value, item)? {
                text::read(&part, list.push().slot(), item, TimestampFormat::HttpDate)?;
            }
            Ok(())
        }
        (Slot::String(target), _) if member.json_value => {
            let bytes = text::from_base64(value)?;
            *target = String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())?;
            Ok(())
        }
        (slot, _) => text::read(value, slot, member, TimestampFormat::HttpDate),
    }
}

/// The items of a list in a header. Strings may be quoted; an HTTP date has a comma of its own.
fn split(value: &str, item: &Member) -> Result<Vec<String>, String> {
    let format = crate::timestamp::format_of(item, TimestampFormat::HttpDate);
    if matches!(item.shape.kind, Kind::Timestamp) && format == TimestampFormat::HttpDate {
        let parts: Vec<&str> = value.split(',').collect();
        return Ok(parts.chunks(2).map(|pair| pair.join(",").trim().to_owned()).collect());
    }
    let mut parts = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        let after = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (part, after) = unquote(quoted)?;
                parts.push(part);
                after.trim_start()
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                parts.push(rest[..end].trim().to_owned());
                &rest[end..]
            }
        };
        rest = match after.strip_prefix(',') {
            Some(rest) => rest.trim_start(),
            None if after.is_empty() => after,
            None => return Err("a comma is expected after a quoted string".to_owned()),
        };
    }
    Ok(parts)
}

/// The string up to the closing quotation mark, and what follows that.
fn unquote(text: &str) -> Result<(String, &str), String> {
    let mut part = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((part, &text[at + 1..])),
            '\\' => part.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => part.push(character),
        }
    }
    Err("a quoted string has no end".to_owned())
}

/// Writes the members that are headers. What cannot stand in a header is left out.
pub(crate) fn write_headers(value: &dyn Struct, headers: &mut HeaderMap) {
    for (index, member) in value.shape().members.iter().enumerate() {
        let view = value.member(index).view();
        match (member.location, &view) {
            (Location::Header, _) => {
                if let Some(text) = header_text(&view, member) {
                    insert(headers, member.wire_name(), &text);
                }
            }
            (Location::Headers, View::Map(map)) => {
                for (key, node) in map.entries() {
                    if let View::String(text) = node.view() {
                        insert(headers, &format!("{}{key}", member.wire_name()), text);
                    }
                }
            }
            _ => {}
        }
    }
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

fn header_text(view: &View<'_>, member: &'static Member) -> Option<String> {
    match (view, &member.shape.kind) {
        (View::List(list), Kind::List(item)) => {
            let items = (0..list.len()).filter_map(|index| item_text(&list.item(index).view(), item));
            Some(items.collect::<Vec<_>>().join(", "))
        }
        (View::String(text), _) if member.json_value => Some(text::base64(text.as_bytes())),
        _ => text::write(view, member, TimestampFormat::HttpDate),
    }
}

fn item_text(view: &View<'_>, item: &Member) -> Option<String> {
    let text = text::write(view, item, TimestampFormat::HttpDate)?;
    let needs_quotes = matches!(view, View::String(_)) && (text.contains([',', '"']) || text.is_empty());
    if needs_quotes {
        return Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    }
    Some(text)
}
