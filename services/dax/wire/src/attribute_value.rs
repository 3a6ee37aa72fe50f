//! Attribute values in CBOR: lists are arrays, maps are maps, sets are tagged arrays.

use dynamodb_api::AttributeValue;
use shapes::{Blob, Map};

use crate::WireError::{self, Malformed};
use crate::cbor::{ARRAY, BYTES, MAP, SIMPLE, TAG, TEXT};
use crate::{Decoder, Encoder, number};

pub(crate) const STRING_SET: u64 = 3321;
const NUMBER_SET: u64 = 3322;
const BINARY_SET: u64 = 3323;

/// How deep lists and maps may lie in each other (Amazon DynamoDB Developer Guide, "Quotas": 32 levels), with room
/// for DynamoDB to say so itself.
const MAXIMUM_DEPTH: usize = 64;

/// Values in one value: each takes at least a byte of an item's 400 KiB, however little of the request it takes.
const MAXIMUM_VALUES: usize = 400 << 10;

pub fn decode_value(decoder: &mut Decoder<'_>) -> Result<AttributeValue, WireError> {
    decode_within(decoder, 0, &mut 0)
}

fn decode_within(
    decoder: &mut Decoder<'_>,
    depth: usize,
    count: &mut usize,
) -> Result<AttributeValue, WireError> {
    if depth > MAXIMUM_DEPTH {
        return Err(Malformed("a value has too many levels"));
    }
    *count += 1;
    if *count > MAXIMUM_VALUES {
        return Err(Malformed("a value has too many values in it"));
    }
    match decoder.major()? {
        TEXT => Ok(AttributeValue::S(decoder.text()?.to_owned())),
        BYTES => Ok(AttributeValue::B(Blob::copy_from_slice(decoder.bytes()?))),
        ARRAY => {
            let mut values = Vec::new();
            let length = decoder.array()?;
            while decoder.has_more(length, values.len())? {
                values.push(decode_within(decoder, depth + 1, count)?);
            }
            Ok(AttributeValue::L(values))
        }
        MAP => {
            let mut values = Map::new();
            let length = decoder.map()?;
            let mut seen = 0;
            while decoder.has_more(length, seen)? {
                let name = decoder.text()?.to_owned();
                values.insert(name, decode_within(decoder, depth + 1, count)?);
                seen += 1;
            }
            Ok(AttributeValue::M(values))
        }
        SIMPLE if matches!(decoder.peek()?, 0xF4 | 0xF5) => Ok(AttributeValue::Bool(decoder.boolean()?)),
        SIMPLE if decoder.null()? => Ok(AttributeValue::Null(true)),
        TAG => decode_tagged(decoder),
        _ => number::decode(decoder).map(AttributeValue::N),
    }
}

fn decode_tagged(decoder: &mut Decoder<'_>) -> Result<AttributeValue, WireError> {
    let mut ahead = *decoder;
    match ahead.tag()? {
        STRING_SET => {
            *decoder = ahead;
            Ok(AttributeValue::Ss(members(decoder, |decoder| decoder.text().map(str::to_owned))?))
        }
        NUMBER_SET => {
            *decoder = ahead;
            Ok(AttributeValue::Ns(members(decoder, number::decode)?))
        }
        BINARY_SET => {
            *decoder = ahead;
            Ok(AttributeValue::Bs(members(decoder, |decoder| decoder.bytes().map(Blob::copy_from_slice))?))
        }
        _ => number::decode(decoder).map(AttributeValue::N),
    }
}

fn members<T>(
    decoder: &mut Decoder<'_>,
    member: impl Fn(&mut Decoder<'_>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let mut members = Vec::new();
    let length = decoder.array()?;
    while decoder.has_more(length, members.len())? {
        members.push(member(decoder)?);
    }
    Ok(members)
}

pub fn encode_value(encoder: &mut Encoder, value: &AttributeValue) -> Result<(), WireError> {
    match value {
        AttributeValue::S(text) => encoder.text(text),
        AttributeValue::N(text) => number::encode(encoder, text)?,
        AttributeValue::B(bytes) => encoder.bytes(bytes),
        AttributeValue::Bool(value) => encoder.boolean(*value),
        AttributeValue::Null(_) => encoder.null(),
        AttributeValue::L(values) => {
            encoder.array(values.len());
            for value in values {
                encode_value(encoder, value)?;
            }
        }
        AttributeValue::M(values) => {
            encoder.map(values.len());
            for (name, value) in values {
                encoder.text(name);
                encode_value(encoder, value)?;
            }
        }
        AttributeValue::Ss(members) => {
            encoder.tag(STRING_SET);
            encoder.array(members.len());
            members.iter().for_each(|member| encoder.text(member));
        }
        AttributeValue::Ns(members) => {
            encoder.tag(NUMBER_SET);
            encoder.array(members.len());
            for member in members {
                number::encode(encoder, member)?;
            }
        }
        AttributeValue::Bs(members) => {
            encoder.tag(BINARY_SET);
            encoder.array(members.len());
            members.iter().for_each(|member| encoder.bytes(member));
        }
        AttributeValue::Unset => return Err(Malformed("a value of no type")),
    }
    Ok(())
}
