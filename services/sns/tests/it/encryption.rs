//! Topics with keys of KMS: who may publish, and what lies in the store.

use kms_api::op::{CreateKey, DisableKey, EnableKey, ScheduleKeyDeletion};
use kms_api::{CreateKeyInput, DisableKeyInput, EnableKeyInput, ScheduleKeyDeletionInput};
use shapes::ApiError;
use sns_api::op::{GetSubscriptionAttributes, Publish, SetSubscriptionAttributes, SetTopicAttributes};
use sns_api::{
    GetSubscriptionAttributesInput, PublishInput, SetSubscriptionAttributesInput, SetTopicAttributesInput,
};
use std::time::Duration;

use crate::fifo;
use crate::kit::{Sns, TOPIC};

const OTHER: &str = "111122223333";

/// A key whose policy lets its account do everything, and has further statements.
async fn create_key(sns: &Sns, statements: &str) -> String {
    let own = r#"{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:*","Resource":"*"}"#;
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{own}{statements}]}}"#);
    let input = CreateKeyInput { policy: Some(policy), ..Default::default() };
    sns.region
        .call::<CreateKey>(input)
        .await
        .expect("the key is made")
        .key_metadata
        .unwrap_or_default()
        .key_id
}

async fn set(sns: &Sns, topic: &str, name: &str, value: &str) {
    let input = SetTopicAttributesInput {
        topic_arn: topic.to_owned(),
        attribute_name: name.to_owned(),
        attribute_value: Some(value.to_owned()),
    };
    sns.region.call::<SetTopicAttributes>(input).await.expect("it is there");
}

async fn enable(sns: &Sns, key: &str, is_enabled: bool) {
    let key_id = key.to_owned();
    if is_enabled {
        sns.region.call::<EnableKey>(EnableKeyInput { key_id }).await.expect("it is there");
    } else {
        sns.region.call::<DisableKey>(DisableKeyInput { key_id }).await.expect("it is there");
    }
}

async fn publish_as(sns: &Sns, account: &str, text: &str) -> Result<(), ApiError> {
    let input =
        PublishInput { topic_arn: Some(TOPIC.to_owned()), message: text.to_owned(), ..Default::default() };
    sns.region.as_account(account).call::<Publish>(input).await.map(|_| ())
}

/// Whether a text lies in any row of the store.
fn is_stored_in_the_clear(sns: &Sns, text: &str) -> bool {
    let jobs: store::Table<(shapes::Timestamp, u128), Raw> = store::Table::new("clock/job");
    let archived: store::Table<(u64, shapes::Timestamp, u64), Raw> = store::Table::new("sns/archived");
    let ctx = sns.region.ctx();
    let is_in = |row: &Raw| row.0.windows(text.len()).any(|window| window == text.as_bytes());
    let mut own = ctx.read().expect("it is there");
    let mut all = ctx.store().read(&store::Scope::global()).expect("it is there");
    let archived = archived.list(&mut own, &store::Range::all(), 1000).expect("it is there");
    let jobs = jobs.list(&mut all, &store::Range::all(), 1000).expect("it is there");
    archived.iter().map(|(_, row)| row).chain(jobs.iter().map(|(_, row)| row)).any(is_in)
}

/// A row's bytes.
struct Raw(Vec<u8>);

impl store::Row for Raw {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn decode(bytes: &[u8]) -> Result<Self, store::RowError> {
        Ok(Self(bytes.to_vec()))
    }
}

#[tokio::test]
async fn publishing_asks_kms_and_says_what_it_refused() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("inbox", true).await;
    sns.subscribe("sqs", &queue, &[]).await.unwrap();
    let key = create_key(&sns, "").await;
    set(&sns, TOPIC, "KmsMasterKeyId", &key).await;
    sns.publish("a").await.unwrap();
    enable(&sns, &key, false).await;
    sns.publish("b").await.expect("the data key is good for five minutes");
    sns.region.advance(Duration::from_secs(300)).await;
    let error = sns.publish("c").await.unwrap_err();
    assert_eq!((error.name(), error.code()), ("KMSDisabledException", "KMSDisabled"));
    set(&sns, TOPIC, "KmsMasterKeyId", "alias/nobody").await;
    assert_eq!(sns.publish("c").await.unwrap_err().code(), "KMSNotFound");
    enable(&sns, &key, true).await;
    let input = ScheduleKeyDeletionInput { key_id: key.clone(), ..Default::default() };
    sns.region.call::<ScheduleKeyDeletion>(input).await.unwrap();
    set(&sns, TOPIC, "KmsMasterKeyId", &key).await;
    assert_eq!(sns.publish("c").await.unwrap_err().code(), "KMSInvalidState");
    set(&sns, TOPIC, "KmsMasterKeyId", "").await;
    sns.publish("d").await.unwrap();
    assert_eq!(sns.texts("inbox").await, ["a", "b", "d"]);
}

