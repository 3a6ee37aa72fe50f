//! Attribute values as the APIs spell them, and as the domain has them.

use bytes::Bytes;
use shapes::{ApiError, Map};

use crate::errors::validation;
use crate::item::{FromRow, Item};
use crate::number::Number;
use crate::value::Value;

/// The domain's value of the API's.
pub(crate) fn from_api(value: dynamodb_api::AttributeValue) -> Result<Value, ApiError> {
    use dynamodb_api::AttributeValue as Api;
    Ok(match value {
        Api::S(text) => Value::S(text),
        Api::N(text) => Value::N(Number::parse(&text).map_err(validation)?),
        Api::B(bytes) => Value::B(bytes),
        Api::Ss(members) => Value::string_set(members).map_err(validation)?,
        Api::Ns(members) => Value::number_set(&members).map_err(validation)?,
        Api::Bs(members) => Value::binary_set(members).map_err(validation)?,
        Api::M(members) => Value::M(
            members
                .into_iter()
                .map(|(name, value)| Ok((name, from_api(value)?)))
                .collect::<Result<_, ApiError>>()?,
        ),
        Api::L(members) => Value::L(members.into_iter().map(from_api).collect::<Result<_, _>>()?),
        Api::Null(true) => Value::Null,
        Api::Null(false) => {
            return Err(validation(
                "One or more parameter values were invalid: Null attribute value types must have the value of true",
            ));
        }
        Api::Bool(value) => Value::Bool(value),
        Api::Unset => {
            return Err(validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        }
    })
}

macro_rules! to_api {
    ($api:ident, $into:ident) => {
        /// The API's value of the domain's.
        pub(crate) fn $into(value: Value) -> $api::AttributeValue {
            use $api::AttributeValue as Api;
            match value {
                Value::S(text) => Api::S(text),
                Value::N(number) => Api::N(number.to_string()),
                Value::B(bytes) => Api::B(bytes),
                Value::Ss(members) => Api::Ss(members.into_vec()),
                Value::Ns(members) => Api::Ns(members.iter().map(ToString::to_string).collect()),
                Value::Bs(members) => Api::Bs(members.into_vec()),
                Value::M(members) => {
                    Api::M(members.into_iter().map(|(name, value)| (name, $into(value))).collect())
                }
                Value::L(members) => Api::L(members.into_iter().map($into).collect()),
                Value::Null => Api::Null(true),
                Value::Bool(value) => Api::Bool(value),
            }
        }
    };
}

to_api!(dynamodb_api, into_api);
// The streams' API has types of its own, which look the same.
to_api!(dynamodb_streams_api, into_streams_api);

/// A stored value goes straight into an answer, where nothing looks at it on the way.
impl FromRow for dynamodb_api::AttributeValue {
    fn string(text: String) -> Self {
        Self::S(text)
    }
    fn number(number: Number) -> Self {
        Self::N(number.to_string())
    }
    fn binary(bytes: Bytes) -> Self {
        Self::B(bytes)
    }
    fn strings(members: Vec<String>) -> Option<Self> {
        Some(Self::Ss(members))
    }
    fn numbers(members: Vec<Number>) -> Option<Self> {
        Some(Self::Ns(members.iter().map(ToString::to_string).collect()))
    }
    fn binaries(members: Vec<Bytes>) -> Option<Self> {
        Some(Self::Bs(members))
    }
    fn list(members: Vec<Self>) -> Self {
        Self::L(members)
    }
    fn map(members: Map<Self>) -> Self {
        Self::M(members)
    }
    fn null() -> Self {
        Self::Null(true)
    }
    fn boolean(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// An item as answers give it.
pub(crate) type ApiItem = Map<dynamodb_api::AttributeValue>;

/// An item as a request gives it.
pub(crate) fn item_of(attributes: Map<dynamodb_api::AttributeValue>) -> Result<Item, ApiError> {
    attributes.into_iter().map(|(name, value)| Ok((name, from_api(value)?))).collect()
}

/// An item as an answer gives it.
pub(crate) fn item_to_api(item: Item) -> Map<dynamodb_api::AttributeValue> {
    item.into_attributes().into_iter().map(|(name, value)| (name, into_api(value))).collect()
}
