//! UpdateTable: streams, billing and throughput, protection, class and encryption, and global indexes that come and go
//! while the table is used.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::UpdateTable;
use dynamodb_api::{
    CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, SSESpecification, UpdateTableInput,
    UpdateTableOutput, error,
};
use identity::Region;
use shapes::ApiError;
use store::Tx;

use super::create_table::several_accounts;
use super::{decreases, describe_table, table_request};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::{index_not_found, key_access_denied, table_in_use, validation};
use crate::jobs::{self, Work};
use crate::key_schema::KeyAttribute;
use crate::replication::{self, in_region};
use crate::streams;
use crate::table::{
    BillingMode, IndexDraft, IndexStatus, MAX_GLOBAL_INDEXES, TableDraft, TableError, TableStatus, Throughput,
};
use crate::table_key::{self, Protection};
use crate::tables::{TABLES, TableClass, TableRow};
use crate::target::Target;

impl Handle<UpdateTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateTableInput) -> Result<Guard, ApiError> {
        let mut guard = self.table_guard(ctx, &input.table_name)?;
        let target = Target::parse(ctx, &input.table_name)?;
        // A replica is made and deleted in its own region, where other policies may hold.
        for update in input.replica_updates.iter().flatten() {
            let created = update.create.as_ref().map(|create| (&create.region_name, "CreateTableReplica"));
            let deleted = update.delete.as_ref().map(|delete| (&delete.region_name, "DeleteTableReplica"));
            for (region, action) in created.into_iter().chain(deleted) {
                let Some(region) = Region::known(region) else { continue };
                let replica = self.table_guard(ctx, &in_region(&target, region).arn())?;
                guard = guard.and(replica.action(format!("dynamodb:{action}")));
            }
        }
        Ok(guard)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateTableInput,
    ) -> Result<UpdateTableOutput, ApiError> {
        check(&input)?;
        let target = Target::parse(ctx, &input.table_name)?;
        let protection = match key_of_replica(&input) {
            Some((region, key)) => {
                let there = ctx.in_tenant(target.account, region);
                table_key::asked(&there, &in_region(&target, region), Some(&key)).await?
            }
            None => table_key::asked(ctx, &target, input.sse_specification.as_ref()).await?,
        };
        let protection = match &input.sse_specification {
            Some(_) => self.with_earlier_keys(ctx, &target, protection).await?,
            None => protection,
        };
        let table = self
            .change_table(ctx, &target, move |service, ctx, tx, table, target| {
                update_all(service, ctx, tx, table, target, (&input, &protection))
            })
            .await;
        self.definitions.forget_everywhere(&target.name);
        let table = table?;
        let mut description = describe_table::describe(&table);
        replication::describe(ctx, &table, &mut description)?;
        description.table_status = Some("UPDATING".to_owned());
        Ok(UpdateTableOutput { table_description: Some(description) })
    }
}

/// The KMS key that a new replica is to have, and where.
fn key_of_replica(input: &UpdateTableInput) -> Option<(Region, SSESpecification)> {
    let create = input.replica_updates.iter().flatten().find_map(|update| update.create.as_ref())?;
    let key = create.kms_master_key_id.clone()?;
    let key = SSESpecification {
        enabled: Some(true),
        sse_type: Some("KMS".to_owned()),
        kms_master_key_id: Some(key),
    };
    Some((Region::known(&create.region_name)?, key))
}

