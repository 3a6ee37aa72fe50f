//! Writes on their way: noted where they happen, applied where they arrive.

use clock::{Jobs, NewJob};
use cloud::Ctx;
use shapes::ApiError;
use store::{Tail, Tx};

use super::rows::{CHANGES, ChangeRow, ENDS, ReplicaEnd, TOMBSTONES, VERSIONS, VersionRow};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::item::Item;
use crate::jobs::{self, Work};
use crate::target::Target;
use crate::write::{Cause, Change, store_change};

/// Deletions are remembered at least this long; what is written before them is replicated long before.
pub(super) const REMEMBERED_FOR: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Notes a write of a replica's own region, for the others.
pub(crate) fn note(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    place: &Tail,
    is_deletion: bool,
) -> Result<(), ApiError> {
    let key = (table.row.id, place.clone());
    let now = ctx.now();
    // A write is later than the one whose outcome it found, whatever the clocks say.
    let (time, count) = match VERSIONS.find(tx, &key)? {
        Some(found) if found.time >= now => (found.time, found.count.saturating_add(1)),
        _ => (now, 0),
    };
    let version = VersionRow { time, count, region: table.region.as_str().to_owned() };
    VERSIONS.put(tx, &key, &version);
    let mut end = ENDS.find(tx, &table.row.id)?.unwrap_or_default();
    end.last += 1;
    CHANGES.put(tx, &(table.row.id, end.last), &ChangeRow { place: place.0.clone() });
    if !end.has_job {
        end.has_job = true;
        start(ctx, tx, table, &Work::Replicate { table: table.row.id }, now);
    }
    if is_deletion {
        bury(ctx, tx, table, place, &mut end);
    }
    ENDS.put(tx, &table.row.id, &end);
    Ok(())
}

/// Puts an item from another replica, or takes one away, unless what is here is later.
pub(super) fn apply(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (target, group): (&Target, u64),
    place: &[u8],
    version: &VersionRow,
    item: Option<&Item>,
) -> Result<(), ApiError> {
    let table = service.definitions.within(tx, target)?;
    let is_member = |table: &Table| table.row.replica.as_ref().is_some_and(|replica| replica.group == group);
    let Some(table) = table.filter(|table| is_member(table)) else { return Ok(()) };
    let key = (table.row.id, Tail(place.to_vec()));
    if VERSIONS.find(tx, &key)?.is_some_and(|own| own >= *version) {
        return Ok(());
    }
    VERSIONS.put(tx, &key, version);
    if item.is_none() {
        let mut end = ENDS.find(tx, &table.row.id)?.unwrap_or_default();
        bury(ctx, tx, &table, &key.1, &mut end);
        ENDS.put(tx, &table.row.id, &end);
    }
    let old = table.row_keys.item(tx, &key)?;
    let Some(key) = item.or(old.as_ref()) else { return Ok(()) };
    let change = Change { key, old: old.as_ref(), new: item, cause: Cause::Replication };
    let costs = store_change(ctx, tx, &table, place.to_vec(), &change)?;
    tx.after_commit(move || table.count_write(&costs, None));
    Ok(())
}

/// Remembers that an item is gone, and has that forgotten some day.
fn bury(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table, place: &Tail, end: &mut ReplicaEnd) {
    let now = ctx.now();
    TOMBSTONES.put(tx, &(table.row.id, now, place.clone()), &());
    if !end.has_sweep {
        end.has_sweep = true;
        start(ctx, tx, table, &Work::ForgetDeletions { table: table.row.id }, now + REMEMBERED_FOR);
    }
}

fn start(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table, work: &Work, due: shapes::Timestamp) {
    let payload = jobs::payload(table, work);
    let job = NewJob { kind: jobs::REPLICATION, subject: table.arn.clone(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}
