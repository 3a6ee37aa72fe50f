//! Shards of streams: how they follow one another, and that readers who follow them miss nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dynamodb_api::{AttributeValue, StreamSpecification};
use dynamodb_streams_api::op::{DescribeStream, GetShardIterator};
use dynamodb_streams_api::{DescribeStreamInput, GetShardIteratorInput, Record, Shard, StreamDescription};
use shapes::ApiError;

use crate::kit::{Db, put, table, told};
use crate::streams::{arn, get};

const HOUR: Duration = Duration::from_secs(3600);

async fn streamed() -> Db {
    let mut input = table("orders", false);
    let view = Some("NEW_AND_OLD_IMAGES".to_owned());
    input.stream_specification = Some(StreamSpecification { stream_enabled: true, stream_view_type: view });
    Db::with(input).await
}

async fn page(db: &Db, arn: &str, after: Option<String>, limit: Option<i32>) -> StreamDescription {
    let input = DescribeStreamInput {
        stream_arn: arn.to_owned(),
        exclusive_start_shard_id: after,
        limit,
        ..Default::default()
    };
    db.call::<DescribeStream>(input).await.unwrap().stream_description.unwrap_or_default()
}

async fn shards(db: &Db, arn: &str) -> Vec<Shard> {
    page(db, arn, None, None).await.shards.unwrap_or_default()
}

async fn iterator(
    db: &Db,
    arn: &str,
    shard: &Shard,
    kind: &str,
    at: Option<&str>,
) -> Result<String, ApiError> {
    let input = GetShardIteratorInput {
        stream_arn: arn.to_owned(),
        shard_id: id(shard),
        shard_iterator_type: kind.to_owned(),
        sequence_number: at.map(str::to_owned),
    };
    Ok(db.call::<GetShardIterator>(input).await?.shard_iterator.unwrap_or_default())
}

/// The records of a shard from its beginning, and whether it has ended.
async fn all(db: &Db, arn: &str, shard: &Shard) -> (Vec<Record>, bool) {
    let mut next = Some(iterator(db, arn, shard, "TRIM_HORIZON", None).await.unwrap());
    let mut records = Vec::new();
    while let Some(from) = next.take() {
        let page = get(db, &from, Some(3)).await.unwrap();
        let found = page.records.unwrap_or_default();
        let is_end = found.is_empty();
        records.extend(found);
        next = page.next_shard_iterator;
        if is_end && next.is_some() {
            return (records, false);
        }
    }
    (records, true)
}

fn id(shard: &Shard) -> String {
    shard.shard_id.clone().unwrap_or_default()
}

fn range(shard: &Shard) -> (String, Option<String>) {
    let range = shard.sequence_number_range.clone().unwrap_or_default();
    (range.starting_sequence_number.unwrap_or_default(), range.ending_sequence_number)
}

