//! Why a pattern is refused.

/// What is wrong with a pattern and where, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at {place}")]
pub struct InvalidPattern {
    /// What is wrong and what would be right.
    pub fault: Fault,
    /// The path of field names, with dots: `detail.state`; `the top` for the pattern itself.
    pub place: String,
}

/// Kinds of mistakes, for callers that word them in their own way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a pattern has to be JSON ({0})")]
    NotJson(String),
    #[error("a pattern has to be an object with at least one field")]
    NotAnObject,
    #[error("a pattern is at most {0} fields deep")]
    TooDeep(usize),
    #[error("an object has to have at least one field")]
    EmptyObject,
    #[error("a value has to be an object or a list")]
    NoList,
    #[error("a list has to have at least one entry")]
    EmptyList,
    #[error("a list has at most {0} entries")]
    LongList(usize),
    #[error("a list holds values and comparisons, not lists")]
    ListInList,
    #[error("a comparison has exactly one name, such as {{\"prefix\": \"a\"}}")]
    NotOneComparison,
    #[error("there is no comparison {0:?}")]
    UnknownComparison(String),
    /// What follows the name of a comparison.
    #[error("{comparison} {expected}")]
    WrongOperand { comparison: String, expected: &'static str },
    #[error("numeric knows =, <, <=, > and >=, not {0:?}")]
    UnknownOperator(String),
    #[error("$or takes a list of at least two patterns")]
    WrongChoices,
}

impl Fault {
    pub(crate) fn operand(comparison: &str, expected: &'static str) -> Self {
        Self::WrongOperand { comparison: comparison.to_owned(), expected }
    }

    pub(crate) fn at(self, place: &[&str]) -> InvalidPattern {
        let place = if place.is_empty() { "the top".to_owned() } else { place.join(".") };
        InvalidPattern { fault: self, place }
    }
}
