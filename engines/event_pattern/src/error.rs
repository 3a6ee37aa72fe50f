//! Why a pattern is refused.

/// What is wrong with a pattern and where, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at {place}")]
pub struct InvalidPattern {
    /// What is wrong and what would be right.
    pub message: String,
    /// The path of field names, with dots: `detail.state`; `the top` for the pattern itself.
    pub place: String,
}

impl InvalidPattern {
    pub(crate) fn new(message: impl Into<String>, place: &[&str]) -> Self {
        let place = if place.is_empty() { "the top".to_owned() } else { place.join(".") };
        Self { message: message.into(), place }
    }
}
