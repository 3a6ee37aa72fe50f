//! Attribute values: the ten types, their sizes, their order, and what makes one valid.
//!
//! Rules from "Supported data types and naming rules in Amazon DynamoDB" and "DynamoDB item sizes and formats".

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::number::{Number, NumberError};
use crate::set::Set;

/// Deepest nesting of lists and maps in an attribute.
pub const MAX_DEPTH: usize = 32;

/// The value of an attribute. Equality is DynamoDB's: sets without order, numbers by what they are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    S(String),
    N(Number),
    B(Bytes),
    Ss(Set<String>),
    Ns(Set<Number>),
    Bs(Set<Bytes>),
    M(BTreeMap<String, Value>),
    L(Vec<Value>),
    Null,
    Bool(bool),
}

/// The type of a value; `name` is its descriptor on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueType {
    S,
    N,
    B,
    Ss,
    Ns,
    Bs,
    M,
    L,
    Null,
    Bool,
}

/// Why a value was refused; each `Display` is AWS's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error(transparent)]
    Number(#[from] NumberError),
    #[error("One or more parameter values were invalid: An string set  may not be empty")]
    EmptyStringSet,
    #[error("One or more parameter values were invalid: An number set  may not be empty")]
    EmptyNumberSet,
    #[error("One or more parameter values were invalid: Binary sets should not be empty")]
    EmptyBinarySet,
    #[error("One or more parameter values were invalid: Input collection [{0}] contains duplicates.")]
    DuplicateStrings(String),
    #[error("Input collection contains duplicates")]
    DuplicateNumbers,
    // The missing space is AWS's.
    #[error(
        "One or more parameter values were invalid: Input collection [{0}]of type BS contains duplicates."
    )]
    DuplicateBinaries(String),
    #[error(
        "One or more parameter values were invalid: Null attribute value types must have the value of true"
    )]
    NullMustBeTrue,
    #[error("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")]
    NoType,
    #[error(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )]
    SeveralTypes,
    #[error("Nesting Levels have exceeded supported limits")]
    TooDeep,
}

impl Value {
    pub fn string(text: impl Into<String>) -> Self {
        Self::S(text.into())
    }

    /// A number from its text.
    pub fn number(text: &str) -> Result<Self, ValueError> {
        Ok(Self::N(Number::parse(text)?))
    }

    pub fn string_set(members: Vec<String>) -> Result<Self, ValueError> {
        if members.is_empty() {
            return Err(ValueError::EmptyStringSet);
        }
        Set::new(members).map(Self::Ss).map_err(|members| ValueError::DuplicateStrings(members.join(", ")))
    }

