//! Events of calls of the region's own APIs, as CloudTrail tells them.

use events_api::PutRuleInput;
use events_api::op::PutRule;
use serde_json::{Value, json};
use sqs_api::op::{CreateQueue, DeleteQueue, ListQueues, ReceiveMessage, SendMessage};
use sqs_api::{CreateQueueInput, DeleteQueueInput, ListQueuesInput, ReceiveMessageInput, SendMessageInput};

use crate::kit::{ACCOUNT, Region, target};

fn url(queue: &str) -> String {
    format!("http://127.0.0.1:4566/{ACCOUNT}/{queue}")
}

/// A region that sends events of calls to the queue `trail`.
async fn with_trail(state: &str) -> Region {
    let region = Region::start();
    let queue = region.create_queue("trail").await;
    let pattern = json!({
        "source": ["aws.sqs"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": { "eventSource": ["sqs.amazonaws.com"] },
    });
    let rule = PutRuleInput {
        name: "calls".to_owned(),
        event_pattern: Some(pattern.to_string()),
        state: Some(state.to_owned()),
        ..Default::default()
    };
    region.region.call::<PutRule>(rule).await.unwrap();
    region.put_target("default", "calls", target("t", &queue)).await.unwrap();
    region
}

async fn create(region: &Region, name: &str) {
    let input = CreateQueueInput { queue_name: name.to_owned(), ..Default::default() };
    region.region.call::<CreateQueue>(input).await.unwrap();
}

/// The next event, once it is there.
async fn next(region: &Region) -> Value {
    let input =
        ReceiveMessageInput { queue_url: url("trail"), wait_time_seconds: Some(20), ..Default::default() };
    let received = region.region.call::<ReceiveMessage>(input).await.unwrap();
    let message = received.messages.unwrap_or_default().remove(0);
    serde_json::from_str(&message.body.unwrap_or_default()).unwrap()
}

#[tokio::test]
async fn a_call_that_changes_something_is_told() {
    let region = with_trail("ENABLED").await;
    let ctx = region.region.ctx();
    create(&region, "orders").await;
    let event = next(&region).await;
    assert_eq!(event["source"], "aws.sqs");
    assert_eq!(event["detail-type"], "AWS API Call via CloudTrail");
    assert_eq!(event["account"], ACCOUNT);
    let detail = &event["detail"];
    assert_eq!(detail["eventName"], "CreateQueue");
    assert_eq!(detail["awsRegion"], "us-east-1");
    assert_eq!(detail["readOnly"], false);
    assert_eq!(detail["requestParameters"], json!({ "queueName": "orders" }));
    assert_eq!(detail["responseElements"]["queueUrl"], url("orders"));
    assert_eq!(detail["userIdentity"]["arn"], ctx.principal().arn());
    assert_eq!(detail["errorCode"], Value::Null);
    assert!(detail["eventID"].is_string() && detail["requestID"].is_string());
}

#[tokio::test]
async fn a_refused_call_is_told_with_its_error() {
    let region = with_trail("ENABLED").await;
    let input = DeleteQueueInput { queue_url: url("missing") };
    let error = region.region.call::<DeleteQueue>(input).await.unwrap_err();
    let event = next(&region).await;
    assert_eq!(event["detail"]["eventName"], "DeleteQueue");
    assert_eq!(event["detail"]["errorCode"], error.name());
    assert_eq!(event["detail"]["errorMessage"], error.message());
    assert_eq!(event["detail"]["responseElements"], Value::Null);
}

#[tokio::test]
async fn what_is_done_with_messages_and_what_only_reads_is_not_told() {
    let region = with_trail("ENABLED").await;
    let message = SendMessageInput {
        queue_url: url("trail"),
        message_body: r#"{"detail":{"eventName":"by hand"}}"#.to_owned(),
        ..Default::default()
    };
    region.region.call::<ListQueues>(ListQueuesInput::default()).await.unwrap();
    region.region.call::<SendMessage>(message).await.unwrap();
    region.region.settle().await;
    assert_eq!(next(&region).await["detail"]["eventName"], "by hand");
    create(&region, "orders").await;
    assert_eq!(next(&region).await["detail"]["eventName"], "CreateQueue");
}

#[tokio::test]
async fn a_rule_for_all_management_events_hears_of_reads_as_well() {
    let region = with_trail("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS").await;
    region.region.call::<ListQueues>(ListQueuesInput::default()).await.unwrap();
    let event = next(&region).await;
    assert_eq!(event["detail"]["eventName"], "ListQueues");
    assert_eq!(
        (&event["detail"]["readOnly"], &event["detail"]["responseElements"]),
        (&json!(true), &Value::Null)
    );
}
