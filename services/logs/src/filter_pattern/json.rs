//! Conditions on events that are JSON: `{ ($.user.id = 1) && ($.codes[0] != 4*) }`.

use serde_json::Value;

use super::comparison::{Comparison, Operand, Operator};
use super::condition::Condition;
use super::scanner::Scanner;

pub(crate) struct JsonPattern(Condition<Test>);

#[derive(Debug)]
struct Test {
    path: Vec<Step>,
    check: Check,
}

#[derive(Debug)]
enum Step {
    Name(String),
    Index(usize),
    /// `[*]`: any element.
    Each,
}

#[derive(Debug)]
enum Check {
    Compares(Comparison),
    IsTrue,
    IsFalse,
    IsNull,
    Exists,
    DoesNotExist,
}

impl JsonPattern {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut scanner = Scanner::new(text);
        scanner.takes("{");
        let condition = Condition::parse(&mut scanner, &Test::parse)?;
        scanner.skip_space();
        if !scanner.takes("}") {
            return Err("a JSON pattern must end with }".to_owned());
        }
        scanner.skip_space();
        if scanner.is_at_end() { Ok(Self(condition)) } else { Err("there is text behind the }".to_owned()) }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        // Most events are not JSON at all; those are told apart without parsing.
        if !message.trim_start().starts_with(['{', '[']) {
            return false;
        }
        let Ok(event) = serde_json::from_str::<Value>(message) else { return false };
        self.0.holds(&|test| test.holds(&event))
    }
}

impl Test {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Self, String> {
        let path = path(scanner)?;
        if let Some(comparison) = Comparison::parse(scanner)? {
            return Ok(Self { path, check: Check::Compares(comparison) });
        }
        let check = if scanner.takes_word("IS") {
            scanner.skip_space();
            let words = [("TRUE", Check::IsTrue), ("FALSE", Check::IsFalse), ("NULL", Check::IsNull)];
            let found = words.into_iter().find(|(word, _)| scanner.takes_word(word));
            found.ok_or("IS is followed by TRUE, FALSE or NULL")?.1
        } else if scanner.takes_word("NOT") {
            scanner.skip_space();
            if !scanner.takes_word("EXISTS") {
                return Err("NOT is followed by EXISTS".to_owned());
            }
            Check::DoesNotExist
        } else if scanner.takes_word("EXISTS") {
            Check::Exists
        } else {
            return Err("a property is followed by an operator, IS, EXISTS or NOT EXISTS".to_owned());
        };
        Ok(Self { path, check })
    }

    fn holds(&self, event: &Value) -> bool {
        let mut found = Vec::new();
        select(event, &self.path, &mut found);
        match &self.check {
            Check::DoesNotExist => found.is_empty(),
            Check::Exists => !found.is_empty(),
            Check::IsTrue => found.contains(&&Value::Bool(true)),
            Check::IsFalse => found.contains(&&Value::Bool(false)),
            Check::IsNull => found.contains(&&Value::Null),
            Check::Compares(comparison) => found.into_iter().any(|value| compares(comparison, value)),
        }
    }
}

fn compares(comparison: &Comparison, value: &Value) -> bool {
    match value {
        Value::String(text) => match (&comparison.operand, comparison.operator) {
            // A quoted number is a text, and a text is no number.
            (Operand::Number(..), operator) => operator == Operator::NotEqual,
            _ => comparison.holds_for_text(text),
        },
        Value::Number(number) => match &comparison.operand {
            Operand::Number(..) => number.as_f64().is_some_and(|number| comparison.holds_for_number(number)),
            // Wildcards reach into numbers: 4* is any number that begins with 4.
            _ => comparison.holds_for_text(&number.to_string()),
        },
        Value::Bool(truth) => comparison.holds_for_text(if *truth { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => comparison.operator == Operator::NotEqual,
    }
}

fn path(scanner: &mut Scanner<'_>) -> Result<Vec<Step>, String> {
    scanner.skip_space();
    if !scanner.takes("$") {
        return Err("a property selector begins with $".to_owned());
    }
    let mut path = Vec::new();
    loop {
        if scanner.takes(".") {
            let name =
                scanner.take_while(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '@' | '/'));
            if name.is_empty() {
                return Err("a name is missing behind a dot".to_owned());
            }
            path.push(Step::Name(name.to_owned()));
        } else if scanner.takes("[") {
            path.push(bracket(scanner)?);
        } else {
            break;
        }
    }
    if path.is_empty() { Err("a property selector names a property: $.name".to_owned()) } else { Ok(path) }
}

fn bracket(scanner: &mut Scanner<'_>) -> Result<Step, String> {
    scanner.skip_space();
    let step = match scanner.peek() {
        Some(quote @ ('"' | '\'')) => {
            scanner.takes(quote.encode_utf8(&mut [0; 4]));
            Step::Name(scanner.quoted(quote)?)
        }
        Some('*') => {
            scanner.takes("*");
            Step::Each
        }
        _ => {
            let digits = scanner.take_while(|next| next.is_ascii_digit());
            Step::Index(digits.parse().map_err(|_| "brackets hold an index, * or a quoted name".to_owned())?)
        }
    };
    scanner.skip_space();
    if scanner.takes("]") { Ok(step) } else { Err("a [ is not closed".to_owned()) }
}

fn select<'v>(value: &'v Value, path: &[Step], found: &mut Vec<&'v Value>) {
    let Some((step, rest)) = path.split_first() else {
        found.push(value);
        return;
    };
    match (step, value) {
        (Step::Name(name), Value::Object(members)) => {
            if let Some(member) = members.get(name) {
                select(member, rest, found);
            }
        }
        (Step::Index(index), Value::Array(elements)) => {
            if let Some(element) = elements.get(*index) {
                select(element, rest, found);
            }
        }
        (Step::Each, Value::Array(elements)) => {
            for element in elements {
                select(element, rest, found);
            }
        }
        _ => {}
    }
}
