//! A table's stream as an event source. The stream is played by the test, over the wire protocol.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use cloud::{BoxFuture, Ctx, RawCalls};
use http::{Request, Response};
use lambda_api::CreateEventSourceMappingInput;
use lambda_api::op::CreateEventSourceMapping;
use serde_json::{Value, json};

use crate::kit::{Functions, host_isolates, installed};

const STREAM: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";

/// A stream of one closed shard with ten records and an open child of it with two. An iterator is the shard and the
/// index of the next record.
struct Stream;

fn records(shard: &str) -> Vec<Value> {
    let count = if shard == "parent" { 10 } else { 2 };
    let first = if shard == "parent" { 0 } else { 10 };
    let record = |number: u32| {
        json!({
            "eventID": number.to_string(), "eventName": "INSERT", "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": { "id": { "N": number.to_string() } }, "SequenceNumber": format!("{number:05}"),
                "ApproximateCreationDateTime": 1_767_225_600,
            },
        })
    };
    (first..first + count).map(record).collect()
}

impl RawCalls for Stream {
    fn call_raw<'a>(
        &'a self,
        _: &'a Ctx,
        service: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Response<Bytes>> {
        assert_eq!(service, "dynamodbstreams");
        let target = request.headers()["x-amz-target"].to_str().unwrap_or_default().to_owned();
        let input: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let answer = match target.rsplit('.').next() {
            Some("DescribeStream") => json!({ "StreamDescription": { "Shards": [
                { "ShardId": "parent" }, { "ShardId": "child", "ParentShardId": "parent" },
            ] } }),
            Some("GetShardIterator") => {
                let shard = input["ShardId"].as_str().unwrap_or_default();
                assert_eq!(input["ShardIteratorType"], "TRIM_HORIZON");
                json!({ "ShardIterator": format!("{shard} 0") })
            }
            _ => {
                let (shard, index) =
                    input["ShardIterator"].as_str().and_then(|it| it.split_once(' ')).unwrap_or_default();
                let index: usize = index.parse().unwrap_or(0);
                let limit = input["Limit"].as_u64().unwrap_or(0) as usize;
                let found: Vec<Value> = records(shard).into_iter().skip(index).take(limit).collect();
                let next = index + found.len();
                let is_closed = shard == "parent" && next == 10;
                json!({ "Records": found, "NextShardIterator": (!is_closed).then(|| format!("{shard} {next}")) })
            }
        };
        let response = Response::new(Bytes::from(answer.to_string()));
        Box::pin(async move { response })
    }
}

#[tokio::test]
async fn records_come_in_order_and_poison_is_cut_out() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let stream: Arc<dyn RawCalls> = Arc::new(Stream);
    functions.region.cloud.set_raw_calls(Arc::downgrade(&stream) as Weak<dyn RawCalls>);
    // Whole batches with record 4 in them fail until it is alone.
    let code = "done = []\n\
                def handler(event, context):\n    \
                    if event == 'done':\n        return done\n    \
                    ids = [int(r['eventID']) for r in event['Records']]\n    \
                    assert all(r['eventSourceARN'].startswith('arn:aws:dynamodb') for r in event['Records'])\n    \
                    if 4 in ids:\n        raise ValueError(ids)\n    \
                    done.extend(ids)\n";
    functions.python(code).await;
    let input = CreateEventSourceMappingInput {
        function_name: "f".to_owned(),
        event_source_arn: Some(STREAM.to_owned()),
        starting_position: Some("TRIM_HORIZON".to_owned()),
        batch_size: Some(4),
        bisect_batch_on_function_error: Some(true),
        maximum_retry_attempts: Some(0),
        ..Default::default()
    };
    functions.region.call::<CreateEventSourceMapping>(input).await.expect("a mapping");
    let all = async {
        loop {
            let done = functions.invoke(&json!("done")).await.payload;
            if done.as_array().is_some_and(|done| done.len() >= 11) {
                return done;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(30), all).await.expect("all records in time");
    assert_eq!(done, json!([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]));
}
