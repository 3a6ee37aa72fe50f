//! What can go wrong with a template, and where.

/// A template that cannot be parsed or rendered. Lines and columns count from one, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct VtlError {
    /// Line of the offending text.
    pub line: usize,
    /// Column of the offending text.
    pub column: usize,
    /// What was wrong and what was expected.
    pub message: String,
}

/// A place in a template; zero means unknown and is filled in by the nearest node that knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    pub(crate) fn of(source: &str, offset: usize) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        Self { line, column: last_line.chars().count() + 1 }
    }

    pub(crate) fn error(self, message: impl Into<String>) -> VtlError {
        VtlError { line: self.line, column: self.column, message: message.into() }
    }
}
