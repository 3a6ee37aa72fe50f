//! Reading one item by its key: GetItem, and each part of BatchGetItem and TransactGetItems.

use shapes::{ApiError, Map};
use store::{Reader, Tail};

use super::{ProjectionSource, placeholders};
use crate::definitions::{Table, place};
use crate::errors::validation;
use crate::expression::Projection;
use crate::item::Item;
use crate::tables::ITEMS;

/// What of items is wanted.
#[derive(Debug)]
pub(crate) struct GetDraft {
    pub projection: ProjectionSource,
    pub names: Option<Map<String>>,
}

/// What was found under a key.
#[derive(Default)]
pub(crate) struct Found {
    pub item: Option<Item>,
    /// Bytes of the whole item.
    pub size: usize,
}

impl GetDraft {
    pub(crate) fn bind(&self) -> Result<Option<Projection<'_>>, ApiError> {
        let placeholders = placeholders(self.names.as_ref(), None)?;
        let projection = self.projection.bind(&placeholders)?;
        placeholders.check_used().map_err(validation)?;
        Ok(projection)
    }

    /// The wanted parts of the item with the key `key`. `counts`: whether the size matters to anybody.
    pub(crate) fn find(
        reader: &mut dyn Reader,
        table: &Table,
        key: &Item,
        projection: Option<&Projection<'_>>,
        counts: bool,
    ) -> Result<Found, ApiError> {
        let key = table.keys().exact_key(key).map_err(validation)?;
        let place = place(key.hash_bytes().len(), key.as_bytes());
        let Some(stored) = ITEMS.find(reader, &(table.row.id, Tail(place)))? else {
            return Ok(Found::default());
        };
        let item = stored.0;
        let size = if counts { item.size() } else { 0 };
        let item = match projection {
            Some(projection) => projection.project(&item),
            None => item,
        };
        Ok(Found { item: Some(item), size })
    }
}
