//! Projection expressions: which parts of an item to return.

use std::collections::BTreeMap;

use super::error::{ExpressionError, Kind};
use super::parser::Parser;
use super::path::{Element, Path};
use super::placeholders::Placeholders;
use crate::item::Item;
use crate::value::Value;

/// Paths that do not overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection<'a> {
    pub paths: Vec<Path<'a>>,
}

impl<'a> Projection<'a> {
    pub fn parse(text: &'a str, placeholders: &Placeholders<'a>) -> Result<Self, ExpressionError> {
        Parser::run(Kind::Projection, text, placeholders, |parser| {
            let paths = parser.list(Parser::path)?;
            parser.check_paths(paths.iter());
            Ok(Self { paths })
        })
    }

    /// The legacy AttributesToGet: top-level attributes.
    pub fn of_attributes(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { paths: names.into_iter().map(Path::top).collect() }
    }

    /// Whether the projection reads anything of a top-level attribute.
    pub fn touches(&self, attribute: &str) -> bool {
        self.paths.iter().any(|path| path.attribute == attribute)
    }

    /// The projected parts that exist. Elements of a list keep their order and close the gaps between them.
    pub fn project(&self, item: &Item) -> Item {
        let mut parts: BTreeMap<&str, Part<'_>> = BTreeMap::new();
        for path in &self.paths {
            let Some(value) = path.resolve(item) else { continue };
            match path.elements.split_first() {
                None => drop(parts.insert(path.attribute, Part::Whole(value))),
                Some((first, rest)) => {
                    parts
                        .entry(path.attribute)
                        .or_insert_with(|| Part::around(first))
                        .place(first, rest, value);
                }
            }
        }
        parts.into_iter().map(|(name, part)| (name.to_owned(), part.into_value())).collect()
    }
}

/// A value under construction.
enum Part<'v> {
    Whole(&'v Value),
    Map(BTreeMap<&'v str, Part<'v>>),
    List(BTreeMap<usize, Part<'v>>),
}

impl<'v> Part<'v> {
    fn around(element: &Element<'_>) -> Self {
        match element {
            Element::Member(_) => Self::Map(BTreeMap::new()),
            Element::Index(_) => Self::List(BTreeMap::new()),
        }
    }

    fn place(&mut self, element: &Element<'v>, rest: &[Element<'v>], value: &'v Value) {
        let leaf_or_inner = || rest.first().map_or(Part::Whole(value), Part::around);
        let inner = match (self, element) {
            (Self::Map(map), Element::Member(name)) => map.entry(name).or_insert_with(leaf_or_inner),
            (Self::List(list), Element::Index(index)) => list.entry(*index).or_insert_with(leaf_or_inner),
            // Paths of a projection neither overlap nor conflict.
            _ => return,
        };
        if let Some((next, rest)) = rest.split_first() {
            inner.place(next, rest, value);
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Whole(value) => value.clone(),
            Self::Map(map) => {
                Value::M(map.into_iter().map(|(name, part)| (name.to_owned(), part.into_value())).collect())
            }
            Self::List(list) => Value::L(list.into_values().map(Part::into_value).collect()),
        }
    }
}
