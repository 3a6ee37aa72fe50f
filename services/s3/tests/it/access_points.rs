//! Access points, and Block Public Access of an account.

use s3_api::op::{DeleteBucket, GetObject, ListObjectsV2, PutBucketPolicy, PutBucketTagging, PutObject};
use s3_api::{
    DeleteBucketInput, GetObjectInput, ListObjectsV2Input, PutBucketPolicyInput, PutBucketTaggingInput,
    PutObjectInput,
};
use s3control_api::op::{
    CreateAccessPoint, DeleteAccessPoint, DeletePublicAccessBlock, GetAccessPoint,
    GetAccessPointPolicyStatus, GetPublicAccessBlock, ListAccessPoints, PutAccessPointPolicy,
    PutPublicAccessBlock,
};
use s3control_api::{
    CreateAccessPointInput, DeleteAccessPointInput, DeletePublicAccessBlockInput, GetAccessPointInput,
    GetAccessPointPolicyStatusInput, GetPublicAccessBlockInput, ListAccessPointsInput,
    PublicAccessBlockConfiguration, PutAccessPointPolicyInput, PutPublicAccessBlockInput,
};

use crate::kit::{Bucket, code, name, text};

const ACCOUNT: &str = "000000000000";
const ARN: &str = "arn:aws:s3:us-east-1:000000000000:accesspoint/reports";

/// Makes an access point and gives its alias.
async fn create(bucket: &Bucket, point: &str) -> String {
    let input = CreateAccessPointInput {
        account_id: ACCOUNT.to_owned(),
        name: point.to_owned(),
        bucket: name(),
        ..Default::default()
    };
    bucket.call::<CreateAccessPoint>(input).await.unwrap().alias.unwrap()
}

async fn get(bucket: &Bucket, named: &str, key: &str) -> String {
    let input = GetObjectInput { bucket: named.to_owned(), key: key.to_owned(), ..Default::default() };
    match bucket.call::<GetObject>(input).await {
        Ok(output) => text(output).await,
        Err(error) => error.code().to_owned(),
    }
}

async fn set_policy(bucket: &Bucket, policy: &str) -> String {
    let input = PutAccessPointPolicyInput {
        account_id: ACCOUNT.to_owned(),
        name: "reports".to_owned(),
        policy: policy.to_owned(),
    };
    code(bucket.call::<PutAccessPointPolicy>(input).await)
}

#[tokio::test]
async fn objects_are_reached_by_alias_arn_and_host_name() {
    let bucket = Bucket::create().await;
    let alias = create(&bucket, "reports").await;
    assert!(alias.starts_with("reports-") && alias.ends_with("-s3alias") && alias.len() <= 63, "{alias}");
    let input = PutObjectInput {
        bucket: alias.clone(),
        key: "a".to_owned(),
        body: Some("x".into()),
        ..Default::default()
    };
    bucket.call::<PutObject>(input).await.unwrap();
    assert_eq!(bucket.text("a").await, "x");
    for named in [alias.as_str(), ARN, "reports-000000000000"] {
        assert_eq!(get(&bucket, named, "a").await, "x", "{named}");
        let input = ListObjectsV2Input { bucket: named.to_owned(), ..Default::default() };
        assert_eq!(bucket.call::<ListObjectsV2>(input).await.unwrap().key_count, Some(1));
    }
    assert_eq!(get(&bucket, "others-000000000000", "a").await, "NoSuchBucket");
    let tagging = PutBucketTaggingInput { bucket: alias, ..Default::default() };
    assert_eq!(code(bucket.call::<PutBucketTagging>(tagging).await), "MethodNotAllowed");
}

#[tokio::test]
async fn a_policy_of_an_access_point_counts_for_what_comes_through_it() {
    let bucket = Bucket::create().await;
    create(&bucket, "reports").await;
    bucket.put("open/a", "x").await;
    bucket.put("shut/a", "x").await;
    let policy = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"{resource}"}}}}"#
        )
    };
    assert_eq!(set_policy(&bucket, &policy("arn:aws:s3:::photos/*")).await, "MalformedPolicy");
    assert_eq!(set_policy(&bucket, &policy(&format!("{ARN}/object/shut/*"))).await, "Ok");
    assert_eq!(get(&bucket, ARN, "open/a").await, "x");
    assert_eq!(get(&bucket, ARN, "shut/a").await, "AccessDenied");
    assert_eq!(bucket.text("shut/a").await, "x", "the bucket itself says nothing against it");
    let status =
        GetAccessPointPolicyStatusInput { account_id: ACCOUNT.to_owned(), name: "reports".to_owned() };
    let status = bucket.call::<GetAccessPointPolicyStatus>(status).await.unwrap().policy_status.unwrap();
    assert_eq!(status.is_public, Some(false));
    let public = policy(&format!("{ARN}/object/*")).replace("Deny", "Allow");
    assert_eq!(set_policy(&bucket, &public).await, "AccessDenied", "the block is on for new access points");
}

