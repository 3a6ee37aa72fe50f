//! Archives of FIFO topics and replays of them.

use std::time::Duration;

use shapes::ApiError;
use sns_api::op::{
    DeleteTopic, GetSubscriptionAttributes, GetTopicAttributes, SetSubscriptionAttributes, SetTopicAttributes,
};
use sns_api::{
    DeleteTopicInput, GetSubscriptionAttributesInput, GetTopicAttributesInput,
    SetSubscriptionAttributesInput, SetTopicAttributesInput,
};

use crate::fifo::{TOPIC, create, create_queue, publish, receive, subscribe};
use crate::kit::{Sns, body};

const ARCHIVE: (&str, &str) = ("ArchivePolicy", r#"{"MessageRetentionPeriod":"2"}"#);
const HOUR: Duration = Duration::from_secs(3600);

/// The tests' time after so many hours.
fn hour(hour: u32) -> String {
    format!("2026-01-{:02}T{:02}:00:00.000Z", hour / 24 + 1, hour % 24)
}

fn policy(start: u32, end: Option<u32>) -> String {
    let end = end.map(|end| format!(r#","EndingPoint":"{}""#, hour(end))).unwrap_or_default();
    format!(r#"{{"PointType":"Timestamp","StartingPoint":"{}"{end}}}"#, hour(start))
}

/// Publishes texts an hour apart.
async fn publish_hourly(sns: &Sns, texts: std::ops::Range<u32>) {
    for text in texts {
        let text = text.to_string();
        publish(sns, &text, Some("g"), Some(&text)).await.expect("the topic takes it");
        sns.region.settle().await;
        sns.region.advance(HOUR).await;
    }
}

async fn replay(sns: &Sns, subscription: &str, policy: &str) -> Result<(), ApiError> {
    let input = SetSubscriptionAttributesInput {
        subscription_arn: subscription.to_owned(),
        attribute_name: "ReplayPolicy".to_owned(),
        attribute_value: Some(policy.to_owned()),
    };
    sns.region.call::<SetSubscriptionAttributes>(input).await?;
    sns.region.settle().await;
    Ok(())
}

async fn status(sns: &Sns, subscription: &str) -> Option<String> {
    let input = GetSubscriptionAttributesInput { subscription_arn: subscription.to_owned() };
    let output =
        sns.region.call::<GetSubscriptionAttributes>(input).await.expect("the subscription is there");
    output.attributes.expect("it has attributes").get("ReplayStatus").cloned()
}

async fn set_archive(sns: &Sns, policy: &str) -> Result<(), ApiError> {
    let input = SetTopicAttributesInput {
        topic_arn: TOPIC.to_owned(),
        attribute_name: "ArchivePolicy".to_owned(),
        attribute_value: Some(policy.to_owned()),
    };
    sns.region.call::<SetTopicAttributes>(input).await?;
    sns.region.settle().await;
    Ok(())
}

async fn beginning(sns: &Sns) -> Option<String> {
    let input = GetTopicAttributesInput { topic_arn: TOPIC.to_owned() };
    let attributes = sns
        .region
        .call::<GetTopicAttributes>(input)
        .await
        .expect("the topic is there")
        .attributes
        .expect("it has attributes");
    attributes.get("BeginningArchiveTime").cloned()
}

/// The texts in a queue, each with whether it says that it was replayed; all taken away.
async fn take(sns: &Sns, queue: &str) -> Vec<(String, bool)> {
    let mut taken = Vec::new();
    loop {
        let messages = receive(sns, queue).await;
        if messages.is_empty() {
            return taken;
        }
        for message in messages {
            let content = body(&message);
            taken.push((
                content["Message"].as_str().expect("a text").to_owned(),
                content["Replayed"] == "true",
            ));
            sns.delete(queue, &message).await;
        }
    }
}

fn texts(taken: &[(String, bool)]) -> Vec<&str> {
    taken.iter().map(|(text, _)| text.as_str()).collect()
}

#[tokio::test]
async fn a_new_subscription_gets_the_archive_and_then_what_is_published() {
    let sns = Sns::start().await;
    create(&sns, &[ARCHIVE]).await.unwrap();
    assert_eq!(beginning(&sns).await, Some(hour(0)));
    publish_hourly(&sns, 0..3).await;
    let queue = create_queue(&sns, "late.fifo").await;
    let subscription = subscribe(&sns, "sqs", &queue, false).await.unwrap();
    replay(&sns, &subscription, &policy(1, None)).await.unwrap();
    assert_eq!(status(&sns, &subscription).await.as_deref(), Some("Completed"));
    let replayed = take(&sns, "late.fifo").await;
    assert_eq!(texts(&replayed), ["1", "2"]);
    assert!(replayed.iter().all(|(_, is_replayed)| *is_replayed));
    publish_hourly(&sns, 3..4).await;
    assert_eq!(take(&sns, "late.fifo").await, [("3".to_owned(), false)]);
}

#[tokio::test]
async fn a_long_archive_comes_whole_and_once() {
    let sns = Sns::start().await;
    create(&sns, &[ARCHIVE]).await.unwrap();
    for number in 0..120 {
        let text = number.to_string();
        publish(&sns, &text, Some("g"), Some(&text)).await.unwrap();
    }
    let queue = create_queue(&sns, "late.fifo").await;
    let subscription = subscribe(&sns, "sqs", &queue, false).await.unwrap();
    replay(&sns, &subscription, &policy(0, None)).await.unwrap();
    let expected: Vec<String> = (0..120).map(|number| number.to_string()).collect();
    assert_eq!(texts(&take(&sns, "late.fifo").await), expected);
}

#[tokio::test]
async fn after_an_ending_point_nothing_comes_until_the_replay_is_taken_back() {
    let sns = Sns::start().await;
    create(&sns, &[ARCHIVE]).await.unwrap();
    let queue = create_queue(&sns, "orders.fifo").await;
    let subscription = subscribe(&sns, "sqs", &queue, false).await.unwrap();
    publish_hourly(&sns, 0..4).await;
    assert_eq!(take(&sns, "orders.fifo").await.len(), 4);
    replay(&sns, &subscription, &policy(1, Some(2))).await.unwrap();
    assert_eq!(status(&sns, &subscription).await.as_deref(), Some("Completed"));
    assert_eq!(texts(&take(&sns, "orders.fifo").await), ["1", "2"]);
    publish_hourly(&sns, 4..5).await;
    assert!(take(&sns, "orders.fifo").await.is_empty());
    replay(&sns, &subscription, "{}").await.unwrap();
    assert_eq!(status(&sns, &subscription).await, None);
    publish_hourly(&sns, 5..6).await;
    assert_eq!(texts(&take(&sns, "orders.fifo").await), ["5"]);
}

#[tokio::test]
async fn replayed_messages_are_filtered_and_marked_where_they_come_raw() {
    let sns = Sns::start().await;
    create(&sns, &[ARCHIVE]).await.unwrap();
    publish_hourly(&sns, 0..2).await;
    let queue = create_queue(&sns, "raw").await;
    let subscription = subscribe(&sns, "sqs", &queue, true).await.unwrap();
    let set = async |name: &str, value: &str| {
        let input = SetSubscriptionAttributesInput {
            subscription_arn: subscription.clone(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        sns.region.call::<SetSubscriptionAttributes>(input).await.unwrap();
    };
    set("FilterPolicyScope", "MessageBody").await;
    set("FilterPolicy", r#"{"kind":["none"]}"#).await;
    replay(&sns, &subscription, &policy(0, None)).await.unwrap();
    assert!(sns.drain("raw").await.is_empty());
    set("FilterPolicy", "{}").await;
    replay(&sns, &subscription, &policy(0, None)).await.unwrap();
    let messages = sns.drain("raw").await;
    assert_eq!(messages.len(), 2);
    let marked = |message: &sqs_api::Message| {
        let attributes = message.message_attributes.as_ref().unwrap();
        attributes["Replayed"].string_value.as_deref() == Some("true")
    };
    assert!(messages.iter().all(marked));
}

#[tokio::test]
async fn messages_leave_the_archive_with_their_retention() {
    let sns = Sns::start().await;
    create(&sns, &[ARCHIVE]).await.unwrap();
    publish_hourly(&sns, 0..4).await;
    for _ in 4..50 {
        sns.region.settle().await;
        sns.region.advance(HOUR).await;
    }
    assert_eq!(beginning(&sns).await, Some(hour(2)), "the archive has two days");
    let queue = create_queue(&sns, "late.fifo").await;
    let subscription = subscribe(&sns, "sqs", &queue, false).await.unwrap();
    let error = replay(&sns, &subscription, &policy(1, None)).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameter");
    replay(&sns, &subscription, &policy(2, None)).await.unwrap();
    assert_eq!(texts(&take(&sns, "late.fifo").await), ["2", "3"]);
    assert_eq!(stored(&sns), 2, "the others are deleted");
}

#[tokio::test]
async fn an_archive_that_is_deactivated_is_empty_when_it_begins_anew() {
    let sns = Sns::start().await;
    create(&sns, &[ARCHIVE]).await.unwrap();
    publish_hourly(&sns, 0..2).await;
    let input = DeleteTopicInput { topic_arn: TOPIC.to_owned() };
    let error = sns.region.call::<DeleteTopic>(input.clone()).await.unwrap_err();
    assert_eq!(error.code(), "InvalidState");
    set_archive(&sns, "{}").await.unwrap();
    assert_eq!((beginning(&sns).await, stored(&sns)), (None, 0));
    let queue = create_queue(&sns, "late.fifo").await;
    let subscription = subscribe(&sns, "sqs", &queue, false).await.unwrap();
    let error = replay(&sns, &subscription, &policy(1, None)).await.unwrap_err();
    assert!(error.message().contains("active ArchivePolicy"), "{error}");
    set_archive(&sns, ARCHIVE.1).await.unwrap();
    replay(&sns, &subscription, &policy(2, None)).await.unwrap();
    assert!(take(&sns, "late.fifo").await.is_empty());
    set_archive(&sns, "{}").await.unwrap();
    sns.region.call::<DeleteTopic>(input).await.unwrap();
}

#[tokio::test]
async fn archives_and_replays_are_for_fifo_topics() {
    let sns = Sns::start().await;
    let input = SetTopicAttributesInput {
        topic_arn: crate::kit::TOPIC.to_owned(),
        attribute_name: "ArchivePolicy".to_owned(),
        attribute_value: Some(ARCHIVE.1.to_owned()),
    };
    assert!(sns.region.call::<SetTopicAttributes>(input).await.is_err());
    sns.create_queue("orders", true).await;
    let queue = "arn:aws:sqs:us-east-1:000000000000:orders";
    let error = sns.subscribe("sqs", queue, &[("ReplayPolicy", &policy(0, None))]).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameter");
}

/// Messages in archives.
fn stored(sns: &Sns) -> usize {
    let table: store::Table<(u64, shapes::Timestamp, u64), ()> = store::Table::new("sns/archived");
    table
        .list(&mut sns.region.ctx().read().expect("the store can be read"), &store::Range::all(), 1000)
        .expect("the store can be read")
        .len()
}
