//! Streams of tables as sources.

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
    let item = [("id".to_owned(), AttributeValue::N(id.to_string()))].into();
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
    let mut bodies = region.bodies("out").await;
    bodies.sort();
    bodies.dedup();
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
    assert_eq!(letter["context"]["condition"], "RetryAttemptsExhausted");
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
