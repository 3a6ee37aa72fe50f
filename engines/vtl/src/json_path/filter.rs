//! Filters: `[?(@.price < 10 && @.name == 'a')]`.

use regex::Regex;

use super::{Path, PathError, select};
use crate::value::Value;

#[derive(Debug)]
pub(super) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Operand),
    Compare(Operand, Comparison, Operand),
    Matches(Operand, Regex),
}

#[derive(Debug)]
pub(super) enum Operand {
    FromItem(Path),
    FromRoot(Path),
    Literal(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Filter {
    pub(super) fn accepts(&self, item: &Value, root: &Value, visits: &mut usize) -> Result<bool, PathError> {
        match self {
            Self::Any(filters) => {
                for filter in filters {
                    if filter.accepts(item, root, visits)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(filters) => {
                for filter in filters {
                    if !filter.accepts(item, root, visits)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(filter) => Ok(!filter.accepts(item, root, visits)?),
            Self::Exists(operand) => Ok(match operand.value(item, root, visits)? {
                None => false,
                Some(Value::List(list)) if !operand.is_definite() => !list.lock().is_empty(),
                Some(_) => true,
            }),
            Self::Matches(operand, regex) => Ok(match operand.value(item, root, visits)? {
                Some(Value::String(text)) => regex.is_match(&text),
                _ => false,
            }),
            Self::Compare(left, comparison, right) => {
                let left = left.value(item, root, visits)?;
                let right = right.value(item, root, visits)?;
                Ok(comparison.holds(left, right))
            }
        }
    }
}

impl Operand {
    fn is_definite(&self) -> bool {
        match self {
            Self::FromItem(path) | Self::FromRoot(path) => path.is_definite(),
            Self::Literal(_) => true,
        }
    }

    fn value(&self, item: &Value, root: &Value, visits: &mut usize) -> Result<Option<Value>, PathError> {
        match self {
            Self::FromItem(path) => select::find(path, item, root, visits),
            Self::FromRoot(path) => select::find(path, root, root, visits),
            Self::Literal(value) => Ok(Some(value.clone())),
        }
    }
}

impl Comparison {
    /// Something missing is unequal to everything, null included, and has no order.
    fn holds(self, left: Option<Value>, right: Option<Value>) -> bool {
        let (Some(left), Some(right)) = (left, right) else {
            return matches!(self, Self::NotEqual | Self::NotIn);
        };
        match self {
            Self::Equal => is_same(&left, &right),
            Self::NotEqual => !is_same(&left, &right),
            Self::In => is_in(&left, &right),
            Self::NotIn => !is_in(&left, &right),
            _ => order(&left, &right).is_some_and(|order| match self {
                Self::Less => order.is_lt(),
                Self::LessOrEqual => order.is_le(),
                Self::Greater => order.is_gt(),
                _ => order.is_ge(),
            }),
        }
    }
}

fn is_same(left: &Value, right: &Value) -> bool {
    let is_number = |value: &Value| value.as_number().is_some();
    let is_alike = std::mem::discriminant(left) == std::mem::discriminant(right);
    (is_alike || (is_number(left) && is_number(right))) && left.equals(right)
}

fn is_in(left: &Value, right: &Value) -> bool {
    matches!(right, Value::List(list) if list.snapshot().iter().any(|item| is_same(left, item)))
}

fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => left.as_number()?.partial_cmp(&right.as_number()?),
    }
}
