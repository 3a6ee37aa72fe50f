//! Which required members a request left out.
//!
//! A required member is a plain value in the generated type, so once decoded nobody can tell an empty string from
//! an absent one. Decoders therefore note what was not there while they still know.

use std::borrow::Cow;

use shapes::StructShape;

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    Member(&'static str),
    /// Counted from zero; printed from one.
    Item(usize),
    Value(Cow<'a, str>),
}

/// The required members that a decoded input lacks.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    /// Innermost step first, because steps are added on the way out.
    paths: Vec<Vec<Step<'static>>>,
}

/// More than this many paths tell a client nothing new.
const MOST_PATHS: usize = 100;

impl Missing {
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Paths as AWS prints them, in the order of decoding: `tableName`, `entries.1.member.id`.
    pub fn paths(&self) -> Vec<String> {
        self.paths.iter().map(|steps| render(steps.iter().rev())).collect()
    }

    /// The model's names of top-level members that are missing: `TableName`.
    pub fn top_level(&self) -> impl Iterator<Item = &'static str> {
        self.paths.iter().filter_map(|steps| match steps[..] {
            [Step::Member(name)] => Some(name),
            _ => None,
        })
    }

    /// The model's names of the members themselves, wherever they are.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.paths.iter().filter_map(|steps| match steps.first() {
            Some(Step::Member(name)) => Some(*name),
            _ => None,
        })
    }

    pub(crate) fn mark(&self) -> usize {
        self.paths.len()
    }

    /// Puts `step` before every path that was noted since `mark`.
    pub(crate) fn leave(&mut self, mark: usize, step: impl Fn() -> Step<'static>) {
        for path in &mut self.paths[mark..] {
            path.push(step());
        }
    }

    /// Notes the required members of `shape` that are not in `seen`.
    pub(crate) fn note(&mut self, shape: &'static StructShape, seen: &Seen) {
        for (index, member) in shape.members.iter().enumerate() {
            if member.required && !seen.has(index) && self.paths.len() < MOST_PATHS {
                self.paths.push(vec![Step::Member(member.name)]);
            }
        }
    }
}

/// Renders steps from the outermost on.
pub(crate) fn render<'a>(steps: impl Iterator<Item = &'a Step<'a>>) -> String {
    let mut path = String::new();
    for step in steps {
        if !path.is_empty() {
            path.push('.');
        }
        match step {
            Step::Member(name) => push_lower_camel(&mut path, name),
            Step::Item(index) => {
                path.push_str(&(index + 1).to_string());
                path.push_str(".member");
            }
            Step::Value(key) => {
                path.push_str(key);
                path.push_str(".member");
            }
        }
    }
    path
}

fn push_lower_camel(path: &mut String, name: &str) {
    let mut characters = name.chars();
    path.extend(characters.next().map(|first| first.to_ascii_lowercase()));
    path.push_str(characters.as_str());
}

/// The members of one structure that were there.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    first: u64,
    /// Members from 64 on.
    rest: Vec<u64>,
}

impl Seen {
    /// Adds a member; `false` when it was there before.
    pub(crate) fn add(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        let word = match (index / 64).checked_sub(1) {
            None => &mut self.first,
            Some(word) => {
                if self.rest.len() <= word {
                    self.rest.resize(word + 1, 0);
                }
                &mut self.rest[word]
            }
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        let word = match (index / 64).checked_sub(1) {
            None => self.first,
            Some(word) => self.rest.get(word).copied().unwrap_or(0),
        };
        word & (1 << (index % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Missing, Seen, Step};

    #[test]
    fn paths_read_from_the_outside_in() {
        let mut missing = Missing { paths: vec![vec![Step::Member("Id")]] };
        missing.leave(0, || Step::Item(0));
        missing.leave(0, || Step::Member("Entries"));
        assert_eq!(missing.paths(), ["entries.1.member.id"]);
        assert_eq!(missing.top_level().count(), 0);
    }

    #[test]
    fn seen_holds_more_than_a_word() {
        let mut seen = Seen::default();
        assert!(seen.add(3) && seen.add(64) && seen.add(200));
        assert!(!seen.add(200));
        assert!(seen.has(3) && seen.has(64) && seen.has(200) && !seen.has(4) && !seen.has(1000));
    }
}
