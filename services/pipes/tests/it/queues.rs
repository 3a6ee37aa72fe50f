//! Queues as sources, and what becomes of their messages.

use std::time::Duration;

use logs_api::op::{CreateLogGroup, FilterLogEvents};
use logs_api::{CreateLogGroupInput, FilterLogEventsInput};
use pipes_api as api;
use serde_json::{Value, json};

use crate::kit::{FUNCTION, Region, pipe};

fn filtered(pattern: &str) -> Option<api::PipeSourceParameters> {
    Some(api::PipeSourceParameters {
        filter_criteria: Some(api::FilterCriteria {
            filters: Some(vec![api::Filter { pattern: Some(pattern.to_owned()) }]),
        }),
        ..Default::default()
    })
}

fn templated(template: &str) -> Option<api::PipeTargetParameters> {
    Some(api::PipeTargetParameters { input_template: Some(template.to_owned()), ..Default::default() })
}

#[tokio::test]
async fn messages_that_pass_the_filter_go_on_transformed_and_the_others_are_gone() {
    let region = Region::start();
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    let input = api::CreatePipeInput {
        source_parameters: filtered(r#"{"body":{"price":[{"numeric":[">",10]}]}}"#),
        target_parameters: templated(r#"{"price": <$.body.price>, "pipe": "<aws.pipes.pipe-name>"}"#),
        ..pipe("p", &source, &target)
    };
    region.create(input).await.unwrap();
    for price in [5, 20, 7, 30] {
        region.send("in", &json!({ "price": price }).to_string()).await;
    }
    let mut bodies = region.bodies("out").await;
    bodies.sort();
    assert_eq!(
        bodies,
        [r#"{"price":20,"pipe":"p"}"#, r#"{"price":30,"pipe":"p"}"#]
            .map(|text| { serde_json::from_str::<Value>(text).unwrap().to_string() })
    );
    region.region.advance(Duration::from_secs(3600)).await;
    assert_eq!(region.bodies("in").await.len(), 0, "what was not wanted is deleted as well");
}

#[tokio::test]
async fn a_message_goes_on_as_the_event_that_lambda_would_see() {
    let region = Region::start();
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    region.create(pipe("p", &source, &target)).await.unwrap();
    region.send("in", "plain text").await;
    let event: Value = serde_json::from_str(&region.bodies("out").await[0]).unwrap();
    assert_eq!((&event["body"], &event["eventSource"]), (&json!("plain text"), &json!("aws:sqs")));
    assert_eq!((&event["eventSourceARN"], &event["awsRegion"]), (&json!(source), &json!("us-east-1")));
    assert!(event["messageId"].is_string() && event["attributes"]["ApproximateReceiveCount"] == "1");
}

#[tokio::test]
async fn a_fifo_queue_goes_on_in_order_by_the_group_that_a_path_names() {
    let region = Region::start();
    let fifo = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
    let source = region.create_queue("in.fifo", &fifo).await;
    let target = region.create_queue("out.fifo", &fifo).await;
    let input = api::CreatePipeInput {
        target_parameters: Some(api::PipeTargetParameters {
            input_template: Some("<$.body.n>".to_owned()),
            sqs_queue_parameters: Some(api::PipeTargetSqsQueueParameters {
                message_group_id: Some("$.body.customer".to_owned()),
                message_deduplication_id: Some("$.messageId".to_owned()),
            }),
            ..Default::default()
        }),
        ..pipe("p", &source, &target)
    };
    region.create(input).await.unwrap();
    for n in 0..20 {
        region.send("in.fifo", &json!({ "n": n, "customer": "ann" }).to_string()).await;
    }
    region.region.settle().await;
    let mut numbers = Vec::new();
    while numbers.len() < 20 {
        let messages = region.receive("out.fifo").await;
        assert!(!messages.is_empty(), "{numbers:?}");
        for message in messages {
            assert_eq!(message.attributes.as_ref().unwrap()["MessageGroupId"], "ann");
            numbers.push(message.body.unwrap().parse::<u32>().unwrap());
            let input = sqs_api::DeleteMessageInput {
                queue_url: "out.fifo".to_owned(),
                receipt_handle: message.receipt_handle.unwrap(),
            };
            region.region.call::<sqs_api::op::DeleteMessage>(input).await.unwrap();
        }
    }
    assert_eq!(numbers, (0..20).collect::<Vec<u32>>());
}

#[tokio::test]
async fn items_that_a_function_reports_as_failed_come_again() {
    let region = Region::answering(|events| {
        let failed =
            events.as_array().unwrap().iter().filter(|event| {
                event["body"] == "bad" && event["attributes"]["ApproximateReceiveCount"] == "1"
            });
        let failed: Vec<Value> =
            failed.map(|event| json!({ "itemIdentifier": event["messageId"] })).collect();
        Ok(json!({ "batchItemFailures": failed }))
    });
    let source = region.create_queue("in", &[("VisibilityTimeout", "30")]).await;
    region.create(pipe("p", &source, FUNCTION)).await.unwrap();
    region.send("in", "good").await;
    region.send("in", "bad").await;
    region.region.settle().await;
    let times = |body: &str| {
        let count =
            |batch: &Value| batch.as_array().unwrap().iter().filter(|event| event["body"] == body).count();
        region.payloads().iter().map(count).sum::<usize>()
    };
    assert_eq!((times("good"), times("bad")), (1, 1));
    region.region.advance(Duration::from_secs(31)).await;
    assert_eq!((times("good"), times("bad")), (1, 2));
    region.region.advance(Duration::from_secs(600)).await;
    assert_eq!((times("good"), times("bad")), (1, 2));
}

#[tokio::test]
async fn a_target_that_refuses_leaves_the_messages_to_the_queue_and_its_dead_letters() {
    let region = Region::start();
    let dead = region.create_queue("dead", &[]).await;
    let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 2 }).to_string();
    let source = region.create_queue("in", &[("RedrivePolicy", &redrive), ("VisibilityTimeout", "10")]).await;
    let gone = "arn:aws:sqs:us-east-1:000000000000:gone";
    region.create(pipe("p", &source, gone)).await.unwrap();
    region.send("in", "x").await;
    region.region.settle().await;
    let reason = region.describe("p").await.state_reason.unwrap();
    assert!(reason.contains("does not exist"), "{reason}");
    for _ in 0..4 {
        region.region.advance(Duration::from_secs(11)).await;
    }
    assert_eq!(region.bodies("dead").await, ["x"]);
}

#[tokio::test]
async fn executions_are_written_to_the_log_with_their_data() {
    let region = Region::start();
    let input = CreateLogGroupInput { log_group_name: "/pipes".to_owned(), ..Default::default() };
    region.region.call::<CreateLogGroup>(input).await.unwrap();
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    let input = api::CreatePipeInput {
        log_configuration: Some(api::PipeLogConfigurationParameters {
            cloudwatch_logs_log_destination: Some(api::CloudwatchLogsLogDestinationParameters {
                log_group_arn: "arn:aws:logs:us-east-1:000000000000:log-group:/pipes".to_owned(),
            }),
            include_execution_data: Some(vec!["ALL".to_owned()]),
            level: "INFO".to_owned(),
            ..Default::default()
        }),
        ..pipe("p", &source, &target)
    };
    region.create(input).await.unwrap();
    region.send("in", "seen").await;
    region.region.settle().await;
    let input = FilterLogEventsInput { log_group_name: Some("/pipes".to_owned()), ..Default::default() };
    let events = region.region.call::<FilterLogEvents>(input).await.unwrap().events.unwrap();
    let lines: Vec<Value> =
        events.iter().map(|event| serde_json::from_str(event.message.as_ref().unwrap()).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["messageType"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["ExecutionStarted", "TargetStageStarted", "TargetStageSucceeded", "ExecutionSucceeded"]
    );
    assert!(lines[0]["payload"].as_str().unwrap().contains("seen"));
    assert!(lines.iter().all(|line| line["executionId"] == lines[0]["executionId"]));
}
