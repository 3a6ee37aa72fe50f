//! Reading items from DynamoDB JSON.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

use crate::item::Item;
use crate::value::Value;

/// The item in a line of an import: `{"Item":{...}}`. The error tells people what is wrong with it.
pub(crate) fn read_line(line: &str) -> Result<Item, String> {
    let json: Json = serde_json::from_str(line).map_err(|_| "Unexpected token".to_owned())?;
    let Json::Object(mut top) = json else { return Err("Unexpected token".to_owned()) };
    let Some(Json::Object(attributes)) = top.remove("Item") else {
        return Err("Expected 'Item' top level container".to_owned());
    };
    attributes.into_iter().map(|(name, value)| Ok((name, read_value(value)?))).collect()
}

fn read_value(json: Json) -> Result<Value, String> {
    let not_a_value =
        || "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
    let Json::Object(members) = json else { return Err(not_a_value().to_owned()) };
    let mut members = members.into_iter();
    let (Some((kind, content)), None) = (members.next(), members.next()) else {
        return Err(not_a_value().to_owned());
    };
    let value = match (kind.as_str(), content) {
        ("S", Json::String(text)) => Ok(Value::S(text)),
        ("N", Json::String(text)) => Value::number(&text),
        ("B", Json::String(text)) => Ok(Value::B(binary(&text)?)),
        ("SS", Json::Array(members)) => Value::string_set(strings(members)?),
        ("NS", Json::Array(members)) => Value::number_set(&strings(members)?),
        ("BS", Json::Array(members)) => {
            let texts = strings(members)?;
            Value::binary_set(texts.iter().map(|text| binary(text)).collect::<Result<_, _>>()?)
        }
        ("L", Json::Array(members)) => {
            Ok(Value::L(members.into_iter().map(read_value).collect::<Result<_, _>>()?))
        }
        ("M", Json::Object(members)) => {
            let members = members.into_iter().map(|(name, value)| Ok((name, read_value(value)?)));
            Ok(Value::M(members.collect::<Result<BTreeMap<_, _>, String>>()?))
        }
        ("NULL", Json::Bool(true)) => Ok(Value::Null),
        ("BOOL", Json::Bool(value)) => Ok(Value::Bool(value)),
        _ => return Err(not_a_value().to_owned()),
    };
    value.map_err(|error| error.to_string())
}

fn strings(members: Vec<Json>) -> Result<Vec<String>, String> {
    let texts = members.into_iter().map(|member| match member {
        Json::String(text) => Ok(text),
        _ => Err("Members of a set must be strings".to_owned()),
    });
    texts.collect()
}

fn binary(text: &str) -> Result<bytes::Bytes, String> {
    BASE64.decode(text).map(Into::into).map_err(|_| "Binary values must be base64 encoded".to_owned())
}
