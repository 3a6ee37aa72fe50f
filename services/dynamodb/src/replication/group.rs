//! Which tables are replicas of each other: adding one, changing one, taking one away.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::Ctx;
use dynamodb_api::{
    CreateReplicationGroupMemberAction, ReplicationGroupUpdate, UpdateReplicationGroupMemberAction,
};
use identity::Region;
use shapes::ApiError;
use store::{Range, Tx};

use super::job::replicate_some;
use super::rows::{CHANGES, GROUPS, Generation, GroupRow, Member};
use super::{find_group, group_scope, in_region};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::{invalid_parameter, table_in_use, validation};
use crate::jobs::{self, Work};
use crate::ops::{delete_within, new_row};
use crate::stream_record::StreamViewType;
use crate::streams;
use crate::table::{IndexStatus, TableStatus};
use crate::table_key::{self, Protection};
use crate::tables::{Replica, TABLES, TableClass, TableRow, TableSettings, TimeToLive};
use crate::target::Target;

/// Transactions' worth of waiting writes that leaving a global table takes along.
const STEPS_ON_LEAVING: usize = 20;

/// A table on its way into a global table.
struct Membership {
    pub member: Member,
    pub protection: Protection,
}

/// What an UpdateTable's `ReplicaUpdates` change; the only thing that the request changes.
pub(crate) fn update_replicas(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Arc<Table>,
    target: &Target,
    (updates, protection): (&[ReplicationGroupUpdate], &Protection),
) -> Result<(), ApiError> {
    let [update] = updates else {
        return Err(validation("Only one replica can be created, updated or deleted in a request"));
    };
    if table.row.definition.status != TableStatus::Active {
        return Err(table_in_use(&target.name, "Table is being created or updated"));
    }
    if let Some(create) = &update.create {
        let region = region(&create.region_name)?;
        return create_replica(ctx, tx, table, target, region, membership(create, protection));
    }
    if let Some(change) = &update.update {
        return change_replica(tx, target, change);
    }
    let Some(delete) = &update.delete else {
        return Err(validation("One of ReplicaUpdates' Create, Update or Delete must be given"));
    };
    let region = region(&delete.region_name)?;
    let group = group_within(tx, target)?;
    if !group.is_some_and(|group| group.members.contains_key(region.as_str())) {
        return Err(no_such_replica(&delete.region_name, &target.name));
    }
    let other = in_region(target, region);
    tx.with_scope(&other.scope, |tx| {
        let Some(replica) = service.definitions.within(tx, &other)? else {
            return Err(no_such_replica(&delete.region_name, &target.name));
        };
        delete_within(service, ctx, tx, &replica, &other).map(drop)
    })
}

fn no_such_replica(region: &str, table: &str) -> ApiError {
    validation(format!(
        "Update global table operation failed because one or more replicas were not part of the global table. Replica: \
         {region}, table: {table}"
    ))
}

pub(super) fn region(name: &str) -> Result<Region, ApiError> {
    Region::known(name).ok_or_else(|| invalid_parameter(format!("Region {name} is not supported")))
}

fn membership(create: &CreateReplicationGroupMemberAction, protection: &Protection) -> Membership {
    let reads = create.provisioned_throughput_override.as_ref();
    let on_demand = create.on_demand_throughput_override.as_ref();
    Membership {
        member: Member {
            is_filling: true,
            read_units: reads.and_then(|given| given.read_capacity_units),
            on_demand_reads: on_demand.and_then(|given| given.max_read_request_units),
            table_class: create.table_class_override.clone(),
            kms_key: create.kms_master_key_id.clone(),
        },
        protection: protection.clone(),
    }
}

pub(super) fn group_within(tx: &mut Tx<'_>, target: &Target) -> Result<Option<GroupRow>, ApiError> {
    tx.with_scope(&group_scope(target.account), |tx| find_group(tx, &target.name))
}

