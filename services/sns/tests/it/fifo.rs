//! FIFO topics: order, numbers, deduplication, and whom they serve.

use std::time::Duration;

use shapes::ApiError;
use sns_api::op::{CreateTopic, GetTopicAttributes, Publish, PublishBatch, SetTopicAttributes, Subscribe};
use sns_api::{
    CreateTopicInput, GetTopicAttributesInput, PublishBatchInput, PublishBatchRequestEntry, PublishInput,
    PublishOutput, SetTopicAttributesInput, SubscribeInput,
};
use sqs_api::op::{CreateQueue, ReceiveMessage};
use sqs_api::{CreateQueueInput, Message, ReceiveMessageInput};

use crate::kit::{Sns, body};

pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:orders.fifo";

pub(crate) async fn create(sns: &Sns, attributes: &[(&str, &str)]) -> Result<String, ApiError> {
    let attributes = [("FifoTopic", "true")].iter().chain(attributes);
    let attributes = attributes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let input = CreateTopicInput {
        name: "orders.fifo".to_owned(),
        attributes: Some(attributes),
        ..Default::default()
    };
    Ok(sns.region.call::<CreateTopic>(input).await?.topic_arn.unwrap_or_default())
}

/// A queue that lets topics in; its ARN.
pub(crate) async fn create_queue(sns: &Sns, name: &str) -> String {
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{arn}"}}}}"#
    );
    let mut attributes = vec![("Policy".to_owned(), policy)];
    if name.ends_with(".fifo") {
        attributes.push(("FifoQueue".to_owned(), "true".to_owned()));
    }
    let input = CreateQueueInput {
        queue_name: name.to_owned(),
        attributes: Some(attributes.into_iter().collect()),
        ..Default::default()
    };
    sns.region.call::<CreateQueue>(input).await.expect("the queue is new");
    arn
}

pub(crate) async fn subscribe(
    sns: &Sns,
    protocol: &str,
    endpoint: &str,
    raw: bool,
) -> Result<String, ApiError> {
    let input = SubscribeInput {
        topic_arn: TOPIC.to_owned(),
        protocol: protocol.to_owned(),
        endpoint: Some(endpoint.to_owned()),
        attributes: Some([("RawMessageDelivery".to_owned(), raw.to_string())].into()),
        ..Default::default()
    };
    Ok(sns.region.call::<Subscribe>(input).await?.subscription_arn.unwrap_or_default())
}

pub(crate) async fn publish(
    sns: &Sns,
    message: &str,
    group: Option<&str>,
    deduplication_id: Option<&str>,
) -> Result<PublishOutput, ApiError> {
    let input = PublishInput {
        topic_arn: Some(TOPIC.to_owned()),
        message: message.to_owned(),
        message_group_id: group.map(str::to_owned),
        message_deduplication_id: deduplication_id.map(str::to_owned),
        ..Default::default()
    };
    sns.region.call::<Publish>(input).await
}

pub(crate) async fn receive(sns: &Sns, queue: &str) -> Vec<Message> {
    let input = ReceiveMessageInput {
        queue_url: format!("http://127.0.0.1:4566/000000000000/{queue}"),
        max_number_of_messages: Some(10),
        message_system_attribute_names: Some(vec!["All".to_owned()]),
        ..Default::default()
    };
    sns.region.call::<ReceiveMessage>(input).await.expect("the queue is there").messages.unwrap_or_default()
}

