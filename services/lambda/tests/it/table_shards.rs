//! A table's own stream as an event source, over the ends of its shards.

use std::time::{Duration, Instant};

use dynamodb_api::op::{CreateTable, PutItem};
use dynamodb_api::{
    AttributeDefinition, AttributeValue, CreateTableInput, KeySchemaElement, PutItemInput,
    StreamSpecification,
};
use dynamodb_streams_api::DescribeStreamInput;
use dynamodb_streams_api::op::DescribeStream;
use lambda_api::CreateEventSourceMappingInput;
use lambda_api::op::CreateEventSourceMapping;
use serde_json::{Value, json};

use crate::kit::{Functions, host_isolates, installed};

/// Tells what it was given in the order in which it was.
const HANDLER: &str = "done = []\n\
    def handler(event, context):\n    \
        if event == 'done':\n        return done\n    \
        done.extend(int(r['dynamodb']['NewImage']['v']['N']) for r in event['Records'])\n";

async fn streamed(functions: &Functions) -> String {
    let input = CreateTableInput {
        table_name: "orders".to_owned(),
        attribute_definitions: Some(vec![AttributeDefinition {
            attribute_name: "pk".to_owned(),
            attribute_type: "S".to_owned(),
        }]),
        key_schema: Some(vec![KeySchemaElement {
            attribute_name: "pk".to_owned(),
            key_type: "HASH".to_owned(),
        }]),
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        stream_specification: Some(StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some("NEW_IMAGE".to_owned()),
        }),
        ..Default::default()
    };
    let made = functions.region.call::<CreateTable>(input).await.expect("a table");
    made.table_description.and_then(|table| table.latest_stream_arn).expect("a stream")
}

async fn put(functions: &Functions, value: u32) {
    let item = [
        ("pk".to_owned(), AttributeValue::S("a".to_owned())),
        ("v".to_owned(), AttributeValue::N(value.to_string())),
    ];
    let input = PutItemInput { table_name: "orders".to_owned(), item: item.into(), ..Default::default() };
    functions.region.call::<PutItem>(input).await.expect("an item");
}

async fn map(functions: &Functions, stream: &str, position: &str) {
    let input = CreateEventSourceMappingInput {
        function_name: "f".to_owned(),
        event_source_arn: Some(stream.to_owned()),
        starting_position: Some(position.to_owned()),
        ..Default::default()
    };
    functions.region.call::<CreateEventSourceMapping>(input).await.expect("a mapping");
}

/// Waits until the function was given the values; there is one environment, so that it knows of all.
async fn until_done(functions: &Functions, expected: &Value) {
    let began = Instant::now();
    let mut last = Value::Null;
    while began.elapsed() < Duration::from_secs(120) {
        // An attempt meets the mapping's own invocation now and then, and makes it wait for the next second.
        if let Ok(answer) = functions.try_invoke("f", &json!("done")).await {
            last = answer.payload;
        }
        if last == *expected {
            return;
        }
        functions.region.advance(Duration::from_secs(1)).await;
    }
    panic!("{last} and not {expected}");
}

#[tokio::test]
async fn children_are_read_after_their_parents() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::beside(
        |config| config.concurrency = 1,
        |cloud| {
            let dynamodb = dynamodb::DynamoDbService::new(cloud.clone());
            vec![dynamodb.service(), dynamodb.streams_service()]
        },
    );
    functions.python(HANDLER).await;
    let stream = streamed(&functions).await;
    // Three shards before anybody reads, and one that comes into being while they are read.
    for value in 0..9 {
        if value % 3 == 0 {
            functions.region.advance(Duration::from_secs(4 * 3600)).await;
        }
        put(&functions, value).await;
    }
    map(&functions, &stream, "TRIM_HORIZON").await;
    until_done(&functions, &json!((0..9).collect::<Vec<u32>>())).await;
    functions.region.advance(Duration::from_secs(4 * 3600)).await;
    put(&functions, 9).await;
    put(&functions, 10).await;
    until_done(&functions, &json!((0..11).collect::<Vec<u32>>())).await;
    let input = DescribeStreamInput { stream_arn: stream, ..Default::default() };
    let described = functions.region.call::<DescribeStream>(input).await.expect("the stream");
    let shards = described.stream_description.and_then(|stream| stream.shards).unwrap_or_default();
    assert!(shards.len() >= 4, "{shards:?}");
}

#[tokio::test]
async fn a_mapping_that_begins_at_the_latest_leaves_out_old_shards_and_reads_all_of_new_ones() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::beside(
        |config| config.concurrency = 1,
        |cloud| {
            let dynamodb = dynamodb::DynamoDbService::new(cloud.clone());
            vec![dynamodb.service(), dynamodb.streams_service()]
        },
    );
    functions.python(HANDLER).await;
    let stream = streamed(&functions).await;
    put(&functions, 0).await;
    functions.region.advance(Duration::from_secs(4 * 3600)).await;
    put(&functions, 1).await;
    map(&functions, &stream, "LATEST").await;
    functions.region.settle().await;
    until_done(&functions, &json!([])).await;
    put(&functions, 2).await;
    until_done(&functions, &json!([2])).await;
    functions.region.advance(Duration::from_secs(4 * 3600)).await;
    put(&functions, 3).await;
    put(&functions, 4).await;
    until_done(&functions, &json!([2, 3, 4])).await;
}
