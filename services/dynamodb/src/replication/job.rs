//! The work of global tables: carrying writes to the other replicas, filling new ones, forgetting deletions.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use clock::JobOutcome;
use cloud::Ctx;
use identity::Region;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Tail, Tx};

use super::apply::{REMEMBERED_FOR, apply};
use super::rows::{CHANGES, ENDS, GROUPS, GroupRow, TOMBSTONES, VERSIONS, VersionRow};
use super::{find_group, group_scope, in_region};
use crate::DynamoDb;
use crate::jobs::{Running, delete_some};
use crate::table::{IndexStatus, TableStatus};
use crate::tables::{ITEMS, TABLES};
use crate::target::Target;

/// Items that one transaction carries; each goes to every other region.
const ITEMS_AT_ONCE: usize = 100;
const BYTES_AT_ONCE: usize = 1 << 20;
/// When to look again whether deletions may be forgotten.
const SWEPT_AGAIN_AFTER: Duration = Duration::from_secs(3600);

impl Running {
    /// Carries what changed in this replica to the others.
    pub(crate) async fn replicate(&self, table: u64) -> Result<JobOutcome, ApiError> {
        loop {
            let has_more =
                self.step(move |service, ctx, tx, target| replicate_some(service, ctx, tx, target, table));
            if !has_more.await? {
                return Ok(JobOutcome::Done);
            }
        }
    }

    /// Copies the items of this replica to one that was added; what changes meanwhile is replicated as ever. After a crash
    /// it begins anew, and what is there already is left alone.
    pub(crate) async fn fill_replica(&self, region: String, group: u64) -> Result<JobOutcome, ApiError> {
        let Some(new_region) = Region::parse(&region) else { return Ok(JobOutcome::Done) };
        let other = in_region(&self.target, new_region);
        let mut after = None;
        loop {
            let (from, other) = (after.clone(), other.clone());
            after = self
                .step(move |service, ctx, tx, target| {
                    fill_some(service, ctx, tx, (target, &other), group, from.clone())
                })
                .await?;
            if after.is_none() {
                break;
            }
        }
        self.step(move |_, _, tx, target| open_replica(tx, target, new_region, group)).await?;
        self.service.definitions.forget_everywhere(&self.target.name);
        Ok(JobOutcome::Done)
    }

    /// Forgets deletions that no older write can follow any more.
    pub(crate) async fn forget_deletions(&self, table: u64) -> Result<JobOutcome, ApiError> {
        loop {
            let next = self
                .step(move |service, ctx, tx, target| forget_some(service, ctx, tx, target, table))
                .await?;
            match next {
                Some(due) if due <= self.ctx.now() => {}
                Some(due) => return Ok(JobOutcome::Again(due)),
                None => return Ok(JobOutcome::Done),
            }
        }
    }

    /// Clears away what a table needed while it was a replica.
    pub(crate) async fn forget_replica(&self, table: u64) -> Result<JobOutcome, ApiError> {
        loop {
            let is_done = self
                .step(move |_, _, tx, _| {
                    ENDS.delete(tx, &table);
                    let range = Range::prefix(&table);
                    Ok(delete_some(tx, &CHANGES, &range)?
                        && delete_some(tx, &VERSIONS, &range)?
                        && delete_some(tx, &TOMBSTONES, &range)?)
                })
                .await?;
            if is_done {
                return Ok(JobOutcome::Done);
            }
        }
    }
}

/// The other replicas of `target`'s global table, if that is still the one with this id.
fn members(tx: &mut Tx<'_>, target: &Target, group: u64) -> Result<Option<Vec<Target>>, ApiError> {
    let row = tx.with_scope(&group_scope(target.account), |tx| find_group(tx, &target.name))?;
    let Some(row) = row.filter(|row| row.id == group) else { return Ok(None) };
    let regions = row.members.keys().filter_map(|region| Region::parse(region));
    let others = regions.filter(|region| *region != target.region);
    Ok(Some(others.map(|region| in_region(target, region)).collect()))
}

