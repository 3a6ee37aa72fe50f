//! Projection expressions: paths, and what of an item they lead to. Answers name a value by its path's ordinal.

use dynamodb_api::AttributeValue;
use shapes::Map;

use crate::WireError::{self, Malformed};
use crate::{Decoder, Encoder, encode_value};

/// The form of expressions that the clients write.
pub(crate) const FORMAT: i64 = 1;
const DOCUMENT_PATH: i64 = 18;
const ORDINAL: u64 = 3324;
/// Paths in one expression, beyond what 4 KiB of text can hold.
const MAXIMUM_PATHS: usize = 4096;
/// Elements of one path.
const MAXIMUM_ELEMENTS: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathElement {
    Name(String),
    Index(usize),
}

pub type Path = Vec<PathElement>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection(pub Vec<Path>);

impl Projection {
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_of(2)?;
        if decoder.integer()? != FORMAT {
            return Err(Malformed("an expression of an unknown form"));
        }
        let mut paths = Vec::new();
        let length = decoder.array()?;
        while decoder.has_more(length, paths.len())? {
            if paths.len() == MAXIMUM_PATHS {
                return Err(Malformed("an expression with too many paths"));
            }
            paths.push(parse_path(&mut decoder)?);
        }
        Ok(Self(paths))
    }

    /// What the paths lead to in `item`, as the map that answers carry.
    pub fn encode(&self, item: &Map<AttributeValue>, is_projected: bool) -> Result<Vec<u8>, WireError> {
        let mut found = Vec::with_capacity(self.0.len());
        for (ordinal, path) in self.0.iter().enumerate() {
            if let Some(value) = self.find(path, item, is_projected) {
                found.push((ordinal, value));
            }
        }
        let mut encoder = Encoder::default();
        encoder.map(found.len());
        for (ordinal, value) in found {
            encoder.integer(i64::try_from(ordinal).map_err(|_| Malformed("too many paths"))?);
            encode_value(&mut encoder, value)?;
        }
        Ok(encoder.0)
    }

    /// Lists of an item that was projected already hold only the elements that were asked for, moved together.
    fn find<'v>(
        &self,
        path: &Path,
        item: &'v Map<AttributeValue>,
        is_projected: bool,
    ) -> Option<&'v AttributeValue> {
        let (PathElement::Name(first), rest) = path.split_first()? else { return None };
        let mut value = item.get(first)?;
        for (depth, element) in rest.iter().enumerate() {
            value = match (element, value) {
                (PathElement::Name(name), AttributeValue::M(map)) => map.get(name)?,
                (PathElement::Index(index), AttributeValue::L(list)) => {
                    let place = if is_projected { self.rank(&path[..=depth], *index) } else { *index };
                    list.get(place)?
                }
                _ => return None,
            };
        }
        Some(value)
    }

    /// How many elements of the list at `prefix` before `index` are asked for.
    fn rank(&self, prefix: &[PathElement], index: usize) -> usize {
        let mut before = Vec::new();
        for path in &self.0 {
            match path.get(prefix.len()) {
                Some(PathElement::Index(other)) if *other < index && path.starts_with(prefix) => {
                    before.push(*other);
                }
                _ => {}
            }
        }
        before.sort_unstable();
        before.dedup();
        before.len()
    }
}

/// Reads `[18, "name", 3324(index), ...]`.
pub(crate) fn parse_path(decoder: &mut Decoder<'_>) -> Result<Path, WireError> {
    let length = decoder.array()?;
    if decoder.integer()? != DOCUMENT_PATH {
        return Err(Malformed("a document path was expected"));
    }
    let mut path = Vec::new();
    while decoder.has_more(length, path.len() + 1)? {
        if path.len() == MAXIMUM_ELEMENTS {
            return Err(Malformed("a document path is too long"));
        }
        path.push(if decoder.major()? == crate::cbor::TAG {
            if decoder.tag()? != ORDINAL {
                return Err(Malformed("a document path is made of names and indexes"));
            }
            let index = usize::try_from(decoder.integer()?);
            PathElement::Index(index.map_err(|_| Malformed("an index is out of bounds"))?)
        } else {
            PathElement::Name(decoder.text()?.to_owned())
        });
    }
    match path.first() {
        Some(PathElement::Name(_)) => Ok(path),
        _ => Err(Malformed("a document path begins with a name")),
    }
}
