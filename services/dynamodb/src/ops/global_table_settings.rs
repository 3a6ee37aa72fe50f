//! DescribeGlobalTableSettings, UpdateGlobalTableSettings: capacity of the replicas of a global table of version 2017.11.29.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DescribeGlobalTableSettings, UpdateGlobalTableSettings};
use dynamodb_api::{
    BillingModeSummary, DescribeGlobalTableSettingsInput, DescribeGlobalTableSettingsOutput,
    GlobalSecondaryIndexUpdate, ProvisionedThroughput, ReplicaGlobalSecondaryIndexSettingsDescription,
    ReplicaSettingsDescription, TableClassSummary, UpdateGlobalSecondaryIndexAction,
    UpdateGlobalTableSettingsInput, UpdateGlobalTableSettingsOutput, UpdateTableInput, error,
};
use identity::Region;
use shapes::ApiError;
use store::Tx;

use super::global_tables::guard;
use super::replica_auto_scaling::{Scaled, Settings, scaling_in};
use super::{replica_auto_scaling, update_table};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::replication::rows::GroupRow;
use crate::replication::{group_scope, in_region, legacy_group};
use crate::table::{BillingMode, Throughput};
use crate::table_key::Protection;
use crate::target::Target;
use crate::usage::Direction;

impl Handle<DescribeGlobalTableSettings> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeGlobalTableSettingsInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.global_table_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeGlobalTableSettingsInput,
    ) -> Result<DescribeGlobalTableSettingsOutput, ApiError> {
        let target = Target::parse(ctx, &input.global_table_name)?;
        let group = legacy_group(&mut ctx.store().read(&group_scope(ctx.account()))?, &target.name)?;
        let settings = settings(self, ctx, &target, &group).await?;
        Ok(DescribeGlobalTableSettingsOutput {
            global_table_name: Some(target.name),
            replica_settings: Some(settings),
        })
    }
}

impl Handle<UpdateGlobalTableSettings> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateGlobalTableSettingsInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.global_table_name).and(self.table_guard(ctx, &input.global_table_name)?))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateGlobalTableSettingsInput,
    ) -> Result<UpdateGlobalTableSettingsOutput, ApiError> {
        let target = Target::parse(ctx, &input.global_table_name)?;
        let (service, own, place, kept) = (Arc::clone(self), ctx.clone(), target.clone(), input.clone());
        let updated = ctx
            .write(move |tx| {
                let scope = group_scope(place.account);
                let group = tx.with_scope(&scope, |tx| legacy_group(tx, &place.name))?;
                for given in input.replica_settings_update.iter().flatten() {
                    if !group.members.contains_key(&given.region_name) {
                        let name = &given.region_name;
                        return Err(error::replica_not_found_exception(format!("Replica not found: {name}")));
                    }
                }
                for region in group.members.keys().filter_map(|region| Region::parse(region)) {
                    let replica = in_region(&place, region);
                    tx.with_scope(&replica.scope, |tx| update(&service, &own, tx, &replica, &input))?;
                }
                Ok(group)
            })
            .await;
        self.definitions.forget_everywhere(&target.name);
        let group = updated?;
        scale(ctx, &target, &group, &kept).await?;
        let settings = settings(self, ctx, &target, &group).await?;
        Ok(UpdateGlobalTableSettingsOutput {
            global_table_name: Some(target.name),
            replica_settings: Some(settings),
        })
    }
}

/// Has the throughput of the replicas follow what they consume, as UpdateTableReplicaAutoScaling does.
async fn scale(
    ctx: &Ctx,
    target: &Target,
    group: &GroupRow,
    input: &UpdateGlobalTableSettingsInput,
) -> Result<(), ApiError> {
    for region in group.members.keys().filter_map(|region| Region::parse(region)) {
        let mut changes = Vec::new();
        changes.extend(
            input
                .global_table_provisioned_write_capacity_auto_scaling_settings_update
                .as_ref()
                .map(|given| (None, Direction::Write, given)),
        );
        for index in input.global_table_global_secondary_index_settings_update.iter().flatten() {
            let given = index.provisioned_write_capacity_auto_scaling_settings_update.as_ref();
            changes.extend(given.map(|given| (Some(index.index_name.as_str()), Direction::Write, given)));
        }
        let replicas = input.replica_settings_update.iter().flatten();
        for own in replicas.filter(|given| given.region_name == region.as_str()) {
            let given = own.replica_provisioned_read_capacity_auto_scaling_settings_update.as_ref();
            changes.extend(given.map(|given| (None, Direction::Read, given)));
            for index in own.replica_global_secondary_index_settings_update.iter().flatten() {
                let given = index.provisioned_read_capacity_auto_scaling_settings_update.as_ref();
                changes.extend(given.map(|given| (Some(index.index_name.as_str()), Direction::Read, given)));
            }
        }
        let ctx = scaling_in(ctx, target, region);
        for (index, direction, given) in changes {
            replica_auto_scaling::update(&ctx, &Scaled::new(target, index, direction), given).await?;
        }
    }
    Ok(())
}

