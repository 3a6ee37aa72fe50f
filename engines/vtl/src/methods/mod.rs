//! The Java methods and properties of built-in values that templates call.

mod list;
mod map;
mod number;
mod string;

use crate::value::Value;

/// `Ok(None)` where there is no such method, as for Velocity, which then prints the reference as written.
pub(crate) type Called = Result<Option<Value>, String>;

/// Calls a method. Results longer than `room` bytes are refused before they are built.
pub(crate) fn call(on: &Value, method: &str, args: &[Value], room: usize) -> Called {
    if let Value::Object(object) = on {
        return object.call(method, args);
    }
    match (method, args) {
        ("toString", []) => return text(on, room).map(|text| Some(Value::from(text))),
        ("equals", [other]) => return Ok(Some(Value::Bool(is_same(on, other)))),
        _ => {}
    }
    match on {
        Value::String(text) => string::call(text, method, args, room),
        Value::List(values) => list::call(values, method, args, room),
        Value::Map(entries) => map::call(entries, method, args, room),
        Value::Int(_) | Value::Float(_) => Ok(number::call(on, method, args)),
        Value::Bool(b) => Ok(match (method, args) {
            ("booleanValue", []) => Some(Value::Bool(*b)),
            ("hashCode", []) => Some(Value::Int(if *b { 1231 } else { 1237 })),
            ("compareTo", [Value::Bool(other)]) => Some(Value::Int(i64::from(*b) - i64::from(*other))),
            _ => None,
        }),
        Value::Null | Value::Object(_) => Ok(None),
    }
}

/// `$value.name`: a map's entry, a host's property, or the bean getter `getName()` or `isName()`.
pub(crate) fn property(on: &Value, name: &str) -> Option<Value> {
    match on {
        Value::Map(entries) => return entries.lock().get(name).cloned(),
        Value::Object(object) => {
            if let Some(value) = object.property(name) {
                return Some(value);
            }
        }
        _ => {}
    }
    let mut letters = name.chars();
    let capital = letters.next()?.to_ascii_uppercase();
    ["get", "is"].iter().find_map(|prefix| {
        let getter = format!("{prefix}{capital}{}", letters.as_str());
        call(on, &getter, &[], 1 << 20).ok().flatten()
    })
}

/// Bytes by which putting a value somewhere grows what holds it.
pub(crate) fn growth(value: &Value) -> usize {
    let items = match value {
        Value::List(list) => list.lock().len(),
        Value::Map(map) => map.lock().len(),
        _ => 1,
    };
    items.saturating_mul(size_of::<Value>())
}

/// Java's `equals`: unlike Velocity's `==`, values of different kinds are never equal.
fn is_same(a: &Value, b: &Value) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b) && a.equals(b)
}

fn text(value: &Value, room: usize) -> Result<String, String> {
    value.text(room).ok_or_else(|| too_long(room))
}

fn too_long(room: usize) -> String {
    format!("the result has more than the {room} bytes still allowed")
}

fn int(n: usize) -> Option<Value> {
    i64::try_from(n).ok().map(Value::Int)
}
