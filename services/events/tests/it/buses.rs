//! Buses and their policies.

use events_api::op::{
    CreateEventBus, DeleteEventBus, DescribeEventBus, ListEventBuses, ListTagsForResource, PutPermission,
    RemovePermission, TagResource, UntagResource, UpdateEventBus,
};
use events_api::{
    CreateEventBusInput, DeleteEventBusInput, DescribeEventBusInput, ListEventBusesInput,
    ListTagsForResourceInput, PutEventsInput, PutPermissionInput, RemovePermissionInput, Tag,
    TagResourceInput, UntagResourceInput, UpdateEventBusInput,
};
use serde_json::{Value, json};

use crate::kit::{Region, shop};

async fn create(region: &Region, name: &str) -> Result<String, shapes::ApiError> {
    let input = CreateEventBusInput { name: name.to_owned(), ..Default::default() };
    Ok(region.region.call::<CreateEventBus>(input).await?.event_bus_arn.unwrap_or_default())
}

async fn describe(
    region: &Region,
    name: Option<&str>,
) -> Result<events_api::DescribeEventBusOutput, shapes::ApiError> {
    region.region.call::<DescribeEventBus>(DescribeEventBusInput { name: name.map(str::to_owned) }).await
}

#[tokio::test]
async fn the_default_bus_is_there_and_others_come_and_go() {
    let region = Region::start();
    let default = describe(&region, None).await.unwrap();
    assert_eq!(default.name.as_deref(), Some("default"));
    assert_eq!(default.arn.as_deref(), Some("arn:aws:events:us-east-1:000000000000:event-bus/default"));
    let arn = create(&region, "orders").await.unwrap();
    assert_eq!(arn, "arn:aws:events:us-east-1:000000000000:event-bus/orders");
    let again = create(&region, "orders").await.unwrap_err();
    assert_eq!(
        (again.name(), again.message()),
        ("ResourceAlreadyExistsException", "Event bus orders already exists.")
    );
    assert_eq!(create(&region, "default").await.unwrap_err().name(), "ResourceAlreadyExistsException");
    assert_eq!(create(&region, "a/b").await.unwrap_err().name(), "ValidationException");
    let list = |prefix: Option<&str>| ListEventBusesInput {
        name_prefix: prefix.map(str::to_owned),
        ..Default::default()
    };
    let names = |output: events_api::ListEventBusesOutput| -> Vec<String> {
        output.event_buses.unwrap_or_default().into_iter().filter_map(|bus| bus.name).collect()
    };
    assert_eq!(names(region.region.call::<ListEventBuses>(list(None)).await.unwrap()), ["default", "orders"]);
    assert_eq!(names(region.region.call::<ListEventBuses>(list(Some("or"))).await.unwrap()), ["orders"]);

    let update = UpdateEventBusInput {
        name: Some("orders".to_owned()),
        description: Some("of the shop".to_owned()),
        ..Default::default()
    };
    region.region.call::<UpdateEventBus>(update).await.unwrap();
    let described = describe(&region, Some(&arn)).await.unwrap();
    assert_eq!(described.description.as_deref(), Some("of the shop"));

    region.put_rule("orders", "r", r#"{"source":["a"]}"#).await.unwrap();
    let delete = |name: &str| DeleteEventBusInput { name: name.to_owned() };
    let refused = region.region.call::<DeleteEventBus>(delete("orders")).await.unwrap_err();
    assert!(refused.message().contains("can't be deleted since it has rules"), "{refused}");
    assert!(region.region.call::<DeleteEventBus>(delete("default")).await.is_err());
    region.region.call::<DeleteEventBus>(delete("nobody")).await.unwrap();
    let missing = describe(&region, Some("nobody")).await.unwrap_err();
    assert_eq!(missing.message(), "Event bus nobody does not exist.");
}

#[tokio::test]
async fn another_account_needs_the_policy_s_consent() {
    let region = Region::start();
    let arn = create(&region, "orders").await.unwrap();
    let other = region.region.as_account("111122223333");
    let mut entry = shop("{}");
    entry.event_bus_name = Some(arn.clone());
    let put = || PutEventsInput { entries: vec![entry.clone()], ..Default::default() };
    let refused = other.call::<events_api::op::PutEvents>(put()).await.unwrap_err();
    assert_eq!(refused.name(), "AccessDeniedException");
    let permit = PutPermissionInput {
        event_bus_name: Some("orders".to_owned()),
        action: Some("events:PutEvents".to_owned()),
        principal: Some("111122223333".to_owned()),
        statement_id: Some("partner".to_owned()),
        ..Default::default()
    };
    region.region.call::<PutPermission>(permit).await.unwrap();
    let policy: Value =
        serde_json::from_str(&describe(&region, Some("orders")).await.unwrap().policy.unwrap()).unwrap();
    assert_eq!(
        policy["Statement"][0],
        json!({
            "Sid": "partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "events:PutEvents", "Resource": arn,
        })
    );
    let taken = other.call::<events_api::op::PutEvents>(put()).await.unwrap();
    assert_eq!(taken.failed_entry_count, Some(0));

    let remove = |id: &str| RemovePermissionInput {
        statement_id: Some(id.to_owned()),
        event_bus_name: Some("orders".to_owned()),
        ..Default::default()
    };
    let missing = region.region.call::<RemovePermission>(remove("x")).await.unwrap_err();
    assert_eq!(missing.name(), "ResourceNotFoundException");
    region.region.call::<RemovePermission>(remove("partner")).await.unwrap();
    assert_eq!(describe(&region, Some("orders")).await.unwrap().policy, None);
    assert!(other.call::<events_api::op::PutEvents>(put()).await.is_err());
}

#[tokio::test]
async fn buses_and_rules_have_tags() {
    let region = Region::start();
    let bus = create(&region, "orders").await.unwrap();
    let rule = region.put_rule("orders", "r", r#"{"source":["a"]}"#).await.unwrap();
    for arn in [bus, rule] {
        let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned() };
        let input = TagResourceInput { resource_arn: arn.clone(), tags: vec![tag("a"), tag("b")] };
        region.region.call::<TagResource>(input).await.unwrap();
        let input = UntagResourceInput { resource_arn: arn.clone(), tag_keys: vec!["a".to_owned()] };
        region.region.call::<UntagResource>(input).await.unwrap();
        let input = ListTagsForResourceInput { resource_arn: arn };
        let tags = region.region.call::<ListTagsForResource>(input).await.unwrap().tags.unwrap_or_default();
        assert_eq!(tags.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>(), ["b"]);
    }
}
