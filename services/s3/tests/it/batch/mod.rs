//! S3 Batch Operations.

mod functions;
mod manifests;
mod operations;
mod replication;
mod states;

use s3_api::op::{CreateBucket, GetObject, PutObject};
use s3_api::{CreateBucketInput, GetObjectInput, PutObjectInput};
use s3control_api::op::{CreateJob, DescribeJob, UpdateJobStatus};
use s3control_api::{
    CreateJobInput, DescribeJobInput, JobDescriptor, JobManifest, JobManifestLocation, JobManifestSpec,
    JobOperation, JobReport, S3SetObjectTaggingOperation, S3Tag, UpdateJobStatusInput,
};
use serde_json::Value;

use crate::kit::{Bucket, code, text};

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/batch";

pub(crate) async fn create_bucket(bucket: &Bucket, name: &str) {
    let input = CreateBucketInput { bucket: name.to_owned(), ..Default::default() };
    bucket.call::<CreateBucket>(input).await.unwrap();
}

/// A bucket for manifests and reports beside the one with objects.
pub(crate) async fn with_reports(bucket: Bucket) -> Bucket {
    create_bucket(&bucket, "reports").await;
    bucket
}

/// Puts a manifest of lines and tells where it is.
pub(crate) async fn manifest(bucket: &Bucket, lines: &str, fields: &[&str]) -> JobManifest {
    let input = PutObjectInput {
        bucket: "reports".to_owned(),
        key: "manifest.csv".to_owned(),
        body: Some(lines.to_owned().into()),
        ..Default::default()
    };
    let e_tag = bucket.call::<PutObject>(input).await.unwrap().e_tag.unwrap();
    JobManifest {
        location: JobManifestLocation {
            object_arn: "arn:aws:s3:::reports/manifest.csv".to_owned(),
            e_tag: e_tag.trim_matches('"').to_owned(),
            object_version_id: None,
        },
        spec: JobManifestSpec {
            format: "S3BatchOperations_CSV_20180820".to_owned(),
            fields: Some(fields.iter().map(|&field| field.to_owned()).collect()),
        },
    }
}

/// A job over the keys of a manifest, with a report.
pub(crate) fn asks(manifest: JobManifest, operation: JobOperation) -> CreateJobInput {
    CreateJobInput { account_id: ACCOUNT.to_owned(), manifest: Some(manifest), ..over_generated(operation) }
}

/// As [`asks`], without a manifest.
pub(crate) fn over_generated(operation: JobOperation) -> CreateJobInput {
    CreateJobInput {
        account_id: ACCOUNT.to_owned(),
        client_request_token: "token".to_owned(),
        operation,
        priority: 10,
        role_arn: ROLE.to_owned(),
        report: JobReport {
            enabled: true,
            bucket: Some("arn:aws:s3:::reports".to_owned()),
            format: Some("Report_CSV_20180820".to_owned()),
            prefix: Some("of".to_owned()),
            report_scope: Some("AllTasks".to_owned()),
            ..Default::default()
        },
        ..Default::default()
    }
}

/// The operation that gives every object the tag `a=b`.
pub(crate) fn tagging() -> JobOperation {
    let tag = S3Tag { key: "a".to_owned(), value: "b".to_owned() };
    JobOperation {
        s3_put_object_tagging: Some(S3SetObjectTaggingOperation { tag_set: Some(vec![tag]) }),
        ..Default::default()
    }
}

pub(crate) async fn create(bucket: &Bucket, input: CreateJobInput) -> String {
    bucket.call::<CreateJob>(input).await.unwrap().job_id.unwrap()
}

pub(crate) async fn describe(bucket: &Bucket, id: &str) -> JobDescriptor {
    let input = DescribeJobInput { account_id: ACCOUNT.to_owned(), job_id: id.to_owned() };
    bucket.call::<DescribeJob>(input).await.unwrap().job.unwrap()
}

/// Waits until a job is in one of these statuses.
pub(crate) async fn until(bucket: &Bucket, id: &str, statuses: &[&str]) -> JobDescriptor {
    for _ in 0..5000 {
        let job = describe(bucket, id).await;
        if statuses.contains(&job.status.as_deref().unwrap_or_default()) {
            return job;
        }
        bucket.region.settle().await;
        std::thread::yield_now();
    }
    panic!("the job stays {:?}", describe(bucket, id).await);
}

/// Runs a job to its end: `Complete 2+1` for two tasks that succeeded and one that failed.
pub(crate) async fn run(bucket: &Bucket, input: CreateJobInput) -> (String, String) {
    let id = create(bucket, input).await;
    let job = until(bucket, &id, &["Complete", "Failed", "Cancelled"]).await;
    (told(&job), id)
}

pub(crate) fn told(job: &JobDescriptor) -> String {
    let progress = job.progress_summary.clone().unwrap();
    let (succeeded, failed) = (progress.number_of_tasks_succeeded, progress.number_of_tasks_failed);
    format!("{} {}+{}", job.status.clone().unwrap(), succeeded.unwrap(), failed.unwrap())
}

pub(crate) async fn set_status(bucket: &Bucket, id: &str, status: &str) -> String {
    let input = UpdateJobStatusInput {
        account_id: ACCOUNT.to_owned(),
        job_id: id.to_owned(),
        requested_job_status: status.to_owned(),
        ..Default::default()
    };
    code(bucket.call::<UpdateJobStatus>(input).await)
}

async fn read(bucket: &Bucket, key: &str) -> String {
    let input = GetObjectInput { bucket: "reports".to_owned(), key: key.to_owned(), ..Default::default() };
    text(bucket.call::<GetObject>(input).await.unwrap()).await
}

/// The lines of a job's report, sorted.
pub(crate) async fn report(bucket: &Bucket, id: &str) -> Vec<String> {
    let manifest: Value =
        serde_json::from_str(&read(bucket, &format!("of/job-{id}/manifest.json")).await).unwrap();
    assert_eq!(manifest["Format"], "Report_CSV_20180820");
    let mut lines = Vec::new();
    for file in manifest["Results"].as_array().unwrap() {
        let csv = read(bucket, file["Key"].as_str().unwrap()).await;
        lines.extend(csv.lines().map(str::to_owned));
    }
    lines.sort();
    lines
}
