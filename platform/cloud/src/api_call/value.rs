//! Inputs and outputs as records of calls show them.

use serde_json::{Map, Value, json};
use shapes::{Document, Member, Struct, View};

/// In place of what the model calls sensitive.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// A structure as an object: names begin in lower case, secrets are hidden and bytes left out.
pub(super) fn of_struct(value: &dyn Struct) -> Value {
    let mut object = Map::new();
    for (index, member) in value.shape().members.iter().enumerate() {
        if let Some(shown) = of_view(&value.member(index).view(), member) {
            object.insert(lower_first(member.name), shown);
        }
    }
    Value::Object(object)
}

/// Nothing for what is not there or not shown.
fn of_view(view: &View<'_>, member: &'static Member) -> Option<Value> {
    if member.shape.sensitive && !matches!(view, View::Absent) {
        return Some(json!(HIDDEN));
    }
    Some(match view {
        View::Absent | View::Blob(_) | View::Stream(_) => return None,
        View::Boolean(value) => json!(value),
        View::Integer(value) => json!(value),
        View::Long(value) => json!(value),
        View::Float(value) => json!(value),
        View::Double(value) => json!(value),
        View::String(value) => json!(value),
        View::Timestamp(value) => json!(value.iso8601()),
        View::Document(value) => of_document(value),
        View::List(list) => {
            let item = match member.shape.kind {
                shapes::Kind::List(item) => item,
                _ => return None,
            };
            (0..list.len()).filter_map(|index| of_view(&list.item(index).view(), item)).collect()
        }
        View::Map(map) => {
            let value = match member.shape.kind {
                shapes::Kind::Map(_, value) => value,
                _ => return None,
            };
            let entries = map.entries();
            let shown =
                entries.filter_map(|(key, node)| Some((key.to_owned(), of_view(&node.view(), value)?)));
            Value::Object(shown.collect())
        }
        View::Struct(value) => of_struct(*value),
        View::Union(value) => {
            let (index, node) = value.variant()?;
            let member = &value.shape().members[index];
            json!({ lower_first(member.name): of_view(&node.view(), member)? })
        }
    })
}

fn of_document(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => json!(value),
        Document::Integer(value) => json!(value),
        Document::Float(value) => json!(value),
        Document::String(value) => json!(value),
        Document::List(items) => items.iter().map(of_document).collect(),
        Document::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), of_document(value))).collect())
        }
    }
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
