//! Which events reach which rules.

use std::time::Duration;

use events_api::op::{DisableRule, TestEventPattern};
use events_api::{DisableRuleInput, PutEventsRequestEntry, TestEventPatternInput};
use serde_json::{Value, json};

use crate::kit::{Region, shop, target};

#[tokio::test]
async fn an_event_arrives_as_aws_writes_it() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    region.shop_rule(target("t", &queue)).await;
    let entry = PutEventsRequestEntry {
        resources: Some(vec!["arn:aws:s3:::b".to_owned()]),
        time: Some(shapes::Timestamp::from_millis(1_700_000_000_500)),
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
        ..shop("{ \"b\": 1.50,\n \"a\": \"x y\" }")
    };
    let output = region.put(vec![entry]).await.unwrap();
    let id = output.entries.unwrap()[0].event_id.clone().unwrap();
    let messages = region.drain("q").await;
    assert_eq!(
        messages[0].body.as_deref(),
        Some(
            format!(
                r#"{{"version":"0","id":"{id}","detail-type":"order","source":"shop","account":"000000000000","time":"2023-11-14T22:13:20Z","region":"us-east-1","resources":["arn:aws:s3:::b"],"detail":{{"b":1.50,"a":"x y"}}}}"#
            )
            .as_str()
        )
    );
    let trace =
        messages[0].attributes.as_ref().and_then(|attributes| attributes.get("AWSTraceHeader").cloned());
    assert_eq!(trace.as_deref(), Some("Root=1-5759e988-bd862e3fe1be46a994272793"));
    assert_eq!((region.metric("TriggeredRules", "shop"), region.metric("Invocations", "shop")), (1.0, 1.0));
}

