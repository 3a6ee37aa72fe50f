//! PurchaseProvisionedCapacity, ListProvisionedCapacity.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{ListProvisionedCapacity, PurchaseProvisionedCapacity};
use glacier_api::{
    ListProvisionedCapacityInput, ListProvisionedCapacityOutput, ProvisionedCapacityDescription,
    PurchaseProvisionedCapacityInput, PurchaseProvisionedCapacityOutput,
};
use shapes::{ApiError, Timestamp};
use store::{Range, Reader};

use super::id;
use crate::retrieval_policy::{Capacity, MOST_UNITS};
use crate::{Glacier, errors, place, tables};

impl Handle<PurchaseProvisionedCapacity> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &PurchaseProvisionedCapacityInput) -> Result<Guard, ApiError> {
        self.account_guard(ctx, &input.account_id, "provisioned-capacity")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PurchaseProvisionedCapacityInput,
    ) -> Result<PurchaseProvisionedCapacityOutput, ApiError> {
        let scope = cloud::tenant(place::account_of(ctx, &input.account_id)?, ctx.region());
        let (unit, now) = (id(ctx, 27), ctx.now());
        let capacity_id = Some(unit.clone());
        let write = ctx.store().write(&scope, move |tx| {
            if units(tx, now)?.len() >= MOST_UNITS {
                let message = format!("The account already has {MOST_UNITS} provisioned capacity units");
                return Err(errors::limit_exceeded(message));
            }
            for (id, capacity) in tables::CAPACITY.list(tx, &Range::all(), 2 * MOST_UNITS)? {
                if capacity.expires() <= now {
                    tables::CAPACITY.delete(tx, &id);
                }
            }
            tables::CAPACITY.put(tx, &unit, &Capacity { start: now });
            Ok(())
        });
        write.await?;
        Ok(PurchaseProvisionedCapacityOutput { capacity_id })
    }
}

impl Handle<ListProvisionedCapacity> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &ListProvisionedCapacityInput) -> Result<Guard, ApiError> {
        self.account_guard(ctx, &input.account_id, "provisioned-capacity")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListProvisionedCapacityInput,
    ) -> Result<ListProvisionedCapacityOutput, ApiError> {
        let scope = cloud::tenant(place::account_of(ctx, &input.account_id)?, ctx.region());
        let units = units(&mut ctx.store().read(&scope)?, ctx.now())?;
        let described = units.into_iter().map(|(id, capacity)| ProvisionedCapacityDescription {
            capacity_id: Some(id),
            start_date: Some(capacity.start.iso8601_millis()),
            expiration_date: Some(capacity.expires().iso8601_millis()),
        });
        Ok(ListProvisionedCapacityOutput { provisioned_capacity_list: Some(described.collect()) })
    }
}

/// Those that have not expired.
fn units(reader: &mut dyn Reader, now: Timestamp) -> Result<Vec<(String, Capacity)>, ApiError> {
    let mut units = tables::CAPACITY.list(reader, &Range::all(), 2 * MOST_UNITS)?;
    units.retain(|(_, capacity)| now < capacity.expires());
    Ok(units)
}
