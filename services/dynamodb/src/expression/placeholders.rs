//! ExpressionAttributeNames and ExpressionAttributeValues of one request, and which of them were used.

use std::cell::Cell;

use super::error::ExpressionError;
use crate::value::Value;

/// The placeholders of one request, shared by all its expressions.
#[derive(Debug, Default)]
pub struct Placeholders<'a> {
    names: Vec<Entry<'a, &'a str>>,
    values: Vec<Entry<'a, &'a Value>>,
}

#[derive(Debug)]
struct Entry<'a, T> {
    key: &'a str,
    meaning: T,
    is_used: Cell<bool>,
}

impl<'a> Placeholders<'a> {
    /// Keys carry their mark: `#n`, `:v`. `None` is an absent parameter; an empty one is refused.
    pub fn new<N, V>(names: Option<N>, values: Option<V>) -> Result<Self, ExpressionError>
    where
        N: IntoIterator<Item = (&'a str, &'a str)>,
        V: IntoIterator<Item = (&'a str, &'a Value)>,
    {
        let names = names.map(entries);
        if names.as_ref().is_some_and(Vec::is_empty) {
            return Err(ExpressionError::NamesEmpty);
        }
        let names = names.unwrap_or_default();
        if let Some(entry) = names.iter().find(|entry| !is_key(entry.key, b'#')) {
            return Err(ExpressionError::NameKey(entry.key.to_owned()));
        }
        let values = values.map(entries);
        if values.as_ref().is_some_and(Vec::is_empty) {
            return Err(ExpressionError::ValuesEmpty);
        }
        let values = values.unwrap_or_default();
        if let Some(entry) = values.iter().find(|entry| !is_key(entry.key, b':')) {
            return Err(ExpressionError::ValueKey(entry.key.to_owned()));
        }
        Ok(Self { names, values })
    }

    /// The attribute that `#n` stands for; marks it used.
    pub(super) fn name(&self, key: &str) -> Option<&'a str> {
        find(&self.names, key)
    }

    /// The value that `:v` stands for; marks it used.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        find(&self.values, key)
    }

    /// Refuses placeholders that no expression of the request used; call it after parsing them all.
    pub fn check_used(&self) -> Result<(), ExpressionError> {
        if let Some(keys) = unused(&self.names) {
            return Err(ExpressionError::NamesUnused(keys));
        }
        unused(&self.values).map_or(Ok(()), |keys| Err(ExpressionError::ValuesUnused(keys)))
    }
}

fn entries<'a, T>(pairs: impl IntoIterator<Item = (&'a str, T)>) -> Vec<Entry<'a, T>> {
    let mut entries: Vec<_> =
        pairs.into_iter().map(|(key, meaning)| Entry { key, meaning, is_used: Cell::new(false) }).collect();
    entries.sort_unstable_by_key(|entry| entry.key);
    entries
}

fn is_key(key: &str, mark: u8) -> bool {
    let bytes = key.as_bytes();
    bytes.len() > 1
        && bytes[0] == mark
        && bytes[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn find<T: Copy>(entries: &[Entry<'_, T>], key: &str) -> Option<T> {
    let index = entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
    entries[index].is_used.set(true);
    Some(entries[index].meaning)
}

fn unused<T>(entries: &[Entry<'_, T>]) -> Option<String> {
    let keys: Vec<_> = entries.iter().filter(|entry| !entry.is_used.get()).map(|entry| entry.key).collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}