/// Updates a table, and its replicas in what they share (Developer Guide, "Global tables", "Settings synchronization").
fn update_all(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Arc<Table>,
    target: &Target,
    (input, protection): (&UpdateTableInput, &Protection),
) -> Result<Table, ApiError> {
    if let Some(updates) = &input.replica_updates {
        replication::update_replicas(service, ctx, tx, table, target, (updates, protection))?;
        let row = TABLES.find(tx, &target.name)?.unwrap_or_else(|| table.row.clone());
        return Table::new(row, target, &service.definitions);
    }
    if table.row.replica.is_some() && input.stream_specification.is_some() {
        return Err(validation("The stream of a replica of a global table cannot be changed"));
    }
    let updated = update(service, ctx, tx, table, target, (input, protection))?;
    let shared = UpdateTableInput {
        attribute_definitions: input.attribute_definitions.clone(),
        billing_mode: input.billing_mode.clone(),
        provisioned_throughput: input.provisioned_throughput.clone(),
        global_secondary_index_updates: input.global_secondary_index_updates.clone(),
        on_demand_throughput: input.on_demand_throughput.clone(),
        ..Default::default()
    };
    if check(&shared).is_err() {
        return Ok(updated);
    }
    for other in replication::others(tx, table, target)? {
        tx.with_scope(&other.scope, |tx| {
            let Some(replica) = service.definitions.within(tx, &other)? else { return Ok(()) };
            update(service, ctx, tx, &replica, &other, (&shared, &Protection::default())).map(drop)
        })?;
    }
    Ok(updated)
}

pub(super) fn check(input: &UpdateTableInput) -> Result<(), ApiError> {
    let changes_something = input.provisioned_throughput.is_some()
        || input.billing_mode.is_some()
        || input.stream_specification.is_some()
        || input.global_secondary_index_updates.is_some()
        || input.sse_specification.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some()
        || input.on_demand_throughput.is_some();
    if input.multi_region_consistency.as_deref() == Some("STRONG")
        || input.global_table_witness_updates.is_some()
    {
        return Err(ApiError::with_status(
            501,
            "NotImplemented",
            "MultiRegionConsistency STRONG of DynamoDB's global tables is not implemented in Brume yet.",
        ));
    }
    if input.global_table_settings_replication_mode.is_some() {
        return Err(several_accounts());
    }
    if input.replica_updates.is_some() {
        if changes_something {
            return Err(validation("ReplicaUpdates cannot be combined with other changes of the table"));
        }
        return Ok(());
    }
    if !changes_something {
        return Err(validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
             SSESpecification or ReplicaUpdates is required",
        ));
    }
    let updates = input.global_secondary_index_updates.iter().flatten();
    if updates.filter(|update| update.create.is_some() || update.delete.is_some()).count() > 1 {
        return Err(error::limit_exceeded_exception(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ));
    }
    Ok(())
}

pub(super) fn update(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Arc<Table>,
    target: &Target,
    (input, protection): (&UpdateTableInput, &Protection),
) -> Result<Table, ApiError> {
    let is_inaccessible = table.row.definition.status == TableStatus::InaccessibleEncryptionCredentials;
    if is_inaccessible && input.sse_specification.is_none() {
        return Err(key_access_denied());
    }
    if table.row.definition.status != TableStatus::Active && !is_inaccessible {
        return Err(table_in_use(&target.name, "Table is being created"));
    }
    let mut row = table.row.clone();
    update_capacity(ctx, &mut row, input)?;
    if let Some(stream) = &input.stream_specification {
        match (stream.stream_enabled, row.stream.is_some()) {
            (true, true) => {
                return Err(validation(format!(
                    "Table already has an enabled stream: TableName: {}",
                    target.name
                )));
            }
            (false, false) => {
                return Err(validation(format!(
                    "Table has no stream to disable: TableName: {}",
                    target.name
                )));
            }
            (true, false) => {
                let view = table_request::view(stream.stream_view_type.as_deref())?;
                streams::begin(ctx, tx, &mut row, view);
            }
            (false, true) => {
                streams::end(ctx, tx, table)?;
                row.stream = None;
                row.definition.stream = None;
            }
        }
    }
    if let Some(is_protected) = input.deletion_protection_enabled {
        row.is_protected = is_protected;
    }
    if let Some(name) = &input.table_class {
        row.settings.table_class = Some(TableClass { name: name.clone(), since: Some(ctx.now()) });
    }
    if input.sse_specification.is_some() {
        if row.settings.encryption.as_ref() != protection.encryption() {
            table_key::protect(ctx, tx, target, &mut row, protection);
        }
        row.definition.status = TableStatus::Active;
    }
    if let Some(limits) = &input.on_demand_throughput {
        row.settings.on_demand = Some(table_request::on_demand(limits));
    }
    for update in input.global_secondary_index_updates.iter().flatten() {
        if let Some(delete) = &update.delete {
            table.end_insights(ctx, tx, Some(&delete.index_name));
        }
        let attributes = input.attribute_definitions.clone().unwrap_or_default();
        update_index(ctx, tx, target, &mut row, update, table_request::attributes(attributes)?)?;
    }
    decreases::count(service, ctx, tx, &table.row.definition, &row)?;
    TABLES.put(tx, &target.name, &row);
    let updated = Table::new(row, target, &service.definitions)?;
    service.follow_rates(tx, table, &updated, ctx.now());
    Ok(updated)
}

