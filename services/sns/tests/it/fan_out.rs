//! Publishing to queues.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shapes::ApiError;
use sns_api::op::{Publish, PublishBatch};
use sns_api::{PublishBatchInput, PublishBatchRequestEntry, PublishInput};

use crate::kit::{Sns, TOPIC};

#[tokio::test]
async fn a_publish_is_in_the_queues_when_it_returns() {
    let sns = Sns::start().await;
    for queue in ["one", "two"] {
        let arn = sns.create_queue(queue, true).await;
        assert!(sns.subscribe("sqs", &arn, &[]).await.unwrap().starts_with(TOPIC));
    }
    let input = PublishInput {
        topic_arn: Some(TOPIC.to_owned()),
        message: "hello".to_owned(),
        subject: Some("greeting".to_owned()),
        ..Default::default()
    };
    let id = sns.region.call::<Publish>(input).await.unwrap().message_id.unwrap();
    let received = sns.drain("one").await;
    let text = received[0].body.as_deref().unwrap();
    let start = format!(
        r#"{{"Type":"Notification","MessageId":"{id}","TopicArn":"{TOPIC}","Subject":"greeting","Message":"hello","Timestamp":"2026-01-01T00:00:00.000Z","SignatureVersion":"1","Signature":""#
    );
    assert!(text.starts_with(&start), "{text}");
    let end =
        format!(r#""UnsubscribeURL":"http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn={TOPIC}:"#);
    assert!(text.contains(&end), "{text}");
    assert_eq!(sns.texts("two").await, ["hello"]);
    assert_eq!(sns.metric("NumberOfMessagesPublished"), 1.0);
    assert_eq!(sns.metric("NumberOfNotificationsDelivered"), 2.0);
}

#[tokio::test]
async fn publish_and_deliveries_are_one_transaction() {
    let sns = Sns::start().await;
    let arn = sns.create_queue("one", true).await;
    sns.subscribe("sqs", &arn, &[]).await.unwrap();
    // A transaction around the publish that fails in the end takes the queue's message with it.
    let (ctx, has_published) = (sns.region.ctx(), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&has_published);
    let undone: Result<(), ApiError> = sns
        .region
        .ctx()
        .write(move |tx| {
            let input = PublishInput {
                topic_arn: Some(TOPIC.to_owned()),
                message: "undone".to_owned(),
                ..Default::default()
            };
            ctx.call_within::<Publish>(tx, input)?;
            flag.store(true, Ordering::Relaxed);
            Err(ApiError::sender("ChangedMyMind", "no"))
        })
        .await;
    assert_eq!((undone.unwrap_err().name(), has_published.load(Ordering::Relaxed)), ("ChangedMyMind", true));
    assert!(sns.drain("one").await.is_empty());
}

#[tokio::test]
async fn the_trace_goes_on_in_the_queue() {
    let sns = Sns::start().await;
    let arn = sns.create_queue("one", true).await;
    sns.subscribe("sqs", &arn, &[]).await.unwrap();
    let ctx = sns.region.ctx();
    let input =
        PublishInput { topic_arn: Some(TOPIC.to_owned()), message: "m".to_owned(), ..Default::default() };
    ctx.call::<Publish>(input).await.unwrap();
    let received = sns.drain("one").await;
    let header = &received[0].attributes.as_ref().unwrap()["AWSTraceHeader"];
    assert!(header.contains(&ctx.trace().trace_id()), "{header}");
}

#[tokio::test]
async fn raw_messages_keep_their_attributes() {
    let sns = Sns::start().await;
    let arn = sns.create_queue("raw", true).await;
    sns.subscribe("sqs", &arn, &[("RawMessageDelivery", "true")]).await.unwrap();
    sns.publish_with("plain", &[("colour", "String", "red"), ("n", "Number", "7")]).await.unwrap();
    let received = sns.drain("raw").await;
    assert_eq!(received[0].body.as_deref(), Some("plain"));
    let attributes = received[0].message_attributes.as_ref().unwrap();
    assert_eq!(attributes["colour"].string_value.as_deref(), Some("red"));
    assert_eq!((attributes.len(), attributes["n"].data_type.as_str()), (2, "Number"));
}

#[tokio::test]
async fn filter_policies_choose() {
    let sns = Sns::start().await;
    for (queue, policy, scope) in [
        ("red", r#"{"colour":["red"]}"#, "MessageAttributes"),
        ("dear", r#"{"price":[{"numeric":[">",100]}]}"#, "MessageAttributes"),
        ("tagged", r#"{"tags":["b"]}"#, "MessageAttributes"),
        ("done", r#"{"state":{"name":["done"]}}"#, "MessageBody"),
    ] {
        let arn = sns.create_queue(queue, true).await;
        let attributes = [("FilterPolicy", policy), ("FilterPolicyScope", scope)];
        sns.subscribe("sqs", &arn, &attributes).await.unwrap();
    }
    sns.publish_with("1", &[("colour", "String", "red"), ("price", "Number", "99")]).await.unwrap();
    sns.publish_with("2", &[("price", "Number", "100.5"), ("tags", "String.Array", r#"["a","b"]"#)])
        .await
        .unwrap();
    sns.publish(r#"{"state":{"name":"done"}}"#).await.unwrap();
    assert_eq!(sns.texts("red").await, ["1"]);
    assert_eq!(sns.texts("dear").await, ["2"]);
    assert_eq!(sns.texts("tagged").await, ["2"]);
    assert_eq!(sns.texts("done").await, [r#"{"state":{"name":"done"}}"#]);
    assert_eq!(sns.metric("NumberOfNotificationsFilteredOut"), 8.0);
}

#[tokio::test]
async fn a_refused_delivery_fails_no_publish_and_reaches_the_dead_letter_queue() {
    let sns = Sns::start().await;
    let closed = sns.create_queue("closed", false).await;
    sns.create_queue("dead", true).await;
    let open = sns.create_queue("open", true).await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    sns.subscribe("sqs", &closed, &[("RedrivePolicy", redrive)]).await.unwrap();
    sns.subscribe("sqs", &open, &[]).await.unwrap();
    sns.publish("m").await.unwrap();
    assert_eq!(sns.texts("open").await, ["m"]);
    assert!(sns.drain("closed").await.is_empty());
    assert_eq!(sns.texts("dead").await, ["m"]);
    assert_eq!(sns.metric("NumberOfNotificationsFailed"), 1.0);
}

#[tokio::test]
async fn a_json_structure_has_a_text_for_queues() {
    let sns = Sns::start().await;
    let arn = sns.create_queue("one", true).await;
    sns.subscribe("sqs", &arn, &[]).await.unwrap();
    let input = PublishInput {
        topic_arn: Some(TOPIC.to_owned()),
        message: r#"{"default":"all","sqs":"queues"}"#.to_owned(),
        message_structure: Some("json".to_owned()),
        ..Default::default()
    };
    sns.region.call::<Publish>(input).await.unwrap();
    assert_eq!(sns.texts("one").await, ["queues"]);
}

#[tokio::test]
async fn batches_succeed_entry_by_entry() {
    let sns = Sns::start().await;
    let arn = sns.create_queue("one", true).await;
    sns.subscribe("sqs", &arn, &[]).await.unwrap();
    let entry = |id: &str, message: &str| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: message.to_owned(),
        ..Default::default()
    };
    let batch = async |entries| {
        let input = PublishBatchInput { topic_arn: TOPIC.to_owned(), publish_batch_request_entries: entries };
        sns.region.call::<PublishBatch>(input).await
    };
    let output = batch(vec![entry("a", "1"), entry("b", ""), entry("c", "3")]).await.unwrap();
    assert_eq!(output.successful.unwrap().len(), 2);
    let failed = output.failed.unwrap();
    assert_eq!((failed[0].id.as_str(), failed[0].code.as_str()), ("b", "InvalidParameter"));
    let mut texts = sns.texts("one").await;
    texts.sort();
    assert_eq!(texts, ["1", "3"]);
    let half = "x".repeat(140_000);
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        (vec![entry("a", "1"); 2], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "1")], "InvalidBatchEntryId"),
        ((0..11).map(|id| entry(&id.to_string(), "1")).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a", &half), entry("b", &half)], "BatchRequestTooLong"),
    ] {
        assert_eq!(batch(entries).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn what_cannot_be_published_is_refused() {
    let sns = Sns::start().await;
    let error = sns.publish("").await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("InvalidParameter", "Invalid parameter: Empty message"));
    let error = sns.publish(&"x".repeat(262_145)).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: Message too long");
    let input =
        PublishInput { topic_arn: Some(format!("{TOPIC}x")), message: "m".to_owned(), ..Default::default() };
    let error = sns.region.call::<Publish>(input).await.unwrap_err();
    assert_eq!((error.code(), error.status(), error.message()), ("NotFound", 404, "Topic does not exist"));
    let error = sns.publish_with("m", &[("n", "Number", "x")]).await.unwrap_err();
    assert_eq!(error.code(), "ParameterValueInvalid");
}

#[tokio::test]
async fn another_account_may_not_subscribe() {
    let sns = Sns::start().await;
    let other = sns.region.as_account("111111111111");
    let input = sns_api::SubscribeInput {
        topic_arn: TOPIC.to_owned(),
        protocol: "sqs".to_owned(),
        endpoint: Some("arn:aws:sqs:us-east-1:000000000000:one".to_owned()),
        ..Default::default()
    };
    let refused = other.call::<sns_api::op::Subscribe>(input).await.unwrap_err();
    assert_eq!(refused.status(), 403);
}
