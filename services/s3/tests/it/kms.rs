//! SSE-KMS: objects under data keys that KMS gives and opens for the caller.

use identity::{AccountId, Principal};
use kms_api::op::{CreateKey, DisableKey, EnableKey, PutKeyPolicy, ScheduleKeyDeletion};
use kms_api::{CreateKeyInput, DisableKeyInput, EnableKeyInput, PutKeyPolicyInput, ScheduleKeyDeletionInput};
use s3_api::op::{
    CompleteMultipartUpload, CopyObject, CreateMultipartUpload, GetObject, HeadObject, PutObject, UploadPart,
};
use s3_api::{
    CompleteMultipartUploadInput, CompletedMultipartUpload, CompletedPart, CopyObjectInput,
    CreateMultipartUploadInput, GetObjectInput, HeadObjectInput, PutObjectInput, UploadPartInput,
};
use shapes::ApiError;

use crate::kit::{Bucket, name, put};

const ACCOUNT: &str = "000000000000";

async fn key(bucket: &Bucket) -> String {
    let made = bucket.call::<CreateKey>(CreateKeyInput::default()).await.unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

fn with_key(object: &str, body: &'static str, key: Option<&str>) -> PutObjectInput {
    PutObjectInput {
        server_side_encryption: Some("aws:kms".to_owned()),
        ssekms_key_id: key.map(str::to_owned),
        ..put(object, body)
    }
}

fn get(object: &str) -> GetObjectInput {
    GetObjectInput { bucket: name(), key: object.to_owned(), ..Default::default() }
}

fn code<T>(outcome: Result<T, ApiError>) -> String {
    outcome.map_or_else(|error| error.code().to_owned(), |_| "fine".to_owned())
}

async fn disable(bucket: &Bucket, key: &str) {
    let id = key.rsplit('/').next().unwrap().to_owned();
    bucket.call::<DisableKey>(DisableKeyInput { key_id: id }).await.unwrap();
}

#[tokio::test]
async fn an_object_is_read_as_long_as_its_key_works() {
    let bucket = Bucket::create().await;
    let key = key(&bucket).await;
    let written = bucket.try_put(with_key("k", "text", Some(&key))).await.unwrap();
    assert_eq!(written.server_side_encryption.as_deref(), Some("aws:kms"));
    assert_eq!(written.ssekms_key_id.as_ref(), Some(&key));
    assert_eq!(bucket.text("k").await, "text");
    disable(&bucket, &key).await;
    let error = bucket.call::<GetObject>(get("k")).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("KMS.DisabledException", 400));
    assert_eq!(code(bucket.try_put(with_key("l", "x", Some(&key))).await), "KMS.DisabledException");
    // What the object is can still be asked.
    let input = HeadObjectInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    assert_eq!(bucket.call::<HeadObject>(input).await.unwrap().ssekms_key_id.as_ref(), Some(&key));
    bucket.call::<EnableKey>(EnableKeyInput { key_id: key.clone() }).await.unwrap();
    assert_eq!(bucket.text("k").await, "text");
    let input = ScheduleKeyDeletionInput { key_id: key, pending_window_in_days: None };
    bucket.call::<ScheduleKeyDeletion>(input).await.unwrap();
    assert_eq!(code(bucket.call::<GetObject>(get("k")).await), "KMS.KMSInvalidStateException");
}

#[tokio::test]
async fn an_object_is_read_from_every_region() {
    let bucket = Bucket::create().await;
    let key = key(&bucket).await;
    bucket.try_put(with_key("k", "text", Some(&key))).await.unwrap();
    let ctx = bucket.region.ctx();
    let there = ctx.in_tenant(ctx.account(), identity::Region::parse("eu-west-1").unwrap());
    assert!(there.call::<GetObject>(get("k")).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_not_there_are_told_and_without_one_the_services_own_is_used() {
    let bucket = Bucket::create().await;
    let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!(code(bucket.try_put(with_key("k", "x", Some(missing))).await), "KMS.NotFoundException");
    let written = bucket.try_put(with_key("k", "x", None)).await.unwrap();
    assert!(written.ssekms_key_id.unwrap().starts_with("arn:aws:kms:us-east-1:000000000000:key/"));
    assert_eq!(bucket.text("k").await, "x");
}

#[tokio::test]
async fn who_may_not_use_the_key_does_not_read_the_object() {
    let bucket = Bucket::create().await;
    let key = key(&bucket).await;
    bucket.try_put(with_key("k", "text", Some(&key))).await.unwrap();
    // The kit's roles may do anything that resources let them.
    let account = AccountId::parse(ACCOUNT).unwrap();
    let worker =
        bucket.region.context(Principal::assumed_role(account, "/", "worker", "AROATEST", "s"), account);
    assert!(worker.call::<GetObject>(get("k")).await.is_ok());
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"kms:*","Resource":"*"}},
            {{"Effect":"Deny","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:role/worker"}},"Action":"kms:Decrypt",
              "Resource":"*","Condition":{{"StringEquals":{{"kms:ViaService":"s3.us-east-1.amazonaws.com",
              "kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::photos/k"}}}}}}]}}"#
    );
    let input = PutKeyPolicyInput { key_id: key.clone(), policy, ..Default::default() };
    bucket.call::<PutKeyPolicy>(input).await.unwrap();
    let error = worker.call::<GetObject>(get("k")).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("AccessDenied", 403));
    assert!(error.message().contains("kms:Decrypt"), "{error}");
    worker.call::<PutObject>(with_key("l", "x", Some(&key))).await.unwrap();
    assert!(worker.call::<GetObject>(get("l")).await.is_ok());
}

