//! JSONPath in Jayway's reading: `$.a['b'][0]`, slices, unions, wildcards, `..`, filters and `length()`.
//!
//! A definite path gives one value or nothing; one that can match several gives a list, empty if need be.

mod filter;
mod parse;
mod select;

use crate::value::Value;
use filter::Filter;

/// Bytes a path may have.
const MAX_PATH_BYTES: usize = 16 * 1024;
/// Values one evaluation may visit, filters and descents included.
const MAX_VISITS: usize = 5_000_000;

/// A path that cannot be read or costs too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("JSON path, character {at}: {message}")]
pub struct PathError {
    /// The place in the path, counted in bytes from one.
    pub at: usize,
    /// What was wrong and what was expected.
    pub message: String,
}

/// A parsed path.
#[derive(Debug)]
pub struct Path {
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Names(Vec<String>),
    Indexes(Vec<i64>),
    Slice(Option<i64>, Option<i64>),
    All,
    Descend,
    Filter(Filter),
    Function(Function),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Length,
    Min,
    Max,
    Sum,
    Average,
}

impl Path {
    /// Parses a path, which starts at `$`; one that does not is taken to start at the root.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::path(text)
    }

    /// Whether the path can match at most one value.
    pub fn is_definite(&self) -> bool {
        let last = self.segments.len().saturating_sub(1);
        self.segments.iter().enumerate().all(|(at, segment)| match segment {
            // Several names at the end give one map, so they are definite there.
            Segment::Names(names) => names.len() == 1 || at == last,
            Segment::Indexes(indexes) => indexes.len() == 1,
            Segment::Function(_) => true,
            _ => false,
        })
    }

    /// What the path selects: for a definite path the value or `None`, otherwise a list.
    pub fn find(&self, root: &Value) -> Result<Option<Value>, PathError> {
        let mut visits = MAX_VISITS;
        select::find(self, root, root, &mut visits)
    }
}

/// Parses and applies a path in one go.
pub fn find(root: &Value, path: &str) -> Result<Option<Value>, PathError> {
    Path::parse(path)?.find(root)
}
