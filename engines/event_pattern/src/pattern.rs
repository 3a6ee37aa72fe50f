//! A whole pattern.

use serde_json::{Map, Value};

use crate::{Fault, InvalidPattern, ValuePattern};

/// How deep patterns may nest.
const MOST_DEPTH: usize = 32;

/// A pattern that events match or do not.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPattern {
    fields: Vec<(String, Node)>,
    /// One of each of these must match as well.
    choices: Vec<Vec<EventPattern>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Value(ValuePattern),
    Object(EventPattern),
}

impl EventPattern {
    /// Reads a pattern from JSON text.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| Fault::NotJson(error.to_string()).at(&[]))?;
        Self::from_value(&value)
    }

    /// Reads a pattern.
    pub fn from_value(value: &Value) -> Result<Self, InvalidPattern> {
        match value {
            Value::Object(object) if !object.is_empty() => Self::of_object(object, &mut Vec::new()),
            _ => Err(Fault::NotAnObject.at(&[])),
        }
    }

    fn of_object<'a>(
        object: &'a Map<String, Value>,
        place: &mut Vec<&'a str>,
    ) -> Result<Self, InvalidPattern> {
        if place.len() >= MOST_DEPTH {
            return Err(Fault::TooDeep(MOST_DEPTH).at(place));
        }
        let mut pattern = Self { fields: Vec::new(), choices: Vec::new() };
        for (name, value) in object {
            place.push(name);
            match value {
                Value::Array(list) if name == "$or" => pattern.choices.push(choices(list, place)?),
                Value::Object(object) if object.is_empty() => {
                    return Err(Fault::EmptyObject.at(place));
                }
                Value::Object(object) => {
                    let node = Node::Object(Self::of_object(object, place)?);
                    pattern.fields.push((name.clone(), node));
                }
                other => {
                    let node = Node::Value(ValuePattern::parse_at(other, place)?);
                    pattern.fields.push((name.clone(), node));
                }
            }
            place.pop();
        }
        Ok(pattern)
    }

    pub fn matches(&self, event: &Value) -> bool {
        self.matches_part(Some(event))
    }

    /// Whether a part of an event matches; `None` when the event lacks it, which only `exists: false` accepts.
    fn matches_part(&self, part: Option<&Value>) -> bool {
        // Of a list of objects one has to match as a whole.
        if let Some(Value::Array(parts)) = part {
            return parts.iter().any(|part| self.matches_part(Some(part)));
        }
        let field = |name: &str| part.and_then(|part| part.get(name));
        let fields = self.fields.iter().all(|(name, node)| match node {
            Node::Value(pattern) => pattern.matches(field(name)),
            Node::Object(pattern) => pattern.matches_part(field(name)),
        });
        fields && self.choices.iter().all(|choice| choice.iter().any(|pattern| pattern.matches_part(part)))
    }
}

fn choices<'a>(list: &'a [Value], place: &mut Vec<&'a str>) -> Result<Vec<EventPattern>, InvalidPattern> {
    if list.len() < 2 {
        return Err(Fault::WrongChoices.at(place));
    }
    list.iter()
        .map(|choice| match choice {
            Value::Object(object) if !object.is_empty() => EventPattern::of_object(object, place),
            _ => Err(Fault::WrongChoices.at(place)),
        })
        .collect()
}
