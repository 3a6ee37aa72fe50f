//! Primary keys: which attributes they are, of which type, and whether an item or a key fits.
//!
//! Limits from "Quotas in Amazon DynamoDB": 1 to 2048 bytes for a hash key, 1 to 1024 for a range key.

use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::key_encoding;
use crate::value::{Value, ValueType};

pub const MAX_HASH_BYTES: usize = 2048;
pub const MAX_RANGE_BYTES: usize = 1024;

/// The types a key attribute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    S,
    N,
    B,
}

impl KeyType {
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "S" => Self::S,
            "N" => Self::N,
            "B" => Self::B,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        self.value_type().name()
    }

    pub fn value_type(self) -> ValueType {
        match self {
            Self::S => ValueType::S,
            Self::N => ValueType::N,
            Self::B => ValueType::B,
        }
    }
}

/// One attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: KeyType,
}

/// The hash key and the range key, if any, of a table or an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    pub hash: KeyAttribute,
    pub range: Option<KeyAttribute>,
}

/// Why a key was refused; each `Display` is AWS's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("One or more parameter values were invalid: Missing the key {0} in the item")]
    Missing(String),
    #[error(
        "One or more parameter values were invalid: Type mismatch for key {name} expected: {expected} actual: {actual}"
    )]
    TypeMismatch { name: String, expected: &'static str, actual: &'static str },
    #[error("The provided key element does not match the schema")]
    DoesNotMatchSchema,
    #[error(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
         empty {kind} value. Key: {name}"
    )]
    Empty { name: String, kind: &'static str },
    // The missing space is AWS's.
    #[error(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )]
    HashTooLong,
    #[error(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size \
         limit of 1024 bytes"
    )]
    RangeTooLong,
    #[error(
        "One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: {expected} \
         Actual: {actual} IndexName: {index}"
    )]
    IndexTypeMismatch { name: String, expected: &'static str, actual: &'static str, index: String },
    #[error(
        "One or more parameter values are not valid. A value specified for a secondary index key is not \
         supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. \
         IndexName: {index}, IndexKey: {name}"
    )]
    IndexEmpty { name: String, kind: &'static str, index: String },
    #[error(
        "One or more parameter values were invalid: Cannot update attribute {0}. This attribute is part of the key"
    )]
    CannotUpdate(String),
}

/// A key as bytes: the hash key's, then the range key's, each ending itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EncodedKey {
    bytes: Vec<u8>,
    hash_length: usize,
}

impl EncodedKey {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes of the hash key alone: what all items of one partition begin with.
    pub fn hash_bytes(&self) -> &[u8] {
        &self.bytes[..self.hash_length]
    }

    /// See [`key_encoding::partition_token`].
    pub fn partition_token(&self) -> u16 {
        key_encoding::partition_token(self.hash_bytes())
    }
}

impl KeySchema {
    /// The key attributes, hash key first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The key of a whole item, with PutItem's errors.
    pub fn key_of(&self, item: &Item) -> Result<EncodedKey, KeyError> {
        self.encode_with(item, |attribute, value| match value {
            None => KeyError::Missing(attribute.name.clone()),
            Some(value) => KeyError::TypeMismatch {
                name: attribute.name.clone(),
                expected: attribute.kind.name(),
                actual: value.value_type().name(),
            },
        })
    }

    /// The key given by a `Key` parameter: exactly the key attributes, with GetItem's errors.
    pub fn exact_key(&self, key: &Item) -> Result<EncodedKey, KeyError> {
        if key.len() != self.attributes().count() {
            return Err(KeyError::DoesNotMatchSchema);
        }
        self.encode_with(key, |_, _| KeyError::DoesNotMatchSchema)
    }

    fn encode_with(
        &self,
        item: &Item,
        mismatch: impl Fn(&KeyAttribute, Option<&Value>) -> KeyError,
    ) -> Result<EncodedKey, KeyError> {
        let mut bytes = Vec::with_capacity(64);
        let mut hash_length = 0;
        for (i, attribute) in self.attributes().enumerate() {
            let value = item.get(&attribute.name);
            let value = match value {
                Some(found) if found.value_type() == attribute.kind.value_type() => found,
                _ => return Err(mismatch(attribute, value)),
            };
            attribute.check(value, i == 0)?;
            key_encoding::encode(value, &mut bytes);
            if i == 0 {
                hash_length = bytes.len();
            }
        }
        Ok(EncodedKey { bytes, hash_length })
    }

    /// The key of an item in the index with this schema; `None` when the item lacks a key attribute and so
    /// is not in the index.
    pub fn index_key_of(&self, item: &Item) -> Option<EncodedKey> {
        self.encode_with(item, |_, _| KeyError::DoesNotMatchSchema).ok()
    }

