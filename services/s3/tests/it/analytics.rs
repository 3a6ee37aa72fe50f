//! Storage class analysis.

use std::time::Duration;

use s3_api::op::{
    CreateBucket, DeleteBucketAnalyticsConfiguration, GetObject, PutBucketAnalyticsConfiguration,
    PutBucketPolicy,
};
use s3_api::{
    AnalyticsConfiguration, AnalyticsExportDestination, AnalyticsFilter, AnalyticsS3BucketDestination,
    CreateBucketInput, DeleteBucketAnalyticsConfigurationInput, GetObjectInput,
    PutBucketAnalyticsConfigurationInput, PutBucketPolicyInput, PutObjectInput, StorageClassAnalysis,
    StorageClassAnalysisDataExport,
};

use crate::kit::{Bucket, code, name, put, sample, text};

const DAY: Duration = Duration::from_secs(86_400);
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},
    "Action":"s3:PutObject","Resource":"arn:aws:s3:::reports/*"}}"#;

fn configuration(target: &str) -> PutBucketAnalyticsConfigurationInput {
    let destination = AnalyticsS3BucketDestination {
        bucket: format!("arn:aws:s3:::{target}"),
        format: "CSV".to_owned(),
        prefix: Some("of".to_owned()),
        ..Default::default()
    };
    let export = StorageClassAnalysisDataExport {
        output_schema_version: "V_1".to_owned(),
        destination: AnalyticsExportDestination { s3_bucket_destination: destination },
    };
    PutBucketAnalyticsConfigurationInput {
        bucket: name(),
        id: "in".to_owned(),
        analytics_configuration: AnalyticsConfiguration {
            id: "in".to_owned(),
            filter: Some(AnalyticsFilter { prefix: Some("in/".to_owned()), ..Default::default() }),
            storage_class_analysis: StorageClassAnalysis { data_export: Some(export) },
        },
        ..Default::default()
    }
}

async fn analysed() -> Bucket {
    let bucket = Bucket::create().await;
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

/// The exported file, without what stands over its columns.
async fn exported(bucket: &Bucket) -> Vec<String> {
    let input = GetObjectInput {
        bucket: "reports".to_owned(),
        key: "of/photos/in.csv".to_owned(),
        ..Default::default()
    };
    let csv = text(bucket.call::<GetObject>(input).await.unwrap()).await;
    assert!(csv.starts_with("Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,"), "{csv}");
    csv.lines().skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_day_adds_its_ages_and_reads_to_the_exported_file() {
    let bucket = analysed().await;
    bucket.put("in/a", sample(1 << 20)).await;
    bucket
        .try_put(PutObjectInput { storage_class: Some("STANDARD_IA".to_owned()), ..put("in/b", "") })
        .await
        .unwrap();
    bucket.put("out/c", sample(1 << 20)).await;
    bucket.call::<PutBucketAnalyticsConfiguration>(configuration("reports")).await.unwrap();
    bucket.text("in/a").await;
    bucket.text("in/a").await;
    bucket.text("out/c").await;
    bucket.region.advance(DAY).await;
    let first = [
        "2026-01-01,in,\"prefix=in/\",STANDARD,ALL,1,1.000000,1.000000,2.000000,2,2.000000,,",
        "2026-01-01,in,\"prefix=in/\",STANDARD,000-014,1,1.000000,1.000000,2.000000,2,2.000000,,",
        "2026-01-01,in,\"prefix=in/\",STANDARD_IA,ALL,1,0.000000,0.000000,0.000000,0,0.000000,,",
        "2026-01-01,in,\"prefix=in/\",STANDARD_IA,000-014,1,0.000000,0.000000,0.000000,0,0.000000,,",
    ];
    assert_eq!(exported(&bucket).await, first);
    for _ in 0..14 {
        bucket.region.advance(DAY).await;
    }
    let lines = exported(&bucket).await;
    assert_eq!(lines[..4], first);
    // Nothing was added or read meanwhile, and the objects have come of age.
    assert!(
        lines.contains(
            &"2026-01-15,in,\"prefix=in/\",STANDARD,015-029,1,0.000000,1.000000,0.000000,0,0.000000,,"
                .to_owned()
        ),
        "{lines:?}"
    );
}

#[tokio::test]
async fn an_analysis_ends_with_its_configuration_and_begins_anew() {
    let bucket = analysed().await;
    bucket.put("in/a", "x").await;
    bucket.call::<PutBucketAnalyticsConfiguration>(configuration("reports")).await.unwrap();
    bucket.region.advance(DAY).await;
    let input =
        DeleteBucketAnalyticsConfigurationInput { bucket: name(), id: "in".to_owned(), ..Default::default() };
    bucket.call::<DeleteBucketAnalyticsConfiguration>(input).await.unwrap();
    bucket.region.advance(DAY).await;
    bucket.call::<PutBucketAnalyticsConfiguration>(configuration("reports")).await.unwrap();
    bucket.region.advance(DAY).await;
    let lines = exported(&bucket).await;
    assert!(lines.iter().all(|line| line.starts_with("2026-01-03,")), "{lines:?}");
}

#[tokio::test]
async fn an_export_needs_a_destination_and_csv() {
    let bucket = analysed().await;
    let put = async |input| code(bucket.call::<PutBucketAnalyticsConfiguration>(input).await);
    assert_eq!(put(configuration("nowhere")).await, "InvalidS3DestinationBucket");
    let mut wrong = configuration("reports");
    let analysis = &mut wrong.analytics_configuration.storage_class_analysis;
    analysis.data_export.as_mut().unwrap().destination.s3_bucket_destination.format = "Parquet".to_owned();
    assert_eq!(put(wrong).await, "MalformedXML");
}
