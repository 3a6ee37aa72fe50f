//! Asynchronous events and event sources, with real functions on a stepped clock.

use std::time::Duration;

use lambda_api::op::{CreateEventSourceMapping, Invoke, PutFunctionEventInvokeConfig};
use lambda_api::{
    CreateEventSourceMappingInput, DestinationConfig, Filter, FilterCriteria, InvokeInput, OnFailure,
    PutFunctionEventInvokeConfigInput,
};
use serde_json::{Value, json};
use sqs_api::op::{CreateQueue, GetQueueAttributes, ReceiveMessage, SendMessage};
use sqs_api::{CreateQueueInput, GetQueueAttributesInput, ReceiveMessageInput, SendMessageInput};

use crate::kit::{Functions, host_isolates, installed};

const PATIENCE: Duration = Duration::from_secs(30);

async fn queue(functions: &Functions, name: &str) -> String {
    let input = CreateQueueInput { queue_name: name.to_owned(), ..Default::default() };
    functions.region.call::<CreateQueue>(input).await.expect("a queue").queue_url.unwrap_or_default()
}

async fn receive(functions: &Functions, url: &str) -> Value {
    let input =
        ReceiveMessageInput { queue_url: url.to_owned(), wait_time_seconds: Some(20), ..Default::default() };
    let received = tokio::time::timeout(PATIENCE, functions.region.call::<ReceiveMessage>(input)).await;
    let messages = received.expect("a message in time").expect("messages").messages.unwrap_or_default();
    serde_json::from_str(messages[0].body.as_deref().unwrap_or_default()).expect("JSON")
}

async fn until_empty(functions: &Functions, url: &str) {
    let attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let input = || GetQueueAttributesInput {
        queue_url: url.to_owned(),
        attribute_names: Some(attributes.map(str::to_owned).into()),
    };
    let emptied = async {
        loop {
            let counts = functions
                .region
                .call::<GetQueueAttributes>(input())
                .await
                .expect("attributes")
                .attributes
                .unwrap_or_default();
            if counts.values().all(|count| count == "0") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, emptied).await.expect("the queue is emptied in time");
}

#[tokio::test]
async fn an_event_that_fails_is_tried_again_and_leaves_a_record() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let failed = queue(&functions, "failed").await;
    functions.python("def handler(event, context):\n    raise ValueError('no good')\n").await;
    let destination = OnFailure { destination: Some("arn:aws:sqs:us-east-1:000000000000:failed".to_owned()) };
    let config = PutFunctionEventInvokeConfigInput {
        function_name: "f".to_owned(),
        maximum_retry_attempts: Some(1),
        destination_config: Some(DestinationConfig { on_failure: Some(destination), on_success: None }),
        ..Default::default()
    };
    functions.region.call::<PutFunctionEventInvokeConfig>(config).await.unwrap();
    let input = InvokeInput {
        function_name: "f".to_owned(),
        invocation_type: Some("Event".to_owned()),
        payload: Some(r#"{"a":1}"#.into()),
        ..Default::default()
    };
    let taken = functions.region.call::<Invoke>(input).await.unwrap();
    assert_eq!(taken.status_code, Some(202));
    let stepping = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            functions.region.clock.advance(Duration::from_secs(1));
        }
    };
    let waiting = async {
        loop {
            let input = ReceiveMessageInput {
                queue_url: failed.clone(),
                wait_time_seconds: Some(20),
                ..Default::default()
            };
            let received = functions.region.call::<ReceiveMessage>(input).await.unwrap();
            if let Some(message) = received.messages.unwrap_or_default().into_iter().next() {
                return serde_json::from_str::<Value>(&message.body.unwrap()).unwrap();
            }
        }
    };
    let record = tokio::select! {
        record = tokio::time::timeout(PATIENCE, waiting) => record.expect("a record in time"),
        () = stepping => unreachable!("stepping does not end"),
    };
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["requestPayload"], json!({"a": 1}));
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responsePayload"]["errorMessage"], "no good");
}

#[tokio::test]
async fn messages_of_a_queue_reach_the_function_and_are_deleted() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let source = queue(&functions, "source").await;
    functions
        .python(
            "def handler(event, context):\n    assert all('keep' in r['body'] for r in event['Records'])\n",
        )
        .await;
    let filter = Filter { pattern: Some(r#"{"body":{"kind":["keep"]}}"#.to_owned()) };
    let input = CreateEventSourceMappingInput {
        function_name: "f".to_owned(),
        event_source_arn: Some("arn:aws:sqs:us-east-1:000000000000:source".to_owned()),
        filter_criteria: Some(FilterCriteria { filters: Some(vec![filter]) }),
        ..Default::default()
    };
    let mapping = functions.region.call::<CreateEventSourceMapping>(input.clone()).await.unwrap();
    assert_eq!((mapping.state.as_deref(), mapping.batch_size), (Some("Creating"), Some(10)));
    let again = functions.region.call::<CreateEventSourceMapping>(input).await.unwrap_err();
    assert_eq!(again.name(), "ResourceConflictException");
    for kind in ["keep", "drop", "keep"] {
        let message_body = json!({ "kind": kind }).to_string();
        let input = SendMessageInput { queue_url: source.clone(), message_body, ..Default::default() };
        functions.region.call::<SendMessage>(input).await.unwrap();
    }
    until_empty(&functions, &source).await;
    let spans =
        functions.region.cloud.traces().touching("arn:aws:lambda:us-east-1:000000000000:function:f", 10);
    let invocations: Vec<_> = spans.iter().filter(|span| &*span.name == "lambda:invocation").collect();
    assert!(
        !invocations.is_empty() && invocations.iter().all(|span| span.error.is_none()),
        "{invocations:?}"
    );
}

#[tokio::test]
async fn a_success_is_recorded_where_it_is_wanted() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let done = queue(&functions, "done").await;
    functions.python("def handler(event, context):\n    return event['a'] + 1\n").await;
    let destination =
        lambda_api::OnSuccess { destination: Some("arn:aws:sqs:us-east-1:000000000000:done".to_owned()) };
    let config = PutFunctionEventInvokeConfigInput {
        function_name: "f".to_owned(),
        destination_config: Some(DestinationConfig { on_success: Some(destination), on_failure: None }),
        ..Default::default()
    };
    functions.region.call::<PutFunctionEventInvokeConfig>(config).await.unwrap();
    let input = InvokeInput {
        function_name: "f".to_owned(),
        invocation_type: Some("Event".to_owned()),
        payload: Some(r#"{"a":1}"#.into()),
        ..Default::default()
    };
    functions.region.call::<Invoke>(input).await.unwrap();
    let record = receive(&functions, &done).await;
    assert_eq!(
        (&record["requestContext"]["condition"], &record["responsePayload"]),
        (&json!("Success"), &json!(2))
    );
}
