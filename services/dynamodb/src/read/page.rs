//! One page of a table or an index.

use std::ops::ControlFlow;

use dynamodb_api::ConsumedCapacity;
use shapes::ApiError;
use store::{Reader, Snapshot, Tail};

use super::plan::Plan;
use crate::attribute::{ApiItem, item_to_api};
use crate::capacity::read_units;
use crate::consumed::{Consumed, Told, Wants};
use crate::definitions::place;
use crate::item::Item;

/// Developer Guide, "Paginating table query results": 1 MB of items before the filter.
pub(crate) const PAGE_BYTES: usize = 1 << 20;

pub(crate) struct Page {
    /// `None` when only the count was wanted.
    pub items: Option<Vec<ApiItem>>,
    pub count: i32,
    pub scanned: i32,
    /// Of all items looked at.
    pub bytes: usize,
    /// Units of the table's items that entries of a local index led to.
    pub fetched_units: f64,
    /// The last key looked at, when there may be more behind it.
    pub last: Option<ApiItem>,
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
    let mut pages = Pages::default();
    let is_plain = plan.filter.is_none() && plan.projection.is_none() && !plan.counts_only && !plan.fetches;
    if is_plain {
        pages.read_plain(snapshot, plan)?;
    } else {
        pages.read_chosen(snapshot, plan)?;
    }
    let clamped = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(Page {
        consumed: plan.consumed(&pages.bytes, wants),
        items: (!plan.counts_only).then_some(pages.items),
        count: clamped(pages.count),
        scanned: clamped(pages.scanned),
        bytes: pages.bytes.place,
        fetched_units: pages.bytes.fetched_units,
        last: pages.last,
    })
}

/// A page that is being read.
#[derive(Default)]
struct Pages {
    items: Vec<ApiItem>,
    count: usize,
    scanned: usize,
    last: Option<ApiItem>,
    bytes: Bytes,
}

impl Pages {
    /// Counts an item that was looked at; whether the page ends with it.
    fn is_full_with(&mut self, plan: &Plan<'_>, size: usize) -> bool {
        self.scanned += 1;
        self.bytes.place += size;
        self.scanned >= plan.limit || self.bytes.place >= PAGE_BYTES
    }

    /// Reads items that all go into the answer as they are.
    fn read_plain(&mut self, snapshot: &mut Snapshot<'_>, plan: &Plan<'_>) -> Result<(), ApiError> {
        plan.table.row_keys.visit_answers(snapshot, &plan.range, plan.order, |answer| {
            let is_full = self.is_full_with(plan, answer.size);
            if is_full {
                let key = plan
                    .key_names()
                    .filter_map(|name| Some((name.to_owned(), answer.item.get(name)?.clone())));
                self.last = Some(key.collect());
            }
            self.items.push(answer.item);
            if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        self.count = self.items.len();
        Ok(())
    }

    /// Reads items of which some, or parts of some, go into the answer.
    fn read_chosen(&mut self, snapshot: &mut Snapshot<'_>, plan: &Plan<'_>) -> Result<(), ApiError> {
        let mut to_fetch = Vec::new();
        plan.table.row_keys.visit_entries(snapshot, &plan.range, plan.order, |item| {
            let is_full = self.is_full_with(plan, item.size());
            if is_full {
                self.last = Some(item_to_api(item.only(plan.key_names())));
            }
            if plan.fetches {
                to_fetch.push(item);
            } else {
                self.take(plan, item);
            }
            if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        for entry in to_fetch {
            if let Some(item) = plan.fetched(snapshot, &entry, &mut self.bytes)? {
                self.take(plan, item);
            }
        }
        Ok(())
    }

    fn take(&mut self, plan: &Plan<'_>, item: Item) {
        if plan.filter.as_ref().is_some_and(|filter| !filter.is_met_by(&item)) {
            return;
        }
        self.count += 1;
        if !plan.counts_only {
            let item = match &plan.projection {
                Some(projection) => projection.project(&item),
                None => item,
            };
            self.items.push(item_to_api(item));
        }
    }
}

impl Plan<'_> {
    /// The attributes that the next page begins behind: the keys of the table and of the index.
    fn key_names(&self) -> impl Iterator<Item = &str> {
        let index_keys = self.index.into_iter().flat_map(|index| index.keys.attributes());
        self.table.keys().attributes().chain(index_keys).map(|attribute| attribute.name.as_str())
    }

    /// The table's item of a local index's entry.
    fn fetched(
        &self,
        reader: &mut dyn Reader,
        entry: &Item,
        bytes: &mut Bytes,
    ) -> Result<Option<Item>, ApiError> {
        let Some(key) = self.table.keys().index_key_of(entry) else { return Ok(None) };
        let place = place(key.hash_bytes().len(), key.as_bytes());
        let found = self.table.row_keys.item(reader, &(self.table.row.id, Tail(place)))?;
        let Some(item) = found else { return Ok(None) };
        bytes.fetched_units += read_units(item.size(), self.mode);
        Ok(Some(item))
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
