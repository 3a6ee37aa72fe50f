//! Replication to another bucket.

use s3_api::op::{
    CreateBucket, GetObject, HeadObject, ListObjectVersions, PutBucketReplication, PutBucketVersioning,
};
use s3_api::{
    CreateBucketInput, DeleteMarkerReplication, Destination, GetObjectInput, HeadObjectInput,
    ListObjectVersionsInput, PutBucketReplicationInput, PutBucketVersioningInput, ReplicationConfiguration,
    ReplicationRule, ReplicationRuleFilter, VersioningConfiguration,
};

use crate::kit::{Bucket, bytes, code, name, sample};

pub(crate) fn configuration() -> PutBucketReplicationInput {
    let rule = ReplicationRule {
        status: "Enabled".to_owned(),
        priority: Some(1),
        filter: Some(ReplicationRuleFilter { prefix: Some("in/".to_owned()), ..Default::default() }),
        delete_marker_replication: Some(DeleteMarkerReplication { status: Some("Enabled".to_owned()) }),
        destination: Destination { bucket: "arn:aws:s3:::mirror".to_owned(), ..Default::default() },
        ..Default::default()
    };
    PutBucketReplicationInput {
        bucket: name(),
        replication_configuration: ReplicationConfiguration {
            role: "arn:aws:iam::000000000000:role/replicator".to_owned(),
            rules: vec![rule],
        },
        ..Default::default()
    }
}

pub(crate) async fn mirror(bucket: &Bucket) {
    let input = CreateBucketInput { bucket: "mirror".to_owned(), ..Default::default() };
    bucket.call::<CreateBucket>(input).await.unwrap();
    let versioning_configuration =
        VersioningConfiguration { status: Some("Enabled".to_owned()), ..Default::default() };
    let input = PutBucketVersioningInput {
        bucket: "mirror".to_owned(),
        versioning_configuration,
        ..Default::default()
    };
    bucket.call::<PutBucketVersioning>(input).await.unwrap();
}

fn status(bucket: &str, key: &str) -> HeadObjectInput {
    HeadObjectInput { bucket: bucket.to_owned(), key: key.to_owned(), ..Default::default() }
}

/// Waits for copies, whose bytes are read and written on threads of their own.
async fn replicated(bucket: &Bucket, key: &str) -> bool {
    for _ in 0..2000 {
        let head = bucket.call::<HeadObject>(status(&name(), key)).await.unwrap();
        if head.replication_status.as_deref() == Some("COMPLETED") {
            return true;
        }
        bucket.region.settle().await;
        std::thread::yield_now();
    }
    false
}

#[tokio::test]
async fn new_versions_and_delete_markers_are_copied_with_their_ids() {
    let bucket = Bucket::versioned().await;
    mirror(&bucket).await;
    bucket.call::<PutBucketReplication>(configuration()).await.unwrap();
    let id = bucket.put("in/large", sample(300_000)).await.version_id;
    bucket.put("out/a", "x").await;
    assert!(replicated(&bucket, "in/large").await);
    let input =
        GetObjectInput { bucket: "mirror".to_owned(), key: "in/large".to_owned(), ..Default::default() };
    let copy = bucket.call::<GetObject>(input).await.unwrap();
    assert_eq!((copy.version_id.clone(), copy.replication_status.as_deref()), (id, Some("REPLICA")));
    assert_eq!(bytes(copy).await.unwrap(), sample(300_000));
    assert_eq!(code(bucket.call::<HeadObject>(status("mirror", "out/a")).await), "NoSuchKey");
    let marker = bucket.delete("in/large", None).await.unwrap().version_id;
    bucket.region.settle().await;
    let list = ListObjectVersionsInput { bucket: "mirror".to_owned(), ..Default::default() };
    let listed = bucket.call::<ListObjectVersions>(list).await.unwrap();
    let markers = listed.delete_markers.unwrap_or_default();
    assert_eq!((markers[0].version_id.clone(), markers[0].is_latest), (marker, Some(true)));
}

#[tokio::test]
async fn both_buckets_must_keep_versions() {
    let bucket = Bucket::create().await;
    assert_eq!(code(bucket.call::<PutBucketReplication>(configuration()).await), "InvalidRequest");
    bucket.set_versioning("Enabled").await;
    assert_eq!(code(bucket.call::<PutBucketReplication>(configuration()).await), "InvalidRequest");
    mirror(&bucket).await;
    assert_eq!(code(bucket.call::<PutBucketReplication>(configuration()).await), "Ok");
}