pub(super) fn put_group(tx: &mut Tx<'_>, target: &Target, group: &GroupRow) {
    tx.with_scope(&group_scope(target.account), |tx| GROUPS.put(tx, &target.name, group));
}

/// Begins a replica, which a job fills.
fn create_replica(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Arc<Table>,
    target: &Target,
    region: Region,
    membership: Membership,
) -> Result<(), ApiError> {
    let other = in_region(target, region);
    let exists = tx.with_scope(&other.scope, |tx| TABLES.contains(tx, &other.name))?;
    if region == target.region || exists {
        return Err(validation(format!(
            "Failed to create a the new replica of table with name: '{}' because one or more replicas already existed as \
             tables.",
            target.name
        )));
    }
    let mut row = table.row.clone();
    match row.definition.stream {
        Some(StreamViewType::NewAndOldImages) => {}
        None => streams::begin(ctx, tx, &mut row, StreamViewType::NewAndOldImages),
        Some(_) => {
            return Err(validation(format!(
                "Table {} must have a stream with the view type NEW_AND_OLD_IMAGES to be a global table",
                target.name
            )));
        }
    }
    let mut group = group_within(tx, target)?.unwrap_or_else(|| GroupRow {
        id: u64::from_le_bytes(ctx.ids().bytes()),
        created: ctx.now(),
        generation: Generation::V2019,
        members: BTreeMap::from([(target.region.as_str().to_owned(), existing_member())]),
    });
    if group.generation == Generation::V2017 {
        return Err(validation(
            "Replicas of a global table of version 2017.11.29 are added with UpdateGlobalTable",
        ));
    }
    group.members.insert(region.as_str().to_owned(), membership.member.clone());
    put_group(tx, target, &group);
    row.replica = Some(Replica { group: group.id });
    row.definition.status = TableStatus::Updating;
    TABLES.put(tx, &target.name, &row);
    let protection = membership.protection.clone();
    let replica = replica_row(ctx, &row, membership);
    tx.with_scope(&other.scope, |tx| {
        let mut replica = replica;
        streams::begin(ctx, tx, &mut replica, StreamViewType::NewAndOldImages);
        table_key::protect(ctx, tx, &other, &mut replica, &protection);
        TABLES.put(tx, &other.name, &replica);
    });
    let work = Work::FillReplica { region: region.as_str().to_owned(), group: group.id };
    jobs::start(ctx, tx, jobs::REPLICATION, target, &work);
    Ok(())
}

pub(super) fn existing_member() -> Member {
    Member { is_filling: false, read_units: None, on_demand_reads: None, table_class: None, kms_key: None }
}

/// What a replica has of its source: keys, indexes, billing, the stream and the time to live. Tags, policies, protection and
/// recovery are each replica's own.
fn replica_row(ctx: &Ctx, source: &TableRow, membership: Membership) -> TableRow {
    let mut definition = source.definition.clone();
    definition.status = TableStatus::Creating;
    definition.global_indexes.iter_mut().for_each(|index| index.status = IndexStatus::Creating);
    if let (Some(throughput), Some(units)) = (&mut definition.throughput, membership.member.read_units) {
        throughput.read_units = units;
    }
    let class = membership.member.table_class;
    let class = class.map(|name| TableClass { name, since: None });
    let mut row = new_row(ctx, definition);
    row.settings = TableSettings {
        table_class: class.or_else(|| source.settings.table_class.clone()),
        encryption: None,
        ..source.settings.clone()
    };
    row.time_to_live = source.time_to_live.as_ref().map(|settings| TimeToLive {
        id: u64::from_le_bytes(ctx.ids().bytes()),
        attribute: settings.attribute.clone(),
        is_enabling: false,
    });
    row.replica = source.replica.clone();
    row
}

