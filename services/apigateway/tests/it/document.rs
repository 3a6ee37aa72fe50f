//! Inputs and outputs of operations as documents whose members have the model's names.

use bytes::Bytes;
use serde_json::{Map, Value};
use shapes::{Node, Slot, Struct, Timestamp, View};

pub(crate) fn fill(out: &mut dyn Struct, document: &Value) {
    for (index, member) in out.shape().members.iter().enumerate() {
        if let Some(value) = document.get(member.name).filter(|value| !value.is_null()) {
            fill_node(out.member_mut(index), value);
        }
    }
    let known = |name: &str| out.shape().members.iter().any(|member| member.name == name);
    for name in document.as_object().into_iter().flatten().map(|(name, _)| name) {
        assert!(known(name), "there is no member {name}");
    }
}

fn fill_node(out: &mut dyn Node, value: &Value) {
    match (out.slot(), value) {
        (Slot::Boolean(out), Value::Bool(value)) => *out = *value,
        (Slot::Integer(out), value) => *out = value.as_i64().unwrap().try_into().unwrap(),
        (Slot::Long(out), value) => *out = value.as_i64().unwrap(),
        (Slot::Double(out), value) => *out = value.as_f64().unwrap(),
        (Slot::String(out), Value::String(value)) => out.clone_from(value),
        (Slot::Blob(out), Value::String(value)) => *out = Bytes::from(value.clone()),
        (Slot::Timestamp(out), value) => *out = Timestamp::from_millis(value.as_i64().unwrap()),
        (Slot::List(list), Value::Array(values)) => {
            values.iter().for_each(|value| fill_node(list.push(), value));
        }
        (Slot::Map(map), Value::Object(values)) => {
            values.iter().for_each(|(key, value)| fill_node(map.insert(key.clone()), value));
        }
        (Slot::Struct(inner), value) => fill(inner, value),
        (_, value) => panic!("{value} is of another kind"),
    }
}

pub(crate) fn of_struct(told: &dyn Struct) -> Value {
    let mut members = Map::new();
    for (index, member) in told.shape().members.iter().enumerate() {
        let value = of_node(told.member(index));
        if !value.is_null() {
            members.insert(member.name.to_owned(), value);
        }
    }
    Value::Object(members)
}

fn of_node(node: &dyn Node) -> Value {
    match node.view() {
        View::Absent | View::Stream(_) | View::Document(_) | View::Union(_) => Value::Null,
        View::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
        View::Boolean(value) => value.into(),
        View::Integer(value) => value.into(),
        View::Long(value) => value.into(),
        View::Float(value) => value.into(),
        View::Double(value) => value.into(),
        View::String(value) => value.into(),
        View::Timestamp(value) => value.millis().into(),
        View::List(list) => (0..list.len()).map(|index| of_node(list.item(index))).collect(),
        View::Map(map) => map.entries().map(|(key, value)| (key.to_owned(), of_node(value))).collect(),
        View::Struct(inner) => of_struct(inner),
    }
}
