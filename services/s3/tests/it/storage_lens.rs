//! Storage Lens.

use std::time::Duration;

use s3_api::op::{CreateBucket, GetObject, ListObjectsV2, PutBucketPolicy};
use s3_api::{CreateBucketInput, GetObjectInput, ListObjectsV2Input, PutBucketPolicyInput};
use s3control_api::op::{
    CreateStorageLensGroup, DeleteStorageLensConfiguration, DeleteStorageLensConfigurationTagging,
    DeleteStorageLensGroup, GetStorageLensConfiguration, GetStorageLensConfigurationTagging,
    GetStorageLensGroup, ListStorageLensConfigurations, ListStorageLensGroups, PutStorageLensConfiguration,
    PutStorageLensConfigurationTagging, UpdateStorageLensGroup,
};
use s3control_api::*;
use serde_json::Value;

use crate::kit::{Bucket, code, text};

const ACCOUNT: &str = "000000000000";
const DAY: Duration = Duration::from_secs(86_400);
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"storage-lens.s3.amazonaws.com"},
    "Action":"s3:PutObject","Resource":"arn:aws:s3:::reports/of/StorageLens/000000000000/*",
    "Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:s3:us-east-1:000000000000:storage-lens/daily"}}}}"#;

fn account() -> String {
    ACCOUNT.to_owned()
}

