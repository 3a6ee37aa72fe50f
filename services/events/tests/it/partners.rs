//! Partner event sources, from the offer to the events.

use std::time::Duration;

use events_api::op::{
    ActivateEventSource, CreateEventBus, CreatePartnerEventSource, DeactivateEventSource,
    DeletePartnerEventSource, DescribeEventSource, PutPartnerEvents,
};
use events_api::{
    ActivateEventSourceInput, CreateEventBusInput, CreatePartnerEventSourceInput, DeactivateEventSourceInput,
    DeletePartnerEventSourceInput, DescribeEventSourceInput, PutPartnerEventsInput,
    PutPartnerEventsRequestEntry,
};

use crate::kit::{ACCOUNT, Region, target};

const PARTNER: &str = "333333333333";
const SOURCE: &str = "aws.partner/shop.example/orders";

async fn offer(region: &Region) {
    let input = CreatePartnerEventSourceInput { name: SOURCE.to_owned(), account: ACCOUNT.to_owned() };
    let partner = region.region.as_account(PARTNER);
    partner.call::<CreatePartnerEventSource>(input).await.expect("the source is new");
}

async fn take(region: &Region) -> Result<(), shapes::ApiError> {
    let input = CreateEventBusInput {
        name: SOURCE.to_owned(),
        event_source_name: Some(SOURCE.to_owned()),
        ..Default::default()
    };
    region.region.call::<CreateEventBus>(input).await.map(|_| ())
}

async fn state(region: &Region) -> String {
    let input = DescribeEventSourceInput { name: SOURCE.to_owned() };
    let found = region.region.call::<DescribeEventSource>(input).await.expect("the source is there");
    found.state.expect("it has a state")
}

/// What a partner's entry was answered.
async fn put(region: &Region, number: u32) -> Option<String> {
    let entry = PutPartnerEventsRequestEntry {
        source: Some(SOURCE.to_owned()),
        detail_type: Some("order".to_owned()),
        detail: Some(format!(r#"{{"n":{number}}}"#)),
        ..Default::default()
    };
    let input = PutPartnerEventsInput { entries: vec![entry] };
    let output = region.region.as_account(PARTNER).call::<PutPartnerEvents>(input).await;
    output.expect("the entry is well formed").entries.unwrap_or_default().remove(0).error_code
}

#[tokio::test]
async fn a_source_that_was_taken_fills_its_bus_while_it_is_active() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    offer(&region).await;
    assert_eq!(state(&region).await, "PENDING");
    take(&region).await.unwrap();
    assert_eq!(state(&region).await, "ACTIVE");
    region.put_rule(SOURCE, "all", r#"{"source":[{"prefix":"aws.partner"}]}"#).await.unwrap();
    let input_path = Some("$.detail".to_owned());
    let target = events_api::Target { input_path, ..target("queue", &queue) };
    region.put_target(SOURCE, "all", target).await.unwrap();
    assert_eq!(put(&region, 1).await, None);
    assert_eq!(region.bodies("q").await, [r#"{"n":1}"#]);
    let input = DeactivateEventSourceInput { name: SOURCE.to_owned() };
    region.region.call::<DeactivateEventSource>(input).await.unwrap();
    put(&region, 2).await;
    assert!(region.bodies("q").await.is_empty());
    let input = ActivateEventSourceInput { name: SOURCE.to_owned() };
    region.region.call::<ActivateEventSource>(input).await.unwrap();
    put(&region, 3).await;
    assert_eq!(region.bodies("q").await, [r#"{"n":3}"#]);
    let input = DeletePartnerEventSourceInput { name: SOURCE.to_owned(), account: ACCOUNT.to_owned() };
    region.region.as_account(PARTNER).call::<DeletePartnerEventSource>(input).await.unwrap();
    assert_eq!(state(&region).await, "DELETED");
    assert_eq!(put(&region, 4).await.as_deref(), Some("ResourceNotFoundException"));
    assert!(region.bodies("q").await.is_empty());
}

#[tokio::test]
async fn an_offer_that_nobody_takes_ends_after_two_weeks() {
    let region = Region::start();
    offer(&region).await;
    region.region.advance(Duration::from_secs(14 * 86_400)).await;
    assert!(take(&region).await.is_err(), "it is not to be had any more");
    let nobody = region.region.as_account("444444444444");
    let input = CreateEventBusInput {
        name: SOURCE.to_owned(),
        event_source_name: Some(SOURCE.to_owned()),
        ..Default::default()
    };
    assert!(nobody.call::<CreateEventBus>(input).await.is_err(), "nor was it offered to others");
}
