//! GetItem.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::GetItem;
use dynamodb_api::{GetItemInput, GetItemOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::attribute::item_of;
use crate::capacity::{ReadMode, read_units};
use crate::consumed::Wants;
use crate::legacy_parameters::Mixture;
use crate::read::{GetDraft, ProjectionSource};
use crate::target::Target;

impl Handle<GetItem> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &GetItemInput) -> Result<Guard, ApiError> {
        let guard = self.table_guard(ctx, &input.table_name)?;
        let target = Target::parse(ctx, &input.table_name)?;
        let draft = || {
            Ok(GetDraft {
                projection: ProjectionSource::of(
                    input.projection_expression.clone(),
                    input.attributes_to_get.clone(),
                )?,
                names: input.expression_attribute_names.clone(),
            })
        };
        self.asked_of_get(ctx, guard, &target, || Ok(vec![item_of(input.key.clone())?]), draft)
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: GetItemInput) -> Result<GetItemOutput, ApiError> {
        Mixture {
            expressions: &[("ProjectionExpression", input.projection_expression.is_some())],
            legacy: &[("AttributesToGet", input.attributes_to_get.is_some())],
            has_names: input.expression_attribute_names.is_some(),
            has_values: false,
        }
        .check()?;
        let target = Target::parse(ctx, &input.table_name)?;
        let key = item_of(input.key)?;
        let draft = GetDraft {
            projection: ProjectionSource::of(input.projection_expression, input.attributes_to_get)?,
            names: input.expression_attribute_names,
        };
        let projection = draft.bind()?;
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let table = self.definitions.for_read(ctx.store(), &target)?;
        let mut snapshot = ctx.store().read(&target.scope)?;
        let found = GetDraft::find(&mut snapshot, &table, &key, projection.as_ref())?;
        let is_consistent = input.consistent_read == Some(true);
        let mode = if is_consistent { ReadMode::Consistent } else { ReadMode::Eventual };
        let units = read_units(found.size, mode);
        let accessed = found.key.as_ref().map(Into::into);
        self.spend_read(&table, None, units, accessed).map_err(|throttled| throttled.refuse("GetItem"))?;
        let consumed_capacity = if wants.anything() { wants.read(&table, None, units) } else { None };
        Ok(GetItemOutput { item: found.item, consumed_capacity })
    }
}
