//! Text with `*` for any characters.

use crate::Fault;

/// Literal parts between the stars. `\*` and `\\` stand for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard {
    parts: Vec<String>,
}

impl Wildcard {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |expected| Fault::operand("wildcard", expected);
        let mut parts = vec![String::new()];
        let mut chars = text.chars();
        let mut was_star = false;
        while let Some(char) = chars.next() {
            let literal = match char {
                '*' if was_star => return Err(wrong("takes no two stars in a row")),
                '*' => {
                    parts.push(String::new());
                    was_star = true;
                    continue;
                }
                '\\' => match chars.next() {
                    Some(escaped @ ('*' | '\\')) => escaped,
                    _ => {
                        return Err(wrong(
                            "has a backslash that stands before neither a star nor a backslash",
                        ));
                    }
                },
                other => other,
            };
            was_star = false;
            if let Some(part) = parts.last_mut() {
                part.push(literal);
            }
        }
        Ok(Self { parts })
    }

    /// What every match begins and ends with; `None` when that is nothing.
    pub(crate) fn ends(&self) -> Option<(&str, &str)> {
        let (start, end) = (self.parts.first()?, self.parts.last()?);
        (!start.is_empty() || !end.is_empty()).then_some((start, end))
    }

    /// Takes each part at its earliest place, which is right because stars are equal to each other.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (Some(first), Some(last)) = (self.parts.first(), self.parts.last()) else { return false };
        if self.parts.len() == 1 {
            return text == first;
        }
        let Some(mut rest) =
            text.strip_prefix(first.as_str()).and_then(|text| text.strip_suffix(last.as_str()))
        else {
            return false;
        };
        for part in &self.parts[1..self.parts.len() - 1] {
            match rest.find(part.as_str()) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}
