//! Streams of tables as sources.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dynamodb_api::op::{CreateTable, PutItem};
use dynamodb_api::{
    AttributeDefinition, AttributeValue, CreateTableInput, KeySchemaElement, PutItemInput,
    StreamSpecification,
};
use pipes_api as api;
use serde_json::{Value, json};

use crate::kit::{FUNCTION, Region, pipe};

async fn table(region: &Region) -> String {
    let input = CreateTableInput {
        table_name: "orders".to_owned(),
        attribute_definitions: Some(vec![AttributeDefinition {
            attribute_name: "id".to_owned(),
            attribute_type: "N".to_owned(),
        }]),
        key_schema: Some(vec![KeySchemaElement {
            attribute_name: "id".to_owned(),
            key_type: "HASH".to_owned(),
        }]),
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        stream_specification: Some(StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some("NEW_IMAGE".to_owned()),
        }),
        ..Default::default()
    };
    let made = region.region.call::<CreateTable>(input).await.unwrap();
    region.region.settle().await;
    made.table_description.unwrap().latest_stream_arn.unwrap()
}

async fn put(region: &Region, id: u32) {
    put_in_group(region, id, "g").await;
}

async fn put_in_group(region: &Region, id: u32, group: &str) {
    let group = AttributeValue::S(group.to_owned());
    let item = [("id".to_owned(), AttributeValue::N(id.to_string())), ("group".to_owned(), group)].into();
    let input = PutItemInput { table_name: "orders".to_owned(), item, ..Default::default() };
    region.region.call::<PutItem>(input).await.unwrap();
}

fn parameters(stream: api::PipeSourceDynamoDBStreamParameters) -> Option<api::PipeSourceParameters> {
    let stream =
        api::PipeSourceDynamoDBStreamParameters { starting_position: "TRIM_HORIZON".to_owned(), ..stream };
    Some(api::PipeSourceParameters { dynamo_db_stream_parameters: Some(stream), ..Default::default() })
}

#[tokio::test]
async fn changes_go_on_in_their_order_and_once_over_a_restart() {
    let region = Region::start();
    let stream = table(&region).await;
    let target = region.create_queue("out", &[]).await;
    let input = api::CreatePipeInput {
        source_parameters: parameters(Default::default()),
        target_parameters: Some(api::PipeTargetParameters {
            input_template: Some("<$.eventName> <$.dynamodb.NewImage.id.N>".to_owned()),
            ..Default::default()
        }),
        ..pipe("p", &stream, &target)
    };
    region.create(input).await.unwrap();
    for id in 0..5 {
        put(&region, id).await;
    }
    region.region.advance(Duration::from_secs(1)).await;
    let region = region.restarted();
    put(&region, 5).await;
    region.region.advance(Duration::from_secs(61)).await;
    region.region.advance(Duration::from_secs(61)).await;
    let bodies = region.bodies("out").await;
    let wanted: Vec<String> = (0..6).map(|id| format!("\"INSERT\" \"{id}\"")).collect();
    assert_eq!(bodies, wanted);
}

