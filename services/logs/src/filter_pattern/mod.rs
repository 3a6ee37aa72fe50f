//! The filter pattern language (CloudWatch Logs User Guide, "Filter pattern syntax"): terms of plain text, conditions
//! on JSON (`{ $.latency > 3 }`) and on words in a row (`[ip, user, status = 4*]`).

mod comparison;
mod condition;
mod fields;
mod json;
mod scanner;
mod terms;
#[cfg(test)]
mod tests;

use shapes::ApiError;

use crate::errors;
use fields::Fields;
use json::JsonPattern;
use terms::Terms;

/// API Reference, FilterLogEvents.
const LONGEST_PATTERN: usize = 1024;

/// A pattern that events match or not.
pub(crate) enum FilterPattern {
    Everything,
    Terms(Terms),
    Json(JsonPattern),
    Fields(Fields),
}

impl FilterPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.chars().count() > LONGEST_PATTERN {
            let rule = format!("Member must have length less than or equal to {LONGEST_PATTERN}");
            return Err(errors::constraint(text, "filterPattern", &rule));
        }
        let text = text.trim();
        let parsed = match text.as_bytes().first() {
            None => Ok(Self::Everything),
            Some(b'{') => JsonPattern::parse(text).map(Self::Json),
            Some(b'[') => Fields::parse(text).map(Self::Fields),
            Some(_) => Terms::parse(text).map(Self::Terms),
        };
        parsed.map_err(|reason| errors::invalid_filter_pattern(&reason))
    }

    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Terms(terms) => terms.matches(message),
            Self::Json(pattern) => pattern.matches(message),
            Self::Fields(fields) => fields.matches(message),
        }
    }
}
