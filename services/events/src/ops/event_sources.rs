//! ListEventSources, DescribeEventSource, ActivateEventSource and DeactivateEventSource: the side of who is offered a
//! partner's events.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api as api;
use events_api::op::{ActivateEventSource, DeactivateEventSource, DescribeEventSource, ListEventSources};
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::bus::BusArn;
use crate::partner::{EventSource, arn};
use crate::{Events, errors, tables};

fn guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(arn(ctx.region(), name)).owned_by(ctx.account())
}

/// The source `name`, while it is to be had.
fn find(ctx: &Ctx, rows: &mut dyn store::Reader, name: &str) -> Result<EventSource, ApiError> {
    let source = EventSource::get(rows, name)?;
    let missing = || errors::resource_does_not_exist("Event source", name);
    source.is_there(ctx.now()).then_some(source).ok_or_else(missing)
}

fn set_active(ctx: &Ctx, tx: &mut Tx<'_>, name: &str, is_active: bool) -> Result<(), ApiError> {
    let mut source = find(ctx, tx, name)?;
    if source.is_deleted {
        return Err(events_api::error::invalid_state_exception(format!("Event source {name} is deleted.")));
    }
    BusArn::here(ctx, name).get(tx)?;
    source.is_active = is_active;
    tables::EVENT_SOURCES.put(tx, &source.name, &source);
    Ok(())
}

impl Transact<ActivateEventSource> for Events {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &api::ActivateEventSourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::ActivateEventSourceInput) -> Result<String, ApiError> {
        Ok(input.name)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        name: &String,
    ) -> Result<api::ActivateEventSourceOutput, ApiError> {
        set_active(ctx, tx, name, true)?;
        Ok(api::ActivateEventSourceOutput::default())
    }
}

impl Transact<DeactivateEventSource> for Events {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &api::DeactivateEventSourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::DeactivateEventSourceInput) -> Result<String, ApiError> {
        Ok(input.name)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        name: &String,
    ) -> Result<api::DeactivateEventSourceOutput, ApiError> {
        set_active(ctx, tx, name, false)?;
        Ok(api::DeactivateEventSourceOutput::default())
    }
}

impl Handle<DescribeEventSource> for Events {
    fn guard(&self, ctx: &Ctx, input: &api::DescribeEventSourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeEventSourceInput,
    ) -> Result<api::DescribeEventSourceOutput, ApiError> {
        let source = find(ctx, &mut ctx.read()?, &input.name)?;
        Ok(api::DescribeEventSourceOutput {
            arn: Some(arn(ctx.region(), &source.name)),
            created_by: source.created_by(),
            creation_time: Some(source.created),
            expiration_time: source.expires(),
            state: Some(source.state()),
            name: Some(source.name),
        })
    }
}

impl Handle<ListEventSources> for Events {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListEventSourcesInput,
    ) -> Result<api::ListEventSourcesOutput, ApiError> {
        let range = input.next_token.map_or_else(Range::all, |last| Range::all().after(&last));
        let prefix = input.name_prefix.unwrap_or_default();
        let rows = tables::EVENT_SOURCES.list(&mut ctx.read()?, &range, usize::MAX)?;
        let wanted = rows
            .into_iter()
            .map(|(_, source)| source)
            .filter(|source| source.name.starts_with(&prefix) && source.is_there(ctx.now()));
        let (page, next_token) =
            paged(wanted.collect(), page_size(input.limit), |source: &EventSource| source.name.clone());
        let told = page.into_iter().map(|source| api::EventSource {
            arn: Some(arn(ctx.region(), &source.name)),
            created_by: source.created_by(),
            creation_time: Some(source.created),
            expiration_time: source.expires(),
            state: Some(source.state()),
            name: Some(source.name),
        });
        Ok(api::ListEventSourcesOutput { event_sources: Some(told.collect()), next_token })
    }
}
