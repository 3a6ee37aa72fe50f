//! java.util.List, for lists and what the key and value views of maps give.

use super::{Called, int};
use crate::value::{List, Value};

pub(super) fn call(on: &List, method: &str, args: &[Value], room: usize) -> Called {
    let found = match (method, args) {
        ("size", []) => int(on.lock().len()),
        ("isEmpty", []) => Some(Value::Bool(on.lock().is_empty())),
        ("get", [Value::Int(at)]) => {
            let place = place(*at, on.lock_length())?;
            on.lock().get(place).cloned()
        }
        ("add", [value]) => {
            check_outside(value, on)?;
            on.lock().push(value.clone());
            Some(Value::Bool(true))
        }
        ("add", [Value::Int(at), value]) => {
            check_outside(value, on)?;
            let length = on.lock_length();
            on.lock().insert(place(*at, length.saturating_add(1))?, value.clone());
            None
        }
        ("addAll", [Value::List(others)]) => {
            let others = others.snapshot();
            if others.len().saturating_mul(size_of::<Value>()) > room {
                return Err(super::too_long(room));
            }
            others.iter().try_for_each(|value| check_outside(value, on))?;
            let is_changed = !others.is_empty();
            on.lock().extend(others);
            Some(Value::Bool(is_changed))
        }
        ("set", [Value::Int(at), value]) => {
            check_outside(value, on)?;
            let place = place(*at, on.lock_length())?;
            on.lock().get_mut(place).map(|slot| std::mem::replace(slot, value.clone()))
        }
        ("remove", [Value::Int(at)]) => {
            let place = place(*at, on.lock_length())?;
            Some(on.lock().remove(place))
        }
        ("remove", [value]) => {
            let found = position(on, value);
            if let Some(place) = found {
                on.lock().remove(place);
            }
            Some(Value::Bool(found.is_some()))
        }
        ("contains", [value]) => Some(Value::Bool(position(on, value).is_some())),
        ("containsAll", [Value::List(others)]) => {
            Some(Value::Bool(others.snapshot().iter().all(|value| position(on, value).is_some())))
        }
        ("indexOf", [value]) => position(on, value).map_or(Some(Value::Int(-1)), int),
        ("lastIndexOf", [value]) => on
            .snapshot()
            .iter()
            .rposition(|item| super::is_same(item, value))
            .map_or(Some(Value::Int(-1)), int),
        ("clear", []) => {
            let emptied = std::mem::take(&mut *on.lock());
            drop(emptied);
            None
        }
        ("subList", [Value::Int(from), Value::Int(to)]) => {
            let values = on.snapshot();
            let range = usize::try_from(*from).ok().zip(usize::try_from(*to).ok());
            let part = range.and_then(|(from, to)| values.get(from..to));
            let part = part.ok_or_else(|| {
                format!("{from} to {to} is out of bounds, the list has {} items", values.len())
            })?;
            Some(Value::list(part.to_vec()))
        }
        ("iterator" | "toArray" | "listIterator", []) => Some(Value::list(on.snapshot())),
        _ => None,
    };
    Ok(found)
}

impl List {
    fn lock_length(&self) -> usize {
        self.lock().len()
    }
}

fn place(at: i64, length: usize) -> Result<usize, String> {
    usize::try_from(at)
        .ok()
        .filter(|place| *place < length)
        .ok_or_else(|| format!("index {at} is out of bounds for length {length}"))
}

fn position(on: &List, value: &Value) -> Option<usize> {
    on.snapshot().iter().position(|item| super::is_same(item, value))
}

/// A value that held itself could be neither printed nor freed.
fn check_outside(value: &Value, on: &List) -> Result<(), String> {
    let is_inside = value.reaches(&Value::List(on.clone()));
    if is_inside { Err(String::from("cannot put a list inside itself")) } else { Ok(()) }
}