#[tokio::test]
async fn changes_of_rules_hold_for_the_next_event() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    region.put_rule("default", "r", r#"{"detail":{"n":[{"numeric":[">",5]}]}}"#).await.unwrap();
    region.put_shop(r#"{"n":6}"#).await;
    assert!(region.bodies("q").await.is_empty(), "a rule without targets sends nothing");
    region.put_target("default", "r", target("t", &queue)).await.unwrap();
    region.put_shop(r#"{"n":5}"#).await;
    let id = region.put_shop(r#"{"n":6}"#).await;
    assert_eq!(region.event_ids("q").await, [id]);
    region.put_rule("default", "r", r#"{"detail":{"n":[5]}}"#).await.unwrap();
    let id = region.put_shop(r#"{"n":5}"#).await;
    region.put_shop(r#"{"n":6}"#).await;
    assert_eq!(region.event_ids("q").await, [id]);
    let input = DisableRuleInput { name: "r".to_owned(), ..Default::default() };
    region.region.call::<DisableRule>(input).await.unwrap();
    region.put_shop(r#"{"n":5}"#).await;
    assert!(region.bodies("q").await.is_empty());
}

#[tokio::test]
async fn entries_fail_one_by_one() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    region.shop_rule(target("t", &queue)).await;
    let with = |change: fn(&mut PutEventsRequestEntry)| {
        let mut entry = shop("{}");
        change(&mut entry);
        entry
    };
    let output = region
        .put(vec![
            with(|_| {}),
            with(|entry| entry.source = None),
            with(|entry| entry.detail_type = Some(String::new())),
            with(|entry| entry.detail = None),
            with(|entry| entry.detail = Some("[1]".to_owned())),
            with(|entry| entry.detail = Some("{".to_owned())),
            with(|entry| entry.source = Some("aws.ec2".to_owned())),
            with(|entry| entry.event_bus_name = Some("nobody".to_owned())),
        ])
        .await
        .unwrap();
    assert_eq!(output.failed_entry_count, Some(6));
    let told: Vec<_> = output
        .entries
        .unwrap()
        .into_iter()
        .map(|entry| (entry.event_id.is_some(), entry.error_code.unwrap_or_default(), entry.error_message))
        .collect();
    let invalid = |parameter: &str| {
        let message =
            format!("Parameter {parameter} is not valid. Reason: {parameter} is a required argument.");
        (false, "InvalidArgument".to_owned(), Some(message))
    };
    let malformed = || (false, "MalformedDetail".to_owned(), Some("Detail is malformed.".to_owned()));
    let message = "Not authorized for the source.".to_owned();
    assert_eq!(
        told,
        [
            (true, String::new(), None),
            invalid("Source"),
            invalid("DetailType"),
            invalid("Detail"),
            malformed(),
            malformed(),
            (false, "NotAuthorizedForSourceException".to_owned(), Some(message)),
            (true, String::new(), None),
        ]
    );
    assert_eq!(region.bodies("q").await.len(), 1);
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20));
    let error = region.put(vec![shop(&large)]).await.unwrap_err();
    assert_eq!(error.message(), "Total size of the entries in the request is over the limit.");
}

#[tokio::test]
async fn patterns_can_be_tried_out() {
    let region = Region::start();
    let event = json!({
        "id": "1", "account": "000000000000", "source": "shop", "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1", "resources": [], "detail-type": "order", "detail": {"n": 5},
    });
    let try_out = async |pattern: &str, event: &Value| {
        let input = TestEventPatternInput { event_pattern: pattern.to_owned(), event: event.to_string() };
        region.region.call::<TestEventPattern>(input).await.map(|output| output.result)
    };
    assert_eq!(try_out(r#"{"detail":{"n":[5]}}"#, &event).await.unwrap(), Some(true));
    assert_eq!(try_out(r#"{"detail":{"n":[6]}}"#, &event).await.unwrap(), Some(false));
    let error = try_out(r#"{"detail":{"n":6}}"#, &event).await.unwrap_err();
    assert_eq!(error.name(), "InvalidEventPatternException");
    let error = try_out(r#"{"detail":{"n":[6]}}"#, &json!({"id": "1"})).await.unwrap_err();
    assert_eq!(error.name(), "ValidationException");
}

#[tokio::test]
async fn services_tell_events_to_the_default_bus() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    region.put_rule("default", "s3", r#"{"source":["aws.s3"]}"#).await.unwrap();
    region.put_target("default", "s3", target("t", &queue)).await.unwrap();
    let ctx = region.region.ctx();
    let own = ctx.clone();
    ctx.write(move |tx| {
        let event = cloud::ServiceEvent {
            source: "aws.s3".into(),
            detail_type: "Object Created".into(),
            resources: vec!["arn:aws:s3:::b".to_owned()],
            detail: r#"{"bucket":{"name":"b"}}"#.to_owned(),
        };
        own.tell(tx, event)
    })
    .await
    .unwrap();
    let bodies = region.bodies("q").await;
    let event: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("aws.s3"), &json!("Object Created")));
    assert_eq!(event["detail"]["bucket"]["name"], "b");
}

/// Ten thousand rules that do not match cost an event about as much as ten do. Time is that of the machine, so the bound
/// is wide; a scan of all rules would be a hundred times over it.
#[tokio::test]
#[allow(clippy::disallowed_methods)]
async fn many_rules_cost_an_event_little() {
    let region = Region::start();
    let mut took = Vec::new();
    let mut made = 0;
    for count in [10, 2000] {
        for index in made..count {
            let pattern = format!(r#"{{"source":["shop"],"detail":{{"customer":["c{index}"]}}}}"#);
            region.put_rule("default", &format!("r{index}"), &pattern).await.unwrap();
        }
        made = count;
        region.put_shop(r#"{"customer":"warm"}"#).await;
        let started = std::time::Instant::now();
        for _ in 0..100 {
            region.put_shop(r#"{"customer":"nobody"}"#).await;
        }
        took.push(started.elapsed());
    }
    assert!(took[1] < took[0] * 10 + Duration::from_millis(50), "{took:?}");
}