#[tokio::test]
async fn a_bucket_key_is_asked_for_once_in_a_while() {
    let bucket = Bucket::create().await;
    let key = key(&bucket).await;
    let with_bucket_key = |object: &str| PutObjectInput {
        bucket_key_enabled: Some(true),
        ..with_key(object, "text", Some(&key))
    };
    bucket.try_put(with_bucket_key("a")).await.unwrap();
    disable(&bucket, &key).await;
    let written = bucket.try_put(with_bucket_key("b")).await.unwrap();
    assert_eq!(written.bucket_key_enabled, Some(true));
    bucket.region.advance(std::time::Duration::from_secs(61)).await;
    assert_eq!(code(bucket.try_put(with_bucket_key("c")).await), "KMS.DisabledException");
    assert_eq!(code(bucket.call::<GetObject>(get("b")).await), "KMS.DisabledException");
    bucket.call::<EnableKey>(EnableKeyInput { key_id: key.clone() }).await.unwrap();
    assert_eq!((bucket.text("a").await, bucket.text("b").await), ("text".to_owned(), "text".to_owned()));
}

#[tokio::test]
async fn copies_change_the_key() {
    let bucket = Bucket::create().await;
    let (one, other) = (key(&bucket).await, key(&bucket).await);
    bucket.try_put(with_key("k", "text", Some(&one))).await.unwrap();
    let input = CopyObjectInput {
        bucket: name(),
        key: "copy".to_owned(),
        copy_source: format!("{}/k", name()),
        server_side_encryption: Some("aws:kms".to_owned()),
        ssekms_key_id: Some(other.clone()),
        ..Default::default()
    };
    bucket.call::<CopyObject>(input).await.unwrap();
    disable(&bucket, &one).await;
    assert_eq!(bucket.text("copy").await, "text");
    disable(&bucket, &other).await;
    assert_eq!(code(bucket.call::<GetObject>(get("copy")).await), "KMS.DisabledException");
}

#[tokio::test]
async fn parts_of_an_upload_share_its_data_key_and_context() {
    let bucket = Bucket::create().await;
    let key = key(&bucket).await;
    let begun = CreateMultipartUploadInput {
        bucket: name(),
        key: "k".to_owned(),
        server_side_encryption: Some("aws:kms".to_owned()),
        ssekms_key_id: Some(key.clone()),
        // {"for":"ann"}
        ssekms_encryption_context: Some("eyJmb3IiOiJhbm4ifQ==".to_owned()),
        ..Default::default()
    };
    let id = bucket.call::<CreateMultipartUpload>(begun).await.unwrap().upload_id.unwrap();
    let part = |body: &'static str| UploadPartInput {
        bucket: name(),
        key: "k".to_owned(),
        upload_id: id.clone(),
        part_number: 1,
        body: Some(body.into()),
        ..Default::default()
    };
    let sent = bucket.call::<UploadPart>(part("text")).await.unwrap();
    assert_eq!(sent.ssekms_key_id.as_ref(), Some(&key));
    let completed = CompleteMultipartUploadInput {
        bucket: name(),
        key: "k".to_owned(),
        upload_id: id.clone(),
        multipart_upload: Some(CompletedMultipartUpload {
            parts: Some(vec![CompletedPart {
                e_tag: sent.e_tag,
                part_number: Some(1),
                ..Default::default()
            }]),
        }),
        ..Default::default()
    };
    bucket.call::<CompleteMultipartUpload>(completed).await.unwrap();
    assert_eq!(bucket.text("k").await, "text");
    disable(&bucket, &key).await;
    assert_eq!(code(bucket.call::<GetObject>(get("k")).await), "KMS.DisabledException");
}
