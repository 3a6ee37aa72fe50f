//! Notifications.

use s3_api::op::PutBucketNotificationConfiguration;
use s3_api::{
    FilterRule, NotificationConfiguration, NotificationConfigurationFilter,
    PutBucketNotificationConfigurationInput, QueueConfiguration, S3KeyFilter,
};
use serde_json::Value;
use sqs_api::op::{CreateQueue, ReceiveMessage};
use sqs_api::{CreateQueueInput, ReceiveMessageInput};

use crate::kit::{Bucket, code, name};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
    "Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::photos"}}}}"#;

async fn queue(bucket: &Bucket, policy: Option<&str>) -> String {
    let attributes = policy.map(|policy| [("Policy".to_owned(), policy.to_owned())].into());
    let input = CreateQueueInput { queue_name: "told".to_owned(), attributes, ..Default::default() };
    bucket.call::<CreateQueue>(input).await.unwrap().queue_url.unwrap_or_default()
}

fn configuration(events: &[&str], prefix: &str) -> PutBucketNotificationConfigurationInput {
    let rules = vec![FilterRule { name: Some("prefix".to_owned()), value: Some(prefix.to_owned()) }];
    let filter = NotificationConfigurationFilter { key: Some(S3KeyFilter { filter_rules: Some(rules) }) };
    let queue = QueueConfiguration {
        id: Some("mine".to_owned()),
        queue_arn: "arn:aws:sqs:us-east-1:000000000000:told".to_owned(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        filter: Some(filter),
    };
    PutBucketNotificationConfigurationInput {
        bucket: name(),
        notification_configuration: NotificationConfiguration {
            queue_configurations: Some(vec![queue]),
            ..Default::default()
        },
        ..Default::default()
    }
}

/// Everything the queue was told, as `event key`.
async fn told(bucket: &Bucket, url: &str) -> Vec<String> {
    bucket.region.settle().await;
    let input = ReceiveMessageInput {
        queue_url: url.to_owned(),
        max_number_of_messages: Some(10),
        ..Default::default()
    };
    let messages = bucket.call::<ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default();
    let mut all: Vec<String> = messages
        .iter()
        .map(|message| {
            let body: Value = serde_json::from_str(message.body.as_deref().unwrap_or_default()).unwrap();
            match body.get("Event").and_then(Value::as_str) {
                Some(test) => test.to_owned(),
                None => {
                    let record = &body["Records"][0];
                    assert_eq!(record["s3"]["configurationId"], "mine");
                    assert_eq!(record["s3"]["bucket"]["name"], name());
                    format!("{} {}", record["eventName"], record["s3"]["object"]["key"]).replace('"', "")
                }
            }
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_queue_is_told_of_what_it_asked_for() {
    let bucket = Bucket::create().await;
    let url = queue(&bucket, Some(POLICY)).await;
    let input = configuration(&["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"], "in/");
    bucket.call::<PutBucketNotificationConfiguration>(input).await.unwrap();
    assert_eq!(told(&bucket, &url).await, ["s3:TestEvent"]);
    bucket.put("in/a b", "x").await;
    bucket.put("out/a", "x").await;
    bucket.delete("in/a b", None).await.unwrap();
    bucket.delete("in/nothing", None).await.unwrap();
    assert_eq!(told(&bucket, &url).await, ["ObjectCreated:Put in/a+b", "ObjectRemoved:Delete in/a+b"]);
}

#[tokio::test]
async fn a_target_that_does_not_let_s3_in_is_refused() {
    let bucket = Bucket::create().await;
    queue(&bucket, None).await;
    let put = |input| bucket.call::<PutBucketNotificationConfiguration>(input);
    assert_eq!(code(put(configuration(&["s3:ObjectCreated:*"], "")).await), "InvalidArgument");
    assert_eq!(code(put(configuration(&["s3:Nonsense"], "")).await), "InvalidArgument");
    let unchecked = PutBucketNotificationConfigurationInput {
        skip_destination_validation: Some(true),
        ..configuration(&["s3:ObjectCreated:*"], "")
    };
    assert_eq!(code(put(unchecked).await), "Ok");
}
