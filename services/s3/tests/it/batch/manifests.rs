//! Where jobs take their objects from.

use std::io::Write;

use s3_api::PutObjectInput;
use s3_api::op::PutObject;
use s3control_api::op::CreateJob;
use s3control_api::{
    CreateJobInput, JobManifest, JobManifestGenerator, JobManifestGeneratorFilter, JobManifestLocation,
    JobManifestSpec, KeyNameConstraint, S3JobManifestGenerator, S3ManifestOutputLocation,
};
use serde_json::{Value, json};

use super::{
    asks, create, describe, manifest, over_generated, read, report, run, tagging, until, with_reports,
};
use crate::kit::{Bucket, code};

async fn put(bucket: &Bucket, key: &str, bytes: Vec<u8>) -> String {
    let input = PutObjectInput {
        bucket: "reports".to_owned(),
        key: key.to_owned(),
        body: Some(bytes.into()),
        ..Default::default()
    };
    bucket.call::<PutObject>(input).await.unwrap().e_tag.unwrap()
}

#[tokio::test]
async fn an_inventory_is_a_manifest() {
    let bucket = with_reports(Bucket::create().await).await;
    let mut files = Vec::new();
    for key in ["a b", "c"] {
        bucket.put(key, "x").await;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writeln!(packed, "\"photos\",\"{}\",\"1\"", key.replace(' ', "+")).unwrap();
        let file = format!("data/{key}.csv.gz");
        put(&bucket, &file, packed.finish().unwrap()).await;
        files.push(json!({ "key": file }));
    }
    let document = json!({"sourceBucket": "photos", "destinationBucket": "arn:aws:s3:::reports", "version": "2016-11-30",
        "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size", "files": files});
    let e_tag = put(&bucket, "manifest.json", document.to_string().into_bytes()).await;
    let inventory = JobManifest {
        location: JobManifestLocation {
            object_arn: "arn:aws:s3:::reports/manifest.json".to_owned(),
            e_tag,
            object_version_id: None,
        },
        spec: JobManifestSpec { format: "S3InventoryReport_CSV_20161130".to_owned(), fields: None },
    };
    let (told, id) = run(&bucket, asks(inventory, tagging())).await;
    assert_eq!(told, "Complete 2+0");
    assert_eq!(
        report(&bucket, &id).await,
        ["photos,a+b,,succeeded,200,,Successful", "photos,c,,succeeded,200,,Successful"]
    );
}

#[tokio::test]
async fn a_manifest_is_made_of_what_a_filter_takes() {
    let bucket = with_reports(Bucket::create().await).await;
    for key in ["in/a.jpg", "in/b.txt", "out/c.jpg"] {
        bucket.put(key, "x").await;
    }
    let constraint = KeyNameConstraint {
        match_any_prefix: Some(vec!["in/".to_owned()]),
        match_any_suffix: Some(vec![".jpg".to_owned(), ".png".to_owned()]),
        ..Default::default()
    };
    let generator = S3JobManifestGenerator {
        source_bucket: "arn:aws:s3:::photos".to_owned(),
        enable_manifest_output: true,
        manifest_output_location: Some(S3ManifestOutputLocation {
            bucket: "arn:aws:s3:::reports".to_owned(),
            manifest_format: "S3InventoryReport_CSV_20211130".to_owned(),
            ..Default::default()
        }),
        filter: Some(JobManifestGeneratorFilter {
            key_name_constraint: Some(constraint),
            object_size_less_than_bytes: Some(10),
            match_any_storage_class: Some(vec!["STANDARD".to_owned()]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let input = CreateJobInput {
        manifest_generator: Some(JobManifestGenerator::S3JobManifestGenerator(generator)),
        ..over_generated(tagging())
    };
    let (told, id) = run(&bucket, input).await;
    assert_eq!(told, "Complete 1+0");
    assert_eq!(report(&bucket, &id).await, ["photos,in/a.jpg,,succeeded,200,,Successful"]);
    let written = describe(&bucket, &id).await.generated_manifest_descriptor.unwrap().location.unwrap();
    let key = written.object_arn.strip_prefix("arn:aws:s3:::reports/").unwrap().to_owned();
    let document: Value = serde_json::from_str(&read(&bucket, &key).await).unwrap();
    assert_eq!(document["fileSchema"], "Bucket, Key, VersionId");
    assert_eq!(document["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn jobs_fail_over_manifests_that_cannot_be_used() {
    let bucket = with_reports(Bucket::create().await).await;
    let failure = async |token: &str, manifest: JobManifest| {
        let input = CreateJobInput { client_request_token: token.to_owned(), ..asks(manifest, tagging()) };
        let id = create(&bucket, input).await;
        let job = until(&bucket, &id, &["Failed"]).await;
        job.failure_reasons.unwrap().remove(0).failure_code.unwrap()
    };
    let mut of_k = manifest(&bucket, "photos,k\n", &["Bucket", "Key"]).await;
    of_k.location.e_tag = "0".repeat(32);
    assert_eq!(failure("1", of_k).await, "ManifestETagMismatch");
    let one_field = manifest(&bucket, "photos\n", &["Bucket", "Key"]).await;
    assert_eq!(failure("2", one_field).await, "InvalidManifestContent");
    let mut gone = manifest(&bucket, "photos,k\n", &["Bucket", "Key"]).await;
    gone.location.object_arn = "arn:aws:s3:::reports/gone".to_owned();
    assert_eq!(failure("3", gone).await, "ManifestNotReadable");
    let empty = manifest(&bucket, "\n\n", &["Bucket", "Key"]).await;
    assert_eq!(failure("4", empty).await, "EmptyManifest");
}

#[tokio::test]
async fn requests_that_make_no_job_are_refused() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_k = manifest(&bucket, "photos,k\n", &["Bucket", "Key"]).await;
    let refused = async |input: CreateJobInput| code(bucket.call::<CreateJob>(input).await);
    assert_eq!(refused(over_generated(tagging())).await, "BadRequestException");
    assert_eq!(refused(asks(of_k.clone(), Default::default())).await, "BadRequestException");
    let mut no_key = of_k.clone();
    no_key.spec.fields = Some(vec!["Bucket".to_owned()]);
    assert_eq!(refused(asks(no_key, tagging())).await, "BadRequestException");
    let mut no_place = asks(of_k.clone(), tagging());
    no_place.report.bucket = None;
    assert_eq!(refused(no_place).await, "BadRequestException");
    let mut other = asks(of_k, tagging());
    other.role_arn = "arn:aws:iam::111111111111:role/batch".to_owned();
    assert_eq!(refused(other).await, "BadRequestException");
}