fn number(record: &Record) -> String {
    record.dynamodb.as_ref().and_then(|change| change.sequence_number.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_shard_is_followed_by_a_child_after_four_hours() {
    let db = streamed().await;
    let arn = arn(&db).await;
    db.put("pk=a v=1").await;
    let first = shards(&db, &arn).await.remove(0);
    let open = iterator(&db, &arn, &first, "TRIM_HORIZON", None).await.unwrap();
    let open = get(&db, &open, None).await.unwrap().next_shard_iterator.unwrap();
    assert!(get(&db, &open, None).await.unwrap().next_shard_iterator.is_some());
    db.region.advance(HOUR * 4).await;
    db.put("pk=a v=2").await;
    let found = shards(&db, &arn).await;
    let [closed, child] = &found[..] else { panic!("{found:?}") };
    assert_eq!((id(closed), closed.parent_shard_id.clone()), (id(&first), None));
    assert_eq!(child.parent_shard_id, Some(id(&first)));
    let (parent_records, is_ended) = all(&db, &arn, closed).await;
    assert_eq!((parent_records.len(), is_ended), (1, true));
    let ends = number(&parent_records[0]);
    assert_eq!(range(closed), (ends.clone(), Some(ends.clone())));
    let (child_records, is_ended) = all(&db, &arn, child).await;
    assert_eq!((child_records.len(), is_ended), (1, false));
    assert_eq!(range(child), (number(&child_records[0]), None));
    // Iterators of the closed shard: at its end there is nothing, and nothing more to come.
    for (kind, at, count) in [
        ("LATEST", None, 0),
        ("AFTER_SEQUENCE_NUMBER", Some(ends.as_str()), 0),
        ("AT_SEQUENCE_NUMBER", Some(ends.as_str()), 1),
    ] {
        let start = iterator(&db, &arn, closed, kind, at).await.unwrap();
        let page = get(&db, &start, None).await.unwrap();
        assert_eq!((page.records.unwrap().len(), page.next_shard_iterator), (count, None), "{kind}");
    }
    let later = number(&child_records[0]);
    let beyond = iterator(&db, &arn, closed, "AFTER_SEQUENCE_NUMBER", Some(&later)).await;
    assert_eq!(told(beyond).0, "ValidationException");
    let other =
        Shard { shard_id: Some("shardId-00000001414576573621-f55eea83".to_owned()), ..Shard::default() };
    assert_eq!(told(iterator(&db, &arn, &other, "LATEST", None).await).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn shards_come_in_pages_and_go_with_their_records() {
    let db = streamed().await;
    let arn = arn(&db).await;
    for v in 0..9 {
        db.put(&format!("pk=a v={v}")).await;
        db.region.advance(HOUR * 4).await;
    }
    db.put("pk=a v=9").await;
    let mut found: Vec<Shard> = Vec::new();
    loop {
        let description = page(&db, &arn, found.last().map(id), Some(2)).await;
        found.extend(description.shards.unwrap_or_default());
        if description.last_evaluated_shard_id.is_none() {
            break;
        }
        assert_eq!(description.last_evaluated_shard_id, found.last().map(id));
    }
    // Thirty-six hours: what closed more than a day ago is gone.
    let ages: Vec<_> = shards(&db, &arn).await.iter().map(id).collect();
    assert_eq!(found.iter().map(id).collect::<Vec<_>>(), ages);
    assert!((6..=8).contains(&found.len()), "{found:?}");
    for pair in found.windows(2) {
        assert_eq!(pair[1].parent_shard_id, Some(id(&pair[0])));
    }
    let mut values = Vec::new();
    for shard in &found {
        let (records, _) = all(&db, &arn, shard).await;
        values.extend(records.iter().map(number));
    }
    assert!(values.is_sorted() && (6..=8).contains(&values.len()), "{values:?}");
}

#[tokio::test]
async fn what_was_trimmed_is_told_also_to_readers_of_old_shards() {
    let db = streamed().await;
    let arn = arn(&db).await;
    db.put("pk=a v=1").await;
    let first = shards(&db, &arn).await.remove(0);
    let oldest = number(&all(&db, &arn, &first).await.0[0]);
    db.region.advance(HOUR * 4).await;
    db.put("pk=a v=2").await;
    db.region.advance(HOUR * 20 - Duration::from_secs(60)).await;
    // Still there, as of a minute before its day ends; gone a minute later.
    let start = iterator(&db, &arn, &first, "AT_SEQUENCE_NUMBER", Some(&oldest)).await.unwrap();
    assert_eq!(get(&db, &start, None).await.unwrap().records.unwrap().len(), 1);
    db.region.advance(Duration::from_secs(120)).await;
    assert_eq!(told(get(&db, &start, None).await).0, "TrimmedDataAccessException");
    let again = iterator(&db, &arn, &first, "AT_SEQUENCE_NUMBER", Some(&oldest)).await;
    assert_eq!(told(again).0, "TrimmedDataAccessException");
    let horizon = iterator(&db, &arn, &first, "TRIM_HORIZON", None).await.unwrap();
    let page = get(&db, &horizon, None).await.unwrap();
    assert_eq!((page.records.unwrap().len(), page.next_shard_iterator), (0, None));
    // A day after it closed the shard itself goes.
    db.region.advance(HOUR * 4 + Duration::from_secs(60)).await;
    assert!(shards(&db, &arn).await.iter().all(|shard| id(shard) != id(&first)));
}

#[tokio::test]
async fn a_shard_that_is_written_to_too_fast_splits_and_items_keep_their_line() {
    let db = streamed().await;
    let arn = arn(&db).await;
    let large = "x".repeat(390 * 1024);
    let write = async |key: u32| {
        let mut input = put(&format!("pk=k{key}"));
        input.item.insert("v".to_owned(), AttributeValue::S(large.clone()));
        input.item.insert("n".to_owned(), AttributeValue::N(key.to_string()));
        db.call::<dynamodb_api::op::PutItem>(input).await.unwrap();
    };
    // 391 units each, of 60,000 that a shard takes in a minute.
    for key in 0..154 {
        write(key).await;
    }
    assert_eq!(shards(&db, &arn).await.len(), 1);
    for key in 154..170 {
        write(key).await;
    }
    for key in 0..170 {
        db.delete(&format!("pk=k{key}")).await;
    }
    let found = shards(&db, &arn).await;
    let [parent, left, right] = &found[..] else { panic!("{} shards", found.len()) };
    assert_eq!((&left.parent_shard_id, &right.parent_shard_id), (&Some(id(parent)), &Some(id(parent))));
    assert!(range(parent).1.is_some() && range(left).1.is_none() && range(right).1.is_none());
    let mut keys_of = BTreeMap::new();
    let mut events = 0;
    for shard in &found {
        let (records, _) = all(&db, &arn, shard).await;
        events += records.len();
        let numbers: Vec<_> = records.iter().map(number).collect();
        assert!(numbers.is_sorted());
        let key = |record: &Record| format!("{:?}", record.dynamodb.as_ref().unwrap().keys);
        keys_of.insert(id(shard), records.iter().map(key).collect::<BTreeSet<_>>());
    }
    assert_eq!(events, 340);
    let (left, right) = (&keys_of[&id(left)], &keys_of[&id(right)]);
    assert!(left.is_disjoint(right) && left.len() + right.len() == 170);
    assert!(left.len() > 40 && right.len() > 40, "{} and {}", left.len(), right.len());
}

#[tokio::test]
async fn lines_of_shards_go_on_after_a_restart() {
    let db = streamed().await;
    db.put("pk=a v=1").await;
    let db = db.restarted();
    let arn = arn(&db).await;
    db.put("pk=a v=2").await;
    assert_eq!(shards(&db, &arn).await.len(), 1);
    db.region.advance(HOUR * 5).await;
    let db = db.restarted();
    db.put("pk=a v=3").await;
    let found = shards(&db, &arn).await;
    assert_eq!(found.len(), 2);
    assert_eq!((all(&db, &arn, &found[0]).await.0.len(), all(&db, &arn, &found[1]).await.0.len()), (2, 1));
}
