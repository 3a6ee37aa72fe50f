//! DescribeTable.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::DescribeTable;
use dynamodb_api::{
    AttributeDefinition, BillingModeSummary, DescribeTableInput, DescribeTableOutput,
    GlobalSecondaryIndexDescription, KeySchemaElement, LocalSecondaryIndexDescription, OnDemandThroughput,
    Projection, ProvisionedThroughputDescription, RestoreSummary, SSEDescription, StreamSpecification,
    TableClassSummary, TableDescription,
};
use shapes::ApiError;
use store::{Order, Range, Reader};

use super::decreases;
use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::named_table_not_found;
use crate::index::IndexProjection;
use crate::key_schema::KeySchema;
use crate::replication;
use crate::table::Throughput;
use crate::tables::{ITEMS, OnDemandLimits};
use crate::target::Target;

/// AWS's counts are hours old; ours stop here.
const COUNTED: i64 = 10_000;

impl Handle<DescribeTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeTableInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeTableInput,
    ) -> Result<DescribeTableOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let mut snapshot = ctx.store().read(&target.scope)?;
        let table = self.definitions.within(&mut snapshot, &target)?;
        let table = table.ok_or_else(|| named_table_not_found(&target.name))?;
        let mut description = describe(&table);
        replication::describe(ctx, &table, &mut description)?;
        let now = ctx.now();
        let mut decreases = |id: u64, throughput: &mut Option<ProvisionedThroughputDescription>| {
            let Some(throughput) = throughput else { return Ok(()) };
            let today = decreases::today(&mut snapshot, id, now)?;
            throughput.number_of_decreases_today = Some(i64::from(today));
            Ok::<_, ApiError>(())
        };
        decreases(table.row.id, &mut description.provisioned_throughput)?;
        for index in description.global_secondary_indexes.iter_mut().flatten() {
            let id = table.index(index.index_name.as_deref().unwrap_or_default()).map(|index| index.id);
            decreases(id.unwrap_or_default(), &mut index.provisioned_throughput)?;
        }
        let (count, bytes) = measure(&mut snapshot, table.row.id)?;
        description.item_count = Some(count);
        description.table_size_bytes = Some(bytes);
        for index in description.local_secondary_indexes.iter_mut().flatten() {
            let id = table.index(index.index_name.as_deref().unwrap_or_default()).map(|index| index.id);
            let (count, bytes) = measure(&mut snapshot, id.unwrap_or_default())?;
            index.item_count = Some(count);
            index.index_size_bytes = Some(bytes);
        }
        for index in description.global_secondary_indexes.iter_mut().flatten() {
            let id = table.index(index.index_name.as_deref().unwrap_or_default()).map(|index| index.id);
            let (count, bytes) = measure(&mut snapshot, id.unwrap_or_default())?;
            index.item_count = Some(count);
            index.index_size_bytes = Some(bytes);
        }
        Ok(DescribeTableOutput { table: Some(description) })
    }
}

