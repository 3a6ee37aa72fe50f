//! CreateEndpoint, DeleteEndpoint, DescribeEndpoint, ListEndpoints and UpdateEndpoint.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api as api;
use events_api::op::{CreateEndpoint, DeleteEndpoint, DescribeEndpoint, ListEndpoints, UpdateEndpoint};
use events_api::{
    CreateEndpointInput, CreateEndpointOutput, DeleteEndpointInput, DeleteEndpointOutput,
    DescribeEndpointInput, DescribeEndpointOutput, EndpointEventBus, FailoverConfig, ListEndpointsInput,
    ListEndpointsOutput, Primary, ReplicationConfig, RoutingConfig, Secondary, UpdateEndpointInput,
    UpdateEndpointOutput,
};
use identity::Region;
use shapes::ApiError;
use store::{Order, Range, Tx};

use super::{page_size, paged};
use crate::endpoint::{self, Endpoint, EndpointPlace, REASON};
use crate::{Events, errors, tables};

/// EventBridge quotas.
const MOST_ENDPOINTS: usize = 100;
const ACTIVE: &str = "ACTIVE";
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(endpoint::arn(ctx.account(), ctx.region(), name))
}

impl Endpoint {
    fn routing(&self) -> RoutingConfig {
        RoutingConfig {
            failover_config: FailoverConfig {
                primary: Primary { health_check: self.health_check.clone() },
                secondary: Secondary { route: self.secondary.clone() },
            },
        }
    }

    fn replication(&self) -> ReplicationConfig {
        let state = if self.is_replicated { "ENABLED" } else { "DISABLED" };
        ReplicationConfig { state: Some(state.to_owned()) }
    }

    fn event_buses(&self) -> Vec<EndpointEventBus> {
        let bus = |arn: &String| EndpointEventBus { event_bus_arn: arn.clone() };
        self.buses.iter().map(bus).collect()
    }

    fn set_routing(&mut self, routing: RoutingConfig) {
        let FailoverConfig { primary, secondary } = routing.failover_config;
        self.health_check = primary.health_check;
        self.secondary = secondary.route;
    }

    fn set_replication(&mut self, replication: Option<ReplicationConfig>) {
        let state = replication.and_then(|replication| replication.state);
        self.is_replicated = state.is_none_or(|state| state == "ENABLED");
    }

    /// Whether the parts fit, and the buses are there.
    fn check_buses(&self, ctx: &Ctx, tx: &mut Tx<'_>) -> Result<(), ApiError> {
        let (first, second) = self.check(ctx.account(), ctx.region())?;
        for bus in [first, second] {
            tx.with_scope(&bus.scope(), |tx| bus.get(tx))?;
        }
        Ok(())
    }
}

impl Transact<CreateEndpoint> for Events {
    type Draft = Endpoint;

    fn guard(&self, ctx: &Ctx, input: &CreateEndpointInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateEndpointInput) -> Result<Endpoint, ApiError> {
        let bytes: [u8; 10] = ctx.ids().bytes();
        let id: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
        let mut endpoint = Endpoint {
            name: input.name,
            id: format!("{id}.veo"),
            description: input.description,
            health_check: String::new(),
            secondary: String::new(),
            is_replicated: true,
            buses: input.event_buses.into_iter().map(|bus| bus.event_bus_arn).collect(),
            role: input.role_arn,
            created: ctx.now(),
            modified: ctx.now(),
        };
        endpoint.set_routing(input.routing_config);
        endpoint.set_replication(input.replication_config);
        endpoint.check(ctx.account(), ctx.region())?;
        Ok(endpoint)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        endpoint: &Endpoint,
    ) -> Result<CreateEndpointOutput, ApiError> {
        if tables::ENDPOINTS.contains(tx, &endpoint.name)? {
            return Err(errors::resource_exists("Endpoint", &endpoint.name));
        }
        if tables::ENDPOINTS.list(tx, &Range::all(), MOST_ENDPOINTS)?.len() >= MOST_ENDPOINTS {
            return Err(errors::limit_exceeded());
        }
        endpoint.check_buses(ctx, tx)?;
        tables::ENDPOINTS.put(tx, &endpoint.name, endpoint);
        let place = EndpointPlace {
            account: ctx.account(),
            region: ctx.region().as_str().to_owned(),
            name: endpoint.name.clone(),
        };
        endpoint::place(tx, &endpoint.id, Some(&place));
        Ok(CreateEndpointOutput {
            name: Some(endpoint.name.clone()),
            arn: Some(endpoint.arn(ctx.account(), ctx.region())),
            routing_config: Some(endpoint.routing()),
            replication_config: Some(endpoint.replication()),
            event_buses: Some(endpoint.event_buses()),
            role_arn: endpoint.role.clone(),
            state: Some(ACTIVE.to_owned()),
        })
    }
}

impl Transact<UpdateEndpoint> for Events {
    type Draft = UpdateEndpointInput;

