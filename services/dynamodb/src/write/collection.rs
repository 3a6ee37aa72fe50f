//! ItemCollectionMetrics: how large the items of one hash key are together, in tables with local indexes.

use std::ops::ControlFlow;

use dynamodb_api::ItemCollectionMetrics;
use shapes::ApiError;
use store::{Order, Range, Reader, Tail};

use crate::attribute::into_api;
use crate::definitions::{Table, place};
use crate::item::Item;
use crate::key_encoding;
use crate::tables::ITEMS;

/// ReturnItemCollectionMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantsMetrics(pub bool);

impl WantsMetrics {
    pub(crate) fn parse(given: Option<&str>) -> Self {
        Self(given == Some("SIZE"))
    }
}

/// The metrics of the collection that `item` (or its key) is in; `None` for tables without local indexes.
pub(crate) fn collection_metrics(
    reader: &mut dyn Reader,
    table: &Table,
    item: &Item,
    wants: WantsMetrics,
) -> Result<Option<ItemCollectionMetrics>, ApiError> {
    let hash = &table.keys().hash;
    let has_local = table.indexes.iter().any(|index| !index.is_global);
    let Some(value) = item.get(&hash.name).filter(|_| wants.0 && has_local) else { return Ok(None) };
    let mut key = Vec::new();
    key_encoding::encode(value, &mut key);
    let prefix = place(key.len(), &key);
    let mut bytes = 0;
    let ids = table.indexes.iter().filter(|index| !index.is_global).map(|index| index.id);
    for id in ids.chain([table.row.id]) {
        let range = Range::prefix(&(id, Tail(prefix.clone())));
        ITEMS.visit(reader, &range, Order::Ascending, |_, size| {
            bytes += size.0;
            ControlFlow::Continue(())
        })?;
    }
    let gigabytes = (bytes >> 30) as f64;
    Ok(Some(ItemCollectionMetrics {
        item_collection_key: Some([(hash.name.clone(), into_api(value.clone()))].into()),
        size_estimate_range_gb: Some(vec![gigabytes, gigabytes + 1.0]),
    }))
}
