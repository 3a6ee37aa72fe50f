//! A table's stream as an event source. The stream is played by the test.

use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Handle, Operation, Service, TraceContext};
use dynamodb_streams_api::op::{DescribeStream, GetRecords, GetShardIterator};
use dynamodb_streams_api::{
    AttributeValue, DescribeStreamInput, DescribeStreamOutput, GetRecordsInput, GetRecordsOutput,
    GetShardIteratorInput, GetShardIteratorOutput, Record, Shard, StreamDescription, StreamRecord, event_id,
};
use lambda_api::CreateEventSourceMappingInput;
use lambda_api::op::CreateEventSourceMapping;
use serde_json::json;
use shapes::{ApiError, Timestamp};
use tokio::sync::Notify;

use crate::kit::{Functions, host_isolates, installed};

const STREAM: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";
/// The trace that all records were written in.
const TRACE: TraceContext = TraceContext { trace: 0x6955_b900_0000_0000_0000_0000_0000_0007, parent: 9 };

/// A stream of one closed shard with ten records and an open child of it with two. An iterator is the shard and the
/// index of the next record.
#[derive(Default)]
struct Stream {
    /// All records have been read, and worked off: somebody asked for what follows them.
    is_over: Notify,
}

static OPERATIONS: &[Operation<Stream>] =
    &[Operation::of::<DescribeStream>(), Operation::of::<GetRecords>(), Operation::of::<GetShardIterator>()];

impl Stream {
    fn service(self: &Arc<Self>) -> Service {
        Service::new(&dynamodb_streams_api::SERVICE, Arc::clone(self), OPERATIONS)
    }
}

fn records(shard: &str) -> Vec<Record> {
    let count = if shard == "parent" { 10 } else { 2 };
    let first = if shard == "parent" { 0 } else { 10 };
    let record = |number: u64| {
        let change = StreamRecord {
            keys: Some([("id".to_owned(), AttributeValue::N(number.to_string()))].into()),
            sequence_number: Some(format!("{number:05}")),
            approximate_creation_date_time: Some(Timestamp::from_seconds(1_767_225_600)),
            ..Default::default()
        };
        Record {
            event_id: Some(event_id(number, TRACE.trace, TRACE.parent)),
            event_name: Some("INSERT".to_owned()),
            event_source: Some("aws:dynamodb".to_owned()),
            dynamodb: Some(change),
            ..Default::default()
        }
    };
    (first..first + count).map(record).collect()
}

impl Handle<DescribeStream> for Stream {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        _: DescribeStreamInput,
    ) -> Result<DescribeStreamOutput, ApiError> {
        let shard = |id: &str, parent: Option<&str>| Shard {
            shard_id: Some(id.to_owned()),
            parent_shard_id: parent.map(str::to_owned),
            ..Default::default()
        };
        let shards = Some(vec![shard("parent", None), shard("child", Some("parent"))]);
        let description = StreamDescription { shards, ..Default::default() };
        Ok(DescribeStreamOutput { stream_description: Some(description) })
    }
}

impl Handle<GetShardIterator> for Stream {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetShardIteratorInput,
    ) -> Result<GetShardIteratorOutput, ApiError> {
        assert_eq!(input.shard_iterator_type, "TRIM_HORIZON");
        Ok(GetShardIteratorOutput { shard_iterator: Some(format!("{} 0", input.shard_id)) })
    }
}

impl Handle<GetRecords> for Stream {
    async fn handle(self: &Arc<Self>, _: &Ctx, input: GetRecordsInput) -> Result<GetRecordsOutput, ApiError> {
        let (shard, index) = input.shard_iterator.split_once(' ').unwrap_or_default();
        let index: usize = index.parse().unwrap_or(0);
        let limit = input.limit.unwrap_or(0) as usize;
        let found: Vec<Record> = records(shard).into_iter().skip(index).take(limit).collect();
        let next = index + found.len();
        if shard == "child" && index == 2 {
            self.is_over.notify_one();
        }
        let is_closed = shard == "parent" && next == 10;
        Ok(GetRecordsOutput {
            records: Some(found),
            next_shard_iterator: (!is_closed).then(|| format!("{shard} {next}")),
        })
    }
}

#[tokio::test]
async fn records_come_in_order_and_poison_is_cut_out() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let stream = Arc::new(Stream::default());
    let functions = Functions::beside(|_| {}, |_| vec![stream.service()]);
    // Whole batches with record 4 in them fail until it is alone.
    let code = "done = []\n\
                def handler(event, context):\n    \
                    if event == 'done':\n        return done\n    \
                    ids = [int(r['dynamodb']['Keys']['id']['N']) for r in event['Records']]\n    \
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
    let over = tokio::time::timeout(Duration::from_secs(120), stream.is_over.notified());
    over.await.expect("all records in time");
    // One environment has worked on all of them, and tells.
    let done = functions.invoke(&json!("done")).await.payload;
    assert_eq!(done, json!([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]));
    // The invocations are a part of what wrote the records.
    let hops = functions.region.cloud.traces().of(TRACE.trace);
    let invocations =
        hops.iter().filter(|hop| &*hop.name == "lambda:invocation" && hop.parent == TRACE.parent);
    assert!(invocations.count() >= 4, "{hops:?}");
}
