//! Between the API's types and stored rows: both have the same names, so a JSON document carries one to the other.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shapes::{ApiError, Node, Slot, Struct, Timestamp, View};

/// Lists and maps that answers have also when they are empty.
const TOLD_EMPTY: [&str; 3] = ["cacheKeyParameters", "methodSettings", "features"];

/// What a client gave, without what it left out.
pub(crate) fn of_input(input: &dyn Struct) -> Value {
    let mut members = Map::new();
    for (index, member) in input.shape().members.iter().enumerate() {
        let value = of_node(input.member(index));
        if !value.is_null() {
            members.insert(member.name.to_owned(), value);
        }
    }
    Value::Object(members)
}

fn of_node(node: &dyn Node) -> Value {
    match node.view() {
        View::Absent | View::Stream(_) | View::Document(_) | View::Union(_) | View::Blob(_) => Value::Null,
        View::Boolean(value) => value.into(),
        View::Integer(value) => value.into(),
        View::Long(value) => value.into(),
        View::Float(value) => value.into(),
        View::Double(value) => value.into(),
        View::String(value) => value.into(),
        View::Timestamp(value) => value.millis().into(),
        View::List(list) => (0..list.len()).map(|index| of_node(list.item(index))).collect(),
        View::Map(map) => {
            Value::Object(map.entries().map(|(key, value)| (key.to_owned(), of_node(value))).collect())
        }
        View::Struct(inner) => of_input(inner),
    }
}

/// A row of what a document says; what it leaves out has its default.
pub(crate) fn row<T: DeserializeOwned>(document: Value) -> Result<T, ApiError> {
    serde_json::from_value(document).map_err(ApiError::internal)
}

/// A row as a document, without what it leaves open.
pub(crate) fn of_row<T: Serialize>(row: &T) -> Result<Value, ApiError> {
    let mut document = serde_json::to_value(row).map_err(ApiError::internal)?;
    drop_nulls(&mut document);
    Ok(document)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The answer that tells of a row.
pub(crate) fn told<T: Struct + Default>(row: &impl Serialize) -> Result<T, ApiError> {
    Ok(answer(&of_row(row)?))
}

/// The answer that a document is. Members that the answer does not have are left out.
pub(crate) fn answer<T: Struct + Default>(document: &Value) -> T {
    let mut answer = T::default();
    fill_struct(&mut answer, document);
    answer
}

fn fill_struct(out: &mut dyn Struct, document: &Value) {
    for (index, member) in out.shape().members.iter().enumerate() {
        let Some(value) = document.get(member.name) else { continue };
        if is_worth_telling(member.name, value) {
            fill(out.member_mut(index), value);
        }
    }
}

fn is_worth_telling(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty() || TOLD_EMPTY.contains(&name),
        Value::Object(members) => !members.is_empty() || TOLD_EMPTY.contains(&name),
        _ => true,
    }
}

fn fill(out: &mut dyn Node, value: &Value) {
    match (out.slot(), value) {
        (Slot::Boolean(out), Value::Bool(value)) => *out = *value,
        (Slot::Integer(out), value) => {
            *out = value.as_i64().and_then(|value| value.try_into().ok()).unwrap_or_default();
        }
        (Slot::Long(out), value) => *out = value.as_i64().unwrap_or_default(),
        (Slot::Double(out), value) => *out = value.as_f64().unwrap_or_default(),
        (Slot::String(out), Value::String(value)) => out.clone_from(value),
        (Slot::Timestamp(out), value) => *out = Timestamp::from_millis(value.as_i64().unwrap_or_default()),
        (Slot::List(list), Value::Array(values)) => {
            for value in values {
                fill(list.push(), value);
            }
        }
        (Slot::Map(map), Value::Object(values)) => {
            for (key, value) in values {
                fill(map.insert(key.clone()), value);
            }
        }
        (Slot::Struct(inner), value) => fill_struct(inner, value),
        _ => {}
    }
}
