//! java.util.Map, in insertion order and with text keys.

use std::sync::Arc;

use super::{Called, int, text, too_long};
use crate::value::{Map, Object, Value};

pub(super) fn call(on: &Map, method: &str, args: &[Value], room: usize) -> Called {
    // A key is printed before the map is locked: it may be the map itself.
    let found = match (method, args) {
        ("size", []) => int(on.lock().len()),
        ("isEmpty", []) => Some(Value::Bool(on.lock().is_empty())),
        ("get", [key]) => {
            let key = text(key, room)?;
            on.lock().get(&key).cloned()
        }
        ("getOrDefault", [key, default]) => {
            let key = text(key, room)?;
            Some(on.lock().get(&key).cloned().unwrap_or_else(|| default.clone()))
        }
        ("containsKey", [key]) => {
            let key = text(key, room)?;
            Some(Value::Bool(on.lock().get(&key).is_some()))
        }
        ("containsValue", [value]) => {
            Some(Value::Bool(on.snapshot().iter().any(|(_, item)| super::is_same(item, value))))
        }
        ("put", [key, value]) => {
            check_outside(value, on)?;
            let key = text(key, room)?;
            on.lock().put(key, value.clone())
        }
        ("putIfAbsent", [key, value]) => {
            check_outside(value, on)?;
            let key = text(key, room)?;
            let present = on.lock().get(&key).cloned();
            if present.is_none() {
                on.lock().put(key, value.clone());
            }
            present
        }
        ("putAll", [Value::Map(others)]) => {
            let others = others.snapshot();
            if others.len().saturating_mul(size_of::<Value>()) > room {
                return Err(too_long(room));
            }
            others.iter().try_for_each(|(_, value)| check_outside(value, on))?;
            let mut entries = on.lock();
            for (key, value) in others {
                entries.put(key, value);
            }
            None
        }
        ("remove", [key]) => {
            let key = text(key, room)?;
            on.lock().remove(&key)
        }
        ("clear", []) => {
            let emptied = on.lock().take_values();
            drop(emptied);
            None
        }
        ("keySet", []) => {
            Some(Value::list(on.snapshot().into_iter().map(|(key, _)| Value::String(key)).collect()))
        }
        ("values", []) => Some(Value::list(on.snapshot().into_iter().map(|(_, value)| value).collect())),
        ("entrySet", []) => Some(Value::list(
            on.snapshot()
                .into_iter()
                .map(|(key, value)| Value::Object(Arc::new(Entry { key, value, map: on.clone() })))
                .collect(),
        )),
        _ => None,
    };
    Ok(found)
}

fn check_outside(value: &Value, on: &Map) -> Result<(), String> {
    let is_inside = value.reaches(&Value::Map(on.clone()));
    if is_inside { Err(String::from("cannot put a map inside itself")) } else { Ok(()) }
}

/// One entry of `entrySet()`.
struct Entry {
    key: Arc<str>,
    value: Value,
    map: Map,
}

impl Object for Entry {
    fn property(&self, name: &str) -> Option<Value> {
        match name {
            "key" => Some(Value::String(self.key.clone())),
            "value" => Some(self.value.clone()),
            _ => None,
        }
    }

    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, String> {
        match (method, args) {
            ("getKey", []) => Ok(self.property("key")),
            ("getValue", []) => Ok(self.property("value")),
            ("setValue", [value]) => {
                check_outside(value, &self.map)?;
                Ok(self.map.lock().put(self.key.clone(), value.clone()))
            }
            _ => Ok(None),
        }
    }

    fn text(&self) -> String {
        format!("{}={}", self.key, self.value.text(1 << 20).unwrap_or_default())
    }
}
