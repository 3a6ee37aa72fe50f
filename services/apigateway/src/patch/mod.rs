//! Patches: the one mechanism behind every Update operation (API Reference, "PatchOperation"; Developer Guide, "Patch
//! operations").
//!
//! A row becomes its document, each operation changes the place that its path names, and the document becomes the row
//! again. Which paths a resource has is a table of [`Field`]s (see [`fields`]).

pub(crate) mod fields;

use apigateway_api::PatchOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shapes::ApiError;

use crate::{document, errors};

/// A place that a patch may change.
pub(crate) struct Field {
    /// `/requestParameters/{}`, where `{}` is any name.
    path: &'static str,
    ops: &'static [&'static str],
    kind: Kind,
    place: Place,
}

/// What lies in a place.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Flag,
    Whole,
    Number,
    /// A list of distinct texts: its items are named by their value, or by the rest of the path.
    Set,
    /// The whole of something, which can only be taken away.
    Whatever,
}

/// Where in the document a path leads.
#[derive(Clone, Copy)]
enum Place {
    Same,
    /// Below this member.
    Within(&'static str),
    /// A setting of a stage's method, which the first two segments name.
    MethodSetting(&'static str),
}

const REPLACE: &[&str] = &["replace"];
const ALL: &[&str] = &["add", "remove", "replace"];
const ADD_REMOVE: &[&str] = &["add", "remove"];
const REMOVE: &[&str] = &["remove"];

impl Field {
    const fn replaced(path: &'static str, kind: Kind) -> Self {
        Self { path, ops: REPLACE, kind, place: Place::Same }
    }
    const fn any(path: &'static str, kind: Kind) -> Self {
        Self { path, ops: ALL, kind, place: Place::Same }
    }
    const fn listed(path: &'static str) -> Self {
        Self { path, ops: ADD_REMOVE, kind: Kind::Set, place: Place::Same }
    }
    const fn removed(path: &'static str) -> Self {
        Self { path, ops: REMOVE, kind: Kind::Whatever, place: Place::Same }
    }
    const fn within(self, member: &'static str) -> Self {
        Self { place: Place::Within(member), ..self }
    }
    const fn setting(path: &'static str, name: &'static str, kind: Kind) -> Self {
        Self { path, ops: REPLACE, kind, place: Place::MethodSetting(name) }
    }
}

/// A row after `operations`.
pub(crate) fn patched<T: Serialize + DeserializeOwned>(
    row: &T,
    operations: Option<&[PatchOperation]>,
    fields: &[Field],
) -> Result<T, ApiError> {
    let mut document = document::of_row(row)?;
    for operation in operations.unwrap_or_default() {
        apply(&mut document, operation, fields)?;
    }
    document::row(document)
}

fn apply(document: &mut Value, operation: &PatchOperation, fields: &[Field]) -> Result<(), ApiError> {
    let op = operation.op.as_deref().unwrap_or_default();
    let path = operation.path.as_deref().unwrap_or_default();
    let segments = segments(path);
    let found = fields.iter().find_map(|field| {
        let rest = field.matches(&segments)?;
        field.ops.contains(&op).then_some((field, rest))
    });
    let Some((field, rest)) = found else {
        let offered = fields.iter().filter(|field| field.ops.contains(&op)).map(|field| field.path);
        return Err(errors::invalid_patch_path(path, op, offered));
    };
    let place = field.place_of(&segments);
    if op == "remove"
        && matches!(field.kind, Kind::Text | Kind::Flag | Kind::Whole | Kind::Number | Kind::Whatever)
    {
        remove(document, &place);
        return Ok(());
    }
    let value = operation.value.as_deref();
    if matches!(field.kind, Kind::Set) {
        let list = at(document, &place);
        if !list.is_array() {
            *list = Value::Array(Vec::new());
        }
        let Value::Array(items) = list else { return Ok(()) };
        return change_set(items, op, rest, value);
    }
    let value = value.ok_or_else(|| errors::bad_request(format!("Invalid null or empty value in {path}")))?;
    *at(document, &place) = field.kind.parse(path, value)?;
    Ok(())
}

fn change_set(
    items: &mut Vec<Value>,
    op: &str,
    named: Option<&str>,
    value: Option<&str>,
) -> Result<(), ApiError> {
    let subject = named.or(value).unwrap_or_default();
    let by_index = named.and_then(|named| named.parse::<usize>().ok()).filter(|index| *index < items.len());
    let known = items.iter().position(|item| item.as_str() == Some(subject)).or(by_index);
    match (op, known) {
        ("add", None) => items.push(subject.into()),
        ("add", Some(_)) => {}
        ("remove", Some(index)) => {
            items.remove(index);
        }
        ("replace", Some(index)) => items[index] = value.unwrap_or_default().into(),
        // A list of one: what kind of endpoint an API has.
        ("replace", None) if items.len() == 1 && by_index.is_none() && named.is_none() => {
            items[0] = value.unwrap_or_default().into();
        }
        _ => return Err(errors::bad_request(format!("Invalid patch: {subject} is not there"))),
    }
    Ok(())
}

/// The parts of a JSON pointer (RFC 6901).
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

impl Field {
    /// Whether a path is this field's; for a set, with the name of the item that the path goes on to.
    fn matches<'a>(&self, segments: &'a [String]) -> Option<Option<&'a str>> {
        let own: Vec<&str> = self.path.split('/').skip(1).collect();
        let is_item = matches!(self.kind, Kind::Set) && segments.len() == own.len() + 1;
        let is_match = (segments.len() == own.len() || is_item)
            && own.iter().zip(segments).all(|(own, given)| *own == "{}" || own == given);
        is_match.then(|| if is_item { segments.last().map(String::as_str) } else { None })
    }

