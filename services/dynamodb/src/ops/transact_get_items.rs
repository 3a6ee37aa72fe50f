//! TransactGetItems: up to 100 items as they were at one moment.

use std::collections::HashSet;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::TransactGetItems;
use dynamodb_api::{CancellationReason, ItemResponse, TransactGetItemsInput, TransactGetItemsOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::attribute::item_of;
use crate::capacity::{ReadMode, read_units};
use crate::consumed::{Consumed, Told, Wants};
use crate::errors::{transaction_canceled, validation};
use crate::legacy_parameters::Mixture;
use crate::ops::transact_write_items::reason_of;
use crate::read::{GetDraft, ProjectionSource};
use crate::target::Target;
use crate::throttle::Throttled;

/// API Reference, TransactGetItems: the items together.
const MOST_BYTES: usize = 4 << 20;

impl Handle<TransactGetItems> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &TransactGetItemsInput) -> Result<Guard, ApiError> {
        let mut whole: Option<Guard> = None;
        for get in input.transact_items.iter().map(|item| &item.get) {
            let guard = self.table_guard(ctx, &get.table_name)?.action("dynamodb:GetItem");
            let target = Target::parse(ctx, &get.table_name)?;
            let draft = || {
                Ok(GetDraft {
                    projection: ProjectionSource::of(get.projection_expression.clone(), None)?,
                    names: get.expression_attribute_names.clone(),
                })
            };
            let keys = || Ok(vec![item_of(get.key.clone())?]);
            let guard = self.asked_of_get(ctx, guard, &target, keys, draft)?;
            whole = Some(match whole {
                None => guard,
                Some(whole) => whole.and(guard),
            });
        }
        Ok(whole.unwrap_or_default())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: TransactGetItemsInput,
    ) -> Result<TransactGetItemsOutput, ApiError> {
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let mut gets = Vec::with_capacity(input.transact_items.len());
        for get in input.transact_items.into_iter().map(|item| item.get) {
            Mixture {
                expressions: &[("ProjectionExpression", get.projection_expression.is_some())],
                legacy: &[],
                has_names: get.expression_attribute_names.is_some(),
                has_values: false,
            }
            .check()?;
            let draft = GetDraft {
                projection: ProjectionSource::of(get.projection_expression, None)?,
                names: get.expression_attribute_names,
            };
            draft.bind()?;
            gets.push((Target::parse(ctx, &get.table_name)?, item_of(get.key)?, draft));
        }
        let mut consumed = Consumed::default();
        let mut responses = Vec::with_capacity(gets.len());
        let mut reasons = Vec::with_capacity(gets.len());
        let mut seen = HashSet::new();
        let mut throttled: Option<Throttled> = None;
        let mut bytes = 0;
        let mut snapshot = ctx.read()?;
        for (target, key, draft) in &gets {
            snapshot.set_scope(&target.scope);
            let table = self.definitions.for_read(ctx.store(), target)?;
            if let Ok(key) = table.keys().exact_key(key)
                && !seen.insert((table.row.id, key.into_bytes()))
            {
                return Err(validation("Transaction request cannot include multiple operations on one item"));
            }
            let projection = draft.bind()?;
            let (reason, found) = match GetDraft::find(&mut snapshot, &table, key, projection.as_ref()) {
                Ok(found) => (none(), found),
                Err(error) => (reason_of(error)?, Default::default()),
            };
            bytes += found.size;
            let units = read_units(found.size, ReadMode::Transactional);
            let reason = match self.spend_read(&table, None, units, found.key.as_ref().map(Into::into)) {
                Ok(()) => reason,
                Err(refused) => {
                    let reason = refused.cancellation();
                    throttled.get_or_insert(refused);
                    reason
                }
            };
            reasons.push(reason);
            consumed.add_read(table.name(), None, units);
            responses.push(ItemResponse { item: found.item });
        }
        if let Some(throttled) = throttled {
            throttled.refuse("TransactGetItems");
        }
        if reasons.iter().any(|reason| reason.code.as_deref() != Some("None")) {
            return Err(transaction_canceled(reasons));
        }
        if bytes > MOST_BYTES {
            return Err(validation("Collection size of the transaction exceeds the limit of 4 MB"));
        }
        Ok(TransactGetItemsOutput {
            responses: Some(responses),
            consumed_capacity: wants.anything().then(|| consumed.told(wants, Told::AsReads)),
        })
    }
}

fn none() -> CancellationReason {
    CancellationReason { code: Some("None".to_owned()), ..Default::default() }
}
