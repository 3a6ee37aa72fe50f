//! What jobs do to objects.

use std::time::Duration;

use kit::START;
use s3_api::op::{
    GetObject, GetObjectLegalHold, GetObjectRetention, GetObjectTagging, HeadObject, PutBucketPolicy,
};
use s3_api::{
    CreateBucketInput, GetObjectInput, GetObjectLegalHoldInput, GetObjectRetentionInput,
    GetObjectTaggingInput, HeadObjectInput, PutBucketPolicyInput, PutObjectInput,
};
use s3control_api::{
    JobOperation, S3CopyObjectOperation, S3DeleteObjectTaggingOperation, S3InitiateRestoreObjectOperation,
    S3ObjectLockLegalHold, S3ObjectMetadata, S3Retention, S3SetObjectLegalHoldOperation,
    S3SetObjectRetentionOperation, S3Tag,
};

use super::{asks, create_bucket, manifest, report, run, tagging, with_reports};
use crate::kit::{Bucket, name, put, text};

async fn tags(bucket: &Bucket, key: &str) -> Vec<String> {
    let input = GetObjectTaggingInput { bucket: name(), key: key.to_owned(), ..Default::default() };
    let set = bucket.call::<GetObjectTagging>(input).await.unwrap().tag_set;
    set.into_iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect()
}

#[tokio::test]
async fn every_object_of_the_manifest_is_tagged_and_reported_once() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("a b", "x").await;
    bucket.put("c", "x").await;
    let manifest = manifest(&bucket, "photos,a%20b\nphotos,c\nphotos,gone\n", &["Bucket", "Key"]).await;
    let (told, id) = run(&bucket, asks(manifest, tagging())).await;
    assert_eq!(told, "Complete 2+1");
    assert_eq!(
        (tags(&bucket, "a b").await, tags(&bucket, "c").await),
        (vec!["a=b".to_owned()], vec!["a=b".to_owned()])
    );
    assert_eq!(
        report(&bucket, &id).await,
        [
            "photos,a+b,,succeeded,200,,Successful",
            "photos,c,,succeeded,200,,Successful",
            "photos,gone,,failed,404,NoSuchKey,The specified key does not exist.",
        ]
    );
}

#[tokio::test]
async fn tags_are_taken_off_one_version() {
    let bucket = with_reports(Bucket::versioned().await).await;
    let tagged = || PutObjectInput { tagging: Some("t=1".to_owned()), ..put("k", "x") };
    let first = bucket.try_put(tagged()).await.unwrap().version_id.unwrap();
    bucket.try_put(tagged()).await.unwrap();
    let lines = format!("photos,k,{first}\n");
    let manifest = manifest(&bucket, &lines, &["Bucket", "Key", "VersionId"]).await;
    let operation = JobOperation {
        s3_delete_object_tagging: Some(S3DeleteObjectTaggingOperation::default()),
        ..Default::default()
    };
    assert_eq!(run(&bucket, asks(manifest, operation)).await.0, "Complete 1+0");
    assert_eq!(tags(&bucket, "k").await, ["t=1"]);
    let input = GetObjectTaggingInput {
        bucket: name(),
        key: "k".to_owned(),
        version_id: Some(first),
        ..Default::default()
    };
    assert!(bucket.call::<GetObjectTagging>(input).await.unwrap().tag_set.is_empty());
}