#[tokio::test]
async fn queues_get_messages_in_order_with_their_groups() {
    let sns = Sns::start().await;
    assert_eq!(create(&sns, &[]).await.unwrap(), TOPIC);
    let queue = create_queue(&sns, "orders.fifo").await;
    subscribe(&sns, "sqs", &queue, false).await.unwrap();
    let mut numbers = Vec::new();
    for number in 0..5 {
        let (text, group) = (number.to_string(), format!("g{}", number % 2));
        let output = publish(&sns, &text, Some(&group), Some(&text)).await.unwrap();
        numbers.push(output.sequence_number.unwrap());
    }
    assert!(numbers.is_sorted() && numbers.iter().all(|number| number.len() == 20), "{numbers:?}");
    let received = receive(&sns, "orders.fifo").await;
    let of_group = |group: &str| -> Vec<String> {
        let messages = received.iter().filter(|message| {
            message.attributes.as_ref().is_some_and(|attributes| attributes["MessageGroupId"] == group)
        });
        messages.map(|message| body(message)["Message"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(
        (of_group("g0"), of_group("g1")),
        (vec!["0".into(), "2".into(), "4".into()], vec!["1".into(), "3".into()])
    );
    let first = body(&received[0]);
    assert!(numbers.contains(&first["SequenceNumber"].as_str().unwrap().to_owned()));
    assert!(first.get("Signature").is_none(), "messages of FIFO topics are not signed");
}

#[tokio::test]
async fn a_message_that_came_before_is_not_delivered_again() {
    let sns = Sns::start().await;
    create(&sns, &[("ContentBasedDeduplication", "true")]).await.unwrap();
    let queue = create_queue(&sns, "plain").await;
    subscribe(&sns, "sqs", &queue, true).await.unwrap();
    let first = publish(&sns, "a", Some("g"), None).await.unwrap();
    let again = publish(&sns, "a", Some("h"), None).await.unwrap();
    assert_eq!(first, again);
    publish(&sns, "b", Some("g"), Some("own")).await.unwrap();
    publish(&sns, "c", Some("g"), Some("own")).await.unwrap();
    let texts = |messages: Vec<Message>| {
        let mut texts: Vec<String> = messages.into_iter().filter_map(|message| message.body).collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(receive(&sns, "plain").await), ["a", "b"]);
    sns.region.advance(Duration::from_secs(5 * 60)).await;
    let later = publish(&sns, "a", Some("g"), None).await.unwrap();
    assert_ne!(later.message_id, first.message_id);
    assert!(later.sequence_number > first.sequence_number);
}

#[tokio::test]
async fn deduplication_is_by_group_where_the_topic_says_so() {
    let sns = Sns::start().await;
    create(&sns, &[("FifoThroughputScope", "MessageGroup")]).await.unwrap();
    let first = publish(&sns, "a", Some("g"), Some("d")).await.unwrap();
    let other = publish(&sns, "a", Some("h"), Some("d")).await.unwrap();
    let again = publish(&sns, "a", Some("g"), Some("d")).await.unwrap();
    assert_ne!(first.message_id, other.message_id);
    assert_eq!(first, again);
}

#[tokio::test]
async fn groups_and_deduplication_ids_are_required() {
    let sns = Sns::start().await;
    create(&sns, &[]).await.unwrap();
    let error = publish(&sns, "a", None, Some("d")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"
    );
    let error = publish(&sns, "a", Some("g"), None).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or \
         MessageDeduplicationId provided explicitly"
    );
    let long = "x".repeat(129);
    assert_eq!(publish(&sns, "a", Some(&long), Some("d")).await.unwrap_err().code(), "InvalidParameter");
    let entry = |id: &str, group: Option<&str>| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: id.to_owned(),
        message_group_id: group.map(str::to_owned),
        message_deduplication_id: Some(id.to_owned()),
        ..Default::default()
    };
    let entries = vec![entry("a", Some("g")), entry("b", None)];
    let input = PublishBatchInput { topic_arn: TOPIC.to_owned(), publish_batch_request_entries: entries };
    let output = sns.region.call::<PublishBatch>(input).await.unwrap();
    assert!(output.successful.unwrap()[0].sequence_number.is_some());
    assert_eq!(output.failed.unwrap()[0].id, "b");
}

#[tokio::test]
async fn a_fifo_topic_serves_queues_alone() {
    let sns = Sns::start().await;
    create(&sns, &[]).await.unwrap();
    for (protocol, endpoint) in
        [("lambda", "arn:aws:lambda:us-east-1:000000000000:function:f"), ("email", "a@b.example")]
    {
        let error = subscribe(&sns, protocol, endpoint, false).await.unwrap_err();
        assert_eq!((error.code(), error.status()), ("InvalidParameter", 400), "{protocol}");
    }
    let queue = "arn:aws:sqs:us-east-1:000000000000:orders.fifo";
    let error = sns.subscribe("sqs", queue, &[]).await.unwrap_err();
    assert!(
        error.message().contains("FIFO SQS Queues can not be subscribed to standard SNS topics"),
        "{error}"
    );
}

#[tokio::test]
async fn attributes_of_fifo_topics() {
    let sns = Sns::start().await;
    create(&sns, &[]).await.unwrap();
    create(&sns, &[]).await.expect("the same topic again is found");
    let get = async || {
        let input = GetTopicAttributesInput { topic_arn: TOPIC.to_owned() };
        sns.region.call::<GetTopicAttributes>(input).await.unwrap().attributes.unwrap()
    };
    let attributes = get().await;
    assert_eq!((&*attributes["FifoTopic"], &*attributes["ContentBasedDeduplication"]), ("true", "false"));
    let set = async |name: &str, value: &str| {
        let input = SetTopicAttributesInput {
            topic_arn: TOPIC.to_owned(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        sns.region.call::<SetTopicAttributes>(input).await.map(|_| ())
    };
    set("ContentBasedDeduplication", "true").await.unwrap();
    assert_eq!(get().await["ContentBasedDeduplication"], "true");
    assert!(set("ContentBasedDeduplication", "maybe").await.is_err());
    assert!(set("FifoTopic", "false").await.is_err());
}
