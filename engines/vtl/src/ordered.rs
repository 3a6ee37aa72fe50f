//! A map that remembers the order of insertion, as the JSON objects templates work on must.

use std::collections::HashMap;
use std::sync::Arc;

use crate::value::Value;

/// Entries in the order their keys were first put.
#[derive(Default)]
pub struct Entries {
    rows: Vec<(Arc<str>, Value)>,
    places: HashMap<Arc<str>, usize>,
}

impl Entries {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.places.get(key).and_then(|&place| self.rows.get(place)).map(|(_, value)| value)
    }

    /// Puts `value` under `key` and gives back what was there; an existing key keeps its place.
    pub fn put(&mut self, key: impl Into<Arc<str>>, value: Value) -> Option<Value> {
        let key = key.into();
        if let Some(row) = self.places.get(&key).and_then(|&place| self.rows.get_mut(place)) {
            return Some(std::mem::replace(&mut row.1, value));
        }
        self.places.insert(key.clone(), self.rows.len());
        self.rows.push((key, value));
        None
    }

    /// Removes `key` and gives back what was there.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.places.remove(key)?;
        let (_, value) = self.rows.remove(place);
        for later in self.places.values_mut().filter(|later| **later > place) {
            *later -= 1;
        }
        Some(value)
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.rows.iter().map(|(key, value)| (key, value))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn take_values(&mut self) -> Vec<Value> {
        self.places.clear();
        self.rows.drain(..).map(|(_, value)| value).collect()
    }
}