    fn place_of(&self, segments: &[String]) -> Vec<String> {
        let depth = self.path.split('/').count() - 1;
        let same = || segments[..depth].to_vec();
        match self.place {
            Place::Same => same(),
            Place::Within(member) => [vec![member.to_owned()], same()].concat(),
            Place::MethodSetting(name) => {
                let method = method_key(&segments[0], &segments[1]);
                let place = vec!["methodSettings".to_owned(), method];
                if name.is_empty() { place } else { [place, vec![name.to_owned()]].concat() }
            }
        }
    }
}

/// How a stage's settings name a method: `orders/{id}/GET`, or `*/*`. A path comes with its slashes escaped.
fn method_key(path: &str, verb: &str) -> String {
    format!("{}/{verb}", path.replace("~1", "/").trim_start_matches('/'))
}

/// The value at a place, made where it is missing.
fn at<'a>(document: &'a mut Value, place: &[String]) -> &'a mut Value {
    let mut here = document;
    for segment in place {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = match here {
            Value::Object(members) => members.entry(segment.as_str()).or_insert(Value::Null),
            other => other,
        };
    }
    here
}

fn remove(document: &mut Value, place: &[String]) {
    let Some((last, above)) = place.split_last() else { return };
    let mut here = document;
    for segment in above {
        let Some(below) = here.get_mut(segment) else { return };
        here = below;
    }
    if let Value::Object(members) = here {
        members.remove(last);
    }
}

impl Kind {
    fn parse(self, path: &str, text: &str) -> Result<Value, ApiError> {
        let invalid = || errors::bad_request(format!("Invalid value '{text}' specified for {path}"));
        Ok(match self {
            Self::Flag => match text {
                "true" | "True" | "TRUE" => true.into(),
                "false" | "False" | "FALSE" => false.into(),
                _ => return Err(invalid()),
            },
            Self::Whole => text.trim().parse::<i32>().map_err(|_| invalid())?.into(),
            Self::Number => {
                text.trim().parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(invalid)?.into()
            }
            Self::Text | Self::Set | Self::Whatever => text.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use apigateway_api::PatchOperation;
    use serde_json::json;

    use super::{Field, Kind, apply};

    const FIELDS: &[Field] = &[
        Field::replaced("/name", Kind::Text),
        Field::any("/headers/{}", Kind::Flag),
        Field::any("/types", Kind::Set),
    ];

    #[track_caller]
    fn check(op: &str, path: &str, value: Option<&str>, expected: Result<serde_json::Value, &str>) {
        let mut document = json!({"name": "a", "headers": {"x/y": true}, "types": ["image/png"]});
        let operation = PatchOperation {
            op: Some(op.to_owned()),
            path: Some(path.to_owned()),
            value: value.map(str::to_owned),
            from: None,
        };
        let outcome = apply(&mut document, &operation, FIELDS).map(|()| document);
        match (outcome, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(error), Err(part)) => assert!(error.message().contains(part), "{error}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn an_operation_changes_the_place_that_its_path_names() {
        let with = |name: &str, headers: serde_json::Value, types: serde_json::Value| {
            Ok(json!({"name": name, "headers": headers, "types": types}))
        };
        check("replace", "/name", Some("b"), with("b", json!({"x/y": true}), json!(["image/png"])));
        check(
            "replace",
            "/headers/x~1y",
            Some("false"),
            with("a", json!({"x/y": false}), json!(["image/png"])),
        );
        check("remove", "/headers/x~1y", None, with("a", json!({}), json!(["image/png"])));
        check("add", "/types/a~1b", None, with("a", json!({"x/y": true}), json!(["image/png", "a/b"])));
        check("replace", "/types/image~1png", Some("a/b"), with("a", json!({"x/y": true}), json!(["a/b"])));
        check("remove", "/types", Some("image/png"), with("a", json!({"x/y": true}), json!([])));
    }

    #[test]
    fn other_paths_and_values_are_refused() {
        check(
            "remove",
            "/name",
            None,
            Err("Invalid patch path  '/name' specified for op 'remove'. Must be one of: ["),
        );
        check("replace", "/headers/a", Some("perhaps"), Err("Invalid value 'perhaps'"));
        check("replace", "/name", None, Err("Invalid null or empty value"));
    }
}
