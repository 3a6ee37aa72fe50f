//! Streams: what they tell, for how long, and what becomes of them.

use std::time::Duration;

use dynamodb_api::op::DeleteTable;
use dynamodb_api::{DeleteTableInput, StreamSpecification, UpdateTableInput};
use dynamodb_streams_api::op::{DescribeStream, GetRecords, GetShardIterator, ListStreams};
use dynamodb_streams_api::{
    DescribeStreamInput, GetRecordsInput, GetRecordsOutput, GetShardIteratorInput, ListStreamsInput, Record,
    StreamDescription, trace_of_event,
};
use shapes::ApiError;

use crate::kit::{Db, is_validation, table, told};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn enabled(view: &str) -> UpdateTableInput {
    let stream = StreamSpecification { stream_enabled: true, stream_view_type: Some(view.to_owned()) };
    UpdateTableInput { stream_specification: Some(stream), ..Default::default() }
}

fn disabled() -> UpdateTableInput {
    let stream = StreamSpecification { stream_enabled: false, stream_view_type: None };
    UpdateTableInput { stream_specification: Some(stream), ..Default::default() }
}

async fn streamed() -> Db {
    let mut input = table("orders", false);
    input.stream_specification = enabled("NEW_AND_OLD_IMAGES").stream_specification;
    Db::with(input).await
}

pub(crate) async fn arn(db: &Db) -> String {
    db.describe().await.latest_stream_arn.expect("the table has a stream")
}

async fn describe(db: &Db, arn: &str) -> Result<StreamDescription, ApiError> {
    let input = DescribeStreamInput { stream_arn: arn.to_owned(), ..Default::default() };
    Ok(db.call::<DescribeStream>(input).await?.stream_description.unwrap_or_default())
}

/// An iterator of the stream's first shard.
pub(crate) async fn iterator(
    db: &Db,
    arn: &str,
    kind: &str,
    number: Option<String>,
) -> Result<String, ApiError> {
    let shard = describe(db, arn).await?.shards.unwrap_or_default().remove(0);
    iterator_of(db, arn, shard.shard_id.unwrap_or_default(), kind, number).await
}

async fn iterator_of(
    db: &Db,
    arn: &str,
    shard_id: String,
    kind: &str,
    number: Option<String>,
) -> Result<String, ApiError> {
    let input = GetShardIteratorInput {
        stream_arn: arn.to_owned(),
        shard_id,
        shard_iterator_type: kind.to_owned(),
        sequence_number: number,
    };
    Ok(db.call::<GetShardIterator>(input).await?.shard_iterator.unwrap_or_default())
}

pub(crate) async fn get(db: &Db, iterator: &str, limit: Option<i32>) -> Result<GetRecordsOutput, ApiError> {
    db.call::<GetRecords>(GetRecordsInput { shard_iterator: iterator.to_owned(), limit }).await
}

/// All records of the table's stream, shard by shard.
pub(crate) async fn read(db: &Db) -> Vec<Record> {
    let arn = arn(db).await;
    let mut records = Vec::new();
    for shard in describe(db, &arn).await.unwrap().shards.unwrap() {
        let start = iterator_of(db, &arn, shard.shard_id.unwrap(), "TRIM_HORIZON", None).await.unwrap();
        records.extend(get(db, &start, None).await.unwrap().records.unwrap());
    }
    records
}

fn number(record: &Record) -> String {
    record.dynamodb.as_ref().and_then(|change| change.sequence_number.clone()).unwrap_or_default()
}

