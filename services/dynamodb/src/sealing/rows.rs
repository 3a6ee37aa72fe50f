//! Items and entries of indexes, read and written where they lie.

use std::ops::ControlFlow;

use shapes::ApiError;
use store::{Order, Range, Reader, Tail, Tx};

use super::{Opener, RowKeys, Sealer};
use crate::attribute::ApiItem;
use crate::item::{Item, ItemRow};
use crate::tables::{ENTRIES, ITEMS};

/// A stored item in the form of the API, for reads that look at nothing in it.
pub(crate) struct Answer {
    pub item: ApiItem,
    pub size: usize,
}

impl Answer {
    fn of(row: &ItemRow<'_>) -> Result<Self, ApiError> {
        Ok(Self { item: row.attributes().map_err(ApiError::internal)?, size: row.size() })
    }
}

fn item_of(row: &ItemRow<'_>) -> Result<Item, ApiError> {
    row.item().map_err(ApiError::internal)
}

impl Sealer {
    /// Puts an item or an index's entry.
    pub(crate) fn put(&self, tx: &mut Tx<'_>, key: &(u64, Tail), item: &Item) -> Result<(), ApiError> {
        ITEMS.put_at(tx, key, |place, out| self.seal_into(place, item, out))
    }
}

impl RowKeys {
    /// The item under a key.
    pub(crate) fn item(&self, reader: &mut dyn Reader, key: &(u64, Tail)) -> Result<Option<Item>, ApiError> {
        self.read(reader, key, item_of)
    }

    /// The item under a key, in the form of the API.
    pub(crate) fn answer(
        &self,
        reader: &mut dyn Reader,
        key: &(u64, Tail),
    ) -> Result<Option<Answer>, ApiError> {
        self.read(reader, key, Answer::of)
    }

    /// Visits items with their places below the id that they lie under.
    pub(crate) fn visit_items(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        mut visit: impl FnMut(Tail, Item) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        let (mut opener, mut failure) = (Opener::new(self), None);
        ITEMS.visit_at(reader, range, Order::Ascending, |place, (_, key), row| {
            match opener.open(place, row).and_then(|row| item_of(&row)) {
                Ok(item) => visit(key, item),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failure.map_or(Ok(()), Err)
    }

    /// Visits items in either order, without their places.
    pub(crate) fn visit_entries(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        order: Order,
        visit: impl FnMut(Item) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        self.visit(reader, range, order, item_of, visit)
    }

    /// As [`Self::visit_entries`], in the form of the API.
    pub(crate) fn visit_answers(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        order: Order,
        visit: impl FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        self.visit(reader, range, order, Answer::of, visit)
    }

    fn read<T>(
        &self,
        reader: &mut dyn Reader,
        key: &(u64, Tail),
        decode: impl Fn(&ItemRow<'_>) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        ITEMS.find_at(reader, key, |place, row| decode(&Opener::new(self).open(place, row)?))?.transpose()
    }

    fn visit<T>(
        &self,
        reader: &mut dyn Reader,
        range: &Range,
        order: Order,
        decode: impl Fn(&ItemRow<'_>) -> Result<T, ApiError>,
        mut visit: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), ApiError> {
        let (mut opener, mut failure) = (Opener::new(self), None);
        ENTRIES.visit_at(reader, range, order, |place, _, row| {
            match opener.open(place, row).and_then(|row| decode(&row)) {
                Ok(item) => visit(item),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failure.map_or(Ok(()), Err)
    }
}
