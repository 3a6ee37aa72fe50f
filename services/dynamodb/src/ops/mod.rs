//! The operation table, and what most operations begin with.

mod create_table;
mod delete_item;
mod delete_table;
mod describe_table;
mod get_item;
mod list_tables;
mod put_item;
mod query;
mod scan;
mod update_item;

use cloud::{Ctx, Guard, Operation};
use dynamodb_api::op;
use shapes::{ApiError, Map};

use crate::DynamoDb;
use crate::attribute::item_of;
use crate::item::Item;

pub(crate) static OPERATIONS: &[Operation<DynamoDb>] = &[
    Operation::transaction::<op::CreateTable>(),
    Operation::transaction::<op::DeleteItem>(),
    Operation::transaction::<op::DeleteTable>(),
    Operation::of::<op::DescribeTable>(),
    Operation::of::<op::GetItem>(),
    Operation::of::<op::ListTables>(),
    Operation::transaction::<op::PutItem>(),
    Operation::of::<op::Query>(),
    Operation::of::<op::Scan>(),
    Operation::transaction::<op::UpdateItem>(),
];

/// A table given by its name or its ARN.
pub(crate) fn table_name(given: &str) -> String {
    match given.strip_prefix("arn:aws:dynamodb:") {
        Some(rest) => {
            rest.split("table/").nth(1).unwrap_or(given).split('/').next().unwrap_or(given).to_owned()
        }
        None => given.to_owned(),
    }
}

pub(crate) fn table_arn(ctx: &Ctx, name: &str) -> String {
    format!("arn:aws:dynamodb:{}:{}:table/{name}", ctx.region().as_str(), ctx.account())
}

/// The guard of an operation on one table.
pub(crate) fn table_guard(ctx: &Ctx, given: &str) -> Guard {
    Guard::resource(table_arn(ctx, &table_name(given)))
}

/// The values that placeholders stand for.
pub(crate) fn values_of(values: Option<Map<dynamodb_api::AttributeValue>>) -> Result<Option<Item>, ApiError> {
    values.map(item_of).transpose()
}
