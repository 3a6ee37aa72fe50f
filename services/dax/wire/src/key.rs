//! Keys: a hash key alone is its bare bytes; with a range key, the hash key in CBOR and the bare range key behind it.

use dynamodb_api::AttributeValue;
use shapes::{Blob, Map};

use crate::WireError::{self, Malformed};
use crate::number::{self, Decimal};
use crate::{Decoder, Encoder, decode_value, encode_value, lex_decimal};

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Text,
    Number,
    Binary,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    pub name: String,
    pub kind: KeyKind,
}

/// A table's key attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    pub hash: KeyPart,
    pub range: Option<KeyPart>,
}

impl KeyKind {
    /// Reads `S`, `N` or `B`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "S" => Some(Self::Text),
            "N" => Some(Self::Number),
            "B" => Some(Self::Binary),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "S",
            Self::Number => "N",
            Self::Binary => "B",
        }
    }

    fn bare(self, bytes: &[u8]) -> Result<AttributeValue, WireError> {
        match self {
            Self::Text => text(bytes).map(|text| AttributeValue::S(text.to_owned())),
            Self::Binary => Ok(AttributeValue::B(Blob::copy_from_slice(bytes))),
            Self::Number => Ok(AttributeValue::N(lex_decimal::decode(bytes)?.text())),
        }
    }
}

impl KeySchema {
    pub fn parts(&self) -> impl Iterator<Item = &KeyPart> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub fn has(&self, attribute: &str) -> bool {
        self.parts().any(|part| part.name == attribute)
    }
}

pub fn decode_key(schema: &KeySchema, bytes: &[u8]) -> Result<Map<AttributeValue>, WireError> {
    let mut key = Map::new();
    let hash = &schema.hash;
    let Some(range) = &schema.range else {
        let value = match hash.kind {
            KeyKind::Number => AttributeValue::N(number::decode(&mut Decoder::new(bytes))?),
            kind => kind.bare(bytes)?,
        };
        key.insert(hash.name.clone(), value);
        return Ok(key);
    };
    let mut decoder = Decoder::new(bytes);
    let value = match hash.kind {
        KeyKind::Text => AttributeValue::S(decoder.text()?.to_owned()),
        KeyKind::Binary => AttributeValue::B(Blob::copy_from_slice(decoder.bytes()?)),
        KeyKind::Number => AttributeValue::N(number::decode(&mut decoder)?),
    };
    key.insert(hash.name.clone(), value);
    key.insert(range.name.clone(), range.kind.bare(decoder.rest())?);
    Ok(key)
}

/// The key of an item, or of a key with more attributes.
pub fn encode_key(schema: &KeySchema, item: &Map<AttributeValue>) -> Result<Vec<u8>, WireError> {
    let missing = Malformed("an item lacks an attribute of its key");
    let hash = item.get(&schema.hash.name).ok_or(missing)?;
    let mut encoder = Encoder::default();
    let Some(range) = &schema.range else {
        match hash {
            AttributeValue::S(text) => encoder.raw(text.as_bytes()),
            AttributeValue::B(bytes) => encoder.raw(bytes),
            value => encode_value(&mut encoder, value)?,
        }
        return Ok(encoder.0);
    };
    encode_value(&mut encoder, hash)?;
    match item.get(&range.name).ok_or(missing)? {
        AttributeValue::S(text) => encoder.raw(text.as_bytes()),
        AttributeValue::B(bytes) => encoder.raw(bytes),
        AttributeValue::N(text) => {
            let number = Decimal::parse(text).ok_or(Malformed("a number that is none"))?;
            lex_decimal::encode(&number, &mut encoder.0)?;
        }
        _ => return Err(Malformed("a key attribute of another type")),
    }
    Ok(encoder.0)
}

/// Keys of indexes say the names of their attributes.
pub fn decode_compound_key(bytes: &[u8]) -> Result<Map<AttributeValue>, WireError> {
    match decode_value(&mut Decoder::new(bytes))? {
        AttributeValue::M(key) => Ok(key),
        _ => Err(Malformed("a key of an index is a map")),
    }
}

pub fn encode_compound_key(key: &Map<AttributeValue>) -> Result<Vec<u8>, WireError> {
    let mut encoder = Encoder::default();
    encoder.open_map();
    for (name, value) in key {
        encoder.text(name);
        encode_value(&mut encoder, value)?;
    }
    encoder.end();
    Ok(encoder.0)
}

fn text(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("text that is not UTF-8"))
}
