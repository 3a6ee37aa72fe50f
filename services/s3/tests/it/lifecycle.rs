//! What becomes of objects with time.

use std::time::Duration;

use s3_api::op::{
    CreateMultipartUpload, HeadObject, ListMultipartUploads, PutBucketLifecycleConfiguration, RestoreObject,
};
use s3_api::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, CreateMultipartUploadInput,
    HeadObjectInput, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, ListMultipartUploadsInput,
    NoncurrentVersionExpiration, PutBucketLifecycleConfigurationInput, PutObjectInput, RestoreObjectInput,
    RestoreRequest, Tag, Transition,
};

use crate::kit::{Bucket, code, name, put, sample};

const DAY: Duration = Duration::from_secs(86_400);

fn rule(prefix: &str) -> LifecycleRule {
    LifecycleRule {
        id: Some(format!("rule-{prefix}")),
        status: "Enabled".to_owned(),
        filter: Some(LifecycleRuleFilter { prefix: Some(prefix.to_owned()), ..Default::default() }),
        ..Default::default()
    }
}

fn expiring(prefix: &str, days: i32) -> LifecycleRule {
    let expiration = LifecycleExpiration { days: Some(days), ..Default::default() };
    LifecycleRule { expiration: Some(expiration), ..rule(prefix) }
}

async fn set(bucket: &Bucket, rules: Vec<LifecycleRule>) -> String {
    let input = PutBucketLifecycleConfigurationInput {
        bucket: name(),
        lifecycle_configuration: Some(BucketLifecycleConfiguration { rules }),
        ..Default::default()
    };
    code(bucket.call::<PutBucketLifecycleConfiguration>(input).await)
}

async fn head(bucket: &Bucket, key: &str) -> s3_api::HeadObjectOutput {
    let input = HeadObjectInput { bucket: name(), key: key.to_owned(), ..Default::default() };
    bucket.call::<HeadObject>(input).await.unwrap()
}

#[tokio::test]
async fn objects_expire_at_the_midnight_after_their_days() {
    let bucket = Bucket::create().await;
    let tagged = LifecycleRule {
        filter: Some(LifecycleRuleFilter {
            tag: Some(Tag { key: "keep".to_owned(), value: "no".to_owned() }),
            ..Default::default()
        }),
        ..expiring("tagged", 1)
    };
    assert_eq!(set(&bucket, vec![expiring("tmp/", 2), tagged]).await, "Ok");
    bucket.region.advance(Duration::from_secs(3600)).await;
    bucket.put("tmp/a", sample(100_000)).await;
    bucket.put("stays", "x").await;
    bucket
        .try_put(PutObjectInput { tagging: Some("keep=no".to_owned()), ..put("tagged", "x") })
        .await
        .unwrap();
    let expiration = head(&bucket, "tmp/a").await.expiration.unwrap();
    assert_eq!(expiration, "expiry-date=\"Sun, 04 Jan 2026 00:00:00 GMT\", rule-id=\"rule-tmp/\"");
    bucket.region.advance(DAY + Duration::from_secs(22 * 3600)).await;
    assert_ne!(bucket.text("tmp/a").await, "NoSuchKey");
    bucket.region.advance(DAY * 2).await;
    let keys = ["tmp/a", "tagged", "stays"];
    let mut texts = Vec::new();
    for key in keys {
        texts.push(bucket.text(key).await);
    }
    assert_eq!(texts, ["NoSuchKey", "NoSuchKey", "x"]);
    assert!(bucket.files_are(0).await);
}

#[tokio::test]
async fn versions_expire_by_when_they_were_replaced_and_markers_when_alone() {
    let bucket = Bucket::versioned().await;
    let noncurrent = LifecycleRule {
        noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
            noncurrent_days: Some(3),
            newer_noncurrent_versions: Some(1),
        }),
        ..expiring("", 10)
    };
    let markers = LifecycleExpiration { expired_object_delete_marker: Some(true), ..Default::default() };
    let markers = LifecycleRule { expiration: Some(markers), ..rule("gone") };
    assert_eq!(set(&bucket, vec![noncurrent, markers]).await, "Ok");
    for n in 1..=4 {
        bucket.put("k", "x".repeat(n)).await;
    }
    let gone = bucket.put("gone", "x").await.version_id.unwrap();
    bucket.delete("gone", None).await.unwrap();
    bucket.delete("gone", Some(&gone)).await.unwrap();
    bucket.region.advance(DAY * 4).await;
    assert_eq!(bucket.versions().await, "k=4* k=3");
    bucket.region.advance(DAY * 7).await;
    assert!(bucket.versions().await.starts_with("k-* k=4"), "{}", bucket.versions().await);
}

