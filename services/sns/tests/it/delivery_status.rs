//! What became of deliveries, in CloudWatch Logs; and data protection policies.

use logs_api::FilterLogEventsInput;
use logs_api::op::FilterLogEvents;
use serde_json::Value;
use shapes::ApiError;
use sns_api::op::{GetDataProtectionPolicy, PutDataProtectionPolicy, SetTopicAttributes};
use sns_api::{GetDataProtectionPolicyInput, PutDataProtectionPolicyInput, SetTopicAttributesInput};

use crate::kit::{Sns, TOPIC};

const ROLE: &str = "arn:aws:iam::000000000000:role/feedback";

async fn set(sns: &Sns, name: &str, value: &str) -> Result<(), ApiError> {
    let input = SetTopicAttributesInput {
        topic_arn: TOPIC.to_owned(),
        attribute_name: name.to_owned(),
        attribute_value: Some(value.to_owned()),
    };
    sns.region.call::<SetTopicAttributes>(input).await.map(|_| ())
}

async fn lines(sns: &Sns, group: &str) -> Vec<Value> {
    let input = FilterLogEventsInput { log_group_name: Some(group.to_owned()), ..Default::default() };
    let Ok(found) = sns.region.call::<FilterLogEvents>(input).await else { return Vec::new() };
    let messages = found.events.unwrap_or_default().into_iter().filter_map(|event| event.message);
    messages.filter_map(|text| serde_json::from_str(&text).ok()).collect()
}

#[tokio::test]
async fn successes_and_failures_are_logged_where_the_topic_says_so() {
    let sns = Sns::start().await;
    let open = sns.create_queue("open", true).await;
    let closed = sns.create_queue("closed", false).await;
    sns.subscribe("sqs", &open, &[]).await.unwrap();
    sns.subscribe("sqs", &closed, &[]).await.unwrap();
    sns.publish("unlogged").await.unwrap();
    set(&sns, "SQSSuccessFeedbackRoleArn", ROLE).await.unwrap();
    set(&sns, "SQSFailureFeedbackRoleArn", ROLE).await.unwrap();
    set(&sns, "SQSSuccessFeedbackSampleRate", "100").await.unwrap();
    let id = sns.publish("logged").await.unwrap();
    sns.region.settle().await;
    let successes = lines(&sns, "sns/us-east-1/000000000000/news").await;
    assert_eq!(successes.len(), 1, "{successes:?}");
    assert_eq!(
        (&successes[0]["status"], &successes[0]["notification"]["messageId"]),
        (&"SUCCESS".into(), &id.into())
    );
    assert_eq!(successes[0]["delivery"]["destination"], open);
    let failures = lines(&sns, "sns/us-east-1/000000000000/news/Failure").await;
    assert_eq!((failures.len(), &failures[0]["status"]), (1, &"FAILURE".into()));
    assert!(set(&sns, "SQSSuccessFeedbackSampleRate", "101").await.is_err());
    assert!(set(&sns, "SQSSuccessFeedbackRoleArn", "nobody").await.is_err());
}

#[tokio::test]
async fn data_protection_policies_are_checked_and_kept() {
    let sns = Sns::start().await;
    let put = async |policy: &str| {
        let input = PutDataProtectionPolicyInput {
            resource_arn: TOPIC.to_owned(),
            data_protection_policy: policy.to_owned(),
        };
        sns.region.call::<PutDataProtectionPolicy>(input).await.map(|_| ())
    };
    let get = async || {
        let input = GetDataProtectionPolicyInput { resource_arn: TOPIC.to_owned() };
        let found = sns.region.call::<GetDataProtectionPolicy>(input).await.unwrap();
        found.data_protection_policy.unwrap_or_default()
    };
    assert_eq!(get().await, "");
    for bad in ["x", "{}", r#"{"Name":"p","Version":"2021-06-01","Statement":[]}"#] {
        assert_eq!(put(bad).await.unwrap_err().code(), "InvalidParameter", "{bad}");
    }
    let policy = r#"{"Name":"p","Version":"2021-06-01","Statement":[{"DataDirection":"Inbound","Principal":["*"],"DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Deny":{}}}]}"#;
    put(policy).await.unwrap();
    assert_eq!(get().await, policy);
}
