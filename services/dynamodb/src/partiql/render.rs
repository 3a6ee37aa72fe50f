//! Trees of statements as the expressions of the other operations, with placeholders for every name and value.

use shapes::Map;

use super::syntax::{Change, Condition, Operand, Path, Source, Step};
use crate::item::Item;
use crate::value::Value;

/// What the placeholders of the rendered texts stand for.
#[derive(Debug, Default)]
pub(super) struct Rendering {
    names: Map<String>,
    values: Item,
}

impl Rendering {
    pub(super) fn names(&self) -> Option<Map<String>> {
        Some(self.names.clone()).filter(|names| !names.is_empty())
    }

    pub(super) fn values(self) -> Option<Item> {
        Some(self.values).filter(|values| !values.is_empty())
    }

    fn name(&mut self, name: &str) -> String {
        if let Some((key, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return key.clone();
        }
        let key = format!("#n{}", self.names.len());
        self.names.insert(key.clone(), name.to_owned());
        key
    }

    fn value(&mut self, value: &Value) -> String {
        let key = format!(":v{}", self.values.len());
        self.values.insert(key.clone(), value.clone());
        key
    }

    pub(super) fn path(&mut self, path: &Path) -> String {
        let mut text = self.name(&path.attribute);
        for step in &path.steps {
            match step {
                Step::Member(name) => {
                    text.push('.');
                    text.push_str(&self.name(name));
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Path(path) => self.path(path),
            Operand::Value(value) => self.value(value),
            Operand::Size(path) => format!("size({})", self.path(path)),
        }
    }

    pub(super) fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::And(parts) => self.joined(parts, " AND "),
            Condition::Or(parts) => self.joined(parts, " OR "),
            Condition::Not(inner) => format!("NOT {}", self.part(inner)),
            Condition::Compare { comparator, left, right } => {
                format!("{} {comparator} {}", self.operand(left), self.operand(right))
            }
            Condition::Between { operand, low, high } => {
                format!("{} BETWEEN {} AND {}", self.operand(operand), self.operand(low), self.operand(high))
            }
            Condition::In { operand, choices } => {
                let operand = self.operand(operand);
                let choices: Vec<_> = choices.iter().map(|choice| self.operand(choice)).collect();
                format!("{operand} IN ({})", choices.join(", "))
            }
            Condition::Missing(path) => format!("attribute_not_exists({})", self.path(path)),
            Condition::Null(path) => {
                let null = self.value(&Value::string("NULL"));
                format!("attribute_type({}, {null})", self.path(path))
            }
            Condition::Call { function, path, argument } => {
                format!("{function}({}, {})", self.path(path), self.value(argument))
            }
        }
    }

    fn joined(&mut self, parts: &[Condition], word: &str) -> String {
        parts.iter().map(|part| self.part(part)).collect::<Vec<_>>().join(word)
    }

    /// A part of a larger condition, in parentheses where it needs them.
    fn part(&mut self, condition: &Condition) -> String {
        let text = self.condition(condition);
        match condition {
            Condition::And(_) | Condition::Or(_) | Condition::Not(_) | Condition::Between { .. } => {
                format!("({text})")
            }
            _ => text,
        }
    }

    pub(super) fn update(&mut self, changes: &[Change]) -> String {
        let mut sections: [(&str, Vec<String>); 4] =
            [("SET", vec![]), ("REMOVE", vec![]), ("ADD", vec![]), ("DELETE", vec![])];
        for change in changes {
            let (section, text) = match change {
                Change::Set(path, source) => (0, format!("{} = {}", self.path(path), self.source(source))),
                Change::Remove(path) => (1, self.path(path)),
                Change::SetAdd(path, members) => (2, format!("{} {}", self.path(path), self.value(members))),
                Change::SetDelete(path, members) => {
                    (3, format!("{} {}", self.path(path), self.value(members)))
                }
            };
            sections[section].1.push(text);
        }
        let sections = sections.into_iter().filter(|(_, texts)| !texts.is_empty());
        sections.map(|(word, texts)| format!("{word} {}", texts.join(", "))).collect::<Vec<_>>().join(" ")
    }

    fn source(&mut self, source: &Source) -> String {
        match source {
            Source::Operand(operand) => self.operand(operand),
            Source::Sum { left, operator, right } => {
                format!("{} {operator} {}", self.operand(left), self.operand(right))
            }
            Source::ListAppend(first, second) => {
                format!("list_append({}, {})", self.operand(first), self.operand(second))
            }
            Source::IfNotExists(path, default) => {
                format!("if_not_exists({}, {})", self.path(path), self.operand(default))
            }
        }
    }
}
