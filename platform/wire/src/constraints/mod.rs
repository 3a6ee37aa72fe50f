//! What the model says a value must satisfy, in AWS's words.
//!
//! Apart from decoding, because not every service answers in these words: SQS, for one, checks by itself.
//! [`validation_exception`] is what most JSON services answer; others have another code for the same text.

mod pattern;
mod walk;

use std::fmt;

use shapes::{ApiError, Struct};

use crate::Missing;

pub use pattern::is_supported;

/// One constraint that one value fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// As AWS prints it: `tableName`, `entries.1.member.id`.
    pub path: String,
    /// The value in quotation marks, or `null`; `None` when it must not be shown.
    pub value: Option<String>,
    /// `Member must not be null`.
    pub constraint: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, value, constraint } = self;
        match value {
            Some(value) => write!(f, "Value {value} at '{path}' failed to satisfy constraint: {constraint}"),
            None => write!(f, "Value at '{path}' failed to satisfy constraint: {constraint}"),
        }
    }
}

/// Checks a decoded input against its schema. `missing` is what decoding gave.
pub fn check(input: &dyn Struct, missing: &Missing) -> Vec<Violation> {
    walk::check(input, missing)
}

/// `1 validation error detected: ...`: the message for some violations.
pub fn message(violations: &[Violation]) -> String {
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let plural = if texts.len() == 1 { "" } else { "s" };
    format!("{} validation error{plural} detected: {}", texts.len(), texts.join("; "))
}

/// The answer of most services to violations.
pub fn validation_exception(violations: &[Violation]) -> ApiError {
    ApiError::sender("ValidationException", message(violations))
}

/// The answer of EC2 and SQS to a required member that is not there, for the first such member.
pub fn missing_parameter(missing: &Missing) -> Option<ApiError> {
    let name = missing.names().next()?;
    Some(ApiError::sender("MissingParameter", format!("The request must contain the parameter {name}")))
}

/// The answer of awsQuery services to violations.
pub fn validation_error(violations: &[Violation]) -> ApiError {
    ApiError::sender("ValidationError", message(violations))
}
