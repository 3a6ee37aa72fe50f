//! Query: the items of one hash key, in the order of their range keys.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::Query;
use dynamodb_api::{QueryInput, QueryOutput};
use shapes::ApiError;

use super::values_of;
use crate::DynamoDb;
use crate::attribute::item_of;
use crate::consumed::Wants;
use crate::errors::validation;
use crate::legacy::ConditionalOperator;
use crate::legacy_parameters::{Conditions, Mixture, conditional_operator};
use crate::read::{FilterSource, KeysSource, ProjectionSource, ReadDraft, Select};
use crate::target::Target;

impl Handle<Query> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &QueryInput) -> Result<Guard, ApiError> {
        let guard = self.index_guard(ctx, &input.table_name, input.index_name.as_deref())?;
        self.asked_of_read(ctx, guard, || draft(ctx, input.clone()))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: QueryInput) -> Result<QueryOutput, ApiError> {
        let page = draft(ctx, input)?.run(self, ctx).map_err(|refusal| refusal.refuse("Query"))?;
        Ok(QueryOutput {
            items: page.items,
            count: Some(page.count),
            scanned_count: Some(page.scanned),
            last_evaluated_key: page.last,
            consumed_capacity: page.consumed,
        })
    }
}

fn draft(ctx: &Ctx, input: QueryInput) -> Result<ReadDraft, ApiError> {
    Mixture {
        expressions: &[
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
            ("KeyConditionExpression", input.key_condition_expression.is_some()),
        ],
        legacy: &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("QueryFilter", input.query_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
            ("KeyConditions", input.key_conditions.is_some() && input.key_condition_expression.is_some()),
        ],
        has_names: input.expression_attribute_names.is_some(),
        has_values: input.expression_attribute_values.is_some(),
    }
    .check()?;
    let target = Target::parse(ctx, &input.table_name)?;
    let operator = conditional_operator(
        input.conditional_operator.as_deref(),
        input.query_filter.as_ref().map(shapes::Map::len),
    )?;
    let keys = match (input.key_condition_expression, input.key_conditions) {
        (Some(text), _) => KeysSource::Text(text),
        (None, Some(given)) => KeysSource::Conditions(Conditions::parse(given, ConditionalOperator::And)?),
        (None, None) => {
            return Err(validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            ));
        }
    };
    let filter = match (input.filter_expression, input.query_filter) {
        (Some(text), _) => FilterSource::Text(text),
        (None, Some(given)) => FilterSource::Conditions(Conditions::parse(given, operator)?),
        (None, None) => FilterSource::None,
    };
    let projection = ProjectionSource::of(input.projection_expression, input.attributes_to_get)?;
    let select =
        Select::parse(input.select.as_deref(), &projection, input.index_name.as_deref(), "Querying")?;
    Ok(ReadDraft {
        target,
        index: input.index_name,
        keys,
        filter,
        filters_keys: false,
        projection,
        names: input.expression_attribute_names,
        values: values_of(input.expression_attribute_values)?,
        start: input.exclusive_start_key.map(item_of).transpose()?,
        limit: input.limit.map(|limit| limit.max(1).unsigned_abs() as usize),
        is_descending: input.scan_index_forward == Some(false),
        select,
        is_consistent: input.consistent_read == Some(true),
        segment: None,
        wants: Wants::parse(input.return_consumed_capacity.as_deref()),
    })
}