/// How many rows lie under an id and how large they are, up to [`COUNTED`] of them.
fn measure(reader: &mut dyn Reader, id: u64) -> Result<(i64, i64), ApiError> {
    let (mut count, mut bytes) = (0, 0);
    ITEMS.visit(reader, &Range::prefix(&id), Order::Ascending, |_, size| {
        count += 1;
        bytes += size.0 as i64;
        if count < COUNTED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok((count, bytes))
}

/// A table without its counts.
pub(crate) fn describe(table: &Table) -> TableDescription {
    let (row, definition) = (&table.row, &table.row.definition);
    let settings = &row.settings;
    let attributes = definition.attributes.iter().map(|attribute| AttributeDefinition {
        attribute_name: attribute.name.clone(),
        attribute_type: attribute.kind.name().to_owned(),
    });
    let mut throughput = throughput(definition.throughput);
    throughput.last_increase_date_time = settings.throughput_raised;
    throughput.last_decrease_date_time = settings.throughput_lowered;
    let was_per_request = settings.became_per_request;
    TableDescription {
        attribute_definitions: Some(attributes.collect()),
        table_name: Some(definition.name.clone()),
        key_schema: Some(key_schema(&definition.keys)),
        table_status: Some(definition.status.name().to_owned()),
        creation_date_time: Some(row.created),
        provisioned_throughput: Some(throughput),
        table_size_bytes: Some(0),
        item_count: Some(0),
        table_arn: Some(table.arn.clone()),
        table_id: Some(table_id(row.id)),
        billing_mode_summary: was_per_request.map(|since| BillingModeSummary {
            billing_mode: Some(definition.billing.name().to_owned()),
            last_update_to_pay_per_request_date_time: Some(since),
        }),
        local_secondary_indexes: some_list(locals(table)),
        global_secondary_indexes: some_list(globals(table)),
        stream_specification: definition.stream.map(|view| StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some(view.name().to_owned()),
        }),
        latest_stream_label: row.last_stream_label.clone(),
        latest_stream_arn: row
            .last_stream_label
            .as_ref()
            .map(|label| format!("{}/stream/{label}", table.arn)),
        deletion_protection_enabled: Some(row.is_protected),
        table_class_summary: settings.table_class.as_ref().map(|class| TableClassSummary {
            table_class: Some(class.name.clone()),
            last_update_date_time: class.since,
        }),
        sse_description: settings.encryption.as_ref().map(|encryption| SSEDescription {
            status: Some("ENABLED".to_owned()),
            sse_type: Some("KMS".to_owned()),
            kms_master_key_arn: encryption.key_arn.clone(),
            ..Default::default()
        }),
        on_demand_throughput: settings.on_demand.map(on_demand),
        restore_summary: row.restored.as_ref().map(|restored| RestoreSummary {
            source_backup_arn: restored.backup_arn.clone(),
            source_table_arn: Some(restored.table_arn.clone()),
            restore_date_time: restored.at,
            restore_in_progress: restored.is_in_progress,
        }),
        ..Default::default()
    }
}

/// A table's id in the form of AWS's.
pub(crate) fn table_id(id: u64) -> String {
    let (high, low) = (id >> 32, id & 0xffff_ffff);
    format!("{high:08x}-{:04x}-4{:03x}-8000-{id:012.12x}", low >> 16, low & 0xfff, id = id & 0xffff_ffff_ffff)
}

fn some_list<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

pub(crate) fn key_schema(keys: &KeySchema) -> Vec<KeySchemaElement> {
    let element = |name: &str, role: &str| KeySchemaElement {
        attribute_name: name.to_owned(),
        key_type: role.to_owned(),
    };
    let mut key_schema = vec![element(&keys.hash.name, "HASH")];
    key_schema.extend(keys.range.as_ref().map(|range| element(&range.name, "RANGE")));
    key_schema
}

pub(crate) fn projection(projection: &IndexProjection) -> Projection {
    let names = projection.non_key_attributes();
    Projection {
        projection_type: Some(projection.name().to_owned()),
        non_key_attributes: (!names.is_empty()).then(|| names.to_vec()),
    }
}

fn throughput(throughput: Option<Throughput>) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription {
        number_of_decreases_today: Some(0),
        read_capacity_units: Some(throughput.map_or(0, |throughput| throughput.read_units)),
        write_capacity_units: Some(throughput.map_or(0, |throughput| throughput.write_units)),
        ..Default::default()
    }
}

fn on_demand(limits: OnDemandLimits) -> OnDemandThroughput {
    OnDemandThroughput { max_read_request_units: limits.reads, max_write_request_units: limits.writes }
}

fn locals(table: &Table) -> Vec<LocalSecondaryIndexDescription> {
    let indexes = table.row.definition.local_indexes.iter();
    indexes
        .map(|index| LocalSecondaryIndexDescription {
            index_name: Some(index.name.clone()),
            key_schema: Some(key_schema(&index.keys)),
            projection: Some(projection(&index.projection)),
            index_size_bytes: Some(0),
            item_count: Some(0),
            index_arn: Some(format!("{}/index/{}", table.arn, index.name)),
        })
        .collect()
}

fn globals(table: &Table) -> Vec<GlobalSecondaryIndexDescription> {
    let row = &table.row;
    let indexes = row.definition.global_indexes.iter();
    indexes
        .map(|index| GlobalSecondaryIndexDescription {
            index_name: Some(index.name.clone()),
            key_schema: Some(key_schema(&index.keys)),
            projection: Some(projection(&index.projection)),
            index_status: Some(index.status.name().to_owned()),
            backfilling: row.backfilling.contains(&index.name).then_some(true),
            provisioned_throughput: Some(throughput(index.throughput)),
            on_demand_throughput: row.settings.index_on_demand.get(&index.name).copied().map(on_demand),
            index_size_bytes: Some(0),
            item_count: Some(0),
            index_arn: Some(format!("{}/index/{}", table.arn, index.name)),
            ..Default::default()
        })
        .collect()
}
