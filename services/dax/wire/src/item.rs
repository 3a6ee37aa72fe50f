//! Items: the id of the list of their attributes' names, and the values in that list's order. The key is not among them.

use dynamodb_api::AttributeValue;
use shapes::Map;

use crate::WireError::{self, Malformed};
use crate::{Decoder, Encoder, decode_value, encode_value};

/// Reads which list of names an item goes by, and the bytes of its values.
pub fn decode_attributes(bytes: &[u8]) -> Result<(i64, &[u8]), WireError> {
    let mut decoder = Decoder::new(bytes);
    let id = decoder.integer()?;
    Ok((id, decoder.rest()))
}

/// Adds the values of an item to `item` under their names.
pub fn decode_item(names: &[String], values: &[u8], item: &mut Map<AttributeValue>) -> Result<(), WireError> {
    let mut decoder = Decoder::new(values);
    for name in names {
        item.insert(name.clone(), decode_value(&mut decoder)?);
    }
    if decoder.is_at_end() { Ok(()) } else { Err(Malformed("an item has more values than names")) }
}

/// The item under the list `id`, whose names are `names`; all of them are attributes of the item.
pub fn encode_attributes(
    id: i64,
    names: &[String],
    item: &Map<AttributeValue>,
) -> Result<Vec<u8>, WireError> {
    let mut encoder = Encoder::default();
    encoder.integer(id);
    for name in names {
        let value = item.get(name).ok_or(Malformed("an item lacks an attribute of its list"))?;
        encode_value(&mut encoder, value)?;
    }
    Ok(encoder.0)
}
