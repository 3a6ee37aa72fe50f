//! Clears away what deleted tables, indexes and backups held.

use std::ops::ControlFlow;

use clock::JobOutcome;
use shapes::ApiError;
use store::{Key, Order, Range, Row, StoreError, Table, Tx};

use super::{ROWS_AT_ONCE, Running};
use crate::insights::INSIGHTS;
use crate::tables::{COLLECTIONS, DECREASES, EXPIRIES, EXPIRY_JOBS, ITEMS, JOURNAL, JOURNAL_ENDS};

impl Running {
    pub(super) async fn purge(
        &self,
        places: Vec<u64>,
        time_to_live: Option<u64>,
        journal: Option<u64>,
    ) -> Result<JobOutcome, ApiError> {
        loop {
            let places = places.clone();
            let is_done = self
                .step(move |_, _, tx, _| {
                    for place in &places {
                        let is_clear = delete_some(tx, &ITEMS, &Range::prefix(place))?
                            && delete_some(tx, &COLLECTIONS, &Range::prefix(place))?;
                        if !is_clear {
                            return Ok(false);
                        }
                        DECREASES.delete(tx, place);
                        INSIGHTS.delete(tx, place);
                    }
                    if let Some(id) = time_to_live {
                        EXPIRY_JOBS.delete(tx, &id);
                        if !delete_some(tx, &EXPIRIES, &Range::prefix(&id))? {
                            return Ok(false);
                        }
                    }
                    if let Some(id) = journal {
                        JOURNAL_ENDS.delete(tx, &id);
                        return Ok(delete_some(tx, &JOURNAL, &Range::prefix(&id))?);
                    }
                    Ok(true)
                })
                .await?;
            if is_done {
                return Ok(JobOutcome::Done);
            }
        }
    }
}

/// Deletes rows of `range`; whether they were all.
pub(crate) fn delete_some<K: Key, R: Row>(
    tx: &mut Tx<'_>,
    table: &Table<K, R>,
    range: &Range,
) -> Result<bool, StoreError> {
    let mut keys = Vec::new();
    let mut is_all = true;
    table.visit(tx, range, Order::Ascending, |key, _| {
        if keys.len() == ROWS_AT_ONCE {
            is_all = false;
            return ControlFlow::Break(());
        }
        keys.push(key);
        ControlFlow::Continue(())
    })?;
    keys.iter().for_each(|key| table.delete(tx, key));
    Ok(is_all)
}
