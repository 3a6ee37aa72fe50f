//! The two ways of reading: items by their keys ([`get`]), and pages of a table or an index ([`page`]).

mod bounds;
mod get;
mod page;
mod plan;

pub(crate) use get::GetDraft;
pub(crate) use page::PAGE_BYTES;
pub(crate) use plan::{FilterSource, KeysSource, ReadDraft, Select};

use shapes::ApiError;

use crate::errors::{invalid_parameter, validation};
use crate::expression::{Placeholders, Projection};

/// What of an item is wanted.
#[derive(Debug)]
pub(crate) enum ProjectionSource {
    All,
    Text(String),
    /// AttributesToGet.
    Attributes(Vec<String>),
}

impl ProjectionSource {
    /// Of a ProjectionExpression or AttributesToGet; the caller has refused both at once.
    pub(crate) fn of(text: Option<String>, attributes: Option<Vec<String>>) -> Result<Self, ApiError> {
        match (text, attributes) {
            (Some(text), _) => Ok(Self::Text(text)),
            (None, None) => Ok(Self::All),
            (None, Some(attributes)) => {
                let is_repeated = |index: usize| attributes[..index].contains(&attributes[index]);
                if let Some(index) = (0..attributes.len()).find(|index| is_repeated(*index)) {
                    let name = &attributes[index];
                    return Err(invalid_parameter(format!("Duplicate value in attribute name: {name}")));
                }
                Ok(Self::Attributes(attributes))
            }
        }
    }

    pub(crate) fn bind<'a>(
        &'a self,
        placeholders: &Placeholders<'a>,
    ) -> Result<Option<Projection<'a>>, ApiError> {
        match self {
            Self::All => Ok(None),
            Self::Text(text) => Projection::parse(text, placeholders).map(Some).map_err(validation),
            Self::Attributes(names) => Ok(Some(Projection::of_attributes(names.iter().map(String::as_str)))),
        }
    }
}

/// The placeholders of a request.
pub(crate) fn placeholders<'a>(
    names: Option<&'a shapes::Map<String>>,
    values: Option<&'a crate::item::Item>,
) -> Result<Placeholders<'a>, ApiError> {
    let names = names.map(|names| names.iter().map(|(key, name)| (key.as_str(), name.as_str())));
    Placeholders::new(names, values.map(crate::item::Item::iter)).map_err(validation)
}
