//! Items: named attributes, at most 400 KB of them.

use std::collections::BTreeMap;

use crate::value::{Value, ValueError};

mod row;
#[cfg(test)]
mod tests;

pub(crate) use row::FromRow;
pub use row::{ItemRow, RowError};

/// Largest item in bytes, names and values together ("Quotas in Amazon DynamoDB").
pub const MAX_SIZE: usize = 400 * 1024;

/// Why an item was refused; each `Display` is AWS's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    #[error("Item size has exceeded the maximum allowed size")]
    TooLarge,
    /// The wording for an item that an update made too large.
    #[error("Item size to update has exceeded the maximum allowed size")]
    UpdateTooLarge,
    #[error("One or more parameter values were invalid: Attribute name must not be empty")]
    EmptyName,
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// An item: attributes by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    attributes: BTreeMap<String, Value>,
}

impl Item {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    pub fn insert(&mut self, name: impl Into<String>, value: Value) -> Option<Value> {
        self.attributes.insert(name.into(), value)
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.attributes.remove(name)
    }

    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Attributes in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn attributes(&self) -> &BTreeMap<String, Value> {
        &self.attributes
    }

    pub fn attributes_mut(&mut self) -> &mut BTreeMap<String, Value> {
        &mut self.attributes
    }

    pub fn into_attributes(self) -> BTreeMap<String, Value> {
        self.attributes
    }

    /// Bytes as AWS counts them: names and values ("DynamoDB item sizes and formats").
    pub fn size(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.size()).sum()
    }

    /// Refuses what PutItem refuses whatever the table: size, nesting, empty names.
    pub fn check(&self) -> Result<(), ItemError> {
        if self.contains("") {
            return Err(ItemError::EmptyName);
        }
        for value in self.attributes.values() {
            value.check_depth()?;
        }
        if self.size() > MAX_SIZE { Err(ItemError::TooLarge) } else { Ok(()) }
    }

    /// Refuses an item that an update made too large or too deep.
    pub fn check_updated(&self) -> Result<(), ItemError> {
        match self.check() {
            Err(ItemError::TooLarge) => Err(ItemError::UpdateTooLarge),
            other => other,
        }
    }

    /// A copy with only the named attributes that exist.
    pub fn only<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Self {
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.get(name)?.clone()))).collect()
    }
}

impl FromIterator<(String, Value)> for Item {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(attributes: I) -> Self {
        Self { attributes: attributes.into_iter().collect() }
    }
}

impl From<BTreeMap<String, Value>> for Item {
    fn from(attributes: BTreeMap<String, Value>) -> Self {
        Self { attributes }
    }
}
