//! Goes through a value and its schema side by side.

use std::borrow::Cow;
use std::collections::BTreeSet;

use shapes::{Constraints, Kind, MapNode, Member, SequenceNode, Shape, Struct, View};

use super::{Violation, pattern};
use crate::Missing;
use crate::missing::{Step, render};
use crate::text;

/// More violations than this tell a client nothing new.
const MOST_VIOLATIONS: usize = 100;
/// Longer values are cut in messages.
const LONGEST_VALUE: usize = 4096;

pub(super) fn check(input: &dyn Struct, missing: &Missing) -> Vec<Violation> {
    let missing = missing.paths().into_iter().collect();
    let mut walk = Walk { steps: Vec::new(), missing, violations: Vec::new() };
    walk.structure(input);
    walk.violations
}

struct Walk<'a> {
    steps: Vec<Step<'a>>,
    missing: BTreeSet<String>,
    violations: Vec<Violation>,
}

impl<'a> Walk<'a> {
    fn structure(&mut self, value: &'a dyn Struct) {
        for (index, member) in value.shape().members.iter().enumerate() {
            let view = value.member(index).view();
            if matches!(view, View::Absent) && (!member.required || self.missing.is_empty()) {
                continue;
            }
            self.steps.push(Step::Member(member.name));
            if member.required && self.is_missing() {
                self.add(Some("null".to_owned()), "Member must not be null".to_owned());
            } else {
                self.value(&view, member.shape);
            }
            self.steps.pop();
        }
    }

    fn is_missing(&self) -> bool {
        !self.missing.is_empty() && self.missing.contains(&render(self.steps.iter()))
    }

    fn add(&mut self, value: Option<String>, constraint: String) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation { path: render(self.steps.iter()), value, constraint });
        }
    }

    fn value(&mut self, view: &View<'a>, shape: &'static Shape) {
        if let View::Absent = view {
            return;
        }
        for constraint in failures(view, shape) {
            self.add(shown(view, shape), constraint);
        }
        match (view, &shape.kind) {
            (View::List(list), Kind::List(item)) => self.list(view, *list, item, shape),
            (View::Map(map), Kind::Map(key, item)) => self.map(view, *map, (key, item), shape),
            (View::Struct(value), _) => self.structure(*value),
            (View::Union(value), _) => {
                if let Some((index, node)) = value.variant() {
                    let member = &value.shape().members[index];
                    self.steps.push(Step::Member(member.name));
                    self.value(&node.view(), member.shape);
                    self.steps.pop();
                }
            }
            _ => {}
        }
    }

    /// Constraints of items are reported once, at the list.
    fn list(
        &mut self,
        view: &View<'a>,
        list: &'a dyn SequenceNode,
        item: &'static Member,
        shape: &'static Shape,
    ) {
        let has_wrong = has_constraints(item.shape)
            && (0..list.len()).any(|index| !failures(&list.item(index).view(), item.shape).is_empty());
        if has_wrong {
            let all = all_of(&item.shape.constraints, item.shape);
            self.add(shown(view, shape), format!("Member must satisfy constraint: [{all}]"));
        }
        if is_nested(item.shape) {
            for index in 0..list.len() {
                self.steps.push(Step::Item(index));
                self.nested(&list.item(index).view(), item.shape);
                self.steps.pop();
            }
        }
    }

    /// As for lists, with keys and values apart.
    fn map(
        &mut self,
        view: &View<'a>,
        map: &'a dyn MapNode,
        (key, item): (&'static Member, &'static Member),
        shape: &'static Shape,
    ) {
        let (mut keys_fail, mut values_fail) = (false, false);
        if has_constraints(key.shape) || has_constraints(item.shape) {
            for (name, node) in map.entries() {
                keys_fail |= !failures(&View::String(name), key.shape).is_empty();
                values_fail |= !failures(&node.view(), item.shape).is_empty();
            }
        }
        if keys_fail {
            let all = all_of(&key.shape.constraints, key.shape);
            self.add(shown(view, shape), format!("Map keys must satisfy constraint: [{all}]"));
        }
        if values_fail {
            let all = all_of(&item.shape.constraints, item.shape);
            self.add(shown(view, shape), format!("Map value must satisfy constraint: [{all}]"));
        }
        if is_nested(item.shape) {
            for (name, node) in map.entries() {
                self.steps.push(Step::Value(Cow::Borrowed(name)));
                self.nested(&node.view(), item.shape);
                self.steps.pop();
            }
        }
    }

    /// What is inside an item or map value; its own constraints are its holder's.
    fn nested(&mut self, view: &View<'a>, shape: &'static Shape) {
        match (view, &shape.kind) {
            (View::List(list), Kind::List(item)) => self.list(view, *list, item, shape),
            (View::Map(map), Kind::Map(key, item)) => self.map(view, *map, (key, item), shape),
            _ => self.value(view, shape),
        }
    }
}

fn is_nested(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::List(_) | Kind::Map(..) | Kind::Struct(_))
}