#[tokio::test]
async fn copies_go_under_a_prefix_with_new_metadata_tags_and_class() {
    let bucket = with_reports(Bucket::create().await).await;
    create_bucket(&bucket, "target").await;
    bucket.put("in/a b", "hello").await;
    let manifest = manifest(&bucket, "photos,in/a+b\n", &["Bucket", "Key"]).await;
    let copy = S3CopyObjectOperation {
        target_resource: Some("arn:aws:s3:::target".to_owned()),
        target_key_prefix: Some("copied".to_owned()),
        storage_class: Some("STANDARD_IA".to_owned()),
        new_object_metadata: Some(S3ObjectMetadata {
            content_type: Some("text/x".to_owned()),
            user_metadata: Some([("k".to_owned(), "v".to_owned())].into_iter().collect()),
            ..Default::default()
        }),
        new_object_tagging: Some(vec![S3Tag { key: "a".to_owned(), value: "b c".to_owned() }]),
        ..Default::default()
    };
    let operation = JobOperation { s3_put_object_copy: Some(copy), ..Default::default() };
    assert_eq!(run(&bucket, asks(manifest, operation)).await.0, "Complete 1+0");
    let input =
        GetObjectInput { bucket: "target".to_owned(), key: "copied/in/a b".to_owned(), ..Default::default() };
    let copied = bucket.call::<GetObject>(input).await.unwrap();
    assert_eq!(copied.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!((copied.content_type.as_deref(), copied.tag_count), (Some("text/x"), Some(1)));
    assert_eq!(copied.metadata.as_ref().and_then(|metadata| metadata.get("k")).unwrap(), "v");
    assert_eq!(text(copied).await, "hello");
}

#[tokio::test]
async fn holds_and_retention_are_put_on_objects() {
    let input = CreateBucketInput {
        bucket: name(),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    let bucket = with_reports(Bucket::with(input).await).await;
    bucket.put("k", "x").await;
    let of_k = manifest(&bucket, "photos,k\n", &["Bucket", "Key"]).await;
    let until = START + Duration::from_secs(86_400);
    let hold =
        S3SetObjectLegalHoldOperation { legal_hold: S3ObjectLockLegalHold { status: "ON".to_owned() } };
    let operation = JobOperation { s3_put_object_legal_hold: Some(hold), ..Default::default() };
    assert_eq!(run(&bucket, asks(of_k.clone(), operation)).await.0, "Complete 1+0");
    let retention = S3Retention { mode: Some("GOVERNANCE".to_owned()), retain_until_date: Some(until) };
    let set = S3SetObjectRetentionOperation { retention, ..Default::default() };
    let operation = JobOperation { s3_put_object_retention: Some(set), ..Default::default() };
    let second =
        s3control_api::CreateJobInput { client_request_token: "two".to_owned(), ..asks(of_k, operation) };
    assert_eq!(run(&bucket, second).await.0, "Complete 1+0");
    let input = GetObjectLegalHoldInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    let hold = bucket.call::<GetObjectLegalHold>(input).await.unwrap().legal_hold.unwrap();
    assert_eq!(hold.status.as_deref(), Some("ON"));
    let input = GetObjectRetentionInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    let retention = bucket.call::<GetObjectRetention>(input).await.unwrap().retention.unwrap();
    assert_eq!(retention.retain_until_date, Some(until));
}

#[tokio::test]
async fn archived_objects_are_restored() {
    let bucket = with_reports(Bucket::create().await).await;
    let input = PutObjectInput { storage_class: Some("GLACIER".to_owned()), ..put("k", "x") };
    bucket.try_put(input).await.unwrap();
    bucket.put("here", "x").await;
    let manifest = manifest(&bucket, "photos,k\nphotos,here\n", &["Bucket", "Key"]).await;
    let restore = S3InitiateRestoreObjectOperation {
        expiration_in_days: Some(2),
        glacier_job_tier: Some("BULK".to_owned()),
    };
    let operation = JobOperation { s3_initiate_restore_object: Some(restore), ..Default::default() };
    let (told, id) = run(&bucket, asks(manifest, operation)).await;
    assert_eq!(told, "Complete 1+1");
    let lines = report(&bucket, &id).await;
    assert!(lines[0].starts_with("photos,here,,failed,403,InvalidObjectState,"), "{lines:?}");
    assert_eq!(lines[1], "photos,k,,succeeded,202,,Successful");
    bucket.region.advance(Duration::from_secs(9 * 3600)).await;
    let head = HeadObjectInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    let restored = bucket.call::<HeadObject>(head).await.unwrap().restore.unwrap();
    assert!(restored.starts_with("ongoing-request=\"false\""), "{restored}");
}

#[tokio::test]
async fn what_the_role_may_not_do_fails_the_task() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("k", "x").await;
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:role/batch"},
        "Action":"s3:PutObjectTagging","Resource":"arn:aws:s3:::photos/*"}}"#;
    let input = PutBucketPolicyInput { bucket: name(), policy: policy.to_owned(), ..Default::default() };
    bucket.call::<PutBucketPolicy>(input).await.unwrap();
    let manifest = manifest(&bucket, "photos,k\n", &["Bucket", "Key"]).await;
    let (told, id) = run(&bucket, asks(manifest, tagging())).await;
    assert_eq!(told, "Complete 0+1");
    assert!(report(&bucket, &id).await[0].starts_with("photos,k,,failed,403,AccessDenied,"));
}
