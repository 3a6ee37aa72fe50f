//! `Condition`: operators over the request's context ("IAM JSON policy elements: Condition operators").

use serde_json::Value;

use super::context::ContextKeys;
use super::network::Network;
use super::pattern::{Pattern, Syntax};
use crate::timestamp::parse_iso8601_millis;

/// One operator with one key. A statement holds when all of its conditions do.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// In small letters.
    pub key: Box<str>,
    /// As the document has it.
    pub spelling: Box<str>,
    quantifier: Quantifier,
    /// Whether the request's value must match none of the policy's values instead of one.
    negated: bool,
    if_exists: bool,
    test: Test,
}

/// How a condition treats the several values a key may have in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    None,
    /// `ForAnyValue:` some value fits; none does when there is none.
    Any,
    /// `ForAllValues:` each value fits, also when there is none.
    All,
}

/// What a value of the request is compared with.
#[derive(Clone, Debug)]
enum Test {
    Text(Vec<Pattern>),
    Arn(Vec<Pattern>),
    Number(Relation, Vec<f64>),
    /// In thousandths of a second.
    Date(Relation, Vec<i64>),
    Bool(Vec<bool>),
    /// Base 64 without padding.
    Binary(Vec<String>),
    Address(Vec<Network>),
    /// `Null`: whether the key should be absent.
    Absent(Vec<bool>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Condition {
    pub(super) fn holds(&self, context: &ContextKeys) -> bool {
        let values = context.get(&self.key);
        if let Test::Absent(wanted) = &self.test {
            return wanted.contains(&values.is_none_or(<[String]>::is_empty));
        }
        let Some(values) = values.filter(|values| !values.is_empty()) else { return self.holds_on_missing() };
        match self.quantifier {
            // Without a quantifier, a negated operator wants that no value of the request fits.
            Quantifier::None => values.iter().any(|value| self.test.fits(value, context)) != self.negated,
            Quantifier::Any => values.iter().any(|value| self.test.fits(value, context) != self.negated),
            Quantifier::All => values.iter().all(|value| self.test.fits(value, context) != self.negated),
        }
    }

    fn holds_on_missing(&self) -> bool {
        match self.quantifier {
            Quantifier::All => true,
            Quantifier::Any => self.if_exists,
            Quantifier::None => self.if_exists || self.negated,
        }
    }

    /// The keys of the variables among the policy's values.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let patterns = match &self.test {
            Test::Text(patterns) | Test::Arn(patterns) => patterns.as_slice(),
            _ => &[],
        };
        patterns.iter().flat_map(Pattern::variables)
    }

    /// Reads one key of one operator; `variables` says whether the document's version has them. The error says what
    /// is wrong.
    pub(super) fn parse(operator: &str, key: &str, values: &Value, variables: bool) -> Result<Self, String> {
        let (quantifier, name) = match operator.split_once(':') {
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            Some(_) => return Err(invalid_operator(operator)),
            None => (Quantifier::None, operator),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        if !key.contains(':') {
            return Err(format!(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: the condition key '{key}' \
                 has none"
            ));
        }
        let values = texts(values).ok_or_else(|| {
            format!("the values of condition key '{key}' have to be strings, numbers or booleans, alone or in a list")
        })?;
        if name == "Null" && (if_exists || quantifier != Quantifier::None) {
            return Err(invalid_operator(operator));
        }
        let (negated, test) = parse_test(name, &values, variables)
            .map_err(|wrong| format!("{wrong} in condition key '{key}' of {operator}"))?
            .ok_or_else(|| invalid_operator(operator))?;
        let lower = key.to_ascii_lowercase().into();
        Ok(Self { key: lower, spelling: key.into(), quantifier, negated, if_exists, test })
    }
}

impl Test {
    fn fits(&self, value: &str, context: &ContextKeys) -> bool {
        match self {
            Self::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(value, context)),
            Self::Arn(patterns) => patterns.iter().any(|pattern| pattern.matches_arn(value, context)),
            Self::Number(relation, wanted) => {
                parse_number(value).is_some_and(|value| wanted.iter().any(|w| relation.holds(&value, w)))
            }
            Self::Date(relation, wanted) => {
                parse_date(value).is_some_and(|value| wanted.iter().any(|w| relation.holds(&value, w)))
            }
            Self::Bool(wanted) => parse_bool(value).is_some_and(|value| wanted.contains(&value)),
            Self::Binary(wanted) => wanted.iter().any(|w| w == value.trim_end_matches('=')),
            Self::Address(networks) => {
                value.parse().is_ok_and(|address| networks.iter().any(|network| network.contains(address)))
            }
            Self::Absent(_) => false,
        }
    }
}

/// The test of an operator's bare name and whether the name negates it; nothing when there is no such operator.
fn parse_test(name: &str, values: &[String], variables: bool) -> Result<Option<(bool, Test)>, String> {
    let exact = Syntax { wildcards: false, variables, folds_case: false };
    let folding = Syntax { folds_case: true, ..exact };
    let like = Syntax { wildcards: true, ..exact };
    let test = match name {
        "StringEquals" | "StringNotEquals" => Test::Text(patterns(values, exact)?),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => Test::Text(patterns(values, folding)?),
        "StringLike" | "StringNotLike" => Test::Text(patterns(values, like)?),
        "ArnEquals" | "ArnLike" | "ArnNotEquals" | "ArnNotLike" => Test::Arn(patterns(values, like)?),
        "Bool" => Test::Bool(each(values, parse_bool, "a boolean")?),
        "Null" => Test::Absent(each(values, parse_bool, "a boolean")?),
        "BinaryEquals" => Test::Binary(each(values, parse_base64, "base 64")?),
        "IpAddress" | "NotIpAddress" => {
            Test::Address(each(values, Network::parse, "an IP address or range")?)
        }
        _ => match relation(name) {
            Some(("Numeric", relation)) => Test::Number(relation, each(values, parse_number, "a number")?),
            Some(("Date", relation)) => Test::Date(relation, each(values, parse_date, "a date of ISO 8601")?),
            _ => return Ok(None),
        },
    };
    Ok(Some((name.contains("Not"), test)))
}

fn relation(name: &str) -> Option<(&'static str, Relation)> {
    let kind = ["Numeric", "Date"].into_iter().find(|kind| name.starts_with(kind))?;
    let relation = match &name[kind.len()..] {
        "Equals" | "NotEquals" => Relation::Equal,
        "LessThan" => Relation::Less,
        "LessThanEquals" => Relation::LessOrEqual,
        "GreaterThan" => Relation::Greater,
        "GreaterThanEquals" => Relation::GreaterOrEqual,
        _ => return None,
    };
    Some((kind, relation))
}

fn invalid_operator(operator: &str) -> String {
    format!("Invalid Condition type : {operator}")
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn patterns(values: &[String], syntax: Syntax) -> Result<Vec<Pattern>, String> {
    values.iter().map(|value| Pattern::parse(value, syntax)).collect()
}

fn each<T>(values: &[String], read: fn(&str) -> Option<T>, what: &str) -> Result<Vec<T>, String> {
    values.iter().map(|value| read(value).ok_or_else(|| format!("'{value}' is not {what}"))).collect()
}

fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A date of ISO 8601 or epoch seconds, in thousandths. Four digits are a year: no date that matters is in the first
/// hours of 1970.
fn parse_date(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) if text.len() != 4 => seconds.checked_mul(1000),
        _ => parse_iso8601_millis(text),
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn parse_base64(text: &str) -> Option<String> {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    digits.bytes().all(is_digit).then(|| digits.to_owned())
}
