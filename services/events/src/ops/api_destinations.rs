//! CreateApiDestination, DescribeApiDestination, ListApiDestinations, UpdateApiDestination and DeleteApiDestination.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api as api;
use events_api::op::{
    CreateApiDestination, DeleteApiDestination, DescribeApiDestination, ListApiDestinations,
    UpdateApiDestination,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::api_destination::{ApiDestination, USUAL_RATE, arn};
use crate::connection::{Connection, name_of};
use crate::{Events, errors, tables};

fn guard(ctx: &Ctx, name: &str) -> Guard {
    let (region, account) = (ctx.region(), ctx.account());
    Guard::resource(format!("arn:aws:events:{}:{account}:api-destination/{name}", region.as_str()))
}

fn arn_of(ctx: &Ctx, destination: &ApiDestination) -> String {
    arn(ctx.account(), ctx.region(), destination)
}

/// A destination is as active as its connection.
fn state(tx: &mut dyn store::Reader, destination: &ApiDestination) -> Result<String, ApiError> {
    let connection = tables::CONNECTIONS.find(tx, &name_of(&destination.connection_arn)?)?;
    let is_active = connection.is_some_and(|connection| connection.is_authorized);
    Ok(if is_active { "ACTIVE" } else { "INACTIVE" }.to_owned())
}

impl Transact<CreateApiDestination> for Events {
    type Draft = ApiDestination;

    fn guard(&self, ctx: &Ctx, input: &api::CreateApiDestinationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: api::CreateApiDestinationInput) -> Result<Self::Draft, ApiError> {
        let destination = ApiDestination {
            name: input.name,
            id: ctx.ids().uuid(),
            description: input.description,
            connection_arn: input.connection_arn,
            endpoint: input.invocation_endpoint,
            method: input.http_method,
            rate: input.invocation_rate_limit_per_second.map_or(USUAL_RATE, i32::unsigned_abs),
            created: ctx.now(),
            modified: ctx.now(),
        };
        destination.check()?;
        Ok(destination)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Self::Draft,
    ) -> Result<api::CreateApiDestinationOutput, ApiError> {
        Connection::get(tx, &name_of(&draft.connection_arn)?)?;
        if tables::API_DESTINATIONS.contains(tx, &draft.name)? {
            return Err(errors::resource_exists("ApiDestination", &draft.name));
        }
        tables::API_DESTINATIONS.put(tx, &draft.name, draft);
        Ok(api::CreateApiDestinationOutput {
            api_destination_arn: Some(arn_of(ctx, draft)),
            api_destination_state: Some(state(tx, draft)?),
            creation_time: Some(draft.created),
            last_modified_time: Some(draft.modified),
        })
    }
}

impl Transact<UpdateApiDestination> for Events {
    type Draft = api::UpdateApiDestinationInput;

    fn guard(&self, ctx: &Ctx, input: &api::UpdateApiDestinationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::UpdateApiDestinationInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::UpdateApiDestinationOutput, ApiError> {
        let known = ApiDestination::get(tx, &input.name)?;
        let changed = ApiDestination {
            description: input.description.clone().or(known.description),
            connection_arn: input.connection_arn.clone().unwrap_or(known.connection_arn),
            endpoint: input.invocation_endpoint.clone().unwrap_or(known.endpoint),
            method: input.http_method.clone().unwrap_or(known.method),
            rate: input.invocation_rate_limit_per_second.map_or(known.rate, i32::unsigned_abs),
            modified: ctx.now(),
            ..known
        };
        changed.check()?;
        Connection::get(tx, &name_of(&changed.connection_arn)?)?;
        tables::API_DESTINATIONS.put(tx, &changed.name, &changed);
        Ok(api::UpdateApiDestinationOutput {
            api_destination_arn: Some(arn_of(ctx, &changed)),
            api_destination_state: Some(state(tx, &changed)?),
            creation_time: Some(changed.created),
            last_modified_time: Some(changed.modified),
        })
    }
}

impl Handle<DescribeApiDestination> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::DescribeApiDestinationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeApiDestinationInput,
    ) -> Result<api::DescribeApiDestinationOutput, ApiError> {
        let mut snapshot = ctx.read()?;
        let found = ApiDestination::get(&mut snapshot, &input.name)?;
        Ok(api::DescribeApiDestinationOutput {
            api_destination_arn: Some(arn_of(ctx, &found)),
            api_destination_state: Some(state(&mut snapshot, &found)?),
            name: Some(found.name),
            description: found.description,
            connection_arn: Some(found.connection_arn),
            invocation_endpoint: Some(found.endpoint),
            http_method: Some(found.method),
            invocation_rate_limit_per_second: i32::try_from(found.rate).ok(),
            creation_time: Some(found.created),
            last_modified_time: Some(found.modified),
        })
    }
}

impl Handle<ListApiDestinations> for Events {
    fn guard(&self, ctx: &Ctx, _: &api::ListApiDestinationsInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "*"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListApiDestinationsInput,
    ) -> Result<api::ListApiDestinationsOutput, ApiError> {
        let range = input.next_token.map_or_else(Range::all, |last| Range::all().after(&last));
        let prefix = input.name_prefix.unwrap_or_default();
        let mut snapshot = ctx.read()?;
        let rows = tables::API_DESTINATIONS.list(&mut snapshot, &range, usize::MAX)?;
        let wanted = rows.into_iter().map(|(_, row)| row).filter(|row| {
            row.name.starts_with(&prefix)
                && input.connection_arn.as_ref().is_none_or(|arn| *arn == row.connection_arn)
        });
        let (page, next_token) =
            paged(wanted.collect(), page_size(input.limit), |row: &ApiDestination| row.name.clone());
        let mut told = Vec::with_capacity(page.len());
        for row in page {
            told.push(api::ApiDestination {
                api_destination_arn: Some(arn_of(ctx, &row)),
                api_destination_state: Some(state(&mut snapshot, &row)?),
                name: Some(row.name),
                connection_arn: Some(row.connection_arn),
                invocation_endpoint: Some(row.endpoint),
                http_method: Some(row.method),
                invocation_rate_limit_per_second: i32::try_from(row.rate).ok(),
                creation_time: Some(row.created),
                last_modified_time: Some(row.modified),
            });
        }
        Ok(api::ListApiDestinationsOutput { api_destinations: Some(told), next_token })
    }
}

impl Transact<DeleteApiDestination> for Events {
    type Draft = api::DeleteApiDestinationInput;

    fn guard(&self, ctx: &Ctx, input: &api::DeleteApiDestinationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::DeleteApiDestinationInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::DeleteApiDestinationOutput, ApiError> {
        ApiDestination::get(tx, &input.name)?;
        tables::API_DESTINATIONS.delete(tx, &input.name);
        Ok(api::DeleteApiDestinationOutput::default())
    }
}
