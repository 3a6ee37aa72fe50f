//! Topics: making, listing, describing, deleting; who may publish.

use std::collections::BTreeMap;

use serde_json::Value;
use sns_api::op::{
    AddPermission, CreateTopic, DeleteTopic, GetTopicAttributes, ListTagsForResource, ListTopics, Publish,
    RemovePermission, SetTopicAttributes, TagResource, UntagResource,
};
use sns_api::{
    AddPermissionInput, CreateTopicInput, DeleteTopicInput, GetTopicAttributesInput,
    ListTagsForResourceInput, ListTopicsInput, PublishInput, RemovePermissionInput, SetTopicAttributesInput,
    Tag, TagResourceInput, UntagResourceInput,
};

use crate::kit::{Sns, TOPIC};

#[tokio::test]
async fn making_a_topic_again_finds_it() {
    let sns = Sns::start().await;
    assert_eq!(sns.create_topic("news").await.unwrap(), TOPIC);
    let input = CreateTopicInput {
        name: "news".to_owned(),
        attributes: Some(BTreeMap::from([("DisplayName".to_owned(), "News".to_owned())])),
        ..Default::default()
    };
    let error = sns.region.call::<CreateTopic>(input).await.unwrap_err();
    assert!(error.message().contains("Topic already exists with different attributes"), "{error}");
    for bad in ["", "a b", &"x".repeat(257)] {
        let error = sns.create_topic(bad).await.unwrap_err();
        assert_eq!((error.code(), error.message()), ("InvalidParameter", "Invalid parameter: Topic Name"));
    }
    let error = sns.create_topic("a.fifo").await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("InvalidParameter", "Invalid parameter: Topic Name"));
}

#[tokio::test]
async fn topics_are_listed_a_hundred_at_a_time() {
    let sns = Sns::start().await;
    for number in 0..104 {
        sns.create_topic(&format!("t{number:03}")).await.unwrap();
    }
    let first = sns.region.call::<ListTopics>(ListTopicsInput::default()).await.unwrap();
    assert_eq!(first.topics.unwrap().len(), 100);
    let input = ListTopicsInput { next_token: first.next_token };
    let rest = sns.region.call::<ListTopics>(input).await.unwrap();
    assert_eq!((rest.topics.unwrap().len(), rest.next_token), (5, None));
}

#[tokio::test]
async fn attributes_are_as_aws_lists_them() {
    let sns = Sns::start().await;
    sns.subscribe("email", "a@b.example", &[]).await.unwrap();
    let set = async |name: &str, value: &str| {
        let input = SetTopicAttributesInput {
            topic_arn: TOPIC.to_owned(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        sns.region.call::<SetTopicAttributes>(input).await.map(|_| ())
    };
    set("DisplayName", "News").await.unwrap();
    assert_eq!(set("Nonsense", "x").await.unwrap_err().message(), "Invalid parameter: AttributeName");
    assert!(set("Policy", "x").await.unwrap_err().message().starts_with("Invalid parameter: Policy"));
    let bad = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":1000}}}"#;
    assert!(set("DeliveryPolicy", bad).await.unwrap_err().message().contains("numRetries"));
    let input = GetTopicAttributesInput { topic_arn: TOPIC.to_owned() };
    let attributes = sns.region.call::<GetTopicAttributes>(input).await.unwrap().attributes.unwrap();
    for (name, value) in [
        ("TopicArn", TOPIC),
        ("Owner", "000000000000"),
        ("DisplayName", "News"),
        ("SubscriptionsConfirmed", "0"),
        ("SubscriptionsPending", "1"),
        ("SubscriptionsDeleted", "0"),
    ] {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
    let policy: Value = serde_json::from_str(&attributes["Policy"]).unwrap();
    assert_eq!(policy["Statement"][0]["Sid"], "__default_statement_ID");
    let effective: Value = serde_json::from_str(&attributes["EffectiveDeliveryPolicy"]).unwrap();
    assert_eq!(effective["http"]["defaultHealthyRetryPolicy"]["numRetries"], 3);
}

#[tokio::test]
async fn permissions_let_other_accounts_publish() {
    let sns = Sns::start().await;
    let other = sns.region.as_account("111111111111");
    let publish = async || {
        let input =
            PublishInput { topic_arn: Some(TOPIC.to_owned()), message: "m".to_owned(), ..Default::default() };
        other.call::<Publish>(input).await.map_err(|error| (error.code().to_owned(), error.status()))
    };
    assert_eq!(publish().await.unwrap_err().1, 403);
    let input = AddPermissionInput {
        topic_arn: TOPIC.to_owned(),
        label: "friend".to_owned(),
        aws_account_id: vec!["111111111111".to_owned()],
        action_name: vec!["Publish".to_owned()],
    };
    sns.region.call::<AddPermission>(input.clone()).await.unwrap();
    publish().await.unwrap();
    let error = sns.region.call::<AddPermission>(input).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: Statement already exists");
    // The owner is not shut out by a policy that does not name it.
    sns.publish("m").await.unwrap();
    let input = RemovePermissionInput { topic_arn: TOPIC.to_owned(), label: "friend".to_owned() };
    sns.region.call::<RemovePermission>(input).await.unwrap();
    assert_eq!(publish().await.unwrap_err().1, 403);
}

#[tokio::test]
async fn tags_are_added_listed_and_removed() {
    let sns = Sns::start().await;
    let resource_arn = TOPIC.to_owned();
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let tags = vec![tag("a", "1"), tag("b", "2")];
    let input = TagResourceInput { resource_arn: resource_arn.clone(), tags };
    sns.region.call::<TagResource>(input).await.unwrap();
    let input = UntagResourceInput { resource_arn: resource_arn.clone(), tag_keys: vec!["a".to_owned()] };
    sns.region.call::<UntagResource>(input).await.unwrap();
    let input = ListTagsForResourceInput { resource_arn };
    let listed = sns.region.call::<ListTagsForResource>(input).await.unwrap();
    assert_eq!(listed.tags, Some(vec![tag("b", "2")]));
    let input = ListTagsForResourceInput { resource_arn: format!("{TOPIC}x") };
    let error = sns.region.call::<ListTagsForResource>(input).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("ResourceNotFound", 404));
}

#[tokio::test]
async fn a_deleted_topic_takes_its_subscriptions_along() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("one", true).await;
    sns.subscribe("sqs", &queue, &[]).await.unwrap();
    for _ in 0..2 {
        let input = DeleteTopicInput { topic_arn: TOPIC.to_owned() };
        sns.region.call::<DeleteTopic>(input).await.unwrap();
    }
    assert_eq!(sns.publish("m").await.unwrap_err().message(), "Topic does not exist");
    sns.create_topic("news").await.unwrap();
    sns.publish("m").await.unwrap();
    assert!(sns.drain("one").await.is_empty());
    let input = GetTopicAttributesInput { topic_arn: "nonsense".to_owned() };
    let error = sns.region.call::<GetTopicAttributes>(input).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
    );
}
