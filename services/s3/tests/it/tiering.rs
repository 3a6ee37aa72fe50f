//! Intelligent-Tiering.

use std::time::Duration;

use s3_api::op::{
    HeadObject, PutBucketIntelligentTieringConfiguration, PutBucketLifecycleConfiguration,
    PutBucketVersioning, RestoreObject,
};
use s3_api::{
    BucketLifecycleConfiguration, HeadObjectInput, IntelligentTieringConfiguration, IntelligentTieringFilter,
    LifecycleRule, LifecycleRuleFilter, PutBucketIntelligentTieringConfigurationInput,
    PutBucketLifecycleConfigurationInput, PutBucketVersioningInput, PutObjectInput, RestoreObjectInput,
    RestoreRequest, Tiering, Transition, VersioningConfiguration,
};

use crate::kit::{Bucket, code, name, put, sample};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3600);

/// A bucket that archives what begins with `old/` after 90 days, and after 180 days deeper.
async fn archiving() -> Bucket {
    let bucket = Bucket::create().await;
    let tiering = |access_tier: &str, days| Tiering { access_tier: access_tier.to_owned(), days };
    let intelligent_tiering_configuration = IntelligentTieringConfiguration {
        id: "all".to_owned(),
        status: "Enabled".to_owned(),
        filter: Some(IntelligentTieringFilter { prefix: Some("old/".to_owned()), ..Default::default() }),
        tierings: vec![tiering("ARCHIVE_ACCESS", 90), tiering("DEEP_ARCHIVE_ACCESS", 180)],
    };
    let input = PutBucketIntelligentTieringConfigurationInput {
        bucket: name(),
        id: "all".to_owned(),
        intelligent_tiering_configuration,
        ..Default::default()
    };
    bucket.call::<PutBucketIntelligentTieringConfiguration>(input).await.unwrap();
    bucket
}

async fn put_tiered(bucket: &Bucket, key: &str, length: usize) {
    let class = Some("INTELLIGENT_TIERING".to_owned());
    bucket.try_put(PutObjectInput { storage_class: class, ..put(key, sample(length)) }).await.unwrap();
}

/// The archive status and the restore header.
async fn status(bucket: &Bucket, key: &str) -> (String, String) {
    let input = HeadObjectInput { bucket: name(), key: key.to_owned(), ..Default::default() };
    let head = bucket.call::<HeadObject>(input).await.unwrap();
    assert_eq!(head.storage_class.as_deref(), Some("INTELLIGENT_TIERING"));
    (head.archive_status.unwrap_or_default(), head.restore.unwrap_or_default())
}

async fn restore(bucket: &Bucket, tier: &str, days: Option<i32>) -> String {
    let restore_request = RestoreRequest { days, tier: Some(tier.to_owned()), ..Default::default() };
    let input = RestoreObjectInput {
        bucket: name(),
        key: "old/a".to_owned(),
        restore_request: Some(restore_request),
        ..Default::default()
    };
    match bucket.call::<RestoreObject>(input).await {
        Ok(output) => output.status_code.unwrap_or_default().to_string(),
        Err(error) => error.code().to_owned(),
    }
}

fn is(archive: &str, restore: &str) -> (String, String) {
    (archive.to_owned(), restore.to_owned())
}

#[tokio::test]
async fn what_nobody_reads_is_archived_where_a_configuration_says_so() {
    let bucket = archiving().await;
    put_tiered(&bucket, "old/a", 200_000).await;
    put_tiered(&bucket, "old/small", 1000).await;
    put_tiered(&bucket, "other", 200_000).await;
    bucket.region.advance(DAY * 89).await;
    assert_eq!(status(&bucket, "old/a").await, is("", ""));
    bucket.region.advance(DAY * 3).await;
    assert_eq!(status(&bucket, "old/a").await, is("ARCHIVE_ACCESS", ""));
    assert_eq!(bucket.text("old/a").await, "InvalidObjectState");
    assert_eq!(status(&bucket, "old/small").await, is("", ""), "what is small is not watched");
    assert_eq!(bucket.get("other").await.unwrap().content_length, Some(200_000), "the instant tier is read");
    bucket.region.advance(DAY * 90).await;
    assert_eq!(status(&bucket, "old/a").await, is("DEEP_ARCHIVE_ACCESS", ""));
}