    /// Refuses an item whose attributes cannot be keys of the index with this schema.
    pub fn check_index_key(&self, index: &str, item: &Item) -> Result<(), KeyError> {
        for (i, attribute) in self.attributes().enumerate() {
            let Some(value) = item.get(&attribute.name) else { continue };
            if value.value_type() != attribute.kind.value_type() {
                return Err(KeyError::IndexTypeMismatch {
                    name: attribute.name.clone(),
                    expected: attribute.kind.name(),
                    actual: value.value_type().name(),
                    index: index.to_owned(),
                });
            }
            attribute.check(value, i == 0).map_err(|error| match error {
                KeyError::Empty { name, kind } => {
                    KeyError::IndexEmpty { name, kind, index: index.to_owned() }
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// The key attributes of an item.
    pub fn key_attributes(&self, item: &Item) -> Item {
        item.only(self.attributes().map(|attribute| attribute.name.as_str()))
    }

    /// Reads back the key attributes from the bytes of a key, and returns the bytes behind them.
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Option<(Item, &'b [u8])> {
        let mut rest = bytes;
        let mut key = Item::new();
        for attribute in self.attributes() {
            let (value, after) = key_encoding::decode(attribute.kind, rest)?;
            key.insert(attribute.name.clone(), value);
            rest = after;
        }
        Some((key, rest))
    }

    /// Refuses an update that touches a key attribute.
    pub fn check_not_updated<'n>(&self, touched: impl IntoIterator<Item = &'n str>) -> Result<(), KeyError> {
        match touched.into_iter().find(|name| self.contains(name)) {
            Some(name) => Err(KeyError::CannotUpdate(name.to_owned())),
            None => Ok(()),
        }
    }
}

impl KeyAttribute {
    pub fn new(name: impl Into<String>, kind: KeyType) -> Self {
        Self { name: name.into(), kind }
    }

    /// Refuses empty and overlong values; numbers are always fine.
    fn check(&self, value: &Value, is_hash: bool) -> Result<(), KeyError> {
        let (length, kind) = match value {
            Value::S(text) => (text.len(), "string"),
            Value::B(bytes) => (bytes.len(), "binary"),
            _ => return Ok(()),
        };
        if length == 0 {
            return Err(KeyError::Empty { name: self.name.clone(), kind });
        }
        if is_hash && length > MAX_HASH_BYTES {
            return Err(KeyError::HashTooLong);
        }
        if !is_hash && length > MAX_RANGE_BYTES {
            return Err(KeyError::RangeTooLong);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> KeySchema {
        KeySchema {
            hash: KeyAttribute::new("id", KeyType::S),
            range: Some(KeyAttribute::new("at", KeyType::N)),
        }
    }

    fn item(attributes: &[(&str, Value)]) -> Item {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn n(text: &str) -> Value {
        Value::number(text).unwrap()
    }

    #[track_caller]
    fn check(result: Result<EncodedKey, KeyError>, expected: &str) {
        assert_eq!(result.map(|_| ()).map_err(|error| error.to_string()), Err(expected.to_owned()));
    }

    #[test]
    fn items_must_have_their_key() {
        check(
            schema().key_of(&item(&[("at", n("1"))])),
            "One or more parameter values were invalid: Missing the key id in the item",
        );
        check(
            schema().key_of(&item(&[("id", n("1")), ("at", n("1"))])),
            "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
        );
        check(
            schema().key_of(&item(&[("id", Value::string("")), ("at", n("1"))])),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty string value. Key: id",
        );
        check(
            schema().key_of(&item(&[("id", Value::S("x".repeat(2049))), ("at", n("1"))])),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        );
        assert!(schema().key_of(&item(&[("id", Value::S("x".repeat(2048))), ("at", n("1"))])).is_ok());
    }

    #[test]
    fn key_parameters_must_be_the_key_and_nothing_else() {
        let mismatch = "The provided key element does not match the schema";
        check(schema().exact_key(&item(&[("id", Value::string("a"))])), mismatch);
        check(schema().exact_key(&item(&[("id", Value::string("a")), ("at", Value::string("1"))])), mismatch);
        check(
            schema().exact_key(&item(&[("id", Value::string("a")), ("at", n("1")), ("more", n("1"))])),
            mismatch,
        );
        check(schema().exact_key(&item(&[("id", Value::string("a")), ("more", n("1"))])), mismatch);
    }

    #[test]
    fn keys_read_back() {
        let whole = item(&[("id", Value::string("a\0b")), ("at", n("-7.5")), ("more", n("1"))]);
        let key = schema().key_of(&whole).unwrap();
        let mut bytes = key.as_bytes().to_vec();
        bytes.push(42);
        assert_eq!(schema().decode(&bytes), Some((schema().key_attributes(&whole), &[42][..])));
        assert!(key.as_bytes().starts_with(key.hash_bytes()));
    }

    #[test]
    fn index_keys_are_checked_with_the_name_of_the_index() {
        let error = schema().check_index_key("by-id", &item(&[("id", n("1"))])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "One or more parameter values were invalid: Type mismatch for Index Key id Expected: S Actual: N \
             IndexName: by-id"
        );
        assert_eq!(schema().check_index_key("by-id", &item(&[])), Ok(()));
        assert_eq!(schema().index_key_of(&item(&[("id", Value::string("a"))])), None);
    }

    #[test]
    fn updates_leave_keys_alone() {
        assert_eq!(schema().check_not_updated(["a", "b"]), Ok(()));
        assert_eq!(
            schema().check_not_updated(["a", "at"]).unwrap_err().to_string(),
            "One or more parameter values were invalid: Cannot update attribute at. This attribute is part of the key"
        );
    }
}