    fn guard(&self, ctx: &Ctx, input: &UpdateEndpointInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: UpdateEndpointInput) -> Result<UpdateEndpointInput, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &UpdateEndpointInput,
    ) -> Result<UpdateEndpointOutput, ApiError> {
        let mut endpoint = Endpoint::get(tx, &input.name)?;
        let input = input.clone();
        if let Some(routing) = input.routing_config {
            endpoint.set_routing(routing);
        }
        if input.replication_config.is_some() {
            endpoint.set_replication(input.replication_config);
        }
        if let Some(buses) = input.event_buses {
            endpoint.buses = buses.into_iter().map(|bus| bus.event_bus_arn).collect();
        }
        endpoint.role = input.role_arn.or(endpoint.role);
        endpoint.description = input.description.or(endpoint.description);
        endpoint.modified = ctx.now();
        endpoint.check_buses(ctx, tx)?;
        tables::ENDPOINTS.put(tx, &endpoint.name, &endpoint);
        Ok(UpdateEndpointOutput {
            name: Some(endpoint.name.clone()),
            arn: Some(endpoint.arn(ctx.account(), ctx.region())),
            routing_config: Some(endpoint.routing()),
            replication_config: Some(endpoint.replication()),
            event_buses: Some(endpoint.event_buses()),
            role_arn: endpoint.role.clone(),
            endpoint_id: Some(endpoint.id.clone()),
            endpoint_url: Some(endpoint.url()),
            state: Some(ACTIVE.to_owned()),
        })
    }
}

impl Transact<DeleteEndpoint> for Events {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteEndpointInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteEndpointInput) -> Result<String, ApiError> {
        Ok(input.name)
    }

    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteEndpointOutput, ApiError> {
        let endpoint = Endpoint::get(tx, name)?;
        endpoint::place(tx, &endpoint.id, None);
        tables::ENDPOINTS.delete(tx, name);
        Ok(DeleteEndpointOutput {})
    }
}

/// The Region that a request means: its own, or the endpoint's home.
fn home(ctx: &Ctx, region: Option<&str>) -> Result<Ctx, ApiError> {
    let Some(region) = region else { return Ok(ctx.clone()) };
    let region = Region::known(region)
        .ok_or_else(|| errors::invalid_parameter("HomeRegion", format!("{region} is no Region.")))?;
    Ok(ctx.in_tenant(ctx.account(), region))
}

impl Handle<DescribeEndpoint> for Events {
    fn guard(&self, ctx: &Ctx, input: &DescribeEndpointInput) -> Result<Guard, ApiError> {
        Ok(guard(&home(ctx, input.home_region.as_deref())?, &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeEndpointInput,
    ) -> Result<DescribeEndpointOutput, ApiError> {
        let ctx = home(ctx, input.home_region.as_deref())?;
        let endpoint = Endpoint::get(&mut ctx.read()?, &input.name)?;
        Ok(DescribeEndpointOutput {
            name: Some(endpoint.name.clone()),
            description: endpoint.description.clone(),
            arn: Some(endpoint.arn(ctx.account(), ctx.region())),
            routing_config: Some(endpoint.routing()),
            replication_config: Some(endpoint.replication()),
            event_buses: Some(endpoint.event_buses()),
            role_arn: endpoint.role.clone(),
            endpoint_id: Some(endpoint.id.clone()),
            endpoint_url: Some(endpoint.url()),
            state: Some(ACTIVE.to_owned()),
            state_reason: Some(REASON.to_owned()),
            creation_time: Some(endpoint.created),
            last_modified_time: Some(endpoint.modified),
        })
    }
}

impl Handle<ListEndpoints> for Events {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListEndpointsInput,
    ) -> Result<ListEndpointsOutput, ApiError> {
        let ctx = home(ctx, input.home_region.as_deref())?;
        let size = page_size(input.max_results);
        let prefix = input.name_prefix.unwrap_or_default();
        let range = match input.next_token {
            Some(last) => Range::all().after(&last),
            None => Range::all(),
        };
        let mut found = Vec::new();
        tables::ENDPOINTS.visit(&mut ctx.read()?, &range, Order::Ascending, |_, endpoint| {
            // As the API Reference has it, the text may be anywhere in the name.
            if endpoint.name.contains(&prefix) {
                found.push(endpoint);
            }
            std::ops::ControlFlow::Continue(())
        })?;
        let (page, next_token) = paged(found, size, |endpoint| endpoint.name.clone());
        let shown = |endpoint: Endpoint| api::Endpoint {
            name: Some(endpoint.name.clone()),
            description: endpoint.description.clone(),
            arn: Some(endpoint.arn(ctx.account(), ctx.region())),
            routing_config: Some(endpoint.routing()),
            replication_config: Some(endpoint.replication()),
            event_buses: Some(endpoint.event_buses()),
            role_arn: endpoint.role.clone(),
            endpoint_id: Some(endpoint.id.clone()),
            endpoint_url: Some(endpoint.url()),
            state: Some(ACTIVE.to_owned()),
            state_reason: Some(REASON.to_owned()),
            creation_time: Some(endpoint.created),
            last_modified_time: Some(endpoint.modified),
        };
        Ok(ListEndpointsOutput { endpoints: Some(page.into_iter().map(shown).collect()), next_token })
    }
}
