//! Key conditions: one hash key, and a contiguous range of range keys.

use super::ast::{Comparator, Condition, Operand};
use super::error::{ExpressionError, Kind};
use super::path::Path;
use super::placeholders::Placeholders;
use crate::key_encoding;
use crate::key_schema::{KeyAttribute, KeySchema, MAX_HASH_BYTES, MAX_RANGE_BYTES};
use crate::value::{Value, ValueType};

/// A condition that a Query can follow: values of the types the schema asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCondition<'a> {
    pub hash: &'a Value,
    pub range: Option<RangeCondition<'a>>,
}

/// A condition on the range key.
#[derive(Debug, Clone, PartialEq)]
pub enum RangeCondition<'a> {
    /// Never with [`Comparator::NotEqual`].
    Compare(Comparator, &'a Value),
    Between(&'a Value, &'a Value),
    BeginsWith(&'a Value),
}

/// Encoded keys from `start` (inclusive) to `end` (exclusive); see [`key_encoding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub start: Vec<u8>,
    /// `None` when nothing is above the range.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && self.end.as_ref().is_none_or(|end| *key < **end)
    }
}

impl<'a> KeyCondition<'a> {
    pub fn parse(
        text: &'a str,
        placeholders: &Placeholders<'a>,
        schema: &KeySchema,
    ) -> Result<Self, ExpressionError> {
        let condition = Condition::parse(Kind::KeyCondition, text, placeholders)?;
        let mut terms = Vec::new();
        collect(condition, &mut terms)?;
        Self::from_terms(terms, schema)
    }

    /// Builds the condition from one term per attribute, as both the expression and the legacy parameter give.
    pub(crate) fn from_terms(
        mut terms: Vec<(&'a str, RangeCondition<'a>)>,
        schema: &KeySchema,
    ) -> Result<Self, ExpressionError> {
        if terms.len() > 2 {
            return Err(ExpressionError::KeyConditionCount);
        }
        let hash = take_term(&mut terms, &schema.hash)
            .ok_or_else(|| ExpressionError::KeyMissing(schema.hash.name.clone()))?;
        let RangeCondition::Compare(Comparator::Equal, hash) = hash else {
            return Err(ExpressionError::KeyNotSupported);
        };
        check_value(&schema.hash, hash, MAX_HASH_BYTES, ExpressionError::HashTooLong)?;
        let range = match &schema.range {
            Some(attribute) if !terms.is_empty() => {
                let range = take_term(&mut terms, attribute)
                    .ok_or_else(|| ExpressionError::KeyMissing(attribute.name.clone()))?;
                range.check(attribute)?;
                Some(range)
            }
            _ => None,
        };
        if terms.is_empty() { Ok(Self { hash, range }) } else { Err(ExpressionError::KeyNotSupported) }
    }

    /// The range of encoded keys, behind `prefix` (a table's or an index's own bytes).
    pub fn key_range(&self, prefix: &[u8]) -> KeyRange {
        let mut base = prefix.to_vec();
        key_encoding::encode(self.hash, &mut base);
        let with = |value: &Value| {
            let mut key = base.clone();
            key_encoding::encode(value, &mut key);
            key
        };
        let all_end = key_encoding::successor(base.clone());
        // Keys equal to a value may have more behind them, so "after it" is the successor of its bytes.
        let (start, end) = match &self.range {
            None => (base.clone(), all_end),
            Some(RangeCondition::Compare(comparator, value)) => match comparator {
                Comparator::Equal | Comparator::NotEqual => {
                    let key = with(value);
                    (key.clone(), key_encoding::successor(key))
                }
                Comparator::Less => (base.clone(), Some(with(value))),
                Comparator::LessOrEqual => (base.clone(), key_encoding::successor(with(value))),
                Comparator::Greater => (key_encoding::successor(with(value)).unwrap_or_default(), all_end),
                Comparator::GreaterOrEqual => (with(value), all_end),
            },
            Some(RangeCondition::Between(low, high)) => (with(low), key_encoding::successor(with(high))),
            Some(RangeCondition::BeginsWith(prefix)) => {
                let mut start = base.clone();
                key_encoding::encode_prefix(prefix, &mut start);
                (start.clone(), key_encoding::successor(start))
            }
        };
        KeyRange { start, end }
    }
}

impl RangeCondition<'_> {
    fn check(&self, attribute: &KeyAttribute) -> Result<(), ExpressionError> {
        let check = |value| check_value(attribute, value, MAX_RANGE_BYTES, ExpressionError::RangeTooLong);
        match self {
            Self::Compare(Comparator::NotEqual, _) => Err(ExpressionError::KeyNotSupported),
            Self::Compare(_, value) => check(value),
            Self::Between(low, high) => check(low).and_then(|()| check(high)),
            Self::BeginsWith(prefix) if prefix.value_type() == ValueType::N => {
                Err(ExpressionError::KeyNotSupported)
            }
            Self::BeginsWith(prefix) => check(prefix),
        }
    }
}