fn has_constraints(shape: &Shape) -> bool {
    let Constraints { min, max, pattern, enum_values } = &shape.constraints;
    min.is_some() || max.is_some() || pattern.is_some() || !enum_values.is_empty()
}

/// What a value is measured by: length, count or its own value.
fn measure(view: &View<'_>) -> Option<f64> {
    Some(match view {
        View::String(value) if value.is_ascii() => value.len() as f64,
        View::String(value) => value.chars().count() as f64,
        View::Blob(value) => value.len() as f64,
        View::List(value) => value.len() as f64,
        View::Map(value) => value.len() as f64,
        View::Integer(value) => f64::from(*value),
        View::Long(value) => *value as f64,
        View::Float(value) => f64::from(*value),
        View::Double(value) => *value,
        _ => return None,
    })
}

fn failures(view: &View<'_>, shape: &Shape) -> Vec<String> {
    if !has_constraints(shape) {
        return Vec::new();
    }
    let Constraints { min, max, pattern, enum_values } = &shape.constraints;
    let mut failures = Vec::new();
    if let Some(measure) = measure(view) {
        failures.extend(max.filter(|max| measure > *max).map(|max| at_most(max, shape)));
        failures.extend(min.filter(|min| measure < *min).map(|min| at_least(min, shape)));
    }
    if let View::String(value) = view {
        let fails = |pattern: &&'static str| !pattern::matches(pattern, value);
        failures.extend(pattern.filter(fails).map(matching));
        if !enum_values.is_empty() && !enum_values.contains(value) {
            failures.push(one_of(enum_values));
        }
    }
    failures
}

/// All that a shape asks of an item.
fn all_of(constraints: &Constraints, shape: &Shape) -> String {
    let mut all = Vec::new();
    all.extend(constraints.max.map(|max| at_most(max, shape)));
    all.extend(constraints.min.map(|min| at_least(min, shape)));
    all.extend(constraints.pattern.map(matching));
    if !constraints.enum_values.is_empty() {
        all.push(one_of(constraints.enum_values));
    }
    all.join(", ")
}

fn at_most(max: f64, shape: &Shape) -> String {
    format!("Member must have {} less than or equal to {}", measured(shape), bound(max))
}

fn at_least(min: f64, shape: &Shape) -> String {
    format!("Member must have {} greater than or equal to {}", measured(shape), bound(min))
}

fn matching(pattern: &'static str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

fn one_of(values: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

fn measured(shape: &Shape) -> &'static str {
    match shape.kind {
        Kind::Integer | Kind::Long | Kind::Float | Kind::Double => "value",
        _ => "length",
    }
}

fn bound(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return (number as i64).to_string();
    }
    text::double(number)
}

/// A value as messages show it; nothing of what is sensitive.
fn shown(view: &View<'_>, shape: &Shape) -> Option<String> {
    if shape.sensitive {
        return None;
    }
    let mut out = String::from("'");
    show(view, &mut out);
    if out.len() > LONGEST_VALUE {
        let end = (0..=LONGEST_VALUE).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
        out.truncate(end);
    }
    out.push('\'');
    Some(out)
}

fn show(view: &View<'_>, out: &mut String) {
    if out.len() > LONGEST_VALUE {
        return;
    }
    match view {
        View::Absent => out.push_str("null"),
        View::Boolean(value) => out.push_str(&value.to_string()),
        View::Integer(value) => out.push_str(&value.to_string()),
        View::Long(value) => out.push_str(&value.to_string()),
        View::Float(value) => out.push_str(&text::float(*value)),
        View::Double(value) => out.push_str(&text::double(*value)),
        View::String(value) => out.push_str(value),
        View::Blob(value) => {
            out.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", value.len()));
        }
        View::Stream(value) => out.push_str(&format!("{value:?}")),
        View::Timestamp(value) => out.push_str(&value.iso8601()),
        View::Document(_) => out.push_str("{}"),
        View::List(list) => {
            out.push('[');
            for index in 0..list.len() {
                if index > 0 {
                    out.push_str(", ");
                }
                show(&list.item(index).view(), out);
            }
            out.push(']');
        }
        View::Map(map) => {
            out.push('{');
            for (index, (key, node)) in map.entries().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(key);
                out.push('=');
                show(&node.view(), out);
            }
            out.push('}');
        }
        View::Struct(value) => show_structure(*value, out),
        View::Union(value) => {
            out.push_str(value.shape().name);
            out.push('(');
            if let Some((index, node)) = value.variant() {
                let member = &value.shape().members[index];
                show_member(member, &node.view(), out);
            }
            out.push(')');
        }
    }
}

fn show_structure(value: &dyn Struct, out: &mut String) {
    out.push_str(value.shape().name);
    out.push('(');
    for (index, member) in value.shape().members.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        show_member(member, &value.member(index).view(), out);
    }
    out.push(')');
}

fn show_member(member: &Member, view: &View<'_>, out: &mut String) {
    out.push_str(&render([Step::Member(member.name)].iter()));
    out.push('=');
    if member.shape.sensitive {
        out.push_str("***Sensitive Data Redacted***");
    } else {
        show(view, out);
    }
}
