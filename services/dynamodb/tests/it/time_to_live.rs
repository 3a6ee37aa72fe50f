//! Items end when the region's clock says so.

use std::time::Duration;

use dynamodb_api::op::{DescribeTimeToLive, UpdateTimeToLive};
use dynamodb_api::{
    DescribeTimeToLiveInput, StreamSpecification, TimeToLiveSpecification, UpdateTimeToLiveInput,
};
use shapes::ApiError;

use crate::kit::{Db, is_validation, table};
use crate::streams::read;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn set(db: &Db, enabled: bool, attribute: &str) -> Result<(), ApiError> {
    let input = UpdateTimeToLiveInput {
        table_name: "orders".to_owned(),
        time_to_live_specification: TimeToLiveSpecification { enabled, attribute_name: attribute.to_owned() },
    };
    db.call::<UpdateTimeToLive>(input).await.map(|_| ())
}

async fn status(db: &Db) -> (String, Option<String>) {
    let input = DescribeTimeToLiveInput { table_name: "orders".to_owned() };
    let description = db.call::<DescribeTimeToLive>(input).await.unwrap().time_to_live_description.unwrap();
    (description.time_to_live_status.unwrap_or_default(), description.attribute_name)
}

/// Seconds since the epoch, so many hours after the test began.
fn hours(count: i64) -> i64 {
    kit::START.seconds() + count * 3600
}

#[tokio::test]
async fn items_end_in_their_time_and_the_stream_tells_who_did_it() {
    let mut input = table("orders", false);
    let stream = StreamSpecification { stream_enabled: true, stream_view_type: Some("OLD_IMAGE".to_owned()) };
    input.stream_specification = Some(stream);
    let db = Db::with(input).await;
    set(&db, true, "end").await.unwrap();
    db.put(&format!("pk=first end={}", hours(1))).await;
    db.put(&format!("pk=second end={}", hours(3))).await;
    db.put(&format!("pk=moved end={}", hours(1))).await;
    db.put(&format!("pk=moved end={}", hours(9))).await;
    db.put("pk=never end=soon").await;
    db.region.advance(HOUR / 2).await;
    assert_eq!(db.scan().await.len(), 4);
    db.region.advance(HOUR).await;
    assert_eq!(db.get("pk=first").await, None);
    assert_eq!(db.scan().await.len(), 3);
    db.region.advance(HOUR * 2).await;
    assert_eq!(db.scan().await.len(), 2);
    db.region.advance(HOUR * 10).await;
    assert_eq!(db.scan().await, ["end=soon pk=never"]);
    let records = read(&db).await;
    let removed: Vec<_> =
        records.iter().filter(|record| record.event_name.as_deref() == Some("REMOVE")).collect();
    assert_eq!(removed.len(), 3);
    for record in removed {
        let identity = record.user_identity.as_ref().unwrap();
        assert_eq!(identity.principal_id.as_deref(), Some("dynamodb.amazonaws.com"));
        assert_eq!(identity.r#type.as_deref(), Some("Service"));
    }
    assert!(records[0].user_identity.is_none());
}

#[tokio::test]
async fn items_from_before_are_entered_and_an_end_in_the_past_is_now() {
    let db = Db::with_table(false).await;
    for number in 0..700 {
        db.put(&format!("pk=p{number} end={}", hours(number % 2))).await;
    }
    db.put("pk=old end=5").await;
    set(&db, true, "end").await.unwrap();
    assert_eq!(status(&db).await, ("ENABLING".to_owned(), Some("end".to_owned())));
    db.region.settle().await;
    assert_eq!(status(&db).await, ("ENABLED".to_owned(), Some("end".to_owned())));
    db.region.advance(Duration::from_secs(120)).await;
    assert_eq!(db.scan().await.len(), 351);
    db.region.advance(HOUR).await;
    assert_eq!(db.scan().await, ["end=5 pk=old"]);
}

#[tokio::test]
async fn it_is_switched_on_and_off_once() {
    let db = Db::with_table(false).await;
    is_validation(set(&db, false, "end").await, "TimeToLive is already disabled");
    set(&db, true, "end").await.unwrap();
    is_validation(set(&db, true, "end").await, "TimeToLive is already enabled");
    is_validation(
        set(&db, true, "other").await,
        "TimeToLive is active on a different AttributeName: current AttributeName is end",
    );
    db.put(&format!("pk=a end={}", hours(1))).await;
    set(&db, false, "end").await.unwrap();
    assert_eq!(status(&db).await, ("DISABLED".to_owned(), None));
    db.region.advance(HOUR * 2).await;
    assert_eq!(db.scan().await.len(), 1);
}
