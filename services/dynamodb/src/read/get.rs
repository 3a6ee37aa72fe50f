//! Reading one item by its key: GetItem, and each part of BatchGetItem and TransactGetItems.

use shapes::{ApiError, Map};
use store::{Reader, Tail};

use super::{ProjectionSource, placeholders};
use crate::attribute::{ApiItem, item_to_api};
use crate::definitions::{Table, place};
use crate::errors::validation;
use crate::expression::Projection;
use crate::item::Item;
use crate::key_schema::EncodedKey;

/// What of items is wanted.
#[derive(Debug)]
pub(crate) struct GetDraft {
    pub projection: ProjectionSource,
    pub names: Option<Map<String>>,
}

/// What was found under a key.
#[derive(Default)]
pub(crate) struct Found {
    pub item: Option<ApiItem>,
    /// Bytes of the whole item.
    pub size: usize,
    /// The key that was looked under.
    pub key: Option<EncodedKey>,
}

impl GetDraft {
    pub(crate) fn bind(&self) -> Result<Option<Projection<'_>>, ApiError> {
        let placeholders = placeholders(self.names.as_ref(), None)?;
        let projection = self.projection.bind(&placeholders)?;
        placeholders.check_used().map_err(validation)?;
        Ok(projection)
    }

    /// The wanted parts of the item with the key `key`.
    pub(crate) fn find(
        reader: &mut dyn Reader,
        table: &Table,
        key: &Item,
        projection: Option<&Projection<'_>>,
    ) -> Result<Found, ApiError> {
        let key = table.keys().exact_key(key).map_err(validation)?;
        let place = (table.row.id, Tail(place(key.hash_bytes().len(), key.as_bytes())));
        let Some(projection) = projection else {
            let found = table.row_keys.answer(reader, &place)?;
            let (item, size) = found.map_or((None, 0), |found| (Some(found.item), found.size));
            return Ok(Found { item, size, key: Some(key) });
        };
        let Some(item) = table.row_keys.item(reader, &place)? else {
            return Ok(Found { item: None, size: 0, key: Some(key) });
        };
        let size = item.size();
        Ok(Found { size, item: Some(item_to_api(projection.project(&item))), key: Some(key) })
    }
}