#[tokio::test]
async fn the_key_decides_as_well_as_the_topic() {
    let sns = Sns::start().await;
    let allowed = format!(
        r#",{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":["kms:GenerateDataKey*","kms:Decrypt"],"Resource":"*","Condition":{{"StringEquals":{{"kms:ViaService":"sns.us-east-1.amazonaws.com","kms:EncryptionContext:aws:sns:topicArn":"{TOPIC}"}}}}}}"#
    );
    let (open, closed) = (create_key(&sns, &allowed).await, create_key(&sns, "").await);
    let everybody = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"{TOPIC}"}}}}"#
    );
    set(&sns, TOPIC, "Policy", &everybody).await;
    let arn = |key: &str| format!("arn:aws:kms:us-east-1:000000000000:key/{key}");
    set(&sns, TOPIC, "KmsMasterKeyId", &arn(&closed)).await;
    let error = publish_as(&sns, OTHER, "a").await.unwrap_err();
    assert_eq!((error.name(), error.code()), ("KMSAccessDeniedException", "KMSAccessDenied"));
    sns.publish("own").await.unwrap();
    set(&sns, TOPIC, "KmsMasterKeyId", &arn(&open)).await;
    publish_as(&sns, OTHER, "b").await.unwrap();
}

#[tokio::test]
async fn what_waits_for_delivery_is_sealed_and_opened_when_it_is_delivered() {
    let sns = Sns::start().await;
    let function = "arn:aws:lambda:us-east-1:000000000000:function:reader";
    sns.subscribe("lambda", function, &[]).await.unwrap();
    sns.publish("a plain text").await.unwrap();
    assert!(is_stored_in_the_clear(&sns, "a plain text"), "without a key");
    sns.region.settle().await;
    let key = create_key(&sns, "").await;
    set(&sns, TOPIC, "KmsMasterKeyId", &key).await;
    *sns.functions.refusal.lock().unwrap() = Some(ApiError::with_status(500, "ServiceException", "later"));
    sns.publish("a secret text").await.unwrap();
    assert!(!is_stored_in_the_clear(&sns, "a secret text"));
    sns.region.settle().await;
    assert!(!is_stored_in_the_clear(&sns, "a secret text"), "an attempt that failed keeps it sealed");
    sns.functions.invocations.lock().unwrap().clear();
    *sns.functions.refusal.lock().unwrap() = None;
    sns.region.advance(Duration::from_secs(60)).await;
    sns.region.settle().await;
    let invocations = sns.functions.invocations.lock().unwrap();
    let event = String::from_utf8(invocations[0].0.payload.clone().unwrap().to_vec()).unwrap();
    assert!(event.contains("a secret text"), "{event}");
}

#[tokio::test]
async fn deliveries_wait_for_a_key_that_is_disabled() {
    let sns = Sns::start().await;
    let function = "arn:aws:lambda:us-east-1:000000000000:function:reader";
    sns.subscribe("lambda", function, &[]).await.unwrap();
    let key = create_key(&sns, "").await;
    set(&sns, TOPIC, "KmsMasterKeyId", &key).await;
    *sns.functions.refusal.lock().unwrap() = Some(ApiError::with_status(500, "ServiceException", "later"));
    sns.publish("text").await.unwrap();
    sns.region.settle().await;
    *sns.functions.refusal.lock().unwrap() = None;
    sns.functions.invocations.lock().unwrap().clear();
    enable(&sns, &key, false).await;
    sns.region.advance(Duration::from_secs(600)).await;
    sns.region.settle().await;
    assert!(sns.functions.invocations.lock().unwrap().is_empty());
    enable(&sns, &key, true).await;
    sns.region.advance(Duration::from_secs(600)).await;
    sns.region.settle().await;
    assert_eq!(sns.functions.invocations.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn archives_are_sealed_and_a_replay_without_the_key_fails() {
    let sns = Sns::start().await;
    let key = create_key(&sns, "").await;
    let archive = ("ArchivePolicy", r#"{"MessageRetentionPeriod":"2"}"#);
    fifo::create(&sns, &[archive, ("KmsMasterKeyId", &key)]).await.unwrap();
    fifo::publish(&sns, "a secret text", Some("g"), Some("1")).await.unwrap();
    assert!(!is_stored_in_the_clear(&sns, "a secret text"));
    let queue = fifo::create_queue(&sns, "late.fifo").await;
    let subscription = fifo::subscribe(&sns, "sqs", &queue, true).await.unwrap();
    let replay = async || {
        for policy in ["{}", r#"{"PointType":"Timestamp","StartingPoint":"2026-01-01T00:00:00Z"}"#] {
            let input = SetSubscriptionAttributesInput {
                subscription_arn: subscription.clone(),
                attribute_name: "ReplayPolicy".to_owned(),
                attribute_value: Some(policy.to_owned()),
            };
            sns.region.call::<SetSubscriptionAttributes>(input).await.unwrap();
        }
        sns.region.settle().await;
        let input = GetSubscriptionAttributesInput { subscription_arn: subscription.clone() };
        let attributes = sns.region.call::<GetSubscriptionAttributes>(input).await.unwrap().attributes;
        attributes.unwrap()["ReplayStatus"].clone()
    };
    enable(&sns, &key, false).await;
    sns.region.advance(Duration::from_secs(300)).await;
    assert_eq!(replay().await, "Failed");
    enable(&sns, &key, true).await;
    assert_eq!(replay().await, "Completed");
    let received = fifo::receive(&sns, "late.fifo").await;
    assert_eq!(received[0].body.as_deref(), Some("a secret text"));
}

#[tokio::test]
async fn the_accounts_own_key_is_made_for_sns() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("inbox", true).await;
    sns.subscribe("sqs", &queue, &[]).await.unwrap();
    set(&sns, TOPIC, "KmsMasterKeyId", "alias/aws/sns").await;
    sns.region.settle().await;
    sns.publish("a").await.unwrap();
    assert_eq!(sns.texts("inbox").await, ["a"]);
}