fn change_replica(
    tx: &mut Tx<'_>,
    target: &Target,
    change: &UpdateReplicationGroupMemberAction,
) -> Result<(), ApiError> {
    let no_such = || no_such_replica(&change.region_name, &target.name);
    let region = region(&change.region_name)?;
    let mut group = group_within(tx, target)?.ok_or_else(no_such)?;
    let member = group.members.get_mut(region.as_str()).ok_or_else(no_such)?;
    if change.kms_master_key_id.is_some() {
        return Err(ApiError::with_status(
            501,
            "NotImplemented",
            "Another KMS key for a replica is not implemented in Brume yet.",
        ));
    }
    let units = change.provisioned_throughput_override.as_ref().and_then(|given| given.read_capacity_units);
    member.read_units = units.or(member.read_units);
    let on_demand =
        change.on_demand_throughput_override.as_ref().and_then(|given| given.max_read_request_units);
    member.on_demand_reads = on_demand.or(member.on_demand_reads);
    if change.table_class_override.is_some() {
        member.table_class.clone_from(&change.table_class_override);
    }
    put_group(tx, target, &group);
    let other = in_region(target, region);
    tx.with_scope(&other.scope, |tx| {
        let Some(mut row) = TABLES.find(tx, &other.name)? else { return Ok(()) };
        if let (Some(throughput), Some(units)) = (&mut row.definition.throughput, units) {
            throughput.read_units = units;
        }
        if let Some(name) = &change.table_class_override {
            row.settings.table_class = Some(TableClass { name: name.clone(), since: None });
        }
        TABLES.put(tx, &other.name, &row);
        Ok(())
    })
}

/// The other replicas that share a table's settings; none when it is no replica, or one of 2017, whose settings are changed
/// one by one.
pub(crate) fn others(tx: &mut Tx<'_>, table: &Table, target: &Target) -> Result<Vec<Target>, ApiError> {
    if table.row.replica.is_none() {
        return Ok(Vec::new());
    }
    let group = group_within(tx, target)?.filter(|group| group.generation == Generation::V2019);
    let regions = group.iter().flat_map(|group| group.members.keys());
    let others = regions.filter_map(|region| Region::parse(region)).filter(|region| *region != target.region);
    Ok(others.map(|region| in_region(target, region)).collect())
}

/// Takes a table out of its global table; its last writes go to the others first.
pub(crate) fn leave(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    target: &Target,
) -> Result<(), ApiError> {
    if table.row.replica.is_none() {
        return Ok(());
    }
    for _ in 0..STEPS_ON_LEAVING {
        if !replicate_some(service, ctx, tx, target, table.row.id)? {
            break;
        }
    }
    if !CHANGES.list(tx, &Range::prefix(&table.row.id), 1)?.is_empty() {
        return Err(table_in_use(&target.name, "Table has writes that are not replicated yet"));
    }
    jobs::start(ctx, tx, jobs::REPLICATION, target, &Work::ForgetReplica { table: table.row.id });
    let Some(mut group) = group_within(tx, target)? else { return Ok(()) };
    group.members.remove(target.region.as_str());
    if group.members.len() > 1 || group.generation == Generation::V2017 && !group.members.is_empty() {
        put_group(tx, target, &group);
        return Ok(());
    }
    // A single replica is a table like any other.
    tx.with_scope(&group_scope(target.account), |tx| GROUPS.delete(tx, &target.name));
    for region in group.members.keys().filter_map(|region| Region::parse(region)) {
        let last = in_region(target, region);
        tx.with_scope(&last.scope, |tx| {
            let Some(mut row) = TABLES.find(tx, &last.name)? else { return Ok::<_, ApiError>(()) };
            row.replica = None;
            if row.definition.status == TableStatus::Updating {
                row.definition.status = TableStatus::Active;
            }
            let id = row.id;
            TABLES.put(tx, &last.name, &row);
            jobs::start(ctx, tx, jobs::REPLICATION, &last, &Work::ForgetReplica { table: id });
            Ok(())
        })?;
    }
    Ok(())
}
