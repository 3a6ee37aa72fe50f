//! Fills a global index that was added to a table with items. Writes keep it up to date meanwhile.

use std::ops::ControlFlow;

use clock::JobOutcome;
use shapes::ApiError;
use store::{Range, Tail, Tx};

use super::{BYTES_AT_ONCE, ROWS_AT_ONCE, Running};
use crate::DynamoDb;
use crate::index;
use crate::table::IndexStatus;
use crate::tables::TABLES;
use crate::target::Target;

impl Running {
    pub(super) async fn backfill(&self, name: String, id: u64) -> Result<JobOutcome, ApiError> {
        let mut after = None;
        loop {
            let (name, from) = (name.clone(), after.clone());
            after = self
                .step(move |service, _, tx, target| fill_some(service, tx, target, &name, id, from.clone()))
                .await?;
            if after.is_none() {
                self.service.definitions.forget(&self.target);
                return Ok(JobOutcome::Done);
            }
        }
    }
}

/// Enters some items behind `after`; where to go on, until the index is whole.
fn fill_some(
    service: &DynamoDb,
    tx: &mut Tx<'_>,
    target: &Target,
    name: &str,
    id: u64,
    after: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(table) = service.definitions.within(tx, target)? else { return Ok(None) };
    let Some(filled) = table.index(name).filter(|index| index.id == id) else { return Ok(None) };
    let mut range = Range::prefix(&table.row.id);
    if let Some(after) = after {
        range = range.after(&(table.row.id, Tail(after)));
    }
    let (mut entries, mut last, mut count, mut bytes) = (Vec::new(), None, 0, 0);
    table.row_keys.visit_items(tx, &range, |place, item| {
        count += 1;
        bytes += item.size();
        // Items with a value of another type under the index's key are left out, as AWS leaves them.
        entries.extend(index::entry(&filled.keys, &filled.projection, table.keys(), &item));
        if count < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        last = Some(place.0);
        ControlFlow::Break(())
    })?;
    let sealer = table.sealer(tx)?;
    for entry in entries {
        sealer.put(tx, &(id, Tail(filled.place(&entry.key))), &entry.item)?;
    }
    if last.is_none() {
        let mut row = table.row.clone();
        row.backfilling.retain(|filling| filling != name);
        if let Some(index) = row.definition.global_indexes.iter_mut().find(|index| index.name == name) {
            index.status = IndexStatus::Active;
        }
        TABLES.put(tx, &target.name, &row);
    }
    Ok(last)
}