#[tokio::test]
async fn a_poisonous_change_is_cut_out_and_told_to_the_dead_letters() {
    let region = Region::answering(|events| {
        let is_poison = |event: &Value| event["dynamodb"]["NewImage"]["id"]["N"] == "3";
        if events.as_array().unwrap().iter().any(is_poison) { Err(json!("poison")) } else { Ok(Value::Null) }
    });
    let stream = table(&region).await;
    let dead = region.create_queue("dead", &[]).await;
    for id in 0..8 {
        put(&region, id).await;
    }
    let input = api::CreatePipeInput {
        source_parameters: parameters(api::PipeSourceDynamoDBStreamParameters {
            on_partial_batch_item_failure: Some("AUTOMATIC_BISECT".to_owned()),
            maximum_retry_attempts: Some(1),
            dead_letter_config: Some(api::DeadLetterConfig { arn: Some(dead) }),
            ..Default::default()
        }),
        ..pipe("p", &stream, FUNCTION)
    };
    region.create(input).await.unwrap();
    for _ in 0..20 {
        region.region.advance(Duration::from_secs(5)).await;
    }
    let letters = region.bodies("dead").await;
    assert_eq!(letters.len(), 1);
    let letter: Value = serde_json::from_str(&letters[0]).unwrap();
    let arn = "arn:aws:pipes:us-east-1:000000000000:pipe/p";
    assert_eq!(
        letter["context"],
        json!({ "condition": "RetryAttemptsExhausted", "partnerResourceArn": arn })
    );
    assert_eq!(letter["DDBStreamBatchInfo"]["batchSize"], 1);
    let ids = |batch: &Value| {
        let ids =
            batch.as_array().unwrap().iter().map(|event| event["dynamodb"]["NewImage"]["id"]["N"].clone());
        ids.filter_map(|id| id.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let batches: Vec<Vec<String>> = region.payloads().iter().map(ids).collect();
    let taken: Vec<&String> =
        batches.iter().filter(|batch| !batch.contains(&"3".to_owned())).flatten().collect();
    assert_eq!(taken, ["0", "1", "2", "4", "5", "6", "7"]);
}

#[tokio::test]
async fn nothing_overtakes_a_change_that_the_target_refuses() {
    let region = Region::start();
    let stream = table(&region).await;
    let fifo = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
    let target = region.create_queue("out.fifo", &fifo).await;
    for id in 0..6 {
        put_in_group(&region, id, if id == 2 { "not a group" } else { "g" }).await;
    }
    let input = api::CreatePipeInput {
        source_parameters: parameters(api::PipeSourceDynamoDBStreamParameters {
            on_partial_batch_item_failure: Some("AUTOMATIC_BISECT".to_owned()),
            maximum_retry_attempts: Some(2),
            ..Default::default()
        }),
        target_parameters: Some(api::PipeTargetParameters {
            input_template: Some("<$.dynamodb.NewImage.id.N> <$.eventID>".to_owned()),
            sqs_queue_parameters: Some(api::PipeTargetSqsQueueParameters {
                message_group_id: Some("$.dynamodb.NewImage.group.S".to_owned()),
                message_deduplication_id: None,
            }),
            ..Default::default()
        }),
        ..pipe("p", &stream, &target)
    };
    region.create(input).await.unwrap();
    let ids = |bodies: Vec<String>| bodies.iter().map(|body| body[1..2].to_owned()).collect::<String>();
    assert_eq!(ids(region.bodies("out.fifo").await), "01");
    for _ in 0..20 {
        region.region.advance(Duration::from_secs(5)).await;
    }
    let reason = region.describe("p").await.state_reason;
    assert_eq!(ids(region.bodies("out.fifo").await), "01345", "{reason:?}");
}

#[tokio::test]
async fn a_function_names_the_failed_change_by_its_event_and_those_before_it_are_done_with() {
    let has_failed = AtomicBool::new(false);
    let region = Region::answering(move |events| {
        let is_poison = |event: &&Value| event["dynamodb"]["NewImage"]["id"]["N"] == "3";
        let failed = events.as_array().unwrap().iter().filter(is_poison);
        let failed: Vec<Value> = failed.map(|event| json!({ "itemIdentifier": event["eventID"] })).collect();
        match has_failed.swap(true, Ordering::Relaxed) {
            true => Ok(Value::Null),
            false => Ok(json!({ "batchItemFailures": failed })),
        }
    });
    let stream = table(&region).await;
    for id in 0..5 {
        put(&region, id).await;
    }
    let input = api::CreatePipeInput {
        source_parameters: parameters(Default::default()),
        ..pipe("p", &stream, FUNCTION)
    };
    region.create(input).await.unwrap();
    region.region.advance(Duration::from_secs(5)).await;
    let ids = |batch: &Value| {
        let ids = batch.as_array().unwrap().iter();
        ids.map(|event| event["dynamodb"]["NewImage"]["id"]["N"].as_str().unwrap()).collect::<String>()
    };
    assert_eq!(region.payloads().iter().map(ids).collect::<Vec<_>>(), ["01234", "34"]);
}
