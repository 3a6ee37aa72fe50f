//! DeleteItem.

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::DeleteItem;
use dynamodb_api::{DeleteItemInput, DeleteItemOutput};
use shapes::ApiError;
use store::Tx;

use super::{item_write, values_of};
use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::consumed::Wants;
use crate::legacy_parameters::{Expected, Mixture};
use crate::target::Target;
use crate::write::{Action, ConditionSource, Returns, WantsMetrics, WriteDraft};

impl Transact<DeleteItem> for DynamoDb {
    type Draft = item_write::Draft;

    fn guard(&self, ctx: &Ctx, input: &DeleteItemInput) -> Result<Guard, ApiError> {
        let guard = self.table_guard(ctx, &input.table_name)?;
        self.asked_of_write(ctx, guard, || {
            Ok(Transact::<DeleteItem>::prepare(self, ctx, input.clone())?.write)
        })
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteItemInput) -> Result<item_write::Draft, ApiError> {
        Mixture {
            expressions: &[("ConditionExpression", input.condition_expression.is_some())],
            legacy: &[
                ("Expected", input.expected.is_some()),
                ("ConditionalOperator", input.conditional_operator.is_some()),
            ],
            has_names: input.expression_attribute_names.is_some(),
            has_values: input.expression_attribute_values.is_some(),
        }
        .check()?;
        let target = Target::parse(ctx, &input.table_name)?;
        let key = item_of(input.key)?;
        let returns = Returns::of_whole_item(input.return_values.as_deref())?;
        let expected = Expected::parse(input.expected, input.conditional_operator.as_deref())?;
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let write = WriteDraft {
            condition: ConditionSource::of(input.condition_expression, expected),
            names: input.expression_attribute_names,
            values: values_of(input.expression_attribute_values)?,
            returns,
            shows_item: input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
            counts: wants.anything(),
            ..WriteDraft::plain(target, Action::Delete(key))
        };
        let metrics = WantsMetrics::parse(input.return_item_collection_metrics.as_deref());
        Ok(item_write::Draft { write, wants, metrics })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &item_write::Draft,
    ) -> Result<DeleteItemOutput, ApiError> {
        let answer = draft.perform(self, ctx, tx, "DeleteItem")?;
        Ok(DeleteItemOutput {
            attributes: answer.attributes.map(item_to_api),
            consumed_capacity: answer.consumed,
            item_collection_metrics: answer.metrics,
        })
    }
}