#[tokio::test]
async fn objects_move_to_archives_and_are_restored_for_a_while() {
    let bucket = Bucket::create().await;
    let transitions = vec![
        Transition { days: Some(30), storage_class: Some("STANDARD_IA".to_owned()), ..Default::default() },
        Transition { days: Some(60), storage_class: Some("GLACIER".to_owned()), ..Default::default() },
    ];
    assert_eq!(set(&bucket, vec![LifecycleRule { transitions: Some(transitions), ..rule("") }]).await, "Ok");
    bucket.put("large", sample(200_000)).await;
    bucket.put("small", "x").await;
    bucket.region.advance(DAY * 31).await;
    assert_eq!(head(&bucket, "large").await.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(head(&bucket, "small").await.storage_class, None, "small objects stay");
    bucket.region.advance(DAY * 30).await;
    assert_eq!(head(&bucket, "large").await.storage_class.as_deref(), Some("GLACIER"));
    assert_eq!(bucket.text("large").await, "InvalidObjectState");
    let restore = RestoreObjectInput {
        bucket: name(),
        key: "large".to_owned(),
        restore_request: Some(RestoreRequest {
            days: Some(2),
            tier: Some("Standard".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let accepted = bucket.call::<RestoreObject>(restore.clone()).await.unwrap();
    assert_eq!(accepted.status_code, Some(202));
    assert_eq!(head(&bucket, "large").await.restore.as_deref(), Some("ongoing-request=\"true\""));
    assert_eq!(code(bucket.call::<RestoreObject>(restore.clone()).await), "RestoreAlreadyInProgress");
    bucket.region.advance(Duration::from_secs(4 * 3600)).await;
    assert_eq!(bucket.get("large").await.unwrap().content_length, Some(200_000));
    assert!(
        head(&bucket, "large").await.restore.unwrap().starts_with("ongoing-request=\"false\", expiry-date=")
    );
    assert_eq!(bucket.call::<RestoreObject>(restore).await.unwrap().status_code, Some(200));
    bucket.region.advance(DAY * 4).await;
    assert_eq!(bucket.text("large").await, "InvalidObjectState");
}

#[tokio::test]
async fn uploads_that_nobody_finishes_are_aborted() {
    let bucket = Bucket::create().await;
    let abort = AbortIncompleteMultipartUpload { days_after_initiation: Some(1) };
    let rule = LifecycleRule { abort_incomplete_multipart_upload: Some(abort), ..rule("") };
    assert_eq!(set(&bucket, vec![rule]).await, "Ok");
    let input = CreateMultipartUploadInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    bucket.call::<CreateMultipartUpload>(input).await.unwrap();
    let list = || ListMultipartUploadsInput { bucket: name(), ..Default::default() };
    assert_eq!(
        bucket.call::<ListMultipartUploads>(list()).await.unwrap().uploads.map(|all| all.len()),
        Some(1)
    );
    bucket.region.advance(DAY * 2).await;
    assert_eq!(bucket.call::<ListMultipartUploads>(list()).await.unwrap().uploads, None);
}

#[tokio::test]
async fn rules_are_checked() {
    let bucket = Bucket::create().await;
    assert_eq!(set(&bucket, vec![]).await, "MalformedXML");
    assert_eq!(set(&bucket, vec![rule("")]).await, "InvalidRequest");
    assert_eq!(set(&bucket, vec![expiring("", 0)]).await, "InvalidArgument");
    assert_eq!(set(&bucket, vec![expiring("a", 1), expiring("a", 2)]).await, "InvalidArgument");
    let transitions =
        vec![Transition { days: Some(1), storage_class: Some("STANDARD".to_owned()), ..Default::default() }];
    assert_eq!(
        set(&bucket, vec![LifecycleRule { transitions: Some(transitions), ..rule("") }]).await,
        "MalformedXML"
    );
}