fn configuration() -> StorageLensConfiguration {
    let destination = S3BucketDestination {
        account_id: account(),
        arn: "arn:aws:s3:::reports".to_owned(),
        format: "CSV".to_owned(),
        output_schema_version: "V_1".to_owned(),
        prefix: Some("of".to_owned()),
        ..Default::default()
    };
    StorageLensConfiguration {
        id: "daily".to_owned(),
        is_enabled: true,
        account_level: AccountLevel {
            storage_lens_group_level: Some(StorageLensGroupLevel::default()),
            ..Default::default()
        },
        data_export: Some(StorageLensDataExport {
            s3_bucket_destination: Some(destination),
            ..Default::default()
        }),
        exclude: Some(Exclude {
            buckets: Some(vec!["arn:aws:s3:::reports".to_owned()]),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn put(storage_lens_configuration: StorageLensConfiguration) -> PutStorageLensConfigurationInput {
    PutStorageLensConfigurationInput {
        account_id: account(),
        config_id: "daily".to_owned(),
        storage_lens_configuration,
        ..Default::default()
    }
}

fn named() -> GetStorageLensConfigurationInput {
    GetStorageLensConfigurationInput { account_id: account(), config_id: "daily".to_owned() }
}

fn group(prefix: &str) -> StorageLensGroup {
    let filter =
        StorageLensGroupFilter { match_any_prefix: Some(vec![prefix.to_owned()]), ..Default::default() };
    StorageLensGroup { name: "some".to_owned(), filter, ..Default::default() }
}

async fn with_reports() -> Bucket {
    let bucket = Bucket::versioned().await;
    let reports = CreateBucketInput { bucket: "reports".to_owned(), ..Default::default() };
    bucket.call::<CreateBucket>(reports).await.unwrap();
    let input = PutBucketPolicyInput {
        bucket: "reports".to_owned(),
        policy: POLICY.to_owned(),
        ..Default::default()
    };
    bucket.call::<PutBucketPolicy>(input).await.unwrap();
    bucket
}

async fn read(bucket: &Bucket, key: &str) -> String {
    let input = GetObjectInput { bucket: "reports".to_owned(), key: key.to_owned(), ..Default::default() };
    text(bucket.call::<GetObject>(input).await.unwrap()).await
}

async fn reports(bucket: &Bucket) -> usize {
    let input = ListObjectsV2Input { bucket: "reports".to_owned(), ..Default::default() };
    bucket.call::<ListObjectsV2>(input).await.unwrap().contents.unwrap_or_default().len()
}

#[tokio::test]
async fn each_day_is_counted_and_exported() {
    let bucket = with_reports().await;
    bucket.put("in/a", "123").await;
    bucket.put("in/a", "12345").await;
    bucket.put("out/b", "1").await;
    bucket.delete("out/b", None).await.unwrap();
    let input = CreateStorageLensGroupInput {
        account_id: account(),
        storage_lens_group: group("in/"),
        ..Default::default()
    };
    bucket.call::<CreateStorageLensGroup>(input).await.unwrap();
    bucket.call::<PutStorageLensConfiguration>(put(configuration())).await.unwrap();
    bucket.region.advance(DAY).await;
    let folder = "of/StorageLens/000000000000/daily/V_1";
    let manifest = read(&bucket, &format!("{folder}/manifests/dt=2026-01-01/manifest.json")).await;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["reportSchema"].as_str().unwrap().split(',').count(), 11);
    let file = manifest["reportFiles"][0]["key"].as_str().unwrap();
    assert!(file.starts_with(&format!("{folder}/reports/dt=2026-01-01/")), "{file}");
    let csv = read(&bucket, file).await;
    let start = "V_1,daily,2026-01-01,000000000000,us-east-1,STANDARD";
    let arn = "arn%3Aaws%3As3%3Aus-east-1%3A000000000000%3Astorage-lens-group/some";
    for line in [
        format!("{start},BUCKET,,photos,StorageBytes,9"),
        format!("{start},BUCKET,,photos,ObjectCount,3"),
        format!("{start},BUCKET,,photos,CurrentVersionObjectCount,1"),
        format!("{start},BUCKET,,photos,NonCurrentVersionStorageBytes,4"),
        format!("{start},BUCKET,,photos,DeleteMarkerObjectCount,1"),
        format!("{start},ACCOUNT,,,StorageBytes,9"),
        format!("{start},STORAGE_LENS_GROUP_BUCKET,{arn},photos,StorageBytes,8"),
        format!("{start},STORAGE_LENS_GROUP_ACCOUNT,{arn},,ObjectCount,2"),
    ] {
        assert!(csv.lines().any(|found| found == line), "{line} in {csv}");
    }
    assert!(!csv.contains(",reports,"), "{csv}");
    bucket.region.advance(DAY).await;
    assert_eq!(reports(&bucket).await, 4);
    let input = DeleteStorageLensConfigurationInput { account_id: account(), config_id: "daily".to_owned() };
    bucket.call::<DeleteStorageLensConfiguration>(input).await.unwrap();
    bucket.region.advance(DAY).await;
    assert_eq!(reports(&bucket).await, 4);
}

#[tokio::test]
async fn configurations_are_kept_with_their_tags() {
    let bucket = with_reports().await;
    assert_eq!(code(bucket.call::<GetStorageLensConfiguration>(named()).await), "NoSuchConfiguration");
    let tag = |key: &str| StorageLensTag { key: key.to_owned(), value: "v".to_owned() };
    let first = PutStorageLensConfigurationInput { tags: Some(vec![tag("one")]), ..put(configuration()) };
    bucket.call::<PutStorageLensConfiguration>(first).await.unwrap();
    let found = bucket.call::<GetStorageLensConfiguration>(named()).await.unwrap();
    let arn = Some("arn:aws:s3:us-east-1:000000000000:storage-lens/daily".to_owned());
    let told = StorageLensConfiguration { storage_lens_arn: arn.clone(), ..configuration() };
    assert_eq!(found.storage_lens_configuration, Some(told));
    let tags = async || {
        let input =
            GetStorageLensConfigurationTaggingInput { account_id: account(), config_id: "daily".to_owned() };
        bucket.call::<GetStorageLensConfigurationTagging>(input).await.unwrap().tags.unwrap_or_default()
    };
    assert_eq!(tags().await, [tag("one")]);
    let input = PutStorageLensConfigurationTaggingInput {
        account_id: account(),
        config_id: "daily".to_owned(),
        tags: vec![tag("two")],
    };
    bucket.call::<PutStorageLensConfigurationTagging>(input).await.unwrap();
    // A configuration that is put again without tags keeps them.
    bucket.call::<PutStorageLensConfiguration>(put(configuration())).await.unwrap();
    assert_eq!(tags().await, [tag("two")]);
    let input =
        DeleteStorageLensConfigurationTaggingInput { account_id: account(), config_id: "daily".to_owned() };
    bucket.call::<DeleteStorageLensConfigurationTagging>(input).await.unwrap();
    assert!(tags().await.is_empty());
    let input = ListStorageLensConfigurationsInput { account_id: account(), ..Default::default() };
    let listed = bucket.call::<ListStorageLensConfigurations>(input).await.unwrap();
    let listed = listed.storage_lens_configuration_list.unwrap();
    assert_eq!((listed[0].id.as_str(), listed[0].is_enabled, listed.len()), ("daily", Some(true), 1));
}

#[tokio::test]
async fn what_is_not_counted_is_refused_by_name() {
    let bucket = with_reports().await;
    let refused = async |value| code(bucket.call::<PutStorageLensConfiguration>(put(value)).await);
    let mut active = configuration();
    active.account_level.activity_metrics = Some(ActivityMetrics { is_enabled: Some(true) });
    assert_eq!(refused(active).await, "NotImplemented");
    let mut packed = configuration();
    let export = packed.data_export.as_mut().unwrap();
    export.s3_bucket_destination.as_mut().unwrap().format = "Parquet".to_owned();
    assert_eq!(refused(packed).await, "NotImplemented");
    let both = StorageLensConfiguration { include: Some(Include::default()), ..configuration() };
    assert_eq!(refused(both).await, "InvalidRequest");
}

#[tokio::test]
async fn groups_are_made_changed_listed_and_deleted() {
    let bucket = Bucket::create().await;
    let create = |storage_lens_group| CreateStorageLensGroupInput {
        account_id: account(),
        storage_lens_group,
        ..Default::default()
    };
    let empty = StorageLensGroup { name: "some".to_owned(), ..Default::default() };
    assert_eq!(code(bucket.call::<CreateStorageLensGroup>(create(empty)).await), "InvalidRequest");
    bucket.call::<CreateStorageLensGroup>(create(group("a"))).await.unwrap();
    let again = bucket.call::<CreateStorageLensGroup>(create(group("a"))).await;
    assert_eq!(code(again), "EntityAlreadyExists");
    let input = UpdateStorageLensGroupInput {
        account_id: account(),
        name: "some".to_owned(),
        storage_lens_group: group("b"),
    };
    bucket.call::<UpdateStorageLensGroup>(input).await.unwrap();
    let get = || GetStorageLensGroupInput { account_id: account(), name: "some".to_owned() };
    let found = bucket.call::<GetStorageLensGroup>(get()).await.unwrap().storage_lens_group.unwrap();
    assert_eq!(found.filter.match_any_prefix, Some(vec!["b".to_owned()]));
    let input = ListStorageLensGroupsInput { account_id: account(), ..Default::default() };
    let listed = bucket.call::<ListStorageLensGroups>(input).await.unwrap().storage_lens_group_list.unwrap();
    assert_eq!(listed[0].storage_lens_group_arn, found.storage_lens_group_arn.unwrap());
    let input = DeleteStorageLensGroupInput { account_id: account(), name: "some".to_owned() };
    bucket.call::<DeleteStorageLensGroup>(input).await.unwrap();
    assert_eq!(code(bucket.call::<GetStorageLensGroup>(get()).await), "NoSuchConfiguration");
}
