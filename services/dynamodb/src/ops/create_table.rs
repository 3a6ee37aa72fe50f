//! CreateTable.

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::CreateTable;
use dynamodb_api::{CreateTableInput, CreateTableOutput};
use shapes::ApiError;
use store::Tx;

use super::{describe_table, table_arn, table_guard};
use crate::DynamoDb;
use crate::errors::{not_here_yet, table_exists, validation};
use crate::key_schema::{KeyAttribute, KeyType};
use crate::stream_record::StreamViewType;
use crate::table::{KeyElement, KeyRole, TableDraft, TableStatus, Throughput};
use crate::tables::{TABLES, TableRow};

impl Transact<CreateTable> for DynamoDb {
    type Draft = TableRow;

    fn guard(&self, ctx: &Ctx, input: &CreateTableInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateTableInput) -> Result<TableRow, ApiError> {
        if input.global_secondary_indexes.is_some() || input.local_secondary_indexes.is_some() {
            return Err(not_here_yet("A secondary index of DynamoDB"));
        }
        let attributes = input.attribute_definitions.unwrap_or_default();
        let attributes = attributes.into_iter().map(|attribute| {
            let kind = KeyType::from_name(&attribute.attribute_type);
            let kind = kind.ok_or_else(|| validation("Member must satisfy enum value set: [B, N, S]"))?;
            Ok(KeyAttribute::new(attribute.attribute_name, kind))
        });
        let keys = input.key_schema.unwrap_or_default().into_iter().map(|element| KeyElement {
            name: element.attribute_name,
            role: if element.key_type == "RANGE" { KeyRole::Range } else { KeyRole::Hash },
        });
        let stream = input.stream_specification.filter(|stream| stream.stream_enabled);
        let stream = stream.map(|stream| {
            let view = stream.stream_view_type.unwrap_or_default();
            StreamViewType::from_name(&view).ok_or_else(|| {
                validation(
                    "One or more parameter values were invalid: StreamViewType must be given for a stream",
                )
            })
        });
        let draft = TableDraft {
            name: input.table_name,
            attributes: attributes.collect::<Result<_, ApiError>>()?,
            keys: keys.collect(),
            local_indexes: None,
            global_indexes: None,
            is_per_request: input.billing_mode.as_deref() == Some("PAY_PER_REQUEST"),
            throughput: input.provisioned_throughput.map(|throughput| Throughput {
                read_units: throughput.read_capacity_units,
                write_units: throughput.write_capacity_units,
            }),
            stream: stream.transpose()?,
        };
        let mut definition = draft.define().map_err(validation)?;
        definition.status = TableStatus::Active;
        let now = ctx.now();
        let stream_label = definition.stream.map(|_| now.iso8601_millis().trim_end_matches('Z').to_owned());
        let tags = input.tags.unwrap_or_default();
        Ok(TableRow {
            id: u64::from_le_bytes(ctx.ids().bytes()),
            definition,
            created: now,
            stream_label,
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, table: &TableRow) -> Result<CreateTableOutput, ApiError> {
        let name = &table.definition.name;
        if TABLES.contains(tx, name)? {
            return Err(table_exists(name));
        }
        TABLES.put(tx, name, table);
        let mut description = describe_table::describe(ctx, table);
        description.table_status = Some("CREATING".to_owned());
        description.table_arn = Some(table_arn(ctx, name));
        Ok(CreateTableOutput { table_description: Some(description) })
    }
}
