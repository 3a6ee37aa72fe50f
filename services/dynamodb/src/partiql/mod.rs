//! PartiQL: statements as text, turned into the same reads and writes that the other operations make. Grammar: "PartiQL
//! statements for DynamoDB" in the developer guide, a small part of SQL.
//!
//! A statement is parsed into a tree of its own ([`syntax`]), and a plan ([`plan`]) renders its conditions as the
//! expressions that everything else here understands. There is no second evaluator.

mod lexer;
mod parser;
pub(crate) mod plan;
mod render;
pub(crate) mod syntax;

#[cfg(test)]
mod tests;

use shapes::ApiError;

use crate::errors::validation;
use crate::value::Value;

pub(crate) use syntax::Statement;

/// Longest statement (API Reference, ExecuteStatement).
const MAX_LENGTH: usize = 8192;
/// Deepest nesting of conditions and literals. Ours: it bounds the parser's stack.
const MAX_NESTING: usize = 64;

/// Parses one statement; every `?` takes the next parameter.
pub(crate) fn parse(text: &str, parameters: Vec<Value>) -> Result<Statement, ApiError> {
    if text.len() > MAX_LENGTH {
        return Err(malformed("the statement is longer than 8192 characters"));
    }
    parser::Parser::new(text, parameters)?.statement()
}

/// AWS's sentence for a text that is no statement.
fn malformed(why: impl std::fmt::Display) -> ApiError {
    validation(format!("Statement wasn't well formed, can't be processed: {why}"))
}
