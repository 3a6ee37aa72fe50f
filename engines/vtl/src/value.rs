//! The values templates compute with: Java's, as far as a template can tell.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ordered::Entries;

/// How deep values are printed, compared and searched; deeper ones are cut off.
const MAX_VALUE_DEPTH: usize = 130;

/// A value. Lists and maps are shared: a clone sees what is changed through the original.
#[derive(Clone, Default)]
pub enum Value {
    /// Nothing; a reference to it counts as unresolved.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any whole number (Java's int and long).
    Int(i64),
    /// Any other number (Java's double).
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// A shared list.
    List(List),
    /// A shared map in insertion order.
    Map(Map),
    /// Something the host supplied.
    Object(Arc<dyn Object>),
}

/// What a host offers to templates.
pub trait Object: Send + Sync {
    /// `$object.name`, or `None` where there is no such property.
    fn property(&self, _name: &str) -> Option<Value> {
        None
    }

    /// `#set($object.name = value)`; `false` where the property cannot be set.
    fn set_property(&self, _name: &str, _value: Value) -> bool {
        false
    }

    /// `$object.method(args)`: `Ok(None)` where there is no such method, `Err` where it failed.
    fn call(&self, _method: &str, _args: &[Value]) -> Result<Option<Value>, String> {
        Ok(None)
    }

    /// What `#foreach` runs over, or `None` where it cannot.
    fn items(&self) -> Option<Vec<Value>> {
        None
    }

    /// How the object prints.
    fn text(&self) -> String {
        String::from("object")
    }
}

/// A shared list.
#[derive(Clone, Default)]
pub struct List(Arc<ListCell>);

/// A shared map.
#[derive(Clone, Default)]
pub struct Map(Arc<MapCell>);

#[derive(Default)]
struct ListCell(Mutex<Vec<Value>>);

#[derive(Default)]
struct MapCell(Mutex<Entries>);

impl List {
    /// A list of these values.
    pub fn new(values: Vec<Value>) -> Self {
        Self(Arc::new(ListCell(Mutex::new(values))))
    }

    /// The values, locked. Do not render while holding it.
    pub fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the values as they are now.
    pub fn snapshot(&self) -> Vec<Value> {
        self.lock().clone()
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

impl Map {
    /// A map of these entries.
    pub fn new(entries: Entries) -> Self {
        Self(Arc::new(MapCell(Mutex::new(entries))))
    }

    /// The entries, locked. Do not render while holding it.
    pub fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of the entries as they are now.
    pub fn snapshot(&self) -> Vec<(Arc<str>, Value)> {
        self.lock().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
}

// A template can nest values as deep as it has steps, and dropping those by recursion would run out of
// stack; so the last owner of a container takes its contents apart in a loop.
impl Drop for ListCell {
    fn drop(&mut self) {
        let values = std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        drop_in_a_loop(values);
    }
}

impl Drop for MapCell {
    fn drop(&mut self) {
        let values = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take_values();
        drop_in_a_loop(values);
    }
}

fn drop_in_a_loop(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(mut list) => {
                if let Some(cell) = Arc::get_mut(&mut list.0) {
                    pending.append(cell.0.get_mut().unwrap_or_else(PoisonError::into_inner));
                }
            }
            Value::Map(mut map) => {
                if let Some(cell) = Arc::get_mut(&mut map.0) {
                    pending
                        .append(&mut cell.0.get_mut().unwrap_or_else(PoisonError::into_inner).take_values());
                }
            }
            _ => {}
        }
    }
}

impl Value {
    /// A list of these values.
    pub fn list(values: Vec<Value>) -> Self {
        Self::List(List::new(values))
    }

    /// A map of these entries, in this order.
    pub fn map<K: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let mut ordered = Entries::default();
        for (key, value) in entries {
            ordered.put(key, value);
        }
        Self::Map(Map::new(ordered))
    }

