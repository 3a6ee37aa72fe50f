//! Comparing one value with what a pattern says: numbers, texts with wildcards, regular expressions.

use regex::{Regex, RegexBuilder};

use super::scanner::Scanner;

/// What a compiled regular expression may take.
const EXPRESSION_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
pub(super) enum Operand {
    /// As a number and as it was written.
    Number(f64, String),
    /// `*` stands for any characters.
    Text(String),
    Expression(Regex),
}

#[derive(Debug)]
pub(super) struct Comparison {
    pub operator: Operator,
    pub operand: Operand,
}

impl Comparison {
    /// Reads an operator and what follows it; `None` when no operator comes next.
    pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Option<Self>, String> {
        scanner.skip_space();
        // Longer ones first.
        let operators = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let Some((sign, operator)) = operators.into_iter().find(|(sign, _)| scanner.takes(sign)) else {
            return Ok(None);
        };
        scanner.skip_space();
        let operand = Operand::parse(scanner)?;
        let needs_number = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if needs_number && !matches!(operand, Operand::Number(..)) {
            return Err(format!("{sign} compares with a number"));
        }
        Ok(Some(Self { operator, operand }))
    }

    pub(super) fn holds_for_number(&self, value: f64) -> bool {
        let Operand::Number(operand, _) = &self.operand else { return self.operator == Operator::NotEqual };
        match self.operator {
            Operator::Equal => value == *operand,
            Operator::NotEqual => value != *operand,
            Operator::Less => value < *operand,
            Operator::LessOrEqual => value <= *operand,
            Operator::Greater => value > *operand,
            Operator::GreaterOrEqual => value >= *operand,
        }
    }

    /// A text is no number here, whatever it looks like.
    pub(super) fn holds_for_text(&self, value: &str) -> bool {
        let is_equal = match &self.operand {
            Operand::Number(_, text) => value == text,
            Operand::Text(pattern) => matches_wildcards(pattern, value),
            Operand::Expression(expression) => expression.is_match(value),
        };
        match self.operator {
            Operator::Equal => is_equal,
            Operator::NotEqual => !is_equal,
            _ => false,
        }
    }

    /// A word of an event: compared as a number when both are numbers.
    pub(super) fn holds_for_word(&self, word: &str) -> bool {
        match (&self.operand, word.parse::<f64>()) {
            (Operand::Number(..), Ok(number)) => self.holds_for_number(number),
            _ => self.holds_for_text(word),
        }
    }
}

impl Operand {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Self, String> {
        for quote in ['"', '\''] {
            if scanner.takes(quote.encode_utf8(&mut [0; 4])) {
                return scanner.quoted(quote).map(Self::Text);
            }
        }
        if scanner.takes("%") {
            return expression(scanner.expression()?).map(Self::Expression);
        }
        let word = scanner.take_while(|next| {
            !next.is_whitespace() && !matches!(next, ')' | '(' | '&' | '|' | ',' | '}' | ']')
        });
        if word.is_empty() {
            return Err("a value is missing behind an operator".to_owned());
        }
        match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Self::Number(number, word.to_owned())),
            _ => Ok(Self::Text(word.to_owned())),
        }
    }
}

pub(super) fn expression(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .size_limit(EXPRESSION_BYTES)
        .build()
        .map_err(|error| format!("%{text}% is not a regular expression: {error}"))
}

/// Whether `text` is `pattern`, in which `*` stands for any characters.
pub(super) fn matches_wildcards(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
