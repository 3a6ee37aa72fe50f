//! Deliveries to functions.

use std::time::Duration;

use serde_json::{Value, json};
use shapes::ApiError;

use crate::kit::{Sns, TOPIC};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

fn invocations(sns: &Sns) -> usize {
    sns.functions.invocations.lock().expect("no test panicked with it").len()
}

#[tokio::test]
async fn a_function_gets_the_event() {
    let sns = Sns::start().await;
    let subscription = sns.subscribe("lambda", FUNCTION, &[]).await.unwrap();
    let id = sns.publish_with("hello", &[("colour", "String", "red")]).await.unwrap();
    sns.region.settle().await;
    let invocations = sns.functions.invocations.lock().unwrap();
    let (input, caller) = &invocations[0];
    assert_eq!((input.function_name.as_str(), input.invocation_type.as_deref()), (FUNCTION, Some("Event")));
    assert_eq!(caller, "sns.amazonaws.com");
    let mut event: Value = serde_json::from_slice(input.payload.as_ref().unwrap()).unwrap();
    let message = event["Records"][0]["Sns"].as_object_mut().unwrap();
    for name in ["Signature", "SignatureVersion", "SigningCertUrl"] {
        assert!(message.remove(name).is_some_and(|value| value.is_string()), "{name}");
    }
    assert_eq!(
        event,
        json!({"Records": [{
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription,
            "Sns": {
                "Type": "Notification",
                "MessageId": id,
                "TopicArn": TOPIC,
                "Subject": null,
                "Message": "hello",
                "Timestamp": "2026-01-01T00:00:00.000Z",
                "UnsubscribeUrl": format!("http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn={subscription}"),
                "MessageAttributes": {"colour": {"Type": "String", "Value": "red"}},
            },
        }]})
    );
}

#[tokio::test]
async fn throttled_invocations_are_tried_again_and_refused_ones_are_not() {
    let sns = Sns::start().await;
    sns.create_queue("dead", true).await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    sns.subscribe("lambda", FUNCTION, &[("RedrivePolicy", redrive)]).await.unwrap();
    let refuse = |error: Option<ApiError>| *sns.functions.refusal.lock().unwrap() = error;
    refuse(Some(ApiError::with_status(429, "TooManyRequestsException", "later")));
    sns.publish("patience").await.unwrap();
    sns.region.settle().await;
    // The first attempt and three at once.
    assert_eq!(invocations(&sns), 4);
    sns.region.advance(Duration::from_secs(1)).await;
    assert_eq!(invocations(&sns), 5);
    refuse(None);
    sns.region.advance(Duration::from_secs(1)).await;
    assert_eq!(invocations(&sns), 6);
    sns.region.advance(Duration::from_secs(3600)).await;
    assert_eq!((invocations(&sns), sns.metric("NumberOfNotificationsDelivered")), (6, 1.0));

    refuse(Some(ApiError::with_status(404, "ResourceNotFoundException", "gone")));
    sns.publish("lost").await.unwrap();
    sns.region.settle().await;
    assert_eq!(invocations(&sns), 7);
    assert_eq!(sns.texts("dead").await, ["lost"]);
}
