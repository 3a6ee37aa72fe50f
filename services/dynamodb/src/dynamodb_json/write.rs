//! Writing items as DynamoDB JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::item::Item;
use crate::value::Value;

/// Writes `{"name":{"S":"text"}}`.
pub(crate) fn write_item(item: &Item, out: &mut String) {
    write_map(item.iter(), out);
}

fn write_map<'v>(members: impl Iterator<Item = (&'v str, &'v Value)>, out: &mut String) {
    out.push('{');
    for (i, (name, value)) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        write_value(value, out);
    }
    out.push('}');
}

fn write_value(value: &Value, out: &mut String) {
    out.push_str("{\"");
    out.push_str(value.value_type().name());
    out.push_str("\":");
    match value {
        Value::S(text) => write_string(text, out),
        Value::N(number) => write_string(&number.to_string(), out),
        Value::B(bytes) => write_string(&BASE64.encode(bytes), out),
        Value::Ss(members) => write_list(members.iter(), out, |text, out| write_string(text, out)),
        Value::Ns(members) => write_list(members.iter(), out, |n, out| write_string(&n.to_string(), out)),
        Value::Bs(members) => write_list(members.iter(), out, |b, out| write_string(&BASE64.encode(b), out)),
        Value::M(members) => write_map(members.iter().map(|(name, value)| (name.as_str(), value)), out),
        Value::L(members) => write_list(members.iter(), out, write_value),
        Value::Null => out.push_str("true"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
    }
    out.push('}');
}

fn write_list<T>(members: impl Iterator<Item = T>, out: &mut String, write: impl Fn(T, &mut String)) {
    out.push('[');
    for (i, member) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(member, out);
    }
    out.push(']');
}

fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
