//! What of a pattern an event must have for there to be any use in comparing the two.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// A field, and what its value must be or begin with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Clue {
    pub path: Vec<String>,
    pub sought: Sought,
}

/// One of these must hold for a pattern to match.
pub(crate) type Clues = Vec<Clue>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sought {
    Text(String),
    /// A number by its bits; the two zeros are one.
    Number(u64),
    /// `true`, `false`, `null`.
    Word(&'static str),
    /// In lower case.
    TextIgnoringCase(String),
    Prefix(String),
    Suffix(String),
}

impl Sought {
    /// Of a literal; an object or a list is none.
    pub(crate) fn literal(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => Some(Self::Number(bits(number.as_f64()?))),
            Value::Bool(true) => Some(Self::Word("true")),
            Value::Bool(false) => Some(Self::Word("false")),
            Value::Null => Some(Self::Word("null")),
            Value::Array(_) | Value::Object(_) => None,
        }
    }
}

pub(crate) fn bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

/// Finds what is filed under a value.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    texts: HashMap<String, Vec<usize>>,
    numbers: HashMap<u64, Vec<usize>>,
    words: HashMap<&'static str, Vec<usize>>,
    ignoring_case: HashMap<String, Vec<usize>>,
    prefixes: Ends,
    suffixes: Ends,
}

/// Beginnings or ends of texts, with their lengths in bytes.
#[derive(Debug, Default)]
struct Ends {
    filed: HashMap<String, Vec<usize>>,
    lengths: BTreeSet<usize>,
}

impl Finder {
    pub(crate) fn add(&mut self, sought: Sought, index: usize) {
        let filed = match sought {
            Sought::Text(text) => self.texts.entry(text).or_default(),
            Sought::Number(bits) => self.numbers.entry(bits).or_default(),
            Sought::Word(word) => self.words.entry(word).or_default(),
            Sought::TextIgnoringCase(text) => self.ignoring_case.entry(text).or_default(),
            Sought::Prefix(text) => self.prefixes.file(text),
            Sought::Suffix(text) => self.suffixes.file(text),
        };
        filed.push(index);
    }

    pub(crate) fn find(&self, value: &Value, found: &mut Vec<usize>) {
        let mut take = |filed: Option<&Vec<usize>>| found.extend(filed.into_iter().flatten());
        match value {
            Value::String(text) => {
                take(self.texts.get(text));
                if !self.ignoring_case.is_empty() {
                    take(self.ignoring_case.get(&text.to_lowercase()));
                }
                for length in self.prefixes.lengths.range(..=text.len()) {
                    take(text.get(..*length).and_then(|start| self.prefixes.filed.get(start)));
                }
                for length in self.suffixes.lengths.range(..=text.len()) {
                    take(text.get(text.len() - length..).and_then(|end| self.suffixes.filed.get(end)));
                }
            }
            Value::Number(number) => {
                take(number.as_f64().and_then(|number| self.numbers.get(&bits(number))));
            }
            Value::Bool(true) => take(self.words.get("true")),
            Value::Bool(false) => take(self.words.get("false")),
            Value::Null => take(self.words.get("null")),
            Value::Array(_) | Value::Object(_) => {}
        }
    }
}

impl Ends {
    fn file(&mut self, text: String) -> &mut Vec<usize> {
        self.lengths.insert(text.len());
        self.filed.entry(text).or_default()
    }
}