    /// A set of numbers from their texts; `1` and `1.0` are duplicates.
    pub fn number_set(members: &[impl AsRef<str>]) -> Result<Self, ValueError> {
        if members.is_empty() {
            return Err(ValueError::EmptyNumberSet);
        }
        let numbers =
            members.iter().map(|text| Number::parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Set::new(numbers).map(Self::Ns).map_err(|_| ValueError::DuplicateNumbers)
    }

    pub fn binary_set(members: Vec<Bytes>) -> Result<Self, ValueError> {
        if members.is_empty() {
            return Err(ValueError::EmptyBinarySet);
        }
        Set::new(members).map(Self::Bs).map_err(|members| {
            let texts: Vec<_> = members.iter().map(|member| BASE64.encode(member)).collect();
            ValueError::DuplicateBinaries(texts.join(", "))
        })
    }

    pub fn value_type(&self) -> ValueType {
        match self {
            Self::S(_) => ValueType::S,
            Self::N(_) => ValueType::N,
            Self::B(_) => ValueType::B,
            Self::Ss(_) => ValueType::Ss,
            Self::Ns(_) => ValueType::Ns,
            Self::Bs(_) => ValueType::Bs,
            Self::M(_) => ValueType::M,
            Self::L(_) => ValueType::L,
            Self::Null => ValueType::Null,
            Self::Bool(_) => ValueType::Bool,
        }
    }

    /// Bytes of the value without its attribute name.
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Bytes::len).sum(),
            Self::M(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + value.size()).sum::<usize>(),
            Self::L(list) => 3 + list.iter().map(|value| 1 + value.size()).sum::<usize>(),
            Self::Null | Self::Bool(_) => 1,
        }
    }

    /// How two values of one ordered type (string, number, binary) compare; `None` otherwise.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::S(a), Self::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::N(a), Self::N(b)) => Some(a.cmp(b)),
            (Self::B(a), Self::B(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Refuses lists and maps nested deeper than [`MAX_DEPTH`].
    pub fn check_depth(&self) -> Result<(), ValueError> {
        if self.fits_depth(MAX_DEPTH) { Ok(()) } else { Err(ValueError::TooDeep) }
    }

    fn fits_depth(&self, levels: usize) -> bool {
        match self {
            Self::M(map) => levels > 0 && map.values().all(|value| value.fits_depth(levels - 1)),
            Self::L(list) => levels > 0 && list.iter().all(|value| value.fits_depth(levels - 1)),
            _ => true,
        }
    }

    /// The value as AWS writes it into messages: `{S:abc}`.
    pub fn describe(&self) -> String {
        let mut text = format!("{{{}:", self.value_type().name());
        match self {
            Self::S(string) => text.push_str(string),
            Self::N(number) => drop(write!(text, "{number}")),
            Self::B(bytes) => text.push_str(&BASE64.encode(bytes)),
            Self::Bool(value) => drop(write!(text, "{value}")),
            Self::Null => text.push_str("true"),
            Self::Ss(set) => drop(write!(text, "{:?}", set.iter().collect::<Vec<_>>())),
            Self::Ns(set) => drop(write!(text, "{:?}", set.iter().collect::<Vec<_>>())),
            Self::Bs(set) => drop(write!(text, "{} binaries", set.len())),
            Self::M(map) => drop(write!(text, "{} attributes", map.len())),
            Self::L(list) => drop(write!(text, "{} elements", list.len())),
        }
        text.push('}');
        text
    }
}

impl ValueType {
    /// The descriptor: `S`, `N`, `BOOL`, ...
    pub fn name(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
            Self::M => "M",
            Self::L => "L",
            Self::Null => "NULL",
            Self::Bool => "BOOL",
        }
    }

    /// The word that update clauses use for the type in their messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::S => "STRING",
            Self::N => "NUMBER",
            Self::B => "BINARY",
            Self::Null => "NULL",
            Self::Bool => "BOOLEAN",
            Self::L => "LIST",
            Self::M => "MAP",
            Self::Ss | Self::Ns | Self::Bs => self.name(),
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "S" => Self::S,
            "N" => Self::N,
            "B" => Self::B,
            "SS" => Self::Ss,
            "NS" => Self::Ns,
            "BS" => Self::Bs,
            "M" => Self::M,
            "L" => Self::L,
            "NULL" => Self::Null,
            "BOOL" => Self::Bool,
            _ => return None,
        })
    }

    /// Whether values of the type have an order.
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::S | Self::N | Self::B)
    }

    pub fn is_set(self) -> bool {
        matches!(self, Self::Ss | Self::Ns | Self::Bs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(members: &[&str]) -> Vec<String> {
        members.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn equality_ignores_spelling_and_order() {
        assert_eq!(Value::number("1.0").unwrap(), Value::number("1").unwrap());
        assert_eq!(
            Value::string_set(strings(&["b", "a"])).unwrap(),
            Value::string_set(strings(&["a", "b"])).unwrap()
        );
        assert_ne!(Value::number("1").unwrap(), Value::string("1"));
    }

    #[test]
    fn sets_refuse_emptiness_and_duplicates() {
        let message = |result: Result<Value, ValueError>| result.unwrap_err().to_string();
        assert_eq!(
            message(Value::string_set(strings(&["a", "b", "a"]))),
            "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates."
        );
        assert_eq!(message(Value::number_set(&["1", "1.0"])), "Input collection contains duplicates");
        assert_eq!(
            message(Value::binary_set(vec![Bytes::from_static(b"a"), Bytes::from_static(b"a")])),
            "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates."
        );
        assert_eq!(
            message(Value::string_set(vec![])),
            "One or more parameter values were invalid: An string set  may not be empty"
        );
        assert_eq!(
            message(Value::number_set(&["x"])),
            "The parameter cannot be converted to a numeric value: x"
        );
    }

    #[test]
    fn sizes_follow_the_guide() {
        assert_eq!(Value::string("héllo").size(), 6);
        assert_eq!(Value::Null.size(), 1);
        assert_eq!(Value::L(vec![]).size(), 3);
        assert_eq!(Value::L(vec![Value::string("ab"), Value::Bool(true)]).size(), 3 + 1 + 2 + 1 + 1);
        let map = BTreeMap::from([("key".to_owned(), Value::string("v"))]);
        assert_eq!(Value::M(map).size(), 3 + 1 + 3 + 1);
        assert_eq!(Value::number_set(&["1", "2"]).unwrap().size(), 4);
    }

    #[test]
    fn only_one_ordered_type_compares() {
        assert_eq!(Value::string("a").compare(&Value::string("b")), Some(Ordering::Less));
        assert_eq!(
            Value::number("10").unwrap().compare(&Value::number("9").unwrap()),
            Some(Ordering::Greater)
        );
        assert_eq!(Value::string("1").compare(&Value::number("1").unwrap()), None);
        assert_eq!(Value::Bool(true).compare(&Value::Bool(false)), None);
    }

    #[test]
    fn nesting_ends_at_thirty_two() {
        let nested = |levels| (0..levels).fold(Value::Null, |inner, _| Value::L(vec![inner]));
        assert!(nested(32).check_depth().is_ok());
        assert_eq!(nested(33).check_depth(), Err(ValueError::TooDeep));
    }
}
