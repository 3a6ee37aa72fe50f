//! Query: the items of one hash key, in the order of their range keys.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::Query;
use dynamodb_api::{QueryInput, QueryOutput};
use shapes::ApiError;
use store::{Order, Range, Tail};

use super::scan::{Page, Request, page};
use super::{table_guard, table_name, values_of};
use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::errors::{not_here_yet, table_not_found, validation};
use crate::expression::KeyCondition;
use crate::tables::TABLES;
use crate::write::Expressions;

impl Handle<Query> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &QueryInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: QueryInput) -> Result<QueryOutput, ApiError> {
        let is_legacy = input.key_conditions.is_some()
            || input.query_filter.is_some()
            || input.attributes_to_get.is_some()
            || input.conditional_operator.is_some();
        if is_legacy || input.index_name.is_some() {
            return Err(not_here_yet("A legacy parameter or an index of Query"));
        }
        let condition = input.key_condition_expression.ok_or_else(|| {
            validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
        })?;
        let expressions = Expressions {
            names: input.expression_attribute_names,
            values: values_of(input.expression_attribute_values)?,
            ..Expressions::default()
        };
        let start = input.exclusive_start_key.map(item_of).transpose()?;
        let mut snapshot = ctx.read()?;
        let table =
            TABLES.find(&mut snapshot, &table_name(&input.table_name))?.ok_or_else(table_not_found)?;
        let placeholders = expressions.placeholders()?;
        let keys =
            KeyCondition::parse(&condition, &placeholders, &table.definition.keys).map_err(validation)?;
        let bounds = keys.key_range(&[]);
        let range = match bounds.end {
            Some(end) => Range::between(&(table.id, Tail(bounds.start)), &(table.id, Tail(end))),
            None => Range::prefix(&table.id).starting_at(&(table.id, Tail(bounds.start))),
        };
        let order = match input.scan_index_forward {
            Some(false) => Order::Descending,
            _ => Order::Ascending,
        };
        let request = Request {
            table: &table,
            range,
            order,
            limit: input.limit,
            start: start.as_ref(),
            filter: input.filter_expression.as_deref(),
            projection: input.projection_expression.as_deref(),
            counts_only: input.select.as_deref() == Some("COUNT"),
            placeholders: &placeholders,
        };
        let Page { items, count, scanned, last } = page(&mut snapshot, &request)?;
        Ok(QueryOutput {
            items: items.map(|items| items.into_iter().map(item_to_api).collect()),
            count: Some(count),
            scanned_count: Some(scanned),
            last_evaluated_key: last.map(item_to_api),
            ..Default::default()
        })
    }
}
