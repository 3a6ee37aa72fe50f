//! What one field's value may be.

use serde_json::Value;

use crate::clue::{Sought, bits};
use crate::network::Block;
use crate::number::NumberRange;
use crate::wildcard::Wildcard;
use crate::{Fault, InvalidPattern};

/// Entries of one list at most.
const MOST_ENTRIES: usize = 1000;

/// The list of a field's possible values.
#[derive(Clone, Debug, PartialEq)]
pub struct ValuePattern(Vec<Matcher>);

#[derive(Clone, Debug, PartialEq)]
enum Matcher {
    Exactly(Value),
    Text(TextMatcher),
    /// None of these.
    AnythingBut(Vec<Value>),
    AnythingButText(Vec<TextMatcher>),
    Number(NumberRange),
    Exists(bool),
    Address(Block),
}

#[derive(Clone, Debug, PartialEq)]
enum TextMatcher {
    Prefix(String),
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    EqualIgnoringCase(String),
    Wildcard(Wildcard),
}

impl ValuePattern {
    /// Reads a list such as `["a", {"prefix": "b"}, {"numeric": [">", 0]}]`.
    pub fn parse(list: &Value) -> Result<Self, InvalidPattern> {
        Self::parse_at(list, &[])
    }

    pub(crate) fn parse_at(list: &Value, place: &[&str]) -> Result<Self, InvalidPattern> {
        let entries = list.as_array().ok_or_else(|| Fault::NoList.at(place))?;
        match entries.len() {
            0 => return Err(Fault::EmptyList.at(place)),
            1..=MOST_ENTRIES => {}
            _ => return Err(Fault::LongList(MOST_ENTRIES).at(place)),
        }
        let matchers = entries.iter().map(Matcher::parse).collect::<Result<_, _>>();
        matchers.map(Self).map_err(|fault| fault.at(place))
    }

    /// Whether a field may have this value; `None` when the event lacks it. Of a list any entry is enough. An object is
    /// no value: only what lies at the ends of an event's branches is there.
    pub fn matches(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::Array(values)) => {
                let exists = self.0.contains(&Matcher::Exists(true));
                let mut leaves = values.iter().filter(|value| !value.is_object());
                exists || leaves.any(|value| self.matches_one(Some(value)))
            }
            other => self.matches_one(other.filter(|value| !value.is_object())),
        }
    }

    fn matches_one(&self, value: Option<&Value>) -> bool {
        self.0.iter().any(|matcher| matcher.matches(value))
    }

    /// One of these must be what a value is for it to match; `None` when others match as well.
    pub(crate) fn sought(&self) -> Option<Vec<Sought>> {
        self.0.iter().map(Matcher::sought).collect()
    }
}

impl Matcher {
    fn sought(&self) -> Option<Sought> {
        match self {
            Self::Exactly(value) => Sought::literal(value),
            Self::Text(text) => text.sought(),
            Self::Number(range) => range.only().map(|number| Sought::Number(bits(number))),
            Self::AnythingBut(_) | Self::AnythingButText(_) | Self::Exists(_) | Self::Address(_) => None,
        }
    }

    fn parse(entry: &Value) -> Result<Self, Fault> {
        let object = match entry {
            Value::Object(object) => object,
            Value::Array(_) => return Err(Fault::ListInList),
            literal => return Ok(Self::Exactly(literal.clone())),
        };
        let mut members = object.iter();
        let (Some((name, operand)), None) = (members.next(), members.next()) else {
            return Err(Fault::NotOneComparison);
        };
        match name.as_str() {
            "anything-but" => Self::parse_anything_but(operand),
            "numeric" => NumberRange::parse(operand).map(Self::Number),
            "exists" => operand
                .as_bool()
                .map(Self::Exists)
                .ok_or_else(|| Fault::operand("exists", "takes true or false")),
            "cidr" => operand
                .as_str()
                .and_then(Block::parse)
                .map(Self::Address)
                .ok_or_else(|| Fault::operand("cidr", "takes a block of addresses such as 10.0.0.0/8")),
            _ => TextMatcher::parse(name, operand).map(Self::Text),
        }
    }