#[tokio::test]
async fn a_read_starts_the_days_anew_and_a_look_does_not() {
    let bucket = archiving().await;
    put_tiered(&bucket, "old/a", 200_000).await;
    put_tiered(&bucket, "old/b", 200_000).await;
    bucket.region.advance(DAY * 60).await;
    assert_eq!(bucket.get("old/a").await.unwrap().content_length, Some(200_000));
    assert_eq!(status(&bucket, "old/b").await, is("", ""));
    bucket.region.advance(DAY * 60).await;
    assert_eq!(status(&bucket, "old/a").await, is("", ""));
    assert_eq!(status(&bucket, "old/b").await, is("ARCHIVE_ACCESS", ""));
}

#[tokio::test]
async fn a_restore_brings_an_archived_object_back_for_good() {
    let bucket = archiving().await;
    put_tiered(&bucket, "old/a", 200_000).await;
    assert_eq!(restore(&bucket, "Standard", None).await, "InvalidObjectState", "nothing to restore");
    bucket.region.advance(DAY * 182).await;
    assert_eq!(restore(&bucket, "Standard", Some(1)).await, "InvalidArgument");
    assert_eq!(restore(&bucket, "Expedited", None).await, "InvalidArgument", "not from the deep archive");
    assert_eq!(restore(&bucket, "Standard", None).await, "202");
    assert_eq!(restore(&bucket, "Standard", None).await, "RestoreAlreadyInProgress");
    assert_eq!(status(&bucket, "old/a").await, is("DEEP_ARCHIVE_ACCESS", "ongoing-request=\"true\""));
    bucket.region.advance(HOUR * 11).await;
    assert_eq!(bucket.text("old/a").await, "InvalidObjectState");
    bucket.region.advance(HOUR).await;
    assert_eq!(status(&bucket, "old/a").await, is("", ""));
    assert_eq!(bucket.get("old/a").await.unwrap().content_length, Some(200_000));
    bucket.region.advance(DAY * 80).await;
    assert_eq!(status(&bucket, "old/a").await, is("", ""), "it is back for good");
}

#[tokio::test]
async fn days_count_from_the_move_of_a_rule() {
    let bucket = archiving().await;
    let class = Some("INTELLIGENT_TIERING".to_owned());
    let transition = Transition { days: Some(10), storage_class: class, ..Default::default() };
    let rule = LifecycleRule {
        status: "Enabled".to_owned(),
        filter: Some(LifecycleRuleFilter { prefix: Some(String::new()), ..Default::default() }),
        transitions: Some(vec![transition]),
        ..Default::default()
    };
    let input = PutBucketLifecycleConfigurationInput {
        bucket: name(),
        lifecycle_configuration: Some(BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    bucket.call::<PutBucketLifecycleConfiguration>(input).await.unwrap();
    bucket.put("old/a", sample(200_000)).await;
    bucket.region.advance(DAY * 12).await;
    assert_eq!(status(&bucket, "old/a").await, is("", ""));
    bucket.region.advance(DAY * 84).await;
    assert_eq!(status(&bucket, "old/a").await, is("", ""));
    bucket.region.advance(DAY * 8).await;
    assert_eq!(status(&bucket, "old/a").await, is("ARCHIVE_ACCESS", ""));
}

#[tokio::test]
async fn mfa_delete_asks_for_a_second_factor() {
    let bucket = Bucket::create().await;
    let versioning_configuration = VersioningConfiguration {
        status: Some("Enabled".to_owned()),
        mfa_delete: Some("Enabled".to_owned()),
    };
    let input = PutBucketVersioningInput { bucket: name(), versioning_configuration, ..Default::default() };
    assert_eq!(code(bucket.call::<PutBucketVersioning>(input.clone()).await), "AccessDenied");
    let with_code = PutBucketVersioningInput { mfa: Some("device 123456".to_owned()), ..input };
    assert_eq!(code(bucket.call::<PutBucketVersioning>(with_code).await), "NotImplemented");
}