fn check_value(
    attribute: &KeyAttribute,
    value: &Value,
    limit: usize,
    too_long: ExpressionError,
) -> Result<(), ExpressionError> {
    if value.value_type() != attribute.kind.value_type() {
        return Err(ExpressionError::KeyType);
    }
    let (length, kind) = match value {
        Value::S(text) => (text.len(), "string"),
        Value::B(bytes) => (bytes.len(), "binary"),
        _ => return Ok(()),
    };
    if length == 0 {
        return Err(ExpressionError::KeyEmpty { name: attribute.name.clone(), kind });
    }
    if length > limit { Err(too_long) } else { Ok(()) }
}

fn take_term<'a>(
    terms: &mut Vec<(&'a str, RangeCondition<'a>)>,
    attribute: &KeyAttribute,
) -> Option<RangeCondition<'a>> {
    let index = terms.iter().position(|(name, _)| *name == attribute.name)?;
    Some(terms.remove(index).1)
}

/// Takes a condition apart into terms, each about one attribute.
fn collect<'a>(
    condition: Condition<'a>,
    terms: &mut Vec<(&'a str, RangeCondition<'a>)>,
) -> Result<(), ExpressionError> {
    let operator = |name: &str| Err(ExpressionError::KeyOperator(name.to_owned()));
    let (attribute, term) = match condition {
        Condition::And(conditions) => {
            return conditions.into_iter().try_for_each(|condition| collect(condition, terms));
        }
        Condition::Or(_) => return operator("OR"),
        Condition::Not(_) => return operator("NOT"),
        Condition::In { .. } => return operator("IN"),
        Condition::AttributeExists(_) => return operator("attribute_exists"),
        Condition::AttributeNotExists(_) => return operator("attribute_not_exists"),
        Condition::AttributeType { .. } => return operator("attribute_type"),
        Condition::Contains { .. } => return operator("contains"),
        Condition::Compare { comparator: Comparator::NotEqual, .. } => return operator("<>"),
        Condition::Compare { comparator, left, right } => comparison(comparator, left, right)?,
        Condition::Between { operand, low, high } => {
            let attribute = first_operand("BETWEEN", operand)?;
            (attribute, RangeCondition::Between(constant(low)?, constant(high)?))
        }
        Condition::BeginsWith { operand, prefix } => {
            let attribute = first_operand("begins_with", operand)?;
            (attribute, RangeCondition::BeginsWith(constant(prefix)?))
        }
    };
    if terms.iter().any(|(name, _)| *name == attribute) {
        return Err(ExpressionError::KeyConditionTwice);
    }
    terms.push((attribute, term));
    Ok(())
}

fn comparison<'a>(
    comparator: Comparator,
    left: Operand<'a>,
    right: Operand<'a>,
) -> Result<(&'a str, RangeCondition<'a>), ExpressionError> {
    match (left, right) {
        (Operand::Size(_), _) | (_, Operand::Size(_)) => Err(ExpressionError::KeyNestedOperation),
        (Operand::Path(_), Operand::Path(_)) => Err(ExpressionError::KeyTwoAttributes),
        (Operand::Value(_), Operand::Value(_)) => Err(ExpressionError::KeyNoAttribute),
        (Operand::Path(path), Operand::Value(value)) => {
            Ok((top_level(path)?, RangeCondition::Compare(comparator, value)))
        }
        (Operand::Value(value), Operand::Path(path)) => {
            Ok((top_level(path)?, RangeCondition::Compare(comparator.mirrored(), value)))
        }
    }
}

fn first_operand<'a>(operator: &'static str, operand: Operand<'a>) -> Result<&'a str, ExpressionError> {
    match operand {
        Operand::Path(path) => top_level(path),
        Operand::Size(_) => Err(ExpressionError::KeyNestedOperation),
        Operand::Value(_) => Err(ExpressionError::KeyNotFirst(operator)),
    }
}

fn constant(operand: Operand<'_>) -> Result<&Value, ExpressionError> {
    match operand {
        Operand::Value(value) => Ok(value),
        Operand::Path(_) => Err(ExpressionError::KeyTwoAttributes),
        Operand::Size(_) => Err(ExpressionError::KeyNestedOperation),
    }
}

fn top_level(path: Path<'_>) -> Result<&str, ExpressionError> {
    if path.elements.is_empty() { Ok(path.attribute) } else { Err(ExpressionError::KeyNestedAttribute) }
}
