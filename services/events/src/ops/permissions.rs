//! PutPermission and RemovePermission: who may put events on a bus.

use cloud::{Ctx, Guard, Transact};
use events_api::op::{PutPermission, RemovePermission};
use events_api::{PutPermissionInput, PutPermissionOutput, RemovePermissionInput, RemovePermissionOutput};
use shapes::ApiError;
use store::Tx;

use crate::bus::BusArn;
use crate::bus_policy::{self, Statement};
use crate::{Events, errors, tables};

impl Transact<PutPermission> for Events {
    type Draft = (BusArn, PutPermissionInput);

    fn guard(&self, ctx: &Ctx, input: &PutPermissionInput) -> Result<Guard, ApiError> {
        self.bus_guard(&BusArn::of(ctx, input.event_bus_name.as_deref())?)
    }

    fn prepare(&self, ctx: &Ctx, input: PutPermissionInput) -> Result<Self::Draft, ApiError> {
        let has_parts = input.action.is_some() || input.principal.is_some() || input.statement_id.is_some();
        match &input.policy {
            Some(_) if has_parts || input.condition.is_some() => {
                return Err(errors::validation(
                    "Either Policy, or Action, Principal and StatementId may be specified, not both.",
                ));
            }
            Some(policy) => bus_policy::check(policy)?,
            None => {
                for (name, value) in [
                    ("Action", &input.action),
                    ("Principal", &input.principal),
                    ("StatementId", &input.statement_id),
                ] {
                    if value.is_none() {
                        return Err(errors::validation(format!("Parameter {name} must be specified.")));
                    }
                }
            }
        }
        Ok((BusArn::of(ctx, input.event_bus_name.as_deref())?, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, input): &Self::Draft,
    ) -> Result<PutPermissionOutput, ApiError> {
        let mut bus = arn.get(tx)?;
        bus.policy = Some(match &input.policy {
            Some(policy) => policy.clone(),
            None => {
                let statement = Statement {
                    id: input.statement_id.as_deref().unwrap_or_default(),
                    principal: input.principal.as_deref().unwrap_or_default(),
                    action: input.action.as_deref().unwrap_or_default(),
                    condition: input.condition.as_ref(),
                };
                bus_policy::with_statement(bus.policy.as_deref(), arn, &statement)?
            }
        });
        bus.modified = Some(ctx.now());
        tables::BUSES.put(tx, &arn.name, &bus);
        Ok(PutPermissionOutput {})
    }
}

impl Transact<RemovePermission> for Events {
    type Draft = (BusArn, RemovePermissionInput);

    fn guard(&self, ctx: &Ctx, input: &RemovePermissionInput) -> Result<Guard, ApiError> {
        self.bus_guard(&BusArn::of(ctx, input.event_bus_name.as_deref())?)
    }

    fn prepare(&self, ctx: &Ctx, input: RemovePermissionInput) -> Result<Self::Draft, ApiError> {
        let removes_all = input.remove_all_permissions == Some(true);
        if input.statement_id.is_none() && !removes_all {
            return Err(errors::validation("Parameter StatementId must be specified."));
        }
        Ok((BusArn::of(ctx, input.event_bus_name.as_deref())?, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, input): &Self::Draft,
    ) -> Result<RemovePermissionOutput, ApiError> {
        let mut bus = arn.get(tx)?;
        bus.policy = match &input.statement_id {
            Some(id) if input.remove_all_permissions != Some(true) => {
                bus_policy::without_statement(bus.policy.as_deref(), id)?
            }
            _ => None,
        };
        bus.modified = Some(ctx.now());
        tables::BUSES.put(tx, &arn.name, &bus);
        Ok(RemovePermissionOutput {})
    }
}
