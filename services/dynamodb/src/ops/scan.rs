//! Scan: the items of a table or an index, page by page, in segments if so wanted.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::Scan;
use dynamodb_api::{ScanInput, ScanOutput};
use shapes::ApiError;

use super::values_of;
use crate::DynamoDb;
use crate::attribute::item_of;
use crate::consumed::Wants;
use crate::errors::validation;
use crate::legacy_parameters::{Conditions, Mixture, conditional_operator};
use crate::read::{FilterSource, KeysSource, ProjectionSource, ReadDraft, Select};
use crate::target::Target;

impl Handle<Scan> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ScanInput) -> Result<Guard, ApiError> {
        let guard = self.index_guard(ctx, &input.table_name, input.index_name.as_deref())?;
        self.asked_of_read(ctx, guard, || draft(ctx, input.clone()))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ScanInput) -> Result<ScanOutput, ApiError> {
        let page = draft(ctx, input)?.run(self, ctx).map_err(|refusal| refusal.refuse("Scan"))?;
        Ok(ScanOutput {
            items: page.items,
            count: Some(page.count),
            scanned_count: Some(page.scanned),
            last_evaluated_key: page.last,
            consumed_capacity: page.consumed,
        })
    }
}

fn draft(ctx: &Ctx, input: ScanInput) -> Result<ReadDraft, ApiError> {
    Mixture {
        expressions: &[
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
        ],
        legacy: &[
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("ScanFilter", input.scan_filter.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ],
        has_names: input.expression_attribute_names.is_some(),
        has_values: input.expression_attribute_values.is_some(),
    }
    .check()?;
    let target = Target::parse(ctx, &input.table_name)?;
    let operator = conditional_operator(
        input.conditional_operator.as_deref(),
        input.scan_filter.as_ref().map(shapes::Map::len),
    )?;
    let segment = segment(input.segment, input.total_segments)?;
    let filter = match (input.filter_expression, input.scan_filter) {
        (Some(text), _) => FilterSource::Text(text),
        (None, Some(given)) => FilterSource::Conditions(Conditions::parse(given, operator)?),
        (None, None) => FilterSource::None,
    };
    let projection = ProjectionSource::of(input.projection_expression, input.attributes_to_get)?;
    let select =
        Select::parse(input.select.as_deref(), &projection, input.index_name.as_deref(), "Scanning")?;
    Ok(ReadDraft {
        target,
        index: input.index_name,
        keys: KeysSource::All,
        filter,
        filters_keys: false,
        projection,
        names: input.expression_attribute_names,
        values: values_of(input.expression_attribute_values)?,
        start: input.exclusive_start_key.map(item_of).transpose()?,
        limit: input.limit.map(|limit| limit.max(1).unsigned_abs() as usize),
        is_descending: false,
        select,
        is_consistent: input.consistent_read == Some(true),
        segment,
        wants: Wants::parse(input.return_consumed_capacity.as_deref()),
    })
}

fn segment(segment: Option<i32>, total: Option<i32>) -> Result<Option<(u32, u32)>, ApiError> {
    match (segment, total) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
             present",
        )),
        (None, Some(_)) => Err(validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is \
             present",
        )),
        (Some(segment), Some(total)) if segment >= total => Err(validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is \
             not less than TotalSegments: {total}"
        ))),
        (Some(segment), Some(total)) => Ok(Some((segment.unsigned_abs(), total.unsigned_abs()))),
    }
}
