//! Inventories: taken about once a day when a vault has changed, and written out by jobs as JSON or CSV (Glacier Developer
//! Guide, "Downloading a Vault Inventory").

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use identity::{AccountId, Region};
use shapes::{ApiError, Timestamp};
use store::{Range, Tx};

use crate::content::{Draft, Received};
use crate::job::Query;
use crate::place::Place;
use crate::vault::{Archive, Inventory};
use crate::{Glacier, tables, vault};

const JOB: &str = "glacier.inventory";
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Rows that are read, or cleared away, in one go.
const BATCH: usize = 500;

/// Has inventories of a new vault taken from now on.
pub(crate) fn schedule(tx: &mut Tx<'_>, now: Timestamp, number: u128, place: &Place) {
    let named = (place.account.to_string(), place.region.to_string(), &place.vault, now.millis());
    let payload = serde_json::to_vec(&named).unwrap_or_default();
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject: place.arn(), payload, due: now + EVERY });
}

pub(crate) fn job(glacier: &Arc<Glacier>) -> JobKind {
    let glacier = Arc::clone(glacier);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let glacier = Arc::clone(&glacier);
            Box::pin(async move {
                let Some((place, created)) = named(&job.payload) else { return JobOutcome::Done };
                let next = glacier.cloud.clock().now() + EVERY;
                match glacier.take_inventory(place, created).await {
                    Ok(true) => JobOutcome::Again(next),
                    Ok(false) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

/// The vault, and when it was made: another one of the name has inventories of its own.
fn named(payload: &[u8]) -> Option<(Place, Timestamp)> {
    let (account, region, vault, created): (String, String, String, i64) =
        serde_json::from_slice(payload).ok()?;
    let place = Place { account: AccountId::parse(&account)?, region: Region::parse(&region)?, vault };
    Some((place, Timestamp::from_millis(created)))
}

impl Glacier {
    /// Takes note of what a vault holds, and clears away what was deleted before. False when the vault is gone.
    async fn take_inventory(&self, place: Place, created: Timestamp) -> Result<bool, ApiError> {
        let now = self.cloud.clock().now();
        let scope = place.scope();
        let own = place.clone();
        let write = self.cloud.store().write(&scope, move |tx| {
            let found = tables::VAULTS.find(tx, &own.vault)?.filter(|vault| vault.created == created);
            let Some(mut vault) = found else { return Ok::<_, ApiError>(false) };
            if vault.wants_inventory() {
                vault.inventory = Some(Inventory { taken: now, held: vault.held });
                tables::VAULTS.put(tx, &own.vault, &vault);
            }
            Ok(true)
        });
        if !write.await? {
            return Ok(false);
        }
        loop {
            let name = place.vault.clone();
            let clear = self.cloud.store().write(&scope, move |tx| clear_deleted(tx, &name, now));
            if clear.await? < BATCH {
                return Ok(true);
            }
        }
    }

    /// Writes the inventory that was last taken; returns where the next page begins, too.
    pub(crate) async fn write_inventory(
        &self,
        place: &Place,
        query: &Query,
    ) -> Result<(Received, Option<String>), ApiError> {
        let taken = vault::find(&mut self.cloud.store().read(&place.scope())?, place)?.inventory;
        let taken = taken.map_or(self.cloud.clock().now(), |inventory| inventory.taken);
        let mut draft = self.draft().await?;
        draft.push(head(place, query, taken).into()).await?;
        let marker = self.write_rows(&mut draft, place, query, taken).await?;
        if !query.is_csv {
            draft.push("]}".into()).await?;
        }
        Ok((draft.finish().await?, marker))
    }

    async fn write_rows(
        &self,
        draft: &mut Draft,
        place: &Place,
        query: &Query,
        taken: Timestamp,
    ) -> Result<Option<String>, ApiError> {
        let mut last = query.marker.clone();
        let mut written = 0;
        loop {
            let mut range = Range::prefix(&place.vault);
            if let Some(last) = &last {
                range = range.after(&(place.vault.clone(), last.clone()));
            }
            let rows = tables::ARCHIVES.list(&mut self.cloud.store().read(&place.scope())?, &range, BATCH)?;
            let is_end = rows.len() < BATCH;
            let mut text = String::new();
            for ((_, id), archive) in rows {
                if archive.was_held(taken) && query.wants(&archive) {
                    if query.limit.is_some_and(|limit| written >= limit) {
                        draft.push(text.into()).await?;
                        return Ok(last);
                    }
                    text.push_str(&line(query, &id, &archive, written == 0));
                    written += 1;
                }
                last = Some(id);
            }
            if !text.is_empty() {
                draft.push(text.into()).await?;
            }
            if is_end {
                return Ok(None);
            }
        }
    }
}

/// Forgets archives that were deleted before the inventory. Returns how many were looked at.
fn clear_deleted(tx: &mut Tx<'_>, vault: &str, now: Timestamp) -> Result<usize, ApiError> {
    let rows = tables::DELETED.list(tx, &Range::prefix(&vault.to_owned()), BATCH)?;
    for (key, ()) in &rows {
        let archive = tables::ARCHIVES.find(tx, key)?;
        if archive.is_some_and(|archive| archive.deleted.is_some_and(|deleted| deleted <= now)) {
            tables::ARCHIVES.delete(tx, key);
        }
        tables::DELETED.delete(tx, key);
    }
    Ok(rows.len())
}

impl Query {
    fn wants(&self, archive: &Archive) -> bool {
        self.start.is_none_or(|start| archive.created >= start)
            && self.end.is_none_or(|end| archive.created < end)
    }
}

fn head(place: &Place, query: &Query, taken: Timestamp) -> String {
    if query.is_csv {
        return "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\r\n".to_owned();
    }
    format!("{{\"VaultARN\":\"{}\",\"InventoryDate\":\"{}\",\"ArchiveList\":[", place.arn(), taken.iso8601())
}

fn line(query: &Query, id: &str, archive: &Archive, is_first: bool) -> String {
    let (created, size) = (archive.created.iso8601_millis(), archive.size);
    let tree_hash = archive.tree_hash.hex();
    if query.is_csv {
        let description = archive.description.replace('"', "\"\"");
        return format!("{id},\"{description}\",{created},{size},{tree_hash}\r\n");
    }
    let comma = if is_first { "" } else { "," };
    let entry = serde_json::json!({
        "ArchiveId": id,
        "ArchiveDescription": archive.description,
        "CreationDate": created,
        "Size": size,
        "SHA256TreeHash": tree_hash,
    });
    format!("{comma}{entry}")
}

/// A date of a query: `2012-03-20T17:03:43Z`, of UTC.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let (day, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let numbers = |text: &str, separator: char| -> Option<(u32, u32, u32)> {
        let mut parts = text.split(separator).map(|part| part.parse::<u32>().ok());
        let found = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(found)
    };
    let (year, month, day) = numbers(day, '-')?;
    let millis = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Timestamp::from_utc((i64::from(year), month, day), numbers(time, ':')?, millis)
}