#[tokio::test]
async fn a_bucket_can_ask_for_an_access_point() {
    let bucket = Bucket::create().await;
    create(&bucket, "reports").await;
    bucket.put("a", "x").await;
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*","Condition":{{"StringNotEquals":{{"s3:DataAccessPointArn":"{ARN}"}}}}}}}}"#
    );
    let input = PutBucketPolicyInput { bucket: name(), policy, ..Default::default() };
    bucket.call::<PutBucketPolicy>(input).await.unwrap();
    assert_eq!(get(&bucket, ARN, "a").await, "x");
    assert_eq!(bucket.text("a").await, "AccessDenied");
}

#[tokio::test]
async fn access_points_are_listed_and_keep_their_bucket() {
    let bucket = Bucket::create().await;
    create(&bucket, "one").await;
    create(&bucket, "two").await;
    let again = CreateAccessPointInput {
        account_id: ACCOUNT.to_owned(),
        name: "one".to_owned(),
        bucket: name(),
        ..Default::default()
    };
    assert_eq!(code(bucket.call::<CreateAccessPoint>(again.clone()).await), "AccessPointAlreadyOwnedByYou");
    let bad = CreateAccessPointInput { name: "Bad_Name".to_owned(), ..again };
    assert_eq!(code(bucket.call::<CreateAccessPoint>(bad).await), "InvalidRequest");
    let mut names = Vec::new();
    let mut next_token = None;
    for _ in 0..2 {
        let input = ListAccessPointsInput {
            account_id: ACCOUNT.to_owned(),
            max_results: Some(1),
            next_token,
            ..Default::default()
        };
        let page = bucket.call::<ListAccessPoints>(input).await.unwrap();
        names.extend(page.access_point_list.unwrap_or_default().into_iter().map(|point| point.name));
        next_token = page.next_token;
    }
    assert_eq!((names, next_token), (vec!["one".to_owned(), "two".to_owned()], None));
    let delete = || DeleteBucketInput { bucket: name(), ..Default::default() };
    assert_eq!(code(bucket.call::<DeleteBucket>(delete()).await), "BucketHasAccessPointsAttached");
    for point in ["one", "two"] {
        let input = DeleteAccessPointInput { account_id: ACCOUNT.to_owned(), name: point.to_owned() };
        bucket.call::<DeleteAccessPoint>(input).await.unwrap();
    }
    let input = GetAccessPointInput { account_id: ACCOUNT.to_owned(), name: "one".to_owned() };
    assert_eq!(code(bucket.call::<GetAccessPoint>(input).await), "NoSuchAccessPoint");
    assert_eq!(code(bucket.call::<DeleteBucket>(delete()).await), "Ok");
}

#[tokio::test]
async fn an_accounts_block_counts_for_its_buckets() {
    let bucket = Bucket::create().await;
    bucket.open_to_public().await;
    let get = || GetPublicAccessBlockInput { account_id: ACCOUNT.to_owned() };
    assert_eq!(
        code(bucket.call::<GetPublicAccessBlock>(get()).await),
        "NoSuchPublicAccessBlockConfiguration"
    );
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}}"#;
    let public = || PutBucketPolicyInput { bucket: name(), policy: policy.to_owned(), ..Default::default() };
    let block = PublicAccessBlockConfiguration { block_public_policy: Some(true), ..Default::default() };
    let input = PutPublicAccessBlockInput {
        account_id: ACCOUNT.to_owned(),
        public_access_block_configuration: block,
    };
    bucket.call::<PutPublicAccessBlock>(input.clone()).await.unwrap();
    let told = bucket.call::<GetPublicAccessBlock>(get()).await.unwrap();
    let told = told.public_access_block_configuration.unwrap();
    assert_eq!((told.block_public_policy, told.block_public_acls), (Some(true), Some(false)));
    assert_eq!(code(bucket.call::<PutBucketPolicy>(public()).await), "AccessDenied");
    let other = PutPublicAccessBlockInput { account_id: "111122223333".to_owned(), ..input };
    assert_eq!(code(bucket.call::<PutPublicAccessBlock>(other).await), "AccessDenied");
    let delete = DeletePublicAccessBlockInput { account_id: ACCOUNT.to_owned() };
    bucket.call::<DeletePublicAccessBlock>(delete).await.unwrap();
    assert_eq!(code(bucket.call::<PutBucketPolicy>(public()).await), "Ok");
}
