//! Batch replication of what was there before the rules.

use s3_api::HeadObjectInput;
use s3_api::op::{HeadObject, PutBucketReplication};
use s3control_api::{
    CreateJobInput, JobManifestGenerator, JobManifestGeneratorFilter, JobOperation, S3JobManifestGenerator,
    S3ReplicateObjectOperation,
};

use super::{asks, manifest, over_generated, report, run, with_reports};
use crate::kit::{Bucket, name};
use crate::replication::{configuration, mirror};

fn replicate() -> JobOperation {
    JobOperation { s3_replicate_object: Some(S3ReplicateObjectOperation::default()), ..Default::default() }
}

fn eligible(filter: JobManifestGeneratorFilter) -> CreateJobInput {
    let generator = S3JobManifestGenerator {
        source_bucket: "arn:aws:s3:::photos".to_owned(),
        filter: Some(JobManifestGeneratorFilter { eligible_for_replication: Some(true), ..filter }),
        ..Default::default()
    };
    CreateJobInput {
        manifest_generator: Some(JobManifestGenerator::S3JobManifestGenerator(generator)),
        ..over_generated(replicate())
    }
}

async fn status(bucket: &Bucket, of: &str, key: &str) -> Option<String> {
    let input = HeadObjectInput { bucket: of.to_owned(), key: key.to_owned(), ..Default::default() };
    bucket.call::<HeadObject>(input).await.unwrap().replication_status
}

#[tokio::test]
async fn objects_from_before_the_rules_are_replicated_with_their_versions() {
    let bucket = with_reports(Bucket::versioned().await).await;
    mirror(&bucket).await;
    let first = bucket.put("in/a", "one").await.version_id.unwrap();
    let second = bucket.put("in/a", "two").await.version_id.unwrap();
    bucket.put("out/b", "x").await;
    bucket.call::<PutBucketReplication>(configuration()).await.unwrap();
    assert_eq!(status(&bucket, &name(), "in/a").await, None);
    let none = JobManifestGeneratorFilter {
        object_replication_statuses: Some(vec!["NONE".to_owned()]),
        ..Default::default()
    };
    let (told, id) = run(&bucket, eligible(none.clone())).await;
    assert_eq!(told, "Complete 2+0");
    let mut expected =
        [first, second].map(|version| format!("photos,in/a,{version},succeeded,200,,Successful"));
    expected.sort();
    assert_eq!(report(&bucket, &id).await, expected);
    assert_eq!(status(&bucket, &name(), "in/a").await.as_deref(), Some("COMPLETED"));
    assert_eq!(status(&bucket, "mirror", "in/a").await.as_deref(), Some("REPLICA"));
    // Nothing is left that has no status.
    let again = CreateJobInput { client_request_token: "two".to_owned(), ..eligible(none) };
    assert_eq!(run(&bucket, again).await.0, "Failed 0+0");
}

#[tokio::test]
async fn what_no_rule_takes_is_not_eligible_and_a_lost_target_fails_it() {
    let bucket = with_reports(Bucket::versioned().await).await;
    mirror(&bucket).await;
    bucket.put("in/a", "x").await;
    bucket.put("out/b", "x").await;
    bucket.call::<PutBucketReplication>(configuration()).await.unwrap();
    bucket
        .call::<s3_api::op::DeleteBucket>(s3_api::DeleteBucketInput {
            bucket: "mirror".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let both = manifest(&bucket, "photos,in/a\nphotos,out/b\nphotos,gone\n", &["Bucket", "Key"]).await;
    let (told, id) = run(&bucket, asks(both, replicate())).await;
    assert_eq!(told, "Complete 0+3");
    let lines = report(&bucket, &id).await;
    assert!(lines[0].starts_with("photos,gone,,failed,400,SrcObjectNotFound,"), "{lines:?}");
    assert!(lines[1].starts_with("photos,in/a,,failed,404,NoSuchBucket,"), "{lines:?}");
    assert!(lines[2].starts_with("photos,out/b,,failed,400,SrcObjectNotEligible,"), "{lines:?}");
    assert_eq!(status(&bucket, &name(), "in/a").await.as_deref(), Some("FAILED"));
}
