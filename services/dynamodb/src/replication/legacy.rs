//! Global tables of version 2017.11.29: tables that exist already, all of them empty, become replicas of each other.

use std::collections::BTreeMap;

use cloud::Ctx;
use dynamodb_api::{GlobalTableDescription, ReplicaUpdate, error};
use identity::Region;
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::group::{existing_member, group_within, leave, put_group, region};
use super::rows::{Generation, GroupRow};
use super::{find_group, in_region, replicas};
use crate::DynamoDb;
use crate::errors::{backed_up_table_not_found, invalid_parameter};
use crate::stream_record::StreamViewType;
use crate::tables::{ITEMS, Replica, TABLES, TableRow};
use crate::target::Target;

pub(crate) fn global_table_not_found(name: &str) -> ApiError {
    error::global_table_not_found_exception(format!("Global table not found: {name}"))
}

/// A global table that CreateGlobalTable made.
pub(crate) fn legacy_group(reader: &mut dyn Reader, name: &str) -> Result<GroupRow, ApiError> {
    let group = find_group(reader, name)?.filter(|group| group.generation == Generation::V2017);
    group.ok_or_else(|| global_table_not_found(name))
}

/// CreateGlobalTable.
pub(crate) fn begin_legacy(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    regions: &[String],
) -> Result<GroupRow, ApiError> {
    if group_within(tx, target)?.is_some() {
        return Err(error::global_table_already_exists_exception(format!(
            "Global table with name: '{}' already exists",
            target.name
        )));
    }
    if !regions.iter().any(|name| name == target.region.as_str()) {
        return Err(invalid_parameter("The region of the request must be among the replicas"));
    }
    let mut group = GroupRow {
        id: u64::from_le_bytes(ctx.ids().bytes()),
        created: ctx.now(),
        generation: Generation::V2017,
        members: BTreeMap::new(),
    };
    for name in regions {
        join(service, tx, &in_region(target, region(name)?), &mut group)?;
    }
    put_group(tx, target, &group);
    Ok(group)
}

/// UpdateGlobalTable.
pub(crate) fn update_legacy(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    updates: &[ReplicaUpdate],
) -> Result<GroupRow, ApiError> {
    let group = group_within(tx, target)?.filter(|group| group.generation == Generation::V2017);
    let mut group = group.ok_or_else(|| global_table_not_found(&target.name))?;
    for update in updates {
        if let Some(create) = &update.create {
            join(service, tx, &in_region(target, region(&create.region_name)?), &mut group)?;
            put_group(tx, target, &group);
        }
        if let Some(delete) = &update.delete {
            let region = region(&delete.region_name)?;
            if !group.members.contains_key(region.as_str()) {
                return Err(error::replica_not_found_exception(format!(
                    "Replica not found: {}",
                    delete.region_name
                )));
            }
            part(service, ctx, tx, target, region)?;
            group.members.remove(region.as_str());
        }
    }
    Ok(group)
}

/// Makes a table a replica.
fn join(service: &DynamoDb, tx: &mut Tx<'_>, target: &Target, group: &mut GroupRow) -> Result<(), ApiError> {
    if group.members.contains_key(target.region.as_str()) {
        return Err(error::replica_already_exists_exception(format!(
            "Replica already exists: {}",
            target.region.as_str()
        )));
    }
    let first = group.members.keys().next().and_then(|region| Region::parse(region));
    let first = first.map(|region| in_region(target, region));
    let keys = match &first {
        Some(first) => tx.with_scope(&first.scope, |tx| TABLES.find(tx, &first.name))?,
        None => None,
    };
    let id = group.id;
    tx.with_scope(&target.scope, |tx| {
        let table = service.definitions.within(tx, target)?.filter(|table| table.is_open());
        let table = table.ok_or_else(|| backed_up_table_not_found(&target.name))?;
        let place = format!("table '{}' in region {}", target.name, target.region.as_str());
        if table.row.definition.stream != Some(StreamViewType::NewAndOldImages) {
            return Err(invalid_parameter(format!("The {place} must have a stream with new and old images")));
        }
        if !ITEMS.list(tx, &Range::prefix(&table.row.id), 1)?.is_empty() {
            return Err(invalid_parameter(format!("The {place} must be empty")));
        }
        let is_alike = |other: &TableRow| {
            let (one, other) = (&table.row.definition, &other.definition);
            one.keys == other.keys && one.local_indexes == other.local_indexes
        };
        if keys.is_some_and(|keys| !is_alike(&keys)) {
            return Err(invalid_parameter(format!("The {place} must have the keys of the other replicas")));
        }
        let row = TableRow { replica: Some(Replica { group: id }), ..table.row.clone() };
        TABLES.put(tx, &target.name, &row);
        Ok(())
    })?;
    group.members.insert(target.region.as_str().to_owned(), existing_member());
    Ok(())
}

/// Makes a replica a table of its own, with the items that it has.
fn part(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    region: Region,
) -> Result<(), ApiError> {
    let other = in_region(target, region);
    tx.with_scope(&other.scope, |tx| {
        let Some(table) = service.definitions.within(tx, &other)? else { return Ok(()) };
        leave(service, ctx, tx, &table, &other)?;
        let row = TableRow { replica: None, ..table.row.clone() };
        TABLES.put(tx, &other.name, &row);
        Ok(())
    })
}

pub(crate) fn describe_legacy(target: &Target, group: &GroupRow) -> GlobalTableDescription {
    GlobalTableDescription {
        replication_group: Some(replicas(group, |_| true)),
        global_table_arn: Some(format!("arn:aws:dynamodb::{}:global-table/{}", target.account, target.name)),
        creation_date_time: Some(group.created),
        global_table_status: Some("ACTIVE".to_owned()),
        global_table_name: Some(target.name.clone()),
    }
}
