//! Inventories.

use std::io::Read;
use std::time::Duration;

use s3_api::op::{CreateBucket, GetObject, ListObjectsV2, PutBucketInventoryConfiguration, PutBucketPolicy};
use s3_api::{
    CreateBucketInput, GetObjectInput, InventoryConfiguration, InventoryDestination,
    InventoryS3BucketDestination, InventorySchedule, ListObjectsV2Input,
    PutBucketInventoryConfigurationInput, PutBucketPolicyInput,
};

use crate::kit::{Bucket, bytes, name};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
    "Action":"s3:PutObject","Resource":"arn:aws:s3:::reports/*"}}"#;

#[tokio::test]
async fn a_bucket_is_listed_each_day_into_another() {
    let bucket = Bucket::create().await;
    let reports = CreateBucketInput { bucket: "reports".to_owned(), ..Default::default() };
    bucket.call::<CreateBucket>(reports).await.unwrap();
    let policy = PutBucketPolicyInput {
        bucket: "reports".to_owned(),
        policy: POLICY.to_owned(),
        ..Default::default()
    };
    bucket.call::<PutBucketPolicy>(policy).await.unwrap();
    bucket.put("a b", "12345").await;
    bucket.put("c", "").await;
    let inventory_configuration = InventoryConfiguration {
        id: "daily".to_owned(),
        is_enabled: true,
        included_object_versions: "Current".to_owned(),
        optional_fields: Some(vec!["Size".to_owned()]),
        schedule: InventorySchedule { frequency: "Daily".to_owned() },
        destination: InventoryDestination {
            s3_bucket_destination: InventoryS3BucketDestination {
                bucket: "arn:aws:s3:::reports".to_owned(),
                format: "CSV".to_owned(),
                prefix: Some("of".to_owned()),
                ..Default::default()
            },
        },
        ..Default::default()
    };
    let input = PutBucketInventoryConfigurationInput {
        bucket: name(),
        id: "daily".to_owned(),
        inventory_configuration,
        ..Default::default()
    };
    bucket.call::<PutBucketInventoryConfiguration>(input).await.unwrap();
    bucket.region.advance(Duration::from_secs(86_400)).await;
    let list = ListObjectsV2Input { bucket: "reports".to_owned(), ..Default::default() };
    let listed = bucket.call::<ListObjectsV2>(list).await.unwrap().contents.unwrap_or_default();
    let keys: Vec<String> = listed.into_iter().filter_map(|object| object.key).collect();
    assert_eq!(keys[0], "of/photos/daily/2026-01-02T00-00Z/manifest.checksum");
    assert_eq!(keys[1], "of/photos/daily/2026-01-02T00-00Z/manifest.json");
    let input = GetObjectInput { bucket: "reports".to_owned(), key: keys[2].clone(), ..Default::default() };
    let packed = bytes(bucket.call::<GetObject>(input).await.unwrap()).await.unwrap();
    let mut csv = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut csv).unwrap();
    assert_eq!(csv, "\"photos\",\"a+b\",\"5\"\n\"photos\",\"c\",\"0\"\n");
}