fn update_capacity(ctx: &Ctx, row: &mut TableRow, input: &UpdateTableInput) -> Result<(), ApiError> {
    let asked = input.provisioned_throughput.as_ref().map(table_request::throughput);
    let becomes_per_request = input.billing_mode.as_deref() == Some("PAY_PER_REQUEST");
    let definition = &mut row.definition;
    if becomes_per_request {
        if asked.is_some() {
            return Err(validation(TableError::ThroughputWhenPerRequest));
        }
        definition.billing = BillingMode::PayPerRequest;
        definition.throughput = None;
        definition.global_indexes.iter_mut().for_each(|index| index.throughput = None);
        row.settings.became_per_request = Some(ctx.now());
        return Ok(());
    }
    let becomes_provisioned =
        input.billing_mode.is_some() && definition.billing == BillingMode::PayPerRequest;
    if becomes_provisioned && asked.is_none() {
        return Err(validation(TableError::NoThroughput));
    }
    let Some(asked) = asked else { return Ok(()) };
    if definition.billing == BillingMode::PayPerRequest && !becomes_provisioned {
        return Err(validation(TableError::ThroughputWhenPerRequest));
    }
    asked.check().map_err(validation)?;
    let current = definition.throughput.unwrap_or(Throughput { read_units: 0, write_units: 0 });
    if current == asked && input.global_secondary_index_updates.is_none() {
        return Err(unchanged_throughput(current, asked));
    }
    definition.billing = BillingMode::Provisioned;
    definition.throughput = Some(asked);
    if becomes_provisioned {
        // Indexes that the request does not name get what the table gets.
        definition.global_indexes.iter_mut().for_each(|index| index.throughput = Some(asked));
    }
    if asked.read_units > current.read_units || asked.write_units > current.write_units {
        row.settings.throughput_raised = Some(ctx.now());
    }
    if asked.read_units < current.read_units || asked.write_units < current.write_units {
        row.settings.throughput_lowered = Some(ctx.now());
    }
    Ok(())
}

fn unchanged_throughput(current: Throughput, asked: Throughput) -> ApiError {
    validation(format!(
        "The provisioned throughput for the table will not change. The requested value equals the current value. \
         Current ReadCapacityUnits provisioned for the table: {}. Requested ReadCapacityUnits: {}. Current \
         WriteCapacityUnits provisioned for the table: {}. Requested WriteCapacityUnits: {}. Refer to the Amazon \
         DynamoDB Developer Guide for current limits and how to request higher limits.",
        current.read_units, asked.read_units, current.write_units, asked.write_units
    ))
}

