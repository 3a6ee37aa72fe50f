//! DeleteTable. The table is gone at once; its items are cleared away in the background.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::DeleteTable;
use dynamodb_api::{DeleteTableInput, DeleteTableOutput};
use shapes::ApiError;
use store::{Order, Range, Tx};

use super::describe_table;
use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::{table_in_use, table_is_protected};
use crate::jobs::{self, Work};
use crate::table::TableStatus;
use crate::tables::{BACKUPS, TABLES};
use crate::target::Target;
use crate::{replication, streams, table_key};

impl Handle<DeleteTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DeleteTableInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteTableInput,
    ) -> Result<DeleteTableOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let table = self.change_table(ctx, &target, delete_within).await;
        self.definitions.forget_everywhere(&target.name);
        let table = table?;
        let mut description = describe_table::describe(&table);
        description.table_status = Some("DELETING".to_owned());
        Ok(DeleteTableOutput { table_description: Some(description) })
    }
}

/// Deletes a table in its own scope; a replica leaves its global table.
pub(crate) fn delete_within(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Arc<Table>,
    target: &Target,
) -> Result<Arc<Table>, ApiError> {
    let row = &table.row;
    if row.is_protected {
        return Err(table_is_protected(&table.arn));
    }
    if row.definition.status == TableStatus::Creating {
        return Err(table_in_use(&target.name, "Table is being created"));
    }
    let mut is_backed_up_now = false;
    BACKUPS.visit(tx, &Range::all(), Order::Ascending, |_, backup| {
        is_backed_up_now |= backup.table.id == row.id && !backup.is_available;
        ControlFlow::Continue(())
    })?;
    if is_backed_up_now {
        return Err(table_in_use(&target.name, "Table is being backed up"));
    }
    replication::leave(service, ctx, tx, table, target)?;
    streams::end(ctx, tx, table)?;
    table.end_insights(ctx, tx, None);
    TABLES.delete(tx, &target.name);
    let (copies, definition) = (ctx.cloud().copies().clone(), dynamodb_changes::definition(&table.arn));
    tx.after_commit(move || copies.outdate([definition]));
    let work = Work::Purge {
        places: row.index_ids.values().copied().chain([row.id]).collect(),
        time_to_live: row.time_to_live.as_ref().map(|settings| settings.id),
        journal: row.journal.as_ref().map(|journal| journal.id),
    };
    jobs::start(ctx, tx, jobs::PURGE, target, &work);
    table_key::forget_data_keys(ctx, tx, target, row);
    Ok(Arc::clone(table))
}