/// One transaction's worth; whether there is more.
pub(super) fn replicate_some(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    id: u64,
) -> Result<bool, ApiError> {
    let table = service.definitions.within(tx, target)?.filter(|table| table.row.id == id);
    let Some(group) = table.as_ref().and_then(|table| table.row.replica.as_ref()) else { return Ok(false) };
    let group = group.group;
    let Some(others) = members(tx, target, group)? else { return Ok(false) };
    let mut changes = Vec::new();
    CHANGES.visit(tx, &Range::prefix(&id), Order::Ascending, |key, row| {
        changes.push((key, row.place));
        if changes.len() < ITEMS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if changes.is_empty() {
        let mut end = ENDS.find(tx, &id)?.unwrap_or_default();
        end.has_job = false;
        ENDS.put(tx, &id, &end);
        return Ok(false);
    }
    let (mut carried, mut bytes) = (BTreeSet::new(), 0);
    for (key, place) in changes {
        CHANGES.delete(tx, &key);
        // The item goes as it is now; a place that is named again needs no second journey.
        if carried.contains(&place) {
            continue;
        }
        let item_key = (id, Tail(place.clone()));
        let Some(version) = VERSIONS.find(tx, &item_key)? else { continue };
        let item = service.definitions.row_keys.item(tx, &item_key)?;
        bytes += item.as_ref().map_or(0, crate::item::Item::size);
        for other in &others {
            tx.with_scope(&other.scope, |tx| {
                apply(service, ctx, tx, (other, group), &place, &version, item.as_ref())
            })?;
        }
        carried.insert(place);
        if bytes >= BYTES_AT_ONCE {
            break;
        }
    }
    Ok(true)
}

/// Copies some items behind `after`; where to go on, until there are no more.
fn fill_some(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (target, other): (&Target, &Target),
    group: u64,
    after: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, ApiError> {
    let table = service.definitions.within(tx, target)?;
    let is_member =
        |row: &crate::tables::TableRow| row.replica.as_ref().is_some_and(|replica| replica.group == group);
    let Some(table) = table.filter(|table| is_member(&table.row)) else { return Ok(None) };
    let id = table.row.id;
    let mut range = Range::prefix(&id);
    if let Some(after) = after {
        range = range.after(&(id, Tail(after)));
    }
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
    table.row_keys.visit_items(tx, &range, |place, item| {
        bytes += item.size();
        items.push((place.0.clone(), item));
        if items.len() < ITEMS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        last = Some(place.0);
        ControlFlow::Break(())
    })?;
    for (place, item) in items {
        // An item from before the table was a replica is older than every write since.
        let oldest =
            || VersionRow { time: Timestamp::EPOCH, count: 0, region: target.region.as_str().to_owned() };
        let version = VERSIONS.find(tx, &(id, Tail(place.clone())))?.unwrap_or_else(oldest);
        tx.with_scope(&other.scope, |tx| {
            apply(service, ctx, tx, (other, group), &place, &version, Some(&item))
        })?;
    }
    Ok(last)
}

/// A new replica is filled: it and its source may be used as any other.
fn open_replica(tx: &mut Tx<'_>, target: &Target, region: Region, group: u64) -> Result<(), ApiError> {
    let name = target.name.clone();
    let row: Option<GroupRow> = tx.with_scope(&group_scope(target.account), |tx| {
        let Some(mut row) = GROUPS.find(tx, &name)?.filter(|row| row.id == group) else { return Ok(None) };
        if let Some(member) = row.members.get_mut(region.as_str()) {
            member.is_filling = false;
        }
        GROUPS.put(tx, &name, &row);
        Ok::<_, ApiError>(Some(row))
    })?;
    let Some(group) = row else { return Ok(()) };
    let is_filling = group.members.values().any(|member| member.is_filling);
    open(tx, &in_region(target, region))?;
    if is_filling { Ok(()) } else { open(tx, target) }
}

fn open(tx: &mut Tx<'_>, target: &Target) -> Result<(), ApiError> {
    tx.with_scope(&target.scope, |tx| {
        let Some(mut row) = TABLES.find(tx, &target.name)? else { return Ok(()) };
        if matches!(row.definition.status, TableStatus::Creating | TableStatus::Updating) {
            row.definition.status = TableStatus::Active;
        }
        for index in &mut row.definition.global_indexes {
            if !row.backfilling.contains(&index.name) {
                index.status = IndexStatus::Active;
            }
        }
        TABLES.put(tx, &target.name, &row);
        Ok(())
    })
}

/// Forgets some deletions; when to go on, if there are more.
fn forget_some(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    id: u64,
) -> Result<Option<Timestamp>, ApiError> {
    let table = service.definitions.within(tx, target)?.filter(|table| table.row.id == id);
    let Some(group) = table.as_ref().and_then(|table| table.row.replica.as_ref()) else { return Ok(None) };
    let group = group.group;
    let Some(others) = members(tx, target, group)? else { return Ok(None) };
    // Whatever was written before the deletions has arrived once nothing is on its way.
    for other in others {
        let is_waiting = tx.with_scope(&other.scope, |tx| {
            let table = service.definitions.within(tx, &other)?;
            let Some(table) = table else { return Ok::<_, ApiError>(false) };
            Ok(!CHANGES.list(tx, &Range::prefix(&table.row.id), 1)?.is_empty())
        })?;
        if is_waiting {
            return Ok(Some(ctx.now() + SWEPT_AGAIN_AFTER));
        }
    }
    let forgotten_until = ctx.now() - REMEMBERED_FOR;
    let (mut old, mut next) = (Vec::new(), None);
    TOMBSTONES.visit(tx, &Range::prefix(&id), Order::Ascending, |key, ()| {
        if key.1 > forgotten_until || old.len() == ITEMS_AT_ONCE {
            next = Some(key.1 + REMEMBERED_FOR);
            return ControlFlow::Break(());
        }
        old.push(key);
        ControlFlow::Continue(())
    })?;
    for key in old {
        TOMBSTONES.delete(tx, &key);
        let place = (id, key.2);
        // An item that came back carries its version on.
        let is_old = VERSIONS.find(tx, &place)?.is_some_and(|version| version.time <= forgotten_until);
        if is_old && !ITEMS.contains(tx, &place)? {
            VERSIONS.delete(tx, &place);
        }
    }
    if next.is_none() {
        let mut end = ENDS.find(tx, &id)?.unwrap_or_default();
        end.has_sweep = false;
        ENDS.put(tx, &id, &end);
    }
    Ok(next)
}