fn update_index(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    row: &mut TableRow,
    update: &GlobalSecondaryIndexUpdate,
    attributes: Vec<KeyAttribute>,
) -> Result<(), ApiError> {
    if let Some(create) = &update.create {
        return create_index(ctx, tx, target, row, create, attributes);
    }
    if let Some(delete) = &update.delete {
        let name = &delete.index_name;
        let place = row.definition.global_indexes.iter().position(|index| index.name == *name);
        row.definition.global_indexes.remove(place.ok_or_else(|| index_not_found(name))?);
        row.backfilling.retain(|filling| filling != name);
        row.settings.index_on_demand.remove(name);
        forget_unused_attributes(row);
        let places = row.index_ids.remove(name).into_iter().collect();
        let work = Work::Purge { places, time_to_live: None, journal: None };
        jobs::start(ctx, tx, jobs::PURGE, target, &work);
        return Ok(());
    }
    let Some(change) = &update.update else {
        return Err(validation("One of GlobalSecondaryIndexUpdate's Create, Update or Delete must be given"));
    };
    let name = &change.index_name;
    if let Some(limits) = &change.on_demand_throughput {
        row.settings.index_on_demand.insert(name.clone(), table_request::on_demand(limits));
    }
    let is_per_request = row.definition.billing == BillingMode::PayPerRequest;
    let index = row.definition.global_indexes.iter_mut().find(|index| index.name == *name);
    let index = index.ok_or_else(|| index_not_found(name))?;
    if let Some(throughput) = &change.provisioned_throughput {
        if is_per_request {
            return Err(validation(TableError::IndexThroughputWhenPerRequest(name.clone())));
        }
        let throughput = table_request::throughput(throughput);
        throughput.check().map_err(validation)?;
        index.throughput = Some(throughput);
    }
    Ok(())
}

fn create_index(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    row: &mut TableRow,
    create: &CreateGlobalSecondaryIndexAction,
    attributes: Vec<KeyAttribute>,
) -> Result<(), ApiError> {
    let definition = &mut row.definition;
    for attribute in attributes {
        match definition.attributes.iter().find(|known| known.name == attribute.name) {
            None => definition.attributes.push(attribute),
            Some(known) if known.kind == attribute.kind => {}
            Some(_) => {
                return Err(validation(format!(
                    "One or more parameter values were invalid: Attribute {} cannot change its type",
                    attribute.name
                )));
            }
        }
    }
    if definition.index_keys(&create.index_name).is_some() {
        return Err(validation(TableError::DuplicateIndex(create.index_name.clone())));
    }
    if definition.global_indexes.len() >= MAX_GLOBAL_INDEXES {
        return Err(validation(TableError::TooManyGlobal));
    }
    let is_filling = definition.global_indexes.iter().any(|index| index.status == IndexStatus::Creating);
    if is_filling {
        return Err(error::limit_exceeded_exception(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ));
    }
    let draft = TableDraft {
        attributes: definition.attributes.clone(),
        is_per_request: definition.billing == BillingMode::PayPerRequest,
        ..TableDraft::default()
    };
    let index = IndexDraft {
        name: create.index_name.clone(),
        keys: table_request::keys(create.key_schema.clone()),
        projection: table_request::projection(create.projection.clone()),
        throughput: create.provisioned_throughput.as_ref().map(table_request::throughput),
    };
    definition.global_indexes.push(draft.global_index(&index).map_err(validation)?);
    if let Some(limits) = &create.on_demand_throughput {
        let limits = table_request::on_demand(limits);
        row.settings.index_on_demand.insert(create.index_name.clone(), limits);
    }
    forget_unused_attributes(row);
    let id = u64::from_le_bytes(ctx.ids().bytes());
    row.index_ids.insert(create.index_name.clone(), id);
    row.backfilling.push(create.index_name.clone());
    jobs::start(ctx, tx, jobs::FILLING, target, &Work::Backfill { index: create.index_name.clone(), id });
    Ok(())
}

fn forget_unused_attributes(row: &mut TableRow) {
    let definition = &mut row.definition;
    let mut schemas = vec![definition.keys.clone()];
    schemas.extend(definition.local_indexes.iter().map(|index| index.keys.clone()));
    schemas.extend(definition.global_indexes.iter().map(|index| index.keys.clone()));
    definition.attributes.retain(|attribute| schemas.iter().any(|keys| keys.contains(&attribute.name)));
}
