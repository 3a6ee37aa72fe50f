//! One kind of data, and how it is found.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

/// Bytes between a match and a word that has to be near, at most.
const NEAR: usize = 30;
/// Memory that a pattern from outside may take when it is compiled.
const LARGEST_PATTERN: usize = 1 << 20;

/// Finds one kind of data.
#[derive(Clone, Debug)]
pub struct Identifier(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    pattern: Regex,
    words: Option<Regex>,
    longest_word: usize,
    is_valid: fn(&str) -> bool,
}

/// Why a text is no pattern.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidIdentifier(pub String);

impl Identifier {
    /// What somebody else's regular expression finds.
    pub fn custom(pattern: &str) -> Result<Self, InvalidIdentifier> {
        let pattern = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
        let pattern = pattern.map_err(|error| InvalidIdentifier(error.to_string()))?;
        if pattern.is_match("") {
            return Err(InvalidIdentifier("the pattern matches nothing at all".to_owned()));
        }
        Ok(Self(Arc::new(Parts { pattern, words: None, longest_word: 0, is_valid: |_| true })))
    }

    /// `words` are separated by commas; none means that a match needs none.
    pub(crate) fn known(pattern: &str, words: &str, is_valid: fn(&str) -> bool) -> Option<Self> {
        let parts: Vec<String> = words
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            // A space may be missing, or be an underscore or a hyphen.
            .map(|word| regex::escape(word).replace(' ', "[ _-]?"))
            .collect();
        let longest_word = words.split(',').map(|word| word.trim().len()).max().unwrap_or_default();
        let words = match parts.is_empty() {
            true => None,
            false => Some(Regex::new(&format!(r"(?i)(?:\b|_)(?:{})(?:\b|_)", parts.join("|"))).ok()?),
        };
        let pattern = Regex::new(pattern).ok()?;
        Some(Self(Arc::new(Parts { pattern, words, longest_word, is_valid })))
    }

    /// Where the data is, in the order of the text. A pattern with a group named `data` finds what is in the group.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let Parts { pattern, is_valid, .. } = &*self.0;
        let mut found = Vec::new();
        for captures in pattern.captures_iter(text) {
            let Some(data) = captures.name("data").or_else(|| captures.get(0)) else { continue };
            let range = data.range();
            if is_valid(data.as_str()) && self.has_word_near(text, &range) {
                found.push(range);
            }
        }
        found
    }

    fn has_word_near(&self, text: &str, range: &Range<usize>) -> bool {
        let Some(words) = &self.0.words else { return true };
        let reach = NEAR + self.0.longest_word;
        let is_boundary = |index: &usize| text.is_char_boundary(*index);
        let before = (range.start.saturating_sub(reach)..=range.start).find(is_boundary);
        let after = ((range.end + reach).min(text.len())..=text.len()).find(is_boundary);
        let (before, after) = (before.unwrap_or(range.start), after.unwrap_or(text.len()));
        words.is_match(&text[before..range.start]) || words.is_match(&text[range.end..after])
    }
}

#[cfg(test)]
mod tests {
    use super::Identifier;

    #[test]
    fn patterns_of_others_are_checked() {
        let orders = Identifier::custom(r"ORD-\d{4}").unwrap();
        assert_eq!(orders.find("ORD-1234 and ORD-99999"), [0..8, 13..21]);
        for bad in ["(", "a*", r"\w{1000}{1000}"] {
            assert!(Identifier::custom(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_have_to_be_near() {
        let pin = Identifier::known(r"\b\d{4}\b", "secret code", |_| true).unwrap();
        for (text, expected) in [
            ("the secret code is 1234", true),
            ("secret_code=1234", true),
            ("1234 is my SecretCode", true),
            ("1234", false),
            ("secret codes 1234", false),
        ] {
            assert_eq!(!pin.find(text).is_empty(), expected, "{text}");
        }
        let far = format!("secret code{} 1234", " far away from it".repeat(5));
        assert!(pin.find(&far).is_empty());
        let letters = format!("{}ä 1234 {}", "ü".repeat(60), "ö".repeat(60));
        assert!(pin.find(&letters).is_empty());
    }
}
