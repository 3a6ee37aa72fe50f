//! Subscriptions and their attributes.

use shapes::ApiError;
use sns_api::op::{GetSubscriptionAttributes, ListSubscriptions, SetSubscriptionAttributes, Unsubscribe};
use sns_api::{
    GetSubscriptionAttributesInput, ListSubscriptionsInput, SetSubscriptionAttributesInput, UnsubscribeInput,
};

use crate::kit::Sns;

async fn set(sns: &Sns, arn: &str, name: &str, value: &str) -> Result<(), ApiError> {
    let input = SetSubscriptionAttributesInput {
        subscription_arn: arn.to_owned(),
        attribute_name: name.to_owned(),
        attribute_value: Some(value.to_owned()),
    };
    sns.region.call::<SetSubscriptionAttributes>(input).await.map(|_| ())
}

#[tokio::test]
async fn subscribing_again_finds_the_subscription() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("one", true).await;
    let first = sns.subscribe("sqs", &queue, &[("RawMessageDelivery", "true")]).await.unwrap();
    assert_eq!(sns.subscribe("sqs", &queue, &[]).await.unwrap(), first);
    let error = sns.subscribe("sqs", &queue, &[("RawMessageDelivery", "false")]).await.unwrap_err();
    assert!(error.message().contains("Subscription already exists with different attributes"), "{error}");
    let error = sns.subscribe("carrier-pigeon", "x", &[]).await.unwrap_err();
    assert!(error.message().contains("does not support this protocol string: carrier-pigeon"), "{error}");
    assert_eq!(sns.subscribe("firehose", "+1", &[]).await.unwrap_err().status(), 501);
}

#[tokio::test]
async fn attributes_are_set_one_by_one() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("one", true).await;
    let arn = sns.subscribe("sqs", &queue, &[]).await.unwrap();
    set(&sns, &arn, "FilterPolicy", r#"{"a":["b"]}"#).await.unwrap();
    sns.publish("m").await.unwrap();
    assert!(sns.drain("one").await.is_empty());
    set(&sns, &arn, "FilterPolicy", "{}").await.unwrap();
    sns.publish("m").await.unwrap();
    assert_eq!(sns.texts("one").await, ["m"]);
    for (name, value) in [
        ("RawMessageDelivery", "maybe"),
        ("FilterPolicy", r#"{"a":"b"}"#),
        ("FilterPolicyScope", "Everything"),
        ("RedrivePolicy", "{}"),
        ("Nonsense", "x"),
    ] {
        let error = set(&sns, &arn, name, value).await.unwrap_err();
        assert_eq!(error.code(), "InvalidParameter", "{name}");
    }
    let get = async |arn: &str| {
        let input = GetSubscriptionAttributesInput { subscription_arn: arn.to_owned() };
        sns.region.call::<GetSubscriptionAttributes>(input).await
    };
    let attributes = get(&arn).await.unwrap().attributes.unwrap();
    assert_eq!((attributes["Endpoint"].as_str(), attributes["Protocol"].as_str()), (queue.as_str(), "sqs"));
    assert_eq!(attributes["PendingConfirmation"], "false");
    let error = get(&format!("{arn}x")).await.unwrap_err();
    assert_eq!((error.code(), error.message()), ("NotFound", "Subscription does not exist"));
}

#[tokio::test]
async fn passwords_in_urls_are_not_shown() {
    let sns = Sns::start().await;
    // Nobody listens there; the confirmation's attempts fail.
    sns.subscribe("http", "http://ann:secret@127.0.0.1:9/x", &[]).await.unwrap();
    let listed = sns.region.call::<ListSubscriptions>(ListSubscriptionsInput::default()).await.unwrap();
    let subscriptions = listed.subscriptions.unwrap();
    assert_eq!(subscriptions[0].endpoint.as_deref(), Some("http://ann:****@127.0.0.1:9/x"));
}

#[tokio::test]
async fn who_unsubscribes_gets_nothing_more() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("one", true).await;
    let arn = sns.subscribe("sqs", &queue, &[]).await.unwrap();
    for _ in 0..2 {
        let input = UnsubscribeInput { subscription_arn: arn.clone() };
        sns.region.call::<Unsubscribe>(input).await.unwrap();
    }
    sns.publish("m").await.unwrap();
    assert!(sns.drain("one").await.is_empty());
    assert_ne!(sns.subscribe("sqs", &queue, &[]).await.unwrap(), arn);
}
