//! JSON text to values and back, with the order of keys kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::ordered::Entries;
use crate::value::{Map, Value, double_text};

/// How deep values are written as JSON; the parser refuses deeper documents too.
const MAX_JSON_DEPTH: usize = 128;

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        #[allow(clippy::cast_precision_loss)]
        Ok(i64::try_from(n).map_or(Value::Float(n as f64), Value::Int))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Float(n))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::list(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Entries::default();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            entries.put(key, value);
        }
        Ok(Value::Map(Map::new(entries)))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

impl Value {
    /// Reads one JSON document; object keys keep their order.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Compact JSON, keys in order. Host objects are written as the string they print as. `None` where it
    /// would be longer than `max_bytes`, or nested deeper than a JSON parser would read back.
    pub fn to_json(&self, max_bytes: usize) -> Option<String> {
        let mut out = String::new();
        write_json(self, &mut out, max_bytes, 0).then_some(out)
    }
}

fn write_json(value: &Value, out: &mut String, max: usize, depth: usize) -> bool {
    if depth > MAX_JSON_DEPTH || out.len() > max {
        return false;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(n) if n.is_finite() => out.push_str(&double_text(*n)),
        Value::Float(_) => out.push_str("null"),
        Value::String(text) => write_string(text, out),
        Value::Object(object) => write_string(&object.text(), out),
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.snapshot().iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                if !write_json(item, out, max, depth + 1) {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.snapshot().iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_string(key, out);
                out.push(':');
                if !write_json(item, out, max, depth + 1) {
                    return false;
                }
            }
            out.push('}');
        }
    }
    out.len() <= max
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
