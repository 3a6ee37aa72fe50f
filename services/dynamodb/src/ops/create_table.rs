//! CreateTable.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::CreateTable;
use dynamodb_api::{CreateTableInput, CreateTableOutput};
use shapes::ApiError;

use super::{describe_table, resource_policy, table_request, tags};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::{table_exists, validation};
use crate::streams;
use crate::table::{BillingMode, IndexStatus, TableDefinition, TableDraft, TableStatus};
use crate::table_key;
use crate::tables::{TABLES, TableClass, TableRow, TableSettings};
use crate::target::Target;

impl Handle<CreateTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &CreateTableInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateTableInput,
    ) -> Result<CreateTableOutput, ApiError> {
        if input.global_table_source_arn.is_some() || input.global_table_settings_replication_mode.is_some() {
            return Err(several_accounts());
        }
        let target = Target::parse(ctx, &input.table_name)?;
        let stream = input.stream_specification.as_ref().filter(|stream| stream.stream_enabled);
        let view =
            stream.map(|stream| table_request::view(stream.stream_view_type.as_deref())).transpose()?;
        let encryption = input.sse_specification.clone();
        let row = draft(ctx, &target, input)?;
        let protection = table_key::asked(ctx, &target, encryption.as_ref()).await?;
        let (service, own, place) = (Arc::clone(self), ctx.clone(), target.clone());
        let table = ctx
            .store()
            .write(&target.scope, move |tx| {
                if TABLES.contains(tx, &place.name)? {
                    return Err(table_exists(&place.name));
                }
                let mut row = row.clone();
                if let Some(view) = view {
                    streams::begin(&own, tx, &mut row, view);
                }
                table_key::protect(&own, tx, &place, &mut row, &protection);
                TABLES.put(tx, &place.name, &row);
                Table::new(row, &place, &service.definitions)
            })
            .await?;
        self.definitions.forget(&target);
        let mut description = describe_table::describe(&table);
        description.table_status = Some("CREATING".to_owned());
        Ok(CreateTableOutput { table_description: Some(description) })
    }
}

/// Global tables whose replicas are of several accounts.
pub(super) fn several_accounts() -> ApiError {
    ApiError::with_status(
        501,
        "NotImplemented",
        "Global tables of several accounts are not implemented in Brume yet.",
    )
}

pub(super) fn draft(ctx: &Ctx, target: &Target, input: CreateTableInput) -> Result<TableRow, ApiError> {
    let mut index_on_demand = BTreeMap::new();
    for index in input.global_secondary_indexes.iter().flatten() {
        if let Some(limits) = &index.on_demand_throughput {
            index_on_demand.insert(index.index_name.clone(), table_request::on_demand(limits));
        }
    }
    let local = input.local_secondary_indexes;
    let global = input.global_secondary_indexes;
    let draft = TableDraft {
        name: target.name.clone(),
        attributes: table_request::attributes(input.attribute_definitions.unwrap_or_default())?,
        keys: table_request::keys(input.key_schema.unwrap_or_default()),
        local_indexes: local.map(|local| local.into_iter().map(table_request::local_index).collect()),
        global_indexes: global.map(|global| global.into_iter().map(table_request::global_index).collect()),
        is_per_request: input.billing_mode.as_deref() == Some("PAY_PER_REQUEST"),
        throughput: input.provisioned_throughput.as_ref().map(table_request::throughput),
        stream: None,
    };
    let definition = active(draft.define().map_err(validation)?);
    let policy = input.resource_policy.map(|text| resource_policy::parse(ctx, text)).transpose()?;
    let is_per_request = definition.billing == BillingMode::PayPerRequest;
    let settings = TableSettings {
        table_class: input.table_class.map(|name| TableClass { name, since: None }),
        on_demand: input.on_demand_throughput.as_ref().map(table_request::on_demand),
        index_on_demand,
        became_per_request: is_per_request.then(|| ctx.now()),
        ..TableSettings::default()
    };
    Ok(TableRow {
        tags: tags::checked(BTreeMap::new(), input.tags.unwrap_or_default())?,
        is_protected: input.deletion_protection_enabled == Some(true),
        settings,
        policy,
        ..new_row(ctx, definition)
    })
}

/// A table that is ready at once, and its indexes with it.
fn active(mut definition: TableDefinition) -> TableDefinition {
    definition.status = TableStatus::Active;
    for index in &mut definition.global_indexes {
        index.status = IndexStatus::Active;
    }
    definition
}

/// A table with fresh ids and nothing beyond its definition.
pub(crate) fn new_row(ctx: &Ctx, definition: TableDefinition) -> TableRow {
    let id = || u64::from_le_bytes(ctx.ids().bytes());
    let local = definition.local_indexes.iter().map(|index| index.name.clone());
    let global = definition.global_indexes.iter().map(|index| index.name.clone());
    TableRow {
        id: id(),
        index_ids: local.chain(global).map(|name| (name, id())).collect(),
        definition,
        backfilling: Vec::new(),
        created: ctx.now(),
        stream: None,
        last_stream_label: None,
        tags: BTreeMap::new(),
        time_to_live: None,
        is_protected: false,
        settings: TableSettings::default(),
        policy: None,
        journal: None,
        restored: None,
        replica: None,
        data_keys: Vec::new(),
    }
}