    /// Whether this is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Velocity's truth: nothing and `false` are false, all else (zero and "" included) is true.
    pub fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    /// The number this is, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)]
            Self::Int(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            _ => None,
        }
    }

    /// Java's `toString`, or `None` where it would be longer than `max_bytes`.
    pub fn text(&self, max_bytes: usize) -> Option<String> {
        let mut out = String::new();
        write_text(self, &mut out, max_bytes, 0).then_some(out)
    }

    /// Velocity's `==`: numbers by value, values of different kinds by how they print.
    pub fn equals(&self, other: &Self) -> bool {
        equal(self, other, &mut 100_000, 0)
    }

    /// Whether `container`, by address, is this value or somewhere inside it.
    pub(crate) fn reaches(&self, container: &Value) -> bool {
        let Some(target) = address(container) else { return false };
        let mut seen = HashSet::new();
        let mut pending = vec![self.clone()];
        while let Some(value) = pending.pop() {
            let Some(place) = address(&value) else { continue };
            if place == target {
                return true;
            }
            if !seen.insert(place) {
                continue;
            }
            match &value {
                Value::List(list) => {
                    pending.extend(list.lock().iter().filter(|v| address(v).is_some()).cloned());
                }
                Value::Map(map) => {
                    let entries = map.lock();
                    pending.extend(entries.iter().map(|(_, v)| v).filter(|v| address(v).is_some()).cloned());
                }
                _ => {}
            }
        }
        false
    }
}

fn address(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.address()),
        Value::Map(map) => Some(map.address()),
        _ => None,
    }
}

fn write_text(value: &Value, out: &mut String, max: usize, depth: usize) -> bool {
    if depth > MAX_VALUE_DEPTH {
        out.push_str("...");
        return out.len() <= max;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&n.to_string()),
        Value::Float(n) => out.push_str(&double_text(*n)),
        Value::String(s) => {
            if out.len() + s.len() > max {
                return false;
            }
            out.push_str(s);
        }
        Value::Object(object) => out.push_str(&object.text()),
        Value::List(list) => {
            out.push('[');
            for (i, item) in list.snapshot().iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                if !write_text(item, out, max, depth + 1) {
                    return false;
                }
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.snapshot().iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(key);
                out.push('=');
                if !write_text(item, out, max, depth + 1) {
                    return false;
                }
            }
            out.push('}');
        }
    }
    out.len() <= max
}

/// `Double.toString`: plain between 1e-3 and 1e7, otherwise with an exponent, always with a fraction.
pub(crate) fn double_text(n: f64) -> String {
    if n.is_nan() {
        return String::from("NaN");
    }
    if n.is_infinite() {
        return String::from(if n > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if n == 0.0 || (1e-3..1e7).contains(&n.abs()) {
        return format!("{n:?}");
    }
    let text = format!("{n:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{fraction}E{exponent}")
}

// The budget bounds comparisons of values that share parts, which can unfold exponentially.
fn equal(a: &Value, b: &Value, budget: &mut usize, depth: usize) -> bool {
    if *budget == 0 || depth > MAX_VALUE_DEPTH {
        return false;
    }
    *budget -= 1;
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            let (a, b) = (a.snapshot(), b.snapshot());
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal(a, b, budget, depth + 1))
        }
        (Value::Map(a), Value::Map(b)) => {
            let (a, b) = (a.snapshot(), b.clone());
            a.len() == b.lock().len()
                && a.iter().all(|(key, a)| {
                    let other = b.lock().get(key).cloned();
                    other.is_some_and(|b| equal(a, &b, budget, depth + 1))
                })
        }
        _ => match (a.as_number(), b.as_number()) {
            (Some(a), Some(b)) => a == b,
            _ => {
                let text = a.text(1 << 20);
                text.is_some() && text == b.text(1 << 20)
            }
        },
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => write!(f, "{text:?}"),
            other => f.write_str(&other.text(1 << 16).unwrap_or_else(|| String::from("(too long)"))),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
