//! DeleteTable.

use std::ops::ControlFlow;

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::DeleteTable;
use dynamodb_api::{DeleteTableInput, DeleteTableOutput};
use shapes::ApiError;
use store::{Order, Range, Tx};

use super::{describe_table, table_guard, table_name};
use crate::DynamoDb;
use crate::errors::named_table_not_found;
use crate::tables::{ITEMS, LAST_RECORD, RECORDS, TABLES};

impl Transact<DeleteTable> for DynamoDb {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteTableInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteTableInput) -> Result<String, ApiError> {
        Ok(table_name(&input.table_name))
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteTableOutput, ApiError> {
        let table = TABLES.find(tx, name)?.ok_or_else(|| named_table_not_found(name))?;
        let mut items = Vec::new();
        ITEMS.visit(tx, &Range::prefix(&table.id), Order::Ascending, |key, _| {
            items.push(key);
            ControlFlow::Continue(())
        })?;
        let mut records = Vec::new();
        RECORDS.visit(tx, &Range::prefix(&table.id), Order::Ascending, |key, _| {
            records.push(key);
            ControlFlow::Continue(())
        })?;
        items.iter().for_each(|key| ITEMS.delete(tx, key));
        records.iter().for_each(|key| RECORDS.delete(tx, key));
        LAST_RECORD.delete(tx, &table.id);
        TABLES.delete(tx, name);
        let mut description = describe_table::describe(ctx, &table);
        description.table_status = Some("DELETING".to_owned());
        Ok(DeleteTableOutput { table_description: Some(description) })
    }
}
