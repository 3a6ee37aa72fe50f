//! A whole pattern.

use serde_json::{Map, Value};

use crate::clue::{Clue, Clues};
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
                Value::Array(list) if name == "$or" && !is_field(list) => {
                    pattern.choices.push(choices(list, place)?);
                }
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

    /// Visits everything that the pattern could be filed under.
    pub(crate) fn each_clue(&self, visit: &mut dyn FnMut(Clue)) {
        self.alternatives(&mut Vec::new(), &mut |clues| clues.into_iter().for_each(&mut *visit));
        for pattern in self.choices.iter().flatten() {
            pattern.each_clue(visit);
        }
    }

    /// Of all that a match must have one of, what costs least; `None` when there is nothing of the kind.
    pub(crate) fn best_clues(&self, cost: &dyn Fn(&Clue) -> usize) -> Option<Clues> {
        self.best_below(&mut Vec::new(), cost).map(|(_, clues)| clues)
    }

    fn best_below(&self, path: &mut Vec<String>, cost: &dyn Fn(&Clue) -> usize) -> Option<(usize, Clues)> {
        let mut best: Option<(usize, Clues)> = None;
        let mut offer = |total: usize, clues: Clues| {
            if best.as_ref().is_none_or(|(least, _)| total < *least) {
                best = Some((total, clues));
            }
        };
        self.alternatives(path, &mut |clues| offer(clues.iter().map(cost).sum(), clues));
        for (name, node) in &self.fields {
            if let Node::Object(inner) = node {
                path.push(name.clone());
                // Fields were offered above; what is left are the choices inside of objects.
                if let Some((total, clues)) = inner.best_choice(path, cost) {
                    offer(total, clues);
                }
                path.pop();
            }
        }
        if let Some((total, clues)) = self.best_choice(path, cost) {
            offer(total, clues);
        }
        best
    }

    /// Of each `$or` one choice must match, so the clues of all of them together are an alternative.
    fn best_choice(&self, path: &mut Vec<String>, cost: &dyn Fn(&Clue) -> usize) -> Option<(usize, Clues)> {
        let together = self.choices.iter().filter_map(|choices| {
            let mut all = (0, Clues::new());
            for choice in choices {
                let (total, clues) = choice.best_below(path, cost)?;
                all.0 += total;
                all.1.extend(clues);
            }
            Some(all)
        });
        together.collect::<Vec<_>>().into_iter().min_by_key(|(total, _)| *total)
    }

    /// Visits the clues of each field that has some.
    fn alternatives(&self, path: &mut Vec<String>, visit: &mut dyn FnMut(Clues)) {
        for (name, node) in &self.fields {
            path.push(name.clone());
            match node {
                Node::Object(inner) => inner.alternatives(path, visit),
                Node::Value(values) => {
                    if let Some(sought) = values.sought() {
                        let clue = |sought| Clue { path: path.clone(), sought };
                        visit(sought.into_iter().map(clue).collect());
                    }
                }
            }
            path.pop();
        }
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

/// A field may be called `$or` too: its list holds comparisons, not patterns.
fn is_field(list: &[Value]) -> bool {
    let is_comparison = |entry: &Value| match entry {
        Value::Object(object) => object.keys().any(|name| COMPARISONS.contains(&name.as_str())),
        _ => false,
    };
    list.iter().any(is_comparison)
}

const COMPARISONS: &[&str] =
    &["anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"];

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
