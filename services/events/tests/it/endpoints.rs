//! Global endpoints: one address for buses in two Regions.

use cloud::Ctx;
use events_api::op::{
    CreateEndpoint, CreateEventBus, DeleteEndpoint, DescribeEndpoint, ListEndpoints, PutEvents, PutRule,
    PutTargets, UpdateEndpoint,
};
use events_api::{
    CreateEndpointInput, CreateEventBusInput, DeleteEndpointInput, DescribeEndpointInput, EndpointEventBus,
    FailoverConfig, ListEndpointsInput, Primary, PutEventsInput, PutRuleInput, PutTargetsInput,
    ReplicationConfig, RoutingConfig, Secondary, UpdateEndpointInput,
};
use shapes::ApiError;

use crate::kit::{ACCOUNT, Region, shop, target};

const NAME: &str = "everywhere";

fn in_region(region: &Region, name: &str) -> Ctx {
    let ctx = region.region.ctx();
    ctx.in_tenant(ctx.account(), identity::Region::parse(name).expect("it is a Region"))
}

/// A bus of a Region whose events all go to a queue.
async fn bus(region: &Region, place: &str, queue: &str) {
    let ctx = in_region(region, place);
    let name = "orders".to_owned();
    let input = CreateEventBusInput { name: name.clone(), ..Default::default() };
    ctx.call::<CreateEventBus>(input).await.expect("the bus is new");
    let input = PutRuleInput {
        name: "all".to_owned(),
        event_bus_name: Some(name.clone()),
        event_pattern: Some(r#"{"source":["shop"]}"#.to_owned()),
        ..Default::default()
    };
    ctx.call::<PutRule>(input).await.expect("the rule is well formed");
    let queue = region.create_queue(queue).await;
    let targets = vec![target("queue", &queue)];
    let input = PutTargetsInput { rule: "all".to_owned(), event_bus_name: Some(name), targets };
    ctx.call::<PutTargets>(input).await.expect("the target is well formed");
}

fn routing(secondary: &str) -> RoutingConfig {
    let health_check = "arn:aws:route53:::healthcheck/abc".to_owned();
    let secondary = Secondary { route: secondary.to_owned() };
    RoutingConfig { failover_config: FailoverConfig { primary: Primary { health_check }, secondary } }
}

fn buses(names: [(&str, &str); 2]) -> Vec<EndpointEventBus> {
    let bus = |(region, name): (&str, &str)| EndpointEventBus {
        event_bus_arn: format!("arn:aws:events:{region}:{ACCOUNT}:event-bus/{name}"),
    };
    names.map(bus).into()
}

fn input(replicates: bool) -> CreateEndpointInput {
    let state = if replicates { "ENABLED" } else { "DISABLED" };
    CreateEndpointInput {
        name: NAME.to_owned(),
        routing_config: routing("us-west-2"),
        event_buses: buses([("us-east-1", "orders"), ("us-west-2", "orders")]),
        replication_config: Some(ReplicationConfig { state: Some(state.to_owned()) }),
        role_arn: replicates.then(|| format!("arn:aws:iam::{ACCOUNT}:role/replicator")),
        ..Default::default()
    }
}

async fn start() -> Region {
    let region = Region::start();
    bus(&region, "us-east-1", "east").await;
    bus(&region, "us-west-2", "west").await;
    region
}

async fn id(region: &Region) -> String {
    let input = DescribeEndpointInput { name: NAME.to_owned(), ..Default::default() };
    let found = region.region.call::<DescribeEndpoint>(input).await.expect("the endpoint is there");
    found.endpoint_id.expect("it has an id")
}

async fn put(ctx: &Ctx, id: &str, bus: Option<&str>) -> Result<Option<String>, ApiError> {
    let mut entry = shop("{}");
    entry.event_bus_name = bus.map(str::to_owned);
    let input = PutEventsInput { entries: vec![entry], endpoint_id: Some(id.to_owned()) };
    let output = ctx.call::<PutEvents>(input).await?;
    Ok(output.entries.unwrap_or_default().remove(0).error_code)
}

#[tokio::test]
async fn events_come_to_the_primary_region_wherever_they_were_sent_from() {
    let region = start().await;
    region.region.call::<CreateEndpoint>(input(false)).await.unwrap();
    let id = id(&region).await;
    let far = in_region(&region, "eu-central-1");
    assert_eq!(put(&far, &id, Some("orders")).await.unwrap(), None);
    assert_eq!((region.bodies("east").await.len(), region.bodies("west").await.len()), (1, 0));
    let refused = put(&far, &id, None).await.unwrap();
    assert_eq!(refused.as_deref(), Some("InvalidArgument"), "the default bus is not behind the endpoint");
    assert_eq!(put(&far, "nobody.veo", Some("orders")).await.unwrap_err().name(), "ValidationException");
}

#[tokio::test]
async fn replication_brings_each_event_to_the_secondary_region_as_well() {
    let region = start().await;
    region.region.call::<CreateEndpoint>(input(true)).await.unwrap();
    let id = id(&region).await;
    assert_eq!(put(&region.region.ctx(), &id, Some("orders")).await.unwrap(), None);
    let (east, west) = (region.event_ids("east").await, region.event_ids("west").await);
    assert_eq!((east.len(), east), (1, west), "the same event in both");
    let off = UpdateEndpointInput {
        name: NAME.to_owned(),
        replication_config: Some(ReplicationConfig { state: Some("DISABLED".to_owned()) }),
        ..Default::default()
    };
    region.region.call::<UpdateEndpoint>(off).await.unwrap();
    put(&region.region.ctx(), &id, Some("orders")).await.unwrap();
    assert_eq!((region.bodies("east").await.len(), region.bodies("west").await.len()), (1, 0));
}

#[tokio::test]
async fn the_parts_of_an_endpoint_have_to_fit() {
    let region = start().await;
    let with = |change: fn(&mut CreateEndpointInput)| {
        let mut input = input(true);
        change(&mut input);
        input
    };
    for (bad, name) in [
        (with(|input| input.role_arn = None), "ValidationException"),
        (with(|input| input.routing_config = routing("us-east-1")), "ValidationException"),
        (with(|input| input.routing_config = routing("mars-north-1")), "ValidationException"),
        (
            with(|input| input.event_buses = buses([("us-east-1", "orders"), ("us-west-2", "other")])),
            "ValidationException",
        ),
        (
            with(|input| input.event_buses = buses([("us-east-1", "none"), ("us-west-2", "none")])),
            "ResourceNotFoundException",
        ),
    ] {
        assert_eq!(region.region.call::<CreateEndpoint>(bad).await.unwrap_err().name(), name);
    }
    region.region.call::<CreateEndpoint>(input(true)).await.unwrap();
    let again = region.region.call::<CreateEndpoint>(input(true)).await.unwrap_err();
    assert_eq!(again.name(), "ResourceAlreadyExistsException");
}

#[tokio::test]
async fn endpoints_are_described_from_everywhere_and_say_that_nothing_fails_over() {
    let region = start().await;
    region.region.call::<CreateEndpoint>(input(true)).await.unwrap();
    let far = in_region(&region, "eu-central-1");
    let describe = |home: Option<&str>| DescribeEndpointInput {
        name: NAME.to_owned(),
        home_region: home.map(str::to_owned),
    };
    let found = far.call::<DescribeEndpoint>(describe(Some("us-east-1"))).await.unwrap();
    assert_eq!(found.arn.as_deref(), Some("arn:aws:events:us-east-1:000000000000:endpoint/everywhere"));
    let id = found.endpoint_id.unwrap();
    assert_eq!(found.endpoint_url, Some(format!("https://{id}.endpoint.events.amazonaws.com")));
    assert_eq!(found.state.as_deref(), Some("ACTIVE"));
    assert!(found.state_reason.unwrap().contains("Route 53"));
    let missing = far.call::<DescribeEndpoint>(describe(None)).await.unwrap_err();
    assert_eq!(missing.name(), "ResourceNotFoundException");
    let list =
        |prefix: &str| ListEndpointsInput { name_prefix: Some(prefix.to_owned()), ..Default::default() };
    let count = async |prefix: &str| {
        region.region.call::<ListEndpoints>(list(prefix)).await.unwrap().endpoints.unwrap().len()
    };
    assert_eq!((count("every").await, count("no").await), (1, 0));
    let input = DeleteEndpointInput { name: NAME.to_owned() };
    region.region.call::<DeleteEndpoint>(input.clone()).await.unwrap();
    assert!(put(&region.region.ctx(), &id, Some("orders")).await.is_err());
    let gone = region.region.call::<DeleteEndpoint>(input).await.unwrap_err();
    assert_eq!(gone.name(), "ResourceNotFoundException");
}