    fn parse_anything_but(operand: &Value) -> Result<Self, Fault> {
        let is_literal = |value: &Value| value.is_string() || value.is_number();
        match operand {
            Value::Object(object) => {
                let mut members = object.iter();
                let (Some((name, operand)), None) = (members.next(), members.next()) else {
                    return Err(Fault::operand("anything-but", "takes one comparison"));
                };
                let operands = match operand {
                    Value::Array(list) => list.as_slice(),
                    one => std::slice::from_ref(one),
                };
                let matchers = operands.iter().map(|operand| TextMatcher::parse(name, operand));
                Ok(Self::AnythingButText(matchers.collect::<Result<_, _>>()?))
            }
            Value::Array(list) if !list.is_empty() && list.iter().all(is_literal) => {
                Ok(Self::AnythingBut(list.clone()))
            }
            literal if is_literal(literal) => Ok(Self::AnythingBut(vec![literal.clone()])),
            _ => Err(Fault::operand("anything-but", "takes text, numbers, or one comparison of text")),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return *self == Self::Exists(false) };
        match self {
            Self::Exactly(wanted) => is_same(wanted, value),
            Self::Text(matcher) => value.as_str().is_some_and(|text| matcher.matches(text)),
            Self::AnythingBut(unwanted) => !unwanted.iter().any(|unwanted| is_same(unwanted, value)),
            Self::AnythingButText(matchers) => {
                value.as_str().is_some_and(|text| !matchers.iter().any(|matcher| matcher.matches(text)))
            }
            Self::Number(range) => value.as_f64().is_some_and(|number| range.contains(number)),
            Self::Exists(wanted) => *wanted,
            Self::Address(block) => value.as_str().is_some_and(|text| block.contains(text)),
        }
    }
}

/// Numbers are the same by what they are worth: 300 and 3.0e2.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left_number), Some(right_number)) => left == right || left_number == right_number,
        _ => left == right,
    }
}

impl TextMatcher {
    fn sought(&self) -> Option<Sought> {
        match self {
            Self::Prefix(text) => Some(Sought::Prefix(text.clone())),
            Self::Suffix(text) => Some(Sought::Suffix(text.clone())),
            Self::EqualIgnoringCase(text) => Some(Sought::TextIgnoringCase(text.clone())),
            Self::Wildcard(wildcard) => wildcard.ends().map(|(start, end)| {
                let is_prefix = start.len() >= end.len();
                if is_prefix { Sought::Prefix(start.to_owned()) } else { Sought::Suffix(end.to_owned()) }
            }),
            Self::PrefixIgnoringCase(_) | Self::SuffixIgnoringCase(_) => None,
        }
    }

    fn parse(name: &str, operand: &Value) -> Result<Self, Fault> {
        let ignoring_case = operand.get("equals-ignore-case").and_then(Value::as_str).map(str::to_lowercase);
        match (name, operand.as_str(), ignoring_case) {
            ("prefix", Some(text), _) => Ok(Self::Prefix(text.to_owned())),
            ("prefix", None, Some(text)) => Ok(Self::PrefixIgnoringCase(text)),
            ("suffix", Some(text), _) => Ok(Self::Suffix(text.to_owned())),
            ("suffix", None, Some(text)) => Ok(Self::SuffixIgnoringCase(text)),
            ("equals-ignore-case", Some(text), _) => Ok(Self::EqualIgnoringCase(text.to_lowercase())),
            ("wildcard", Some(text), _) => Wildcard::parse(text).map(Self::Wildcard),
            ("prefix" | "suffix" | "equals-ignore-case" | "wildcard", None, None) => {
                Err(Fault::operand(name, "takes text"))
            }
            _ => Err(Fault::UnknownComparison(name.to_owned())),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::PrefixIgnoringCase(prefix) => text.to_lowercase().starts_with(prefix.as_str()),
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Self::SuffixIgnoringCase(suffix) => text.to_lowercase().ends_with(suffix.as_str()),
            Self::EqualIgnoringCase(wanted) => text.to_lowercase() == *wanted,
            Self::Wildcard(wildcard) => wildcard.matches(text),
        }
    }
}
