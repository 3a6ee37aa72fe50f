//! JSON text with variables.

use std::borrow::Cow;
use std::fmt::Write;

use serde::de::IgnoredAny;
use serde_json::Value;

/// A template, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable { name: String, is_quoted: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template is not JSON ({0})")]
pub struct InvalidTemplate(String);

impl Template {
    /// Reads a template. With values in the place of its variables it has to be JSON, or several lines of it.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let template = Self::split(text);
        let sample = template.render(&mut |_| Some(Cow::Owned(Value::from(0))));
        for value in serde_json::Deserializer::from_str(&sample).into_iter::<IgnoredAny>() {
            value.map_err(|error| InvalidTemplate(error.to_string()))?;
        }
        Ok(template)
    }

    /// Reads a template that need not be JSON.
    pub fn split(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let (mut is_quoted, mut is_escaped) = (false, false);
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if next == '<'
                && let Some((name, after)) = variable(rest)
            {
                if !literal.is_empty() {
                    segments.push(Segment::Literal(std::mem::take(&mut literal)));
                }
                segments.push(Segment::Variable { name: name.to_owned(), is_quoted });
                rest = after;
                is_escaped = false;
                continue;
            }
            match next {
                '"' if !is_escaped => is_quoted = !is_quoted,
                _ => {}
            }
            is_escaped = is_quoted && next == '\\' && !is_escaped;
            literal.push(next);
            rest = &rest[next.len_utf8()..];
        }
        if !literal.is_empty() {
            segments.push(Segment::Literal(literal));
        }
        Self(segments)
    }

    /// The names of the variables, in their order and as often as they occur.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Variable { name, .. } => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// The text with values in the place of variables. A variable without a value leaves nothing inside of quotes and
    /// empty text elsewhere.
    pub fn render<'v>(&self, value_of: &mut dyn FnMut(&str) -> Option<Cow<'v, Value>>) -> String {
        let mut out = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Variable { name, is_quoted } => match (value_of(name), is_quoted) {
                    (Some(value), true) => write_inside_quotes(&mut out, &value),
                    // Writing to a string cannot fail.
                    (Some(value), false) => drop(write!(out, "{value}")),
                    (None, true) => {}
                    (None, false) => out.push_str("\"\""),
                },
            }
        }
        out
    }
}

/// Text goes in escaped. Of an object or a list the quotes are left out, as they would end the text.
fn write_inside_quotes(out: &mut String, value: &Value) {
    let text = value.to_string();
    match value {
        Value::String(_) => out.push_str(&text[1..text.len() - 1]),
        Value::Object(_) | Value::Array(_) => {
            let mut rest = text.chars();
            while let Some(next) = rest.next() {
                match next {
                    '"' => {}
                    '\\' => match rest.next() {
                        Some('"') | None => {}
                        Some(escaped) => out.extend(['\\', escaped]),
                    },
                    other => out.push(other),
                }
            }
        }
        _ => out.push_str(&text),
    }
}

/// `<name>` at the beginning of the text, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'[' | b']' | b'*' | b'/' | b'\'')
    };
    (!name.is_empty() && name.bytes().all(is_name)).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::{Value, json};

    use super::Template;

    fn rendered(template: &str) -> String {
        let values = json!({
            "text": "say \"hi\"", "number": 5, "object": {"a": "b \"c\"", "d": [1]}, "list": ["x", 1], "null": null,
        });
        let value_of =
            &mut |name: &str| -> Option<Cow<'_, Value>> { values.get(name).cloned().map(Cow::Owned) };
        Template::parse(template).unwrap_or_else(|error| panic!("{template}: {error}")).render(value_of)
    }

    #[test]
    fn values_go_in_as_json_and_inside_of_quotes_as_text() {
        for (template, wanted) in [
            (r#"{"a": <text>, "b": <number>}"#, r#"{"a": "say \"hi\"", "b": 5}"#),
            (r#"{"a": <object>}"#, r#"{"a": {"a":"b \"c\"","d":[1]}}"#),
            (r#"{"a": [<list>, <null>]}"#, r#"{"a": [["x",1], null]}"#),
            (r#"{"a": "it is <text>."}"#, r#"{"a": "it is say \"hi\"."}"#),
            (r#"{"a": "<number>"}"#, r#"{"a": "5"}"#),
            (r#""<number> of <object>""#, r#""5 of {a:b c,d:[1]}""#),
            (r#""say \"<number>\" <gone>""#, r#""say \"5\" ""#),
            (r#"{"a": <gone>}"#, r#"{"a": ""}"#),
            ("\"one <number>\"\n\"two\"", "\"one 5\"\n\"two\""),
            (r#"{"a": "1 < 2 > 0"}"#, r#"{"a": "1 < 2 > 0"}"#),
            ("<object>", r#"{"a":"b \"c\"","d":[1]}"#),
        ] {
            assert_eq!(rendered(template), wanted, "{template}");
        }
    }

    #[test]
    fn templates_that_could_not_become_json_are_refused() {
        for template in ["plain <text>", r#"{"a": <text>"#, r#"{"a": x<text>}"#] {
            assert!(Template::parse(template).is_err(), "{template}");
        }
        let template = Template::split("<$.a[0].b> <aws.events.event>");
        assert_eq!(template.variables().collect::<Vec<_>>(), ["$.a[0].b", "aws.events.event"]);
    }
}
