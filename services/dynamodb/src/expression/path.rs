//! Document paths: `a`, `a.b`, `a[0].c`.

use std::fmt;

use crate::item::Item;
use crate::value::Value;

/// A path into an item: an attribute, then members of maps and elements of lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path<'a> {
    pub attribute: &'a str,
    pub elements: Vec<Element<'a>>,
}

/// One step into a map or a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element<'a> {
    Member(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The path of a top-level attribute.
    pub fn top(attribute: &'a str) -> Self {
        Self { attribute, elements: Vec::new() }
    }

    /// The value at the path.
    pub fn resolve<'i>(&self, item: &'i Item) -> Option<&'i Value> {
        let mut value = item.get(self.attribute)?;
        for element in &self.elements {
            value = match (element, value) {
                (Element::Member(name), Value::M(map)) => map.get(*name)?,
                (Element::Index(index), Value::L(list)) => list.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// As in AWS's messages: `[a, b, [0]]`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.attribute)?;
        for element in &self.elements {
            match element {
                Element::Member(name) => write!(f, ", {name}")?,
                Element::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

/// How two paths stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Apart,
    /// One is the other or leads into it.
    Overlap,
    /// One takes for a map what the other takes for a list.
    Conflict,
}

pub(super) fn relation(a: &Path<'_>, b: &Path<'_>) -> Relation {
    if a.attribute != b.attribute {
        return Relation::Apart;
    }
    for pair in a.elements.iter().zip(&b.elements) {
        match pair {
            (x, y) if x == y => {}
            (Element::Member(_), Element::Member(_)) | (Element::Index(_), Element::Index(_)) => {
                return Relation::Apart;
            }
            _ => return Relation::Conflict,
        }
    }
    Relation::Overlap
}
