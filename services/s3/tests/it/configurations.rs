//! Buckets, and what is put on them.

use kms_api::op::{CreateAlias, CreateKey};
use kms_api::{CreateAliasInput, CreateKeyInput};
use s3_api::op::*;
use s3_api::*;

use crate::kit::{Bucket as TestBucket, code, name};

#[tokio::test]
async fn a_bucket_is_deleted_once_it_is_empty() {
    let bucket = TestBucket::versioned().await;
    let delete = || DeleteBucketInput { bucket: name(), ..Default::default() };
    let id = bucket.put("k", "x").await.version_id.unwrap();
    assert_eq!(code(bucket.call::<DeleteBucket>(delete()).await), "BucketNotEmpty");
    let marker = bucket.delete("k", None).await.unwrap().version_id.unwrap();
    assert_eq!(code(bucket.call::<DeleteBucket>(delete()).await), "BucketNotEmpty");
    bucket.delete("k", Some(&id)).await.unwrap();
    bucket.delete("k", Some(&marker)).await.unwrap();
    assert_eq!(code(bucket.call::<DeleteBucket>(delete()).await), "Ok");
    assert_eq!(code(bucket.call::<DeleteBucket>(delete()).await), "NoSuchBucket");
    assert_eq!(bucket.text("k").await, "NoSuchBucket");
}

#[tokio::test]
async fn buckets_are_listed_by_name_in_pages() {
    let bucket = TestBucket::create().await;
    for other in ["alpha", "zeta"] {
        let input = CreateBucketInput { bucket: other.to_owned(), ..Default::default() };
        bucket.call::<CreateBucket>(input).await.unwrap();
    }
    let page = bucket
        .call::<ListBuckets>(ListBucketsInput { max_buckets: Some(2), ..Default::default() })
        .await
        .unwrap();
    let names = |page: &ListBucketsOutput| -> Vec<String> {
        page.buckets.iter().flatten().filter_map(|bucket| bucket.name.clone()).collect()
    };
    assert_eq!(names(&page), ["alpha", "photos"]);
    let next = ListBucketsInput { continuation_token: page.continuation_token, ..Default::default() };
    let page = bucket.call::<ListBuckets>(next).await.unwrap();
    assert_eq!((names(&page), page.continuation_token), (vec!["zeta".to_owned()], None));
}

#[tokio::test]
async fn configurations_come_back_as_they_were_put_and_are_missed_by_name() {
    let bucket = TestBucket::create().await;
    let get = || GetBucketCorsInput { bucket: name(), ..Default::default() };
    assert_eq!(code(bucket.call::<GetBucketCors>(get()).await), "NoSuchCORSConfiguration");
    let rules = vec![CORSRule {
        allowed_methods: vec!["GET".to_owned()],
        allowed_origins: vec!["https://*.example.com".to_owned()],
        max_age_seconds: Some(60),
        ..Default::default()
    }];
    let put = |cors_rules: Vec<CORSRule>| PutBucketCorsInput {
        bucket: name(),
        cors_configuration: CORSConfiguration { cors_rules },
        ..Default::default()
    };
    bucket.call::<PutBucketCors>(put(rules.clone())).await.unwrap();
    assert_eq!(bucket.call::<GetBucketCors>(get()).await.unwrap().cors_rules, Some(rules.clone()));
    let wrong = CORSRule { allowed_methods: vec!["PATCH".to_owned()], ..rules[0].clone() };
    assert_eq!(code(bucket.call::<PutBucketCors>(put(vec![wrong])).await), "InvalidRequest");
    let delete = DeleteBucketCorsInput { bucket: name(), ..Default::default() };
    bucket.call::<DeleteBucketCors>(delete).await.unwrap();
    assert_eq!(code(bucket.call::<GetBucketCors>(get()).await), "NoSuchCORSConfiguration");

    let tagging = GetBucketTaggingInput { bucket: name(), ..Default::default() };
    assert_eq!(code(bucket.call::<GetBucketTagging>(tagging).await), "NoSuchTagSet");
    let website = GetBucketWebsiteInput { bucket: name(), ..Default::default() };
    assert_eq!(code(bucket.call::<GetBucketWebsite>(website).await), "NoSuchWebsiteConfiguration");
    let encryption = GetBucketEncryptionInput { bucket: name(), ..Default::default() };
    let default = bucket.call::<GetBucketEncryption>(encryption).await.unwrap();
    assert_eq!(default.server_side_encryption_configuration.unwrap().rules.len(), 1);
    let block = GetPublicAccessBlockInput { bucket: name(), ..Default::default() };
    let block =
        bucket.call::<GetPublicAccessBlock>(block).await.unwrap().public_access_block_configuration.unwrap();
    assert_eq!(block.block_public_policy, Some(true), "a new bucket keeps everybody out");
}

#[tokio::test]
async fn of_some_kinds_there_may_be_several() {
    let bucket = TestBucket::create().await;
    for id in ["b", "a"] {
        let configuration = MetricsConfiguration { id: id.to_owned(), ..Default::default() };
        let input = PutBucketMetricsConfigurationInput {
            bucket: name(),
            id: id.to_owned(),
            metrics_configuration: configuration,
            ..Default::default()
        };
        bucket.call::<PutBucketMetricsConfiguration>(input).await.unwrap();
    }
    let list = ListBucketMetricsConfigurationsInput { bucket: name(), ..Default::default() };
    let listed = bucket.call::<ListBucketMetricsConfigurations>(list).await.unwrap();
    let ids: Vec<_> = listed.metrics_configuration_list.unwrap().into_iter().map(|each| each.id).collect();
    assert_eq!(ids, ["a", "b"]);
    let missing =
        GetBucketMetricsConfigurationInput { bucket: name(), id: "c".to_owned(), ..Default::default() };
    assert_eq!(code(bucket.call::<GetBucketMetricsConfiguration>(missing).await), "NoSuchConfiguration");
}

#[tokio::test]
async fn the_default_encryption_is_what_new_objects_have() {
    let bucket = TestBucket::create().await;
    let default = ServerSideEncryptionByDefault {
        sse_algorithm: "aws:kms".to_owned(),
        kms_master_key_id: Some("alias/mine".to_owned()),
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(true),
        ..Default::default()
    };
    let input = PutBucketEncryptionInput {
        bucket: name(),
        server_side_encryption_configuration: ServerSideEncryptionConfiguration { rules: vec![rule] },
        ..Default::default()
    };
    bucket.call::<PutBucketEncryption>(input).await.unwrap();
    let made = bucket.call::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata.unwrap();
    let alias = CreateAliasInput { alias_name: "alias/mine".to_owned(), target_key_id: made.key_id };
    bucket.call::<CreateAlias>(alias).await.unwrap();
    let written = bucket.put("k", "x").await;
    assert_eq!(written.server_side_encryption.as_deref(), Some("aws:kms"));
    assert_eq!(written.ssekms_key_id, made.arn);
    assert_eq!((written.bucket_key_enabled, bucket.text("k").await.as_str()), (Some(true), "x"));
}
