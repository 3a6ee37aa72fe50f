//! ListTables.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use dynamodb_api::op::ListTables;
use dynamodb_api::{ListTablesInput, ListTablesOutput};
use shapes::ApiError;
use store::Range;

use crate::DynamoDb;
use crate::tables::TABLES;

impl Handle<ListTables> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTablesInput,
    ) -> Result<ListTablesOutput, ApiError> {
        let limit = input.limit.unwrap_or(100).clamp(1, 100).unsigned_abs() as usize;
        let start = input.exclusive_start_table_name;
        let range = start.as_ref().map_or(Range::all(), |last| Range::all().after(last));
        let mut names: Vec<String> =
            TABLES.list(&mut ctx.read()?, &range, limit + 1)?.into_iter().map(|(name, _)| name).collect();
        let has_more = names.len() > limit;
        names.truncate(limit);
        let last_evaluated_table_name = if has_more { names.last().cloned() } else { None };
        Ok(ListTablesOutput { table_names: Some(names), last_evaluated_table_name })
    }
}
