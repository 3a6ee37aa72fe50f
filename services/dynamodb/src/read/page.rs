//! One page of a table or an index.

use std::ops::ControlFlow;

use dynamodb_api::ConsumedCapacity;
use shapes::ApiError;
use store::{Reader, Snapshot, Tail};

use super::plan::Plan;
use crate::capacity::read_units;
use crate::consumed::{Consumed, Told, Wants};
use crate::definitions::place;
use crate::item::Item;
use crate::tables::{ENTRIES, ITEMS};

/// Developer Guide, "Paginating table query results": 1 MB of items before the filter.
const PAGE_BYTES: usize = 1 << 20;

pub(crate) struct Page {
    /// `None` when only the count was wanted.
    pub items: Option<Vec<Item>>,
    pub count: i32,
    pub scanned: i32,
    /// The last key looked at, when there may be more behind it.
    pub last: Option<Item>,
    pub consumed: Option<ConsumedCapacity>,
}

/// Bytes read, for the capacity.
#[derive(Default)]
struct Bytes {
    place: usize,
    fetched_units: f64,
}

pub(super) fn read_page(
    snapshot: &mut Snapshot<'_>,
    plan: &Plan<'_>,
    wants: Wants,
) -> Result<Page, ApiError> {
    let (mut items, mut count, mut scanned, mut last) = (Vec::new(), 0, 0, None);
    let mut bytes = Bytes::default();
    ENTRIES.visit(snapshot, &plan.range, plan.order, |_, stored| {
        let item = stored.0;
        scanned += 1;
        bytes.place += item.size();
        let is_full = scanned >= plan.limit || bytes.place >= PAGE_BYTES;
        if is_full {
            last = Some(key_of(plan, &item));
        }
        if plan.fetches {
            items.push(item);
        } else if plan.takes(&item) {
            count += 1;
            if !plan.counts_only {
                items.push(plan.projected(item));
            }
        }
        if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if plan.fetches {
        items = plan.fetched(snapshot, items, &mut bytes)?;
        count = items.len();
    }
    let clamped = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(Page {
        items: (!plan.counts_only).then_some(items),
        count: clamped(count),
        scanned: clamped(scanned),
        last,
        consumed: plan.consumed(&bytes, wants),
    })
}

/// What the next page begins behind: the keys of the table and of the index.
fn key_of(plan: &Plan<'_>, item: &Item) -> Item {
    let keys = plan.table.keys().attributes();
    let index_keys = plan.index.into_iter().flat_map(|index| index.keys.attributes());
    item.only(keys.chain(index_keys).map(|attribute| attribute.name.as_str()))
}

impl Plan<'_> {
    fn takes(&self, item: &Item) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_met_by(item))
    }

    fn projected(&self, item: Item) -> Item {
        match &self.projection {
            Some(projection) => projection.project(&item),
            None => item,
        }
    }

    /// The table's items of a local index's entries.
    fn fetched(
        &self,
        reader: &mut dyn Reader,
        entries: Vec<Item>,
        bytes: &mut Bytes,
    ) -> Result<Vec<Item>, ApiError> {
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(key) = self.table.keys().index_key_of(&entry) else { continue };
            let place = place(key.hash_bytes().len(), key.as_bytes());
            let Some(stored) = ITEMS.find(reader, &(self.table.row.id, Tail(place)))? else { continue };
            bytes.fetched_units += read_units(stored.0.size(), self.mode);
            if self.takes(&stored.0) {
                items.push(self.projected(stored.0));
            }
        }
        Ok(items)
    }

    fn consumed(&self, bytes: &Bytes, wants: Wants) -> Option<ConsumedCapacity> {
        if !wants.anything() {
            return None;
        }
        let units = read_units(bytes.place, self.mode);
        let mut consumed = Consumed::default();
        let index = self.index.map(|index| (index.name.as_str(), index.is_global));
        consumed.add_read(self.table.name(), index, units);
        consumed.add_read(self.table.name(), None, bytes.fetched_units);
        consumed.told(wants, Told::Plain).into_iter().next()
    }
}
