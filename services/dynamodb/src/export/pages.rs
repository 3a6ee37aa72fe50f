//! The exported state of a table, page by page.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use shapes::ApiError;
use store::{Order, Range, Tail, Tx};

use super::rows::{DIFFERENCES, Difference, ExportRow, Moment};
use crate::definitions::Table;
use crate::item::Item;
use crate::sealing::{Opener, Part, RowKeys};
use crate::tables::JOURNAL;

const ROWS_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 1 << 20;

/// What is to be written of one item.
pub(super) enum Entry {
    Item(Item),
    /// Of an incremental export: an item that changed, of which at least one image is there.
    Record {
        micros: i64,
        old: Option<Item>,
        new: Option<Item>,
    },
}

pub(super) struct Page {
    pub entries: Vec<Entry>,
    /// Where to go on, until there is no more.
    pub after: Option<Vec<u8>>,
}

/// Takes in some of the journal's new entries; whether there are more. The export's `absorbed` follows.
pub(super) fn absorb(table: &Table, tx: &mut Tx<'_>, export: &mut ExportRow) -> Result<bool, ApiError> {
    let from = export.progress.absorbed.unwrap_or_else(|| export.moment.begins_after());
    let range = Range::prefix(&export.journal).after(&(export.journal, from.0, from.1));
    let (mut entries, mut bytes, mut has_more) = (Vec::new(), 0, false);
    JOURNAL.visit(tx, &range, Order::Ascending, |(_, time, number), row| {
        if entries.len() == ROWS_AT_ONCE || bytes > BYTES_AT_ONCE {
            has_more = true;
            return ControlFlow::Break(());
        }
        bytes += row.before.as_ref().map_or(0, Vec::len);
        entries.push((time, number, row));
        ControlFlow::Continue(())
    })?;
    let (mut opener, sealer) = (Opener::new(&table.row_keys), table.sealer(tx)?);
    for (time, number, row) in entries {
        export.progress.absorbed = Some((time, number));
        let before =
            row.before.map(|before| opener.part(Part::Before, &(export.journal, time, number), &before));
        let before = before.transpose()?;
        let key = (export.number, Tail(row.key));
        let known = DIFFERENCES.find(tx, &key)?;
        let sealed = |part| before.as_ref().map(|item| sealer.part(part, &key, item)).transpose();
        let is_within = matches!(export.moment, Moment::Incremental { to, .. } if time < to);
        let next = match (known, is_within) {
            (known, true) => {
                let known = known.unwrap_or_default();
                let before = match known.within {
                    Some((_, before)) => before,
                    None => sealed(Part::Within)?,
                };
                Some(Difference { within: Some((time, before)), until: None })
            }
            (Some(Difference { until: Some(_), .. }), false) => None,
            (Some(known), false) => Some(Difference { until: Some(sealed(Part::Until)?), ..known }),
            // What did not change within the time is not told at all.
            (None, false) if matches!(export.moment, Moment::Incremental { .. }) => None,
            (None, false) => Some(Difference { within: None, until: Some(sealed(Part::Until)?) }),
        };
        if let Some(next) = next {
            DIFFERENCES.put(tx, &key, &next);
        }
    }
    Ok(has_more)
}

/// The entries behind `after`, once all that happened is absorbed.
pub(super) fn page(
    row_keys: &RowKeys,
    tx: &mut Tx<'_>,
    export: &ExportRow,
    after: Option<Vec<u8>>,
) -> Result<Page, ApiError> {
    match export.moment {
        Moment::Full { .. } => full_page(row_keys, tx, export, after),
        Moment::Incremental { .. } => changed_page(row_keys, tx, export, after),
    }
}

fn full_page(
    row_keys: &RowKeys,
    tx: &mut Tx<'_>,
    export: &ExportRow,
    after: Option<Vec<u8>>,
) -> Result<Page, ApiError> {
    let mut range = Range::prefix(&export.table_id);
    if let Some(after) = &after {
        range = range.after(&(export.table_id, Tail(after.clone())));
    }
    let (mut items, mut bytes, mut last) = (BTreeMap::new(), 0, None);
    row_keys.visit_items(tx, &range, |place, item| {
        bytes += item.size();
        items.insert(place.0.clone(), item);
        if items.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        last = Some(place.0);
        ControlFlow::Break(())
    })?;
    let (differences, cut) = differences(tx, export, after, last.as_deref())?;
    if let Some(cut) = cut {
        // More changed here than fits a page: it ends where they do.
        items.retain(|place, _| *place <= cut);
        last = Some(cut);
    }
    let mut opener = Opener::new(row_keys);
    for (place, difference) in differences {
        match difference.until {
            Some(Some(row)) => {
                let item = opener.part(Part::Until, &(export.number, Tail(place.clone())), &row)?;
                items.insert(place, item);
            }
            Some(None) => {
                items.remove(&place);
            }
            None => {}
        }
    }
    Ok(Page { entries: items.into_values().map(Entry::Item).collect(), after: last })
}

fn changed_page(
    row_keys: &RowKeys,
    tx: &mut Tx<'_>,
    export: &ExportRow,
    after: Option<Vec<u8>>,
) -> Result<Page, ApiError> {
    let (changed, after) = differences(tx, export, after, None)?;
    let (mut entries, mut opener) = (Vec::new(), Opener::new(row_keys));
    for (place, difference) in changed {
        let Some((written, before)) = difference.within else { continue };
        let key = (export.number, Tail(place));
        let old = before.map(|row| opener.part(Part::Within, &key, &row)).transpose()?;
        let new = match difference.until {
            Some(row) => row.map(|row| opener.part(Part::Until, &key, &row)).transpose()?,
            None => row_keys.item(tx, &(export.table_id, key.1))?,
        };
        // An item that came and went between leaves no trace.
        if new.is_some() || old.is_some() {
            entries.push(Entry::Record { micros: written.millis().saturating_mul(1000), old, new });
        }
    }
    Ok(Page { entries, after })
}

/// What changed behind `after` up to `last`, and where that was cut short, if it was.
fn differences(
    tx: &mut Tx<'_>,
    export: &ExportRow,
    after: Option<Vec<u8>>,
    last: Option<&[u8]>,
) -> Result<(Vec<(Vec<u8>, Difference)>, Option<Vec<u8>>), ApiError> {
    let mut range = Range::prefix(&export.number);
    if let Some(after) = after {
        range = range.after(&(export.number, Tail(after)));
    }
    let (mut found, mut bytes, mut cut) = (Vec::new(), 0, None);
    DIFFERENCES.visit(tx, &range, Order::Ascending, |(_, place), row| {
        if last.is_some_and(|last| *place.0 > *last) {
            return ControlFlow::Break(());
        }
        let within = row.within.as_ref().and_then(|(_, before)| before.as_ref()).map_or(0, Vec::len);
        bytes += within + row.until.as_ref().and_then(Option::as_ref).map_or(0, Vec::len);
        found.push((place.0, row));
        if found.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        cut = found.last().map(|(place, _)| place.clone());
        ControlFlow::Break(())
    })?;
    Ok((found, cut))
}
