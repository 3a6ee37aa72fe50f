//! DescribeTable.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::DescribeTable;
use dynamodb_api::{
    AttributeDefinition, BillingModeSummary, DescribeTableInput, DescribeTableOutput, KeySchemaElement,
    ProvisionedThroughputDescription, StreamSpecification, TableDescription,
};
use shapes::ApiError;
use store::{Order, Range};

use super::{table_arn, table_guard, table_name};
use crate::DynamoDb;
use crate::errors::named_table_not_found;
use crate::streams;
use crate::tables::{ITEMS, TABLES, TableRow};

impl Handle<DescribeTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeTableInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeTableInput,
    ) -> Result<DescribeTableOutput, ApiError> {
        let name = table_name(&input.table_name);
        let mut snapshot = ctx.read()?;
        let table = TABLES.find(&mut snapshot, &name)?.ok_or_else(|| named_table_not_found(&name))?;
        let mut description = describe(ctx, &table);
        let (mut count, mut bytes) = (0, 0);
        ITEMS.visit(&mut snapshot, &Range::prefix(&table.id), Order::Ascending, |_, stored| {
            count += 1;
            bytes += stored.0.size() as i64;
            // AWS's counts are hours old; beyond this many ours stop as well.
            if count < COUNTED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        description.item_count = Some(count);
        description.table_size_bytes = Some(bytes);
        Ok(DescribeTableOutput { table: Some(description) })
    }
}

const COUNTED: i64 = 10_000;

pub(crate) fn describe(ctx: &Ctx, table: &TableRow) -> TableDescription {
    let definition = &table.definition;
    let keys = &definition.keys;
    let element = |name: &str, role: &str| KeySchemaElement {
        attribute_name: name.to_owned(),
        key_type: role.to_owned(),
    };
    let mut key_schema = vec![element(&keys.hash.name, "HASH")];
    key_schema.extend(keys.range.as_ref().map(|range| element(&range.name, "RANGE")));
    let attributes = definition.attributes.iter().map(|attribute| AttributeDefinition {
        attribute_name: attribute.name.clone(),
        attribute_type: attribute.kind.name().to_owned(),
    });
    let throughput = definition.throughput.as_ref();
    TableDescription {
        attribute_definitions: Some(attributes.collect()),
        table_name: Some(definition.name.clone()),
        key_schema: Some(key_schema),
        table_status: Some(definition.status.name().to_owned()),
        creation_date_time: Some(table.created),
        provisioned_throughput: Some(ProvisionedThroughputDescription {
            number_of_decreases_today: Some(0),
            read_capacity_units: Some(throughput.map_or(0, |throughput| throughput.read_units)),
            write_capacity_units: Some(throughput.map_or(0, |throughput| throughput.write_units)),
            ..Default::default()
        }),
        table_size_bytes: Some(0),
        item_count: Some(0),
        table_arn: Some(table_arn(ctx, &definition.name)),
        table_id: Some(format!("{:016x}", table.id)),
        billing_mode_summary: throughput.is_none().then(|| BillingModeSummary {
            billing_mode: Some(definition.billing.name().to_owned()),
            last_update_to_pay_per_request_date_time: Some(table.created),
        }),
        stream_specification: definition.stream.map(|view| StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some(view.name().to_owned()),
        }),
        latest_stream_label: table.stream_label.clone(),
        latest_stream_arn: streams::arn_of(ctx, table),
        deletion_protection_enabled: Some(false),
        ..Default::default()
    }
}
