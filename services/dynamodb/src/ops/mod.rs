//! The operation table, and what most operations begin with.

mod account;
mod backups;
mod batch_execute_statement;
mod batch_get_item;
mod batch_write_item;
mod continuous_backups;
mod contributor_insights;
mod create_table;
mod decreases;
mod delete_item;
mod delete_table;
mod describe_table;
mod execute_statement;
mod execute_transaction;
mod exports;
mod get_item;
mod global_table_settings;
mod global_tables;
mod imports;
mod item_write;
mod list_tables;
mod put_item;
mod query;
mod replica_auto_scaling;
mod resource_policy;
mod restore_table;
mod scan;
mod table_request;
mod tags;
mod time_to_live;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;

use std::sync::Arc;

use cloud::{Ctx, Guard, Operation};
use dynamodb_api::op;
use shapes::{ApiError, Map};
use store::Tx;

use crate::DynamoDb;
use crate::attribute::from_api;
use crate::definitions::Table;
use crate::errors::{named_table_not_found, validation};
use crate::item::Item;
use crate::target::Target;

pub(crate) use create_table::new_row;
pub(crate) use delete_table::delete_within;
pub(crate) use describe_table::{key_schema, projection, table_id};

pub(crate) static OPERATIONS: &[Operation<DynamoDb>] = &[
    Operation::of::<op::BatchExecuteStatement>(),
    Operation::of::<op::BatchGetItem>(),
    Operation::transaction::<op::BatchWriteItem>(),
    Operation::of::<op::CreateBackup>(),
    Operation::of::<op::CreateGlobalTable>(),
    Operation::of::<op::CreateTable>(),
    Operation::of::<op::DeleteBackup>(),
    Operation::transaction::<op::DeleteItem>(),
    Operation::of::<op::DeleteResourcePolicy>(),
    Operation::of::<op::DeleteTable>(),
    Operation::of::<op::DescribeBackup>(),
    Operation::of::<op::DescribeContinuousBackups>(),
    Operation::of::<op::DescribeContributorInsights>(),
    Operation::of::<op::DescribeEndpoints>(),
    Operation::of::<op::DescribeExport>(),
    Operation::of::<op::DescribeGlobalTable>(),
    Operation::of::<op::DescribeGlobalTableSettings>(),
    Operation::of::<op::DescribeImport>(),
    Operation::of::<op::DescribeLimits>(),
    Operation::of::<op::DescribeTable>(),
    Operation::of::<op::DescribeTableReplicaAutoScaling>(),
    Operation::of::<op::DescribeTimeToLive>(),
    Operation::of::<op::ExecuteStatement>(),
    Operation::of::<op::ExecuteTransaction>(),
    Operation::of::<op::ExportTableToPointInTime>(),
    Operation::of::<op::GetItem>(),
    Operation::of::<op::GetResourcePolicy>(),
    Operation::of::<op::ImportTable>(),
    Operation::of::<op::ListBackups>(),
    Operation::of::<op::ListContributorInsights>(),
    Operation::of::<op::ListExports>(),
    Operation::of::<op::ListGlobalTables>(),
    Operation::of::<op::ListImports>(),
    Operation::of::<op::ListTables>(),
    Operation::of::<op::ListTagsOfResource>(),
    Operation::transaction::<op::PutItem>(),
    Operation::of::<op::PutResourcePolicy>(),
    Operation::of::<op::Query>(),
    Operation::of::<op::RestoreTableFromBackup>(),
    Operation::of::<op::RestoreTableToPointInTime>(),
    Operation::of::<op::Scan>(),
    Operation::of::<op::TagResource>(),
    Operation::of::<op::TransactGetItems>(),
    Operation::transaction::<op::TransactWriteItems>(),
    Operation::of::<op::UntagResource>(),
    Operation::of::<op::UpdateContinuousBackups>(),
    Operation::of::<op::UpdateContributorInsights>(),
    Operation::of::<op::UpdateGlobalTable>(),
    Operation::of::<op::UpdateGlobalTableSettings>(),
    Operation::transaction::<op::UpdateItem>(),
    Operation::of::<op::UpdateTable>(),
    Operation::of::<op::UpdateTableReplicaAutoScaling>(),
    Operation::of::<op::UpdateTimeToLive>(),
];

impl DynamoDb {
    /// The guard of an operation on one table: its ARN and its policy.
    pub(crate) fn table_guard(&self, ctx: &Ctx, given: &str) -> Result<Guard, ApiError> {
        let target = Target::parse(ctx, given)?;
        Ok(match self.definitions.find(ctx.store(), &target)? {
            Some(table) => Guard::resource(table.arn.clone()).policy(table.policy.clone()),
            None => Guard::resource(target.arn()),
        })
    }

    /// The guard of an operation that reads a table or one of its indexes.
    pub(crate) fn index_guard(&self, ctx: &Ctx, given: &str, index: Option<&str>) -> Result<Guard, ApiError> {
        let mut guard = self.table_guard(ctx, given)?;
        if let (Some(index), Some(arn)) = (index, guard.resources.first_mut()) {
            arn.push_str("/index/");
            arn.push_str(index);
        }
        Ok(guard)
    }
}

impl DynamoDb {
    /// Changes a table in one transaction; requests that come after the answer see the change.
    pub(crate) async fn change_table<T: Send + 'static>(
        self: &Arc<Self>,
        ctx: &Ctx,
        target: &Target,
        mut change: impl FnMut(&Self, &Ctx, &mut Tx<'_>, &Arc<Table>, &Target) -> Result<T, ApiError>
        + Send
        + 'static,
    ) -> Result<T, ApiError> {
        let (service, own, place) = (Arc::clone(self), ctx.clone(), target.clone());
        let changed = ctx
            .store()
            .write(&target.scope, move |tx| {
                let table = service.definitions.within(tx, &place)?;
                let table = table.ok_or_else(|| named_table_not_found(&place.name))?;
                change(&service, &own, tx, &table, &place)
            })
            .await;
        self.definitions.forget(target);
        changed
    }
}

/// The values that placeholders stand for.
pub(crate) fn values_of(values: Option<Map<dynamodb_api::AttributeValue>>) -> Result<Option<Item>, ApiError> {
    let Some(values) = values else { return Ok(None) };
    let values = values.into_iter().map(|(key, value)| match from_api(value) {
        Ok(value) => Ok((key, value)),
        Err(error) => Err(validation(format!(
            "ExpressionAttributeValues contains invalid value: {} for key {key}",
            error.message()
        ))),
    });
    values.collect::<Result<Item, ApiError>>().map(Some)
}
