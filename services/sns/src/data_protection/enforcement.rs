//! What a policy does with a message.

use std::ops::Range;

use super::policy::{Audit, Named, Operation, Policy, Principals, Statement};
use crate::message::{AttributeContent, Message};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From publishers.
    Inbound,
    /// To subscribers.
    Outbound,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Protected {
    /// It goes on, with what was found masked or taken out.
    Passes {
        is_changed: bool,
    },
    Denied,
}

/// What was found in a message's texts, of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub name: String,
    /// Positions in characters, from 1.
    pub detections: Vec<(usize, usize)>,
}

impl Principals {
    fn include(&self, arn: &str) -> bool {
        let is = |one: &String| {
            let account = arn.split(':').nth(4).unwrap_or_default();
            one == arn || one == "*" || *one == account || *one == format!("arn:aws:iam::{account}:root")
        };
        match self {
            Self::All => true,
            Self::These(these) => these.iter().any(is),
            Self::AllBut(others) => !others.iter().any(is),
        }
    }
}

impl Policy {
    /// Masks, takes out or refuses what a message has of the data that the policy names, for who publishes or who
    /// subscribed. A denial comes first: nothing of a message that is refused needs to be changed.
    pub(crate) fn protect(&self, direction: Direction, who: &str, message: &mut Message) -> Protected {
        let statements: Vec<&Statement> = self
            .statements
            .iter()
            .filter(|statement| statement.direction == direction && statement.principals.include(who))
            .collect();
        for statement in &statements {
            if matches!(statement.operation, Operation::Deny) && !findings(statement, message).is_empty() {
                return Protected::Denied;
            }
        }
        let mut is_changed = false;
        for statement in &statements {
            let mask = match statement.operation {
                Operation::Mask(letter) => Some(letter),
                Operation::Redact => None,
                Operation::Deny | Operation::Audit(_) => continue,
            };
            for text in texts_mut(message) {
                is_changed |= replace(text, &statement.identifiers, mask);
            }
        }
        Protected::Passes { is_changed }
    }

    /// The audit of a message by who publishes it, and what it found.
    pub(crate) fn audit(&self, who: &str, message: &Message) -> Option<(&Audit, Vec<Finding>)> {
        self.statements.iter().find_map(|statement| match &statement.operation {
            Operation::Audit(audit) if statement.principals.include(who) => {
                Some((audit, findings(statement, message)))
            }
            _ => None,
        })
    }

    pub(crate) fn has(&self, direction: Direction) -> bool {
        self.statements.iter().any(|statement| statement.direction == direction)
    }
}

/// All texts of a message that subscribers get: the payload, its variants for protocols, and text attributes.
fn texts(message: &Message) -> impl Iterator<Item = &String> {
    let attributes = message.attributes.values().filter_map(|attribute| match &attribute.value {
        AttributeContent::Text(text) if !attribute.data_type.starts_with("Number") => Some(text),
        _ => None,
    });
    std::iter::once(&message.body).chain(message.bodies.values()).chain(attributes)
}

fn texts_mut(message: &mut Message) -> impl Iterator<Item = &mut String> {
    let attributes = message.attributes.values_mut().filter_map(|attribute| {
        let is_number = attribute.data_type.starts_with("Number");
        match &mut attribute.value {
            AttributeContent::Text(text) if !is_number => Some(text),
            _ => None,
        }
    });
    std::iter::once(&mut message.body).chain(message.bodies.values_mut()).chain(attributes)
}

fn ranges(text: &str, identifier: &Named) -> Vec<Range<usize>> {
    identifier.found_by.iter().flat_map(|found_by| found_by.find(text)).collect()
}

fn findings(statement: &Statement, message: &Message) -> Vec<Finding> {
    let of = |identifier: &Named| {
        let mut detections = Vec::new();
        for text in texts(message) {
            for range in ranges(text, identifier) {
                let start = text[..range.start].chars().count() + 1;
                detections.push((start, start + text[range].chars().count() - 1));
            }
        }
        let name = identifier.name.clone();
        (!detections.is_empty()).then_some(Finding { name, detections })
    };
    statement.identifiers.iter().filter_map(of).collect()
}

/// Puts the mask's character in place of each character found, or takes them out. Whether there was anything.
fn replace(text: &mut String, identifiers: &[Named], mask: Option<char>) -> bool {
    let mut found: Vec<Range<usize>> =
        identifiers.iter().flat_map(|identifier| ranges(text, identifier)).collect();
    if found.is_empty() {
        return false;
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut replaced = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        // Of what overlaps the rest is replaced as well.
        let start = range.start.max(done);
        if range.end <= done {
            continue;
        }
        replaced.push_str(&text[done..start]);
        if let Some(mask) = mask {
            replaced.extend(text[start..range.end].chars().map(|_| mask));
        }
        done = range.end;
    }
    replaced.push_str(&text[done..]);
    *text = replaced;
    true
}

#[cfg(test)]
mod tests {
    use sensitive_data::Identifier;

    use super::super::policy::Named;
    use super::replace;

    #[test]
    fn what_overlaps_is_replaced_once_and_whole() {
        let named = |pattern: &str| Named {
            name: pattern.to_owned(),
            found_by: vec![Identifier::custom(pattern).unwrap()],
        };
        let identifiers = [named("bcd"), named("cde+"), named("ä")];
        for (mask, expected) in [(Some('#'), "a#####f#b"), (None, "afb")] {
            let mut text = "abcdeefäb".to_owned();
            assert!(replace(&mut text, &identifiers, mask));
            assert_eq!(text, expected);
        }
        assert!(!replace(&mut "xyz".to_owned(), &identifiers, None));
    }
}
