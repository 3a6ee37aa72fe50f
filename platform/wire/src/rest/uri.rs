//! Members in the path and the query string.

use std::borrow::Cow;

use shapes::{
    ApiError, Kind, Location, MapNode, Member, Node, OperationSchema, Slot, Struct, TimestampFormat, View,
};

use crate::missing::Seen;
use crate::{Labels, errors, percent, text};

/// Fills the members that are path labels.
pub(crate) fn read_labels(labels: &Labels, target: &mut dyn Struct, seen: &mut Seen) -> Result<(), ApiError> {
    for (index, member) in target.shape().members.iter().enumerate() {
        if member.location != Location::Uri {
            continue;
        }
        let Some((_, value)) = labels.iter().find(|(name, _)| *name == member.wire_name()) else { continue };
        seen.add(index);
        text::read(value, target.member_mut(index).slot(), member, TimestampFormat::Iso8601)
            .map_err(|reason| errors::invalid_binding("path label", member.wire_name(), &reason))?;
    }
    Ok(())
}

/// Fills the members that are query parameters. A map takes every parameter that is no fixed part of the operation's
/// URI, also those that have a member of their own (Smithy, httpQueryParams trait).
pub(crate) fn read_query(
    operation: &'static OperationSchema,
    query: &str,
    target: &mut dyn Struct,
    seen: &mut Seen,
) -> Result<(), ApiError> {
    let members = target.shape().members;
    if !members.iter().any(|member| member.location == Location::QueryString) {
        return Ok(());
    }
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (name, value) in percent::raw_pairs(query) {
        let decode = |text| {
            percent::decode(text, true)
                .ok_or_else(|| errors::invalid_binding("query string", name, "it is not UTF-8"))
        };
        pairs.push((decode(name)?, decode(value)?));
    }
    for (index, member) in members.iter().enumerate() {
        if member.location != Location::QueryString {
            continue;
        }
        let is_own = |name: &str| match member.shape.kind {
            Kind::Map(..) => !is_fixed(operation, name),
            _ => name == member.wire_name(),
        };
        let own: Vec<(&str, &str)> = pairs
            .iter()
            .filter(|(name, _)| is_own(name))
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
            .collect();
        if !own.is_empty() {
            seen.add(index);
            read_parameters(&own, target.member_mut(index), member)
                .map_err(|reason| errors::invalid_binding("query parameter", member.wire_name(), &reason))?;
        }
    }
    Ok(())
}

fn is_fixed(operation: &OperationSchema, name: &str) -> bool {
    let fixed = operation.uri.split_once('?').map_or("", |(_, query)| query);
    percent::raw_pairs(fixed).any(|(fixed, _)| fixed == name)
}

fn read_parameters(
    pairs: &[(&str, &str)],
    node: &mut dyn Node,
    member: &'static Member,
) -> Result<(), String> {
    match (node.slot(), &member.shape.kind) {
        (Slot::List(list), Kind::List(item)) => {
            for (_, value) in pairs {
                text::read(value, list.push().slot(), item, TimestampFormat::Iso8601)?;
            }
            Ok(())
        }
        (Slot::Map(map), Kind::Map(_, item)) => read_map(pairs, map, item),
        (slot, _) => text::read(pairs[0].1, slot, member, TimestampFormat::Iso8601),
    }
}

fn read_map(pairs: &[(&str, &str)], map: &mut dyn MapNode, item: &'static Member) -> Result<(), String> {
    for (position, (name, _)) in pairs.iter().enumerate() {
        if pairs[..position].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        let same: Vec<_> = pairs[position..].iter().filter(|(other, _)| other == name).copied().collect();
        read_parameters(&same, map.insert((*name).to_owned()), item)?;
    }
    Ok(())
}

/// The path and query string of a request.
pub(crate) fn path_and_query(
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> Result<String, ApiError> {
    let (template, fixed_query) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
    let mut path = String::new();
    for (index, part) in template.split(['{', '}']).enumerate() {
        // Every second part stands in braces.
        if index % 2 == 0 {
            path.push_str(part);
        } else {
            let (name, is_greedy) = part.strip_suffix('+').map_or((part, false), |name| (name, true));
            percent::encode_into(&label(input, name)?, is_greedy, &mut path);
        }
    }
    let mut query = fixed_query.to_owned();
    write_query(input, &mut query);
    if !query.is_empty() {
        path.push('?');
        path.push_str(&query);
    }
    Ok(path)
}

fn label(input: &dyn Struct, name: &str) -> Result<String, ApiError> {
    let members = input.shape().members.iter().enumerate();
    let mut labels = members.filter(|(_, member)| member.location == Location::Uri);
    let value = labels.find(|(_, member)| member.wire_name() == name).and_then(|(index, member)| {
        text::write(&input.member(index).view(), member, TimestampFormat::Iso8601)
    });
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| errors::invalid_binding("path label", name, "it is absent or empty"))
}

fn write_query(input: &dyn Struct, query: &mut String) {
    let members = input.shape().members;
    let in_query =
        || members.iter().enumerate().filter(|(_, member)| member.location == Location::QueryString);
    let mut named = Vec::new();
    for (index, member) in in_query() {
        let view = input.member(index).view();
        if !matches!(view, View::Absent | View::Map(_)) {
            named.push(member.wire_name());
            write_parameter(query, member.wire_name(), &view, member);
        }
    }
    for (index, member) in in_query() {
        let (View::Map(map), Kind::Map(_, item)) = (input.member(index).view(), &member.shape.kind) else {
            continue;
        };
        // A parameter with a member of its own is not overruled by a map.
        for (name, node) in map.entries().filter(|(name, _)| !named.contains(name)) {
            write_parameter(query, name, &node.view(), item);
        }
    }
}

fn write_parameter(query: &mut String, name: &str, view: &View<'_>, member: &'static Member) {
    if let (View::List(list), Kind::List(item)) = (view, &member.shape.kind) {
        for index in 0..list.len() {
            write_parameter(query, name, &list.item(index).view(), item);
        }
    } else if let Some(value) = text::write(view, member, TimestampFormat::Iso8601) {
        percent::push_pair(query, name, &value);
    }
}
