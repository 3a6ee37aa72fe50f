//! Many patterns matched at once.
//!
//! A pattern can only match an event that has one of a few values in some field. Each pattern is filed under the field
//! and the values that the fewest other patterns are filed under, so that an event is compared with the patterns that
//! its own values lead to, however many there are. What no value leads to (ranges, `exists`, `anything-but`) is compared
//! with every event.

use std::collections::HashMap;

use serde_json::Value;

use crate::EventPattern;
use crate::clue::{Clue, Clues, Finder};

/// Patterns, found by the events that match them.
#[derive(Debug, Default)]
pub struct PatternSet {
    patterns: Vec<EventPattern>,
    root: Field,
    /// Patterns that any event may match.
    everywhere: Vec<usize>,
}

/// What is filed under a field and below it.
#[derive(Debug, Default)]
struct Field {
    inner: HashMap<String, Field>,
    finder: Finder,
}

impl PatternSet {
    pub fn new(patterns: Vec<EventPattern>) -> Self {
        let mut counts: HashMap<Clue, usize> = HashMap::new();
        for pattern in &patterns {
            pattern.each_clue(&mut |clue| *counts.entry(clue).or_default() += 1);
        }
        let cost = |clue: &Clue| counts.get(clue).copied().unwrap_or(1);
        let mut set = Self::default();
        for (index, pattern) in patterns.iter().enumerate() {
            match pattern.best_clues(&cost) {
                Some(clues) => set.file(index, clues),
                None => set.everywhere.push(index),
            }
        }
        set.patterns = patterns;
        set
    }

    fn file(&mut self, index: usize, clues: Clues) {
        for clue in clues {
            let mut field = &mut self.root;
            for name in clue.path {
                field = field.inner.entry(name).or_default();
            }
            field.finder.add(clue.sought, index);
        }
    }

    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The indexes of the patterns that `event` matches, in their order.
    pub fn matches(&self, event: &Value) -> Vec<usize> {
        let mut candidates = self.candidates(event);
        candidates.retain(|index| self.patterns[*index].matches(event));
        candidates
    }

    /// The indexes of the patterns that `event` is compared with as a whole: those that it matches, and others that one of
    /// its values leads to. What matching costs grows with their number.
    pub fn candidates(&self, event: &Value) -> Vec<usize> {
        let mut candidates = self.everywhere.clone();
        self.root.visit(event, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }
}

impl Field {
    fn visit(&self, part: &Value, found: &mut Vec<usize>) {
        match part {
            Value::Array(parts) => parts.iter().for_each(|part| self.visit(part, found)),
            Value::Object(fields) => {
                // The smaller side leads: events may have many fields, and patterns may name many.
                if self.inner.len() < fields.len() {
                    for (name, inner) in &self.inner {
                        if let Some(part) = fields.get(name) {
                            inner.visit(part, found);
                        }
                    }
                } else {
                    for (name, part) in fields {
                        if let Some(inner) = self.inner.get(name) {
                            inner.visit(part, found);
                        }
                    }
                }
            }
            value => self.finder.find(value, found),
        }
    }
}
