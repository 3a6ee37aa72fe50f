//! Backups: a copy of a table's items as they were at one moment, and tables made of such copies or of a moment that the
//! journal remembers.

use std::ops::ControlFlow;

use clock::JobOutcome;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Snapshot, Tail};

use crate::item::Item;
use crate::jobs::{RestoreSource, Running};
use crate::sealing::{Opener, Part, RowKeys};
use crate::table::{IndexStatus, TableStatus};
use crate::tables::{BACKUPS, BackupRow, ITEMS, JOURNAL, TABLES};
use crate::write::{Cause, Change, store_change};

const ROWS_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 1 << 20;

/// Items with their places.
type Items = Vec<(Vec<u8>, Item)>;

impl Running {
    /// Copies the items of a table as they are when the job begins; after a crash it begins anew.
    pub(crate) async fn copy_backup(&self, id: String) -> Result<JobOutcome, ApiError> {
        let mut snapshot = self.ctx.read()?;
        let Some(backup) = BACKUPS.find(&mut snapshot, &id)? else { return Ok(JobOutcome::Done) };
        if backup.is_available {
            return Ok(JobOutcome::Done);
        }
        self.clear(backup.id).await?;
        let (mut after, mut items, mut bytes) = (None, 0, 0);
        loop {
            let (page, last) =
                page(&self.service.definitions.row_keys, &mut snapshot, backup.table.id, after)?;
            items += page.len() as u64;
            bytes += page.iter().map(|(_, item)| item.size() as u64).sum::<u64>();
            let (place, row_key) = (backup.id, backup.table.row_key());
            self.step(move |service, _, tx, _| {
                let sealer = service.definitions.row_keys.sealer(tx, row_key)?;
                for (key, item) in &page {
                    sealer.put(tx, &(place, Tail(key.clone())), item)?;
                }
                Ok(())
            })
            .await?;
            after = last;
            if after.is_none() {
                break;
            }
        }
        let row = BackupRow { is_available: true, items, bytes, ..backup };
        self.step(move |_, _, tx, _| {
            BACKUPS.put(tx, &id, &row);
            Ok(())
        })
        .await?;
        Ok(JobOutcome::Done)
    }

    async fn clear(&self, place: u64) -> Result<(), ApiError> {
        loop {
            let is_clear = self
                .step(move |_, _, tx, _| {
                    let mut keys = Vec::new();
                    ITEMS.visit(tx, &Range::prefix(&place), Order::Ascending, |key, _| {
                        keys.push(key);
                        if keys.len() < ROWS_AT_ONCE {
                            ControlFlow::Continue(())
                        } else {
                            ControlFlow::Break(())
                        }
                    })?;
                    keys.iter().for_each(|key| ITEMS.delete(tx, key));
                    Ok(keys.is_empty())
                })
                .await?;
            if is_clear {
                return Ok(());
            }
        }
    }

    /// Fills a table that is being restored.
    pub(crate) async fn restore(&self, source: RestoreSource) -> Result<JobOutcome, ApiError> {
        let mut snapshot = self.ctx.read()?;
        match source {
            RestoreSource::Backup { place } => self.copy_items(&mut snapshot, place).await?,
            RestoreSource::Moment { id, journal, at } => {
                self.copy_items(&mut snapshot, id).await?;
                self.undo_changes(&mut snapshot, journal, at).await?;
            }
        }
        self.open_table().await?;
        Ok(JobOutcome::Done)
    }

    /// Opens a table that was being filled, and its indexes with it.
    pub(crate) async fn open_table(&self) -> Result<(), ApiError> {
        self.step(|service, _, tx, target| {
            let Some(table) = service.definitions.within(tx, target)? else { return Ok(()) };
            let mut row = table.row.clone();
            row.definition.status = TableStatus::Active;
            for index in &mut row.definition.global_indexes {
                index.status = IndexStatus::Active;
            }
            if let Some(restored) = &mut row.restored {
                restored.is_in_progress = false;
            }
            TABLES.put(tx, &target.name, &row);
            Ok(())
        })
        .await?;
        self.service.definitions.forget(&self.target);
        Ok(())
    }

    async fn copy_items(&self, snapshot: &mut Snapshot<'_>, place: u64) -> Result<(), ApiError> {
        let mut after = None;
        loop {
            let (page, last) = page(&self.service.definitions.row_keys, snapshot, place, after)?;
            let page = page.into_iter().map(|(key, item)| (key, Some(item))).collect();
            self.put_restored(page).await?;
            after = last;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Undoes what happened after `at`, the latest change first.
    async fn undo_changes(
        &self,
        snapshot: &mut Snapshot<'_>,
        journal: u64,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        let all = Range::prefix(&journal).after(&(journal, at));
        let mut before: Option<(u64, Timestamp, u64)> = None;
        loop {
            let range = before.as_ref().map_or_else(|| all.clone(), |key| all.clone().before(key));
            let (mut page, mut bytes, mut last) = (Vec::new(), 0, None);
            JOURNAL.visit(snapshot, &range, Order::Descending, |key, row| {
                bytes += row.before.as_ref().map_or(0, Vec::len);
                page.push((key, row));
                if page.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
                    return ControlFlow::Continue(());
                }
                last = Some(key);
                ControlFlow::Break(())
            })?;
            let mut opener = Opener::new(&self.service.definitions.row_keys);
            let decoded = page.into_iter().map(|(key, row)| {
                let before = row.before.map(|before| opener.part(Part::Before, &key, &before));
                Ok((row.key, before.transpose()?))
            });
            self.put_restored(decoded.collect::<Result<_, ApiError>>()?).await?;
            before = last;
            if before.is_none() {
                return Ok(());
            }
        }
    }

    /// Puts or takes away items of the table that is being restored.
    async fn put_restored(&self, items: Vec<(Vec<u8>, Option<Item>)>) -> Result<(), ApiError> {
        self.step(move |service, ctx, tx, target| {
            let Some(table) = service.definitions.within(tx, target)? else { return Ok(()) };
            for (place, item) in &items {
                let key = (table.row.id, Tail(place.clone()));
                let old = table.row_keys.item(tx, &key)?;
                let Some(key_source) = item.as_ref().or(old.as_ref()) else { continue };
                let change =
                    Change { key: key_source, old: old.as_ref(), new: item.as_ref(), cause: Cause::User };
                store_change(ctx, tx, &table, place.clone(), &change)?;
            }
            Ok(())
        })
        .await
    }
}

/// Some items under an id behind `after`, and where to go on, until there are no more.
fn page(
    row_keys: &RowKeys,
    snapshot: &mut Snapshot<'_>,
    id: u64,
    after: Option<Vec<u8>>,
) -> Result<(Items, Option<Vec<u8>>), ApiError> {
    let mut range = Range::prefix(&id);
    if let Some(after) = after {
        range = range.after(&(id, Tail(after)));
    }
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
    row_keys.visit_items(snapshot, &range, |place, item| {
        bytes += item.size();
        items.push((place.0, item));
        if items.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        last = items.last().map(|(place, _)| place.clone());
        ControlFlow::Break(())
    })?;
    Ok((items, last))
}
