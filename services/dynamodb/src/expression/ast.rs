//! The tree of a condition.

use super::path::Path;
use crate::value::{Value, ValueType};

/// A condition on an item; what a filter is, too.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition<'a> {
    And(Vec<Condition<'a>>),
    Or(Vec<Condition<'a>>),
    Not(Box<Condition<'a>>),
    Compare { comparator: Comparator, left: Operand<'a>, right: Operand<'a> },
    Between { operand: Operand<'a>, low: Operand<'a>, high: Operand<'a> },
    In { operand: Operand<'a>, choices: Vec<Operand<'a>> },
    AttributeExists(Path<'a>),
    AttributeNotExists(Path<'a>),
    AttributeType { operand: Operand<'a>, value_type: ValueType },
    BeginsWith { operand: Operand<'a>, prefix: Operand<'a> },
    Contains { operand: Operand<'a>, member: Operand<'a> },
}

/// What a condition compares.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand<'a> {
    Path(Path<'a>),
    Value(&'a Value),
    /// `size(...)` of a path or a value.
    Size(Box<Operand<'a>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparator {
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(super) fn from_symbol(symbol: &str) -> Option<Self> {
        Some(match symbol {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// The comparator with its sides exchanged.
    pub(super) fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}
