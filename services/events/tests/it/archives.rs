//! Archives and replays.

use std::time::Duration;

use events_api::op::{
    CancelReplay, CreateArchive, DeleteArchive, DescribeArchive, DescribeReplay, ListArchives, StartReplay,
    UpdateArchive,
};
use events_api::{
    CancelReplayInput, CreateArchiveInput, DeleteArchiveInput, DescribeArchiveInput, DescribeArchiveOutput,
    DescribeReplayInput, ListArchivesInput, ReplayDestination, StartReplayInput, UpdateArchiveInput,
};
use serde_json::Value;
use shapes::{ApiError, Timestamp};

use crate::kit::{Region, target};

const BUS: &str = "arn:aws:events:us-east-1:000000000000:event-bus/default";
const ARCHIVE: &str = "arn:aws:events:us-east-1:000000000000:archive/a";

async fn create(region: &Region, pattern: Option<&str>, retention_days: Option<i32>) {
    let input = CreateArchiveInput {
        archive_name: "a".to_owned(),
        event_source_arn: BUS.to_owned(),
        event_pattern: pattern.map(str::to_owned),
        retention_days,
        ..Default::default()
    };
    let output = region.region.call::<CreateArchive>(input).await.unwrap();
    assert_eq!(output.archive_arn.as_deref(), Some(ARCHIVE));
}

async fn describe(region: &Region) -> Result<DescribeArchiveOutput, ApiError> {
    region.region.call::<DescribeArchive>(DescribeArchiveInput { archive_name: "a".to_owned() }).await
}

async fn count(region: &Region) -> Option<i64> {
    describe(region).await.expect("the archive is there").event_count
}

async fn replay(region: &Region, name: &str, rules: Option<Vec<String>>) -> Result<(), ApiError> {
    let now = region.region.clock.now();
    let input = StartReplayInput {
        replay_name: name.to_owned(),
        event_source_arn: ARCHIVE.to_owned(),
        event_start_time: now - Duration::from_secs(60),
        event_end_time: now + Duration::from_secs(1),
        destination: ReplayDestination { arn: BUS.to_owned(), filter_arns: rules },
        ..Default::default()
    };
    region.region.call::<StartReplay>(input).await?;
    region.region.settle().await;
    Ok(())
}

#[tokio::test]
async fn an_archive_keeps_what_matches_and_replays_it_once() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    create(&region, Some(r#"{"detail":{"kept":[true]}}"#), None).await;
    let first = region.put_shop(r#"{"kept":true}"#).await;
    region.put_shop(r#"{"kept":false}"#).await;
    for _ in 0..250 {
        region.put_shop(r#"{"kept":true}"#).await;
    }
    assert_eq!(count(&region).await, Some(251));
    region.shop_rule(target("t", &queue)).await;
    replay(&region, "r", None).await.unwrap();
    let bodies = region.bodies("q").await;
    assert_eq!(bodies.len(), 251);
    let events: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert!(events.iter().all(|event| event["replay-name"] == "r"));
    assert!(events.iter().any(|event| event["id"] == first.as_str()));
    // Replayed events are not archived again.
    assert_eq!(count(&region).await, Some(251));
    let input = DescribeReplayInput { replay_name: "r".to_owned() };
    let described = region.region.call::<DescribeReplay>(input).await.unwrap();
    assert_eq!(described.state.as_deref(), Some("COMPLETED"));
    assert_eq!(described.event_last_replayed_time, Some(region.region.clock.now()));
    let again = replay(&region, "r", None).await.unwrap_err();
    assert_eq!(again.message(), "Replay r already exists.");
    let input = CancelReplayInput { replay_name: "r".to_owned() };
    assert_eq!(region.region.call::<CancelReplay>(input).await.unwrap_err().name(), "IllegalStatusException");
}

#[tokio::test]
async fn a_replay_can_be_for_some_rules() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    create(&region, None, None).await;
    region.put_shop("{}").await;
    region.shop_rule(target("t", &queue)).await;
    let other = region.put_rule("default", "other", r#"{"source":["shop"]}"#).await.unwrap();
    replay(&region, "r", Some(vec![other])).await.unwrap();
    assert!(region.bodies("q").await.is_empty());
    let input = StartReplayInput {
        replay_name: "backwards".to_owned(),
        event_source_arn: ARCHIVE.to_owned(),
        event_start_time: Timestamp::from_seconds(2),
        event_end_time: Timestamp::from_seconds(1),
        destination: ReplayDestination { arn: BUS.to_owned(), filter_arns: None },
        ..Default::default()
    };
    assert_eq!(region.region.call::<StartReplay>(input).await.unwrap_err().name(), "ValidationException");
}

#[tokio::test]
async fn events_expire_and_archives_go_with_their_events() {
    let region = Region::start();
    create(&region, None, Some(2)).await;
    region.put_shop("{}").await;
    region.region.advance(Duration::from_secs(86_400)).await;
    region.put_shop("{}").await;
    assert_eq!(count(&region).await, Some(2));
    region.region.advance(Duration::from_secs(86_400)).await;
    assert_eq!(count(&region).await, Some(1));
    let input = UpdateArchiveInput {
        archive_name: "a".to_owned(),
        event_pattern: Some(r#"{"source":["nobody"]}"#.to_owned()),
        retention_days: Some(0),
        ..Default::default()
    };
    region.region.call::<UpdateArchive>(input).await.unwrap();
    region.put_shop("{}").await;
    region.region.advance(Duration::from_secs(9 * 86_400)).await;
    assert_eq!(count(&region).await, Some(1));
    let listed = region.region.call::<ListArchives>(ListArchivesInput::default()).await.unwrap();
    assert_eq!(listed.archives.unwrap_or_default().len(), 1);
    let input = DeleteArchiveInput { archive_name: "a".to_owned() };
    region.region.call::<DeleteArchive>(input).await.unwrap();
    assert_eq!(describe(&region).await.unwrap_err().message(), "Archive a does not exist.");
    create(&region, None, None).await;
    assert_eq!(count(&region).await, Some(0));
}
