//! Buckets, their keys by prefix, and the heads of objects. No object is read.

use cloud::Ctx;
use s3_api::{
    GetBucketEncryptionInput, GetBucketNotificationConfigurationInput, GetBucketPolicyInput,
    GetBucketVersioningInput, GetObjectTaggingInput, HeadObjectInput, ListBucketsInput, ListObjectsV2Input,
    op,
};
use serde_json::Value;
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look, pretty, size};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListBucketsInput {
        max_buckets: Some(PAGE as i32),
        continuation_token: part.after.clone(),
        prefix: part.prefix(),
        ..Default::default()
    };
    let answer = look::<op::ListBuckets>(ctx, input).await?;
    let section = Section::new("s3", "Buckets", &["Name", "Region", "Created"]).resources(
        items(&answer, "Buckets"),
        &["Name", "BucketRegion", "CreationDate"],
        |bucket| bucket_arn(&at(bucket, "Name")),
    );
    Ok(section.with_prefix().next(at(&answer, "ContinuationToken")))
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    match resource.split_once('/') {
        Some((bucket, key)) if !key.is_empty() => object(ctx, bucket, key).await,
        _ => bucket(ctx, resource.trim_end_matches('/')).await,
    }
}

async fn bucket(ctx: &Ctx, bucket: &str) -> Result<Found, ApiError> {
    let name = bucket.to_owned();
    let input = GetBucketVersioningInput { bucket: name.clone(), ..Default::default() };
    let versioning = look::<op::GetBucketVersioning>(ctx, input).await?;
    let mut found = Found::titled(bucket);
    let status = at(&versioning, "Status");
    found.add("Versioning", if status.is_empty() { "off".to_owned() } else { status });
    let input = GetBucketEncryptionInput { bucket: name.clone(), ..Default::default() };
    if let Ok(encryption) = look::<op::GetBucketEncryption>(ctx, input).await {
        let rules =
            encryption.pointer("/ServerSideEncryptionConfiguration/Rules/0").cloned().unwrap_or_default();
        found.add("Encryption", at(&rules, "ApplyServerSideEncryptionByDefault/SSEAlgorithm"));
    }
    let input = GetBucketPolicyInput { bucket: name.clone(), ..Default::default() };
    let policy = look::<op::GetBucketPolicy>(ctx, input).await.map(|policy| laid_out(&at(&policy, "Policy")));
    let input = GetBucketNotificationConfigurationInput { bucket: name, ..Default::default() };
    let notifications = look::<op::GetBucketNotificationConfiguration>(ctx, input).await.unwrap_or_default();
    let has_notifications = notifications.as_object().is_some_and(|sorts| !sorts.is_empty());
    Ok(found
        .sections(&["keys"])
        .document("Notifications", if has_notifications { pretty(&notifications) } else { String::new() })
        // Most buckets have none.
        .document("Policy", policy.unwrap_or_default()))
}

async fn object(ctx: &Ctx, bucket: &str, key: &str) -> Result<Found, ApiError> {
    let input = HeadObjectInput { bucket: bucket.to_owned(), key: key.to_owned(), ..Default::default() };
    let head = look::<op::HeadObject>(ctx, input).await?;
    let mut found = Found::titled(key);
    found.add("Bucket", bucket_arn(bucket));
    found.add("Size", head.get("ContentLength").and_then(Value::as_i64).map(size).unwrap_or_default());
    let storage_class = at(&head, "StorageClass");
    found.add("Storage class", if storage_class.is_empty() { "STANDARD".to_owned() } else { storage_class });
    let mut found = found.facts(
        &head,
        &[
            ("Type", "ContentType"),
            ("Modified", "LastModified"),
            ("ETag", "ETag"),
            ("Version", "VersionId"),
            ("Encryption", "ServerSideEncryption"),
            ("Restore", "Restore"),
            ("Lock", "ObjectLockMode"),
            ("Locked until", "ObjectLockRetainUntilDate"),
            ("Replication", "ReplicationStatus"),
            ("Parts", "PartsCount"),
        ],
    );
    let input =
        GetObjectTaggingInput { bucket: bucket.to_owned(), key: key.to_owned(), ..Default::default() };
    if let Ok(tags) = look::<op::GetObjectTagging>(ctx, input).await {
        for tag in items(&tags, "TagSet") {
            found.add(&format!("Tag {}", at(tag, "Key")), at(tag, "Value"));
        }
    }
    Ok(found.document("Head", pretty(&head)))
}

/// A level of the bucket's keys: folders end at the next `/`.
pub(super) async fn section(ctx: &Ctx, resource: &str, part: &Part) -> Result<Section, ApiError> {
    let bucket = resource.split('/').next().unwrap_or_default();
    let input = ListObjectsV2Input {
        bucket: bucket.to_owned(),
        prefix: part.prefix(),
        delimiter: Some("/".to_owned()),
        max_keys: Some(PAGE as i32),
        continuation_token: part.after.clone(),
        ..Default::default()
    };
    let answer = look::<op::ListObjectsV2>(ctx, input).await?;
    let mut section =
        Section::new("keys", "Keys", &["Key", "Size", "Storage class", "Modified"]).with_prefix();
    for folder in items(&answer, "CommonPrefixes").iter().map(|folder| at(folder, "Prefix")) {
        section.rows.push(Row { cells: vec![folder.clone()], folder, ..Row::default() });
    }
    for object in items(&answer, "Contents") {
        let key = at(object, "Key");
        section.rows.push(Row {
            arn: format!("{}/{key}", bucket_arn(bucket)),
            cells: vec![
                key,
                object.get("Size").and_then(Value::as_i64).map(size).unwrap_or_default(),
                at(object, "StorageClass"),
                at(object, "LastModified"),
            ],
            ..Row::default()
        });
    }
    Ok(section.next(at(&answer, "NextContinuationToken")))
}
