//! Expressions: conditions and filters, updates, projections and key conditions, from text to effect.
//!
//! A text is parsed together with the request's placeholders into a tree that borrows from both, so parsing
//! allocates little. All texts of one request share one [`Placeholders`], which knows in the end whether each of
//! them was used. Grammar and limits: "Using expressions in DynamoDB" and "Quotas in Amazon DynamoDB".

mod ast;
mod condition;
mod error;
mod key_condition;
mod lexer;
mod parser;
mod path;
mod placeholders;
mod projection;
mod reserved_words;
mod update;

#[cfg(test)]
mod tests;

pub use ast::{Comparator, Condition, Operand};
pub use error::{ExpressionError, Fault, Kind};
pub use key_condition::{KeyCondition, KeyRange, RangeCondition};
pub use path::{Element, Path};
pub use placeholders::Placeholders;
pub use projection::Projection;
pub use update::{Action, SetValue, Update};

/// Longest expression in bytes.
pub const MAX_LENGTH: usize = 4096;
/// Most operators and functions in an expression.
pub const MAX_OPERATORS: usize = 300;
/// Most operands of IN.
pub const MAX_IN_OPERANDS: usize = 100;
/// Deepest nesting of parentheses and NOT. Ours: it bounds the parser's stack, no sensible text comes near.
pub const MAX_NESTING: usize = 150;
/// Most elements of a document path.
pub const MAX_PATH_ELEMENTS: usize = 32;