/// Changes one replica as UpdateTable does, in as far as the request changes it.
fn update(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    input: &UpdateGlobalTableSettingsInput,
) -> Result<(), ApiError> {
    let Some(table) = service.definitions.within(tx, target)? else { return Ok(()) };
    let definition = &table.row.definition;
    let mut replicas = input.replica_settings_update.iter().flatten();
    let own = replicas.find(|given| given.region_name == target.region.as_str());
    let chosen = |current: Option<Throughput>, reads: Option<i64>, writes: Option<i64>| {
        if reads.is_none() && writes.is_none() {
            return None;
        }
        let current = current.unwrap_or(Throughput { read_units: 1, write_units: 1 });
        let asked = Throughput {
            read_units: reads.unwrap_or(current.read_units),
            write_units: writes.unwrap_or(current.write_units),
        };
        (asked != current || definition.billing == BillingMode::PayPerRequest).then_some(
            ProvisionedThroughput {
                read_capacity_units: asked.read_units,
                write_capacity_units: asked.write_units,
            },
        )
    };
    let mut updates = Vec::new();
    for index in &definition.global_indexes {
        let mut writes = input.global_table_global_secondary_index_settings_update.iter().flatten();
        let writes = writes.find(|given| given.index_name == index.name);
        let mut reads =
            own.iter().flat_map(|own| own.replica_global_secondary_index_settings_update.iter().flatten());
        let reads = reads.find(|given| given.index_name == index.name);
        let throughput = chosen(
            index.throughput,
            reads.and_then(|given| given.provisioned_read_capacity_units),
            writes.and_then(|given| given.provisioned_write_capacity_units),
        );
        if let Some(throughput) = throughput {
            let update = UpdateGlobalSecondaryIndexAction {
                index_name: index.name.clone(),
                provisioned_throughput: Some(throughput),
                ..Default::default()
            };
            updates.push(GlobalSecondaryIndexUpdate { update: Some(update), ..Default::default() });
        }
    }
    let asked = UpdateTableInput {
        table_name: target.name.clone(),
        billing_mode: input.global_table_billing_mode.clone(),
        provisioned_throughput: chosen(
            definition.throughput,
            own.and_then(|own| own.replica_provisioned_read_capacity_units),
            input.global_table_provisioned_write_capacity_units,
        ),
        global_secondary_index_updates: Some(updates).filter(|updates| !updates.is_empty()),
        table_class: own.and_then(|own| own.replica_table_class.clone()),
        ..Default::default()
    };
    if update_table::check(&asked).is_err() {
        return Ok(());
    }
    update_table::update(service, ctx, tx, &table, target, (&asked, &Protection::default())).map(drop)
}

async fn settings(
    service: &DynamoDb,
    ctx: &Ctx,
    target: &Target,
    group: &GroupRow,
) -> Result<Vec<ReplicaSettingsDescription>, ApiError> {
    let mut settings = Vec::new();
    for region in group.members.keys().filter_map(|region| Region::parse(region)) {
        if let Some(table) = service.definitions.find(ctx.store(), &in_region(target, region))? {
            let scaling = Settings::read(&scaling_in(ctx, target, region), target).await?;
            settings.push(describe(&table, target, &scaling));
        }
    }
    Ok(settings)
}

fn describe(table: &Table, target: &Target, scaling: &Settings) -> ReplicaSettingsDescription {
    let scaled = |index: Option<&str>, direction| Some(scaling.of(&Scaled::new(target, index, direction)));
    let definition = &table.row.definition;
    let reads = |throughput: Option<Throughput>| throughput.map_or(0, |throughput| throughput.read_units);
    let writes = |throughput: Option<Throughput>| throughput.map_or(0, |throughput| throughput.write_units);
    let indexes =
        definition.global_indexes.iter().map(|index| ReplicaGlobalSecondaryIndexSettingsDescription {
            index_name: index.name.clone(),
            index_status: Some(index.status.name().to_owned()),
            provisioned_read_capacity_auto_scaling_settings: scaled(Some(&index.name), Direction::Read),
            provisioned_write_capacity_auto_scaling_settings: scaled(Some(&index.name), Direction::Write),
            provisioned_read_capacity_units: Some(reads(index.throughput)),
            provisioned_write_capacity_units: Some(writes(index.throughput)),
        });
    ReplicaSettingsDescription {
        region_name: table.region.as_str().to_owned(),
        replica_status: Some(definition.status.name().to_owned()),
        replica_billing_mode_summary: Some(BillingModeSummary {
            billing_mode: Some(definition.billing.name().to_owned()),
            last_update_to_pay_per_request_date_time: table.row.settings.became_per_request,
        }),
        replica_provisioned_read_capacity_auto_scaling_settings: scaled(None, Direction::Read),
        replica_provisioned_write_capacity_auto_scaling_settings: scaled(None, Direction::Write),
        replica_provisioned_read_capacity_units: Some(reads(definition.throughput)),
        replica_provisioned_write_capacity_units: Some(writes(definition.throughput)),
        replica_global_secondary_index_settings: Some(indexes.collect()),
        replica_table_class_summary: table
            .row
            .settings
            .table_class
            .as_ref()
            .map(|class| TableClassSummary { table_class: Some(class.name.clone()), ..Default::default() }),
    }
}