#[tokio::test]
async fn changes_come_in_order_in_pages_with_their_trace() {
    let db = streamed().await;
    db.put("pk=a v=1").await;
    db.put("pk=a v=1").await;
    db.put("pk=a v=2").await;
    db.delete("pk=a").await;
    let arn = arn(&db).await;
    let start = iterator(&db, &arn, "TRIM_HORIZON", None).await.unwrap();
    let first = get(&db, &start, Some(2)).await.unwrap();
    let rest = get(&db, &first.next_shard_iterator.unwrap(), None).await.unwrap();
    let records: Vec<_> = first.records.unwrap().into_iter().chain(rest.records.unwrap()).collect();
    let events: Vec<_> = records.iter().filter_map(|record| record.event_name.as_deref()).collect();
    assert_eq!(events, ["INSERT", "MODIFY", "REMOVE"]);
    let traces: Vec<_> =
        records.iter().map(|record| trace_of_event(record.event_id.as_deref().unwrap()).unwrap()).collect();
    assert!(traces.iter().all(|(trace, span)| *trace != 0 && *span != 0) && traces[0] != traces[1]);
    assert_eq!(trace_of_event("0123"), None);
    let after = iterator(&db, &arn, "AFTER_SEQUENCE_NUMBER", Some(number(&records[1]))).await.unwrap();
    assert_eq!(get(&db, &after, None).await.unwrap().records.unwrap(), records[2..]);
    let at = iterator(&db, &arn, "AT_SEQUENCE_NUMBER", Some(number(&records[1]))).await.unwrap();
    assert_eq!(get(&db, &at, None).await.unwrap().records.unwrap(), records[1..]);
    let latest = iterator(&db, &arn, "LATEST", None).await.unwrap();
    db.put("pk=b").await;
    assert_eq!(get(&db, &latest, None).await.unwrap().records.unwrap().len(), 1);
}

#[tokio::test]
async fn records_are_kept_for_a_day() {
    let db = streamed().await;
    db.put("pk=a").await;
    let (arn, records) = (arn(&db).await, read(&db).await);
    db.region.advance(HOUR * 20).await;
    db.put("pk=b").await;
    assert_eq!(read(&db).await.len(), 2);
    db.region.advance(HOUR * 5).await;
    assert_eq!(read(&db).await.len(), 1);
    let old = iterator(&db, &arn, "AT_SEQUENCE_NUMBER", Some(number(&records[0]))).await;
    assert_eq!(told(old).0, "TrimmedDataAccessException");
    db.region.advance(HOUR * 24).await;
    assert_eq!(read(&db).await.len(), 0);
    db.put("pk=c").await;
    assert_eq!(read(&db).await.len(), 1);
}

#[tokio::test]
async fn an_iterator_ends_after_a_quarter_of_an_hour() {
    let db = streamed().await;
    let start = iterator(&db, &arn(&db).await, "TRIM_HORIZON", None).await.unwrap();
    db.region.advance(Duration::from_secs(901)).await;
    assert_eq!(told(get(&db, &start, None).await).0, "ExpiredIteratorException");
}

#[tokio::test]
async fn a_stream_outlives_its_disabling_and_its_table_by_a_day() {
    let db = Db::with_table(false).await;
    is_validation(db.update_table(disabled()).await, "Table has no stream to disable: TableName: orders");
    db.update_table(enabled("KEYS_ONLY")).await.unwrap();
    is_validation(
        db.update_table(enabled("KEYS_ONLY")).await,
        "Table already has an enabled stream: TableName: orders",
    );
    db.put("pk=a").await;
    let first = arn(&db).await;
    db.update_table(disabled()).await.unwrap();
    db.put("pk=unseen").await;
    let description = describe(&db, &first).await.unwrap();
    assert_eq!(description.stream_status.as_deref(), Some("DISABLED"));
    assert!(
        description.shards.unwrap()[0]
            .sequence_number_range
            .as_ref()
            .unwrap()
            .ending_sequence_number
            .is_some()
    );
    let all = iterator(&db, &first, "TRIM_HORIZON", None).await.unwrap();
    let all = get(&db, &all, None).await.unwrap();
    assert_eq!((all.records.unwrap().len(), all.next_shard_iterator), (1, None));
    db.region.advance(HOUR).await;
    db.update_table(enabled("NEW_IMAGE")).await.unwrap();
    db.put("pk=b").await;
    let second = arn(&db).await;
    let listed = || async {
        let input = ListStreamsInput { table_name: Some("orders".to_owned()), ..Default::default() };
        let streams = db.call::<ListStreams>(input).await.unwrap().streams.unwrap();
        streams.into_iter().filter_map(|stream| stream.stream_arn).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [first.clone(), second.clone()]);
    db.region.advance(HOUR * 24).await;
    assert_eq!(listed().await, std::slice::from_ref(&second));
    assert_eq!(told(describe(&db, &first).await).0, "ResourceNotFoundException");
    db.call::<DeleteTable>(DeleteTableInput { table_name: "orders".to_owned() }).await.unwrap();
    assert_eq!(describe(&db, &second).await.unwrap().stream_status.as_deref(), Some("DISABLED"));
    db.region.advance(HOUR * 25).await;
    assert!(listed().await.is_empty());
}
