//! Who may do what: policies, lists, and Block Public Access.

use cloud::Ctx;
use identity::{AccountId, Principal};
use s3_api::op::{
    CreateBucket, GetBucketPolicyStatus, GetObject, GetObjectAcl, ListObjectsV2, PutBucketOwnershipControls,
    PutBucketPolicy, PutObject, PutObjectAcl,
};
use s3_api::{
    CreateBucketInput, GetBucketPolicyStatusInput, GetObjectAclInput, GetObjectInput, ListObjectsV2Input,
    OwnershipControls, OwnershipControlsRule, PutBucketOwnershipControlsInput, PutBucketPolicyInput,
    PutObjectAclInput,
};

use crate::kit::{Bucket, code, name, put};

fn anonymous(bucket: &Bucket) -> Ctx {
    bucket.region.context(Principal::Anonymous, AccountId::DEFAULT)
}

fn get(key: &str) -> GetObjectInput {
    GetObjectInput { bucket: name(), key: key.to_owned(), ..Default::default() }
}

async fn set_policy(bucket: &Bucket, statement: &str) -> String {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let input = PutBucketPolicyInput { bucket: name(), policy, ..Default::default() };
    code(bucket.call::<PutBucketPolicy>(input).await)
}

const PUBLIC: &str =
    r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/public/*"}"#;

#[tokio::test]
async fn nobody_from_outside_gets_in_unless_the_bucket_lets_them() {
    let bucket = Bucket::create().await;
    bucket.put("public/a", "x").await;
    bucket.put("private/a", "x").await;
    let outside = anonymous(&bucket);
    assert_eq!(code(outside.call::<GetObject>(get("public/a")).await), "AccessDenied");
    assert_eq!(
        set_policy(&bucket, PUBLIC).await,
        "AccessDenied",
        "Block Public Access let a public policy in"
    );
    bucket.open_to_public().await;
    assert_eq!(set_policy(&bucket, PUBLIC).await, "Ok");
    assert_eq!(code(outside.call::<GetObject>(get("public/a")).await), "Ok");
    assert_eq!(code(outside.call::<GetObject>(get("private/a")).await), "AccessDenied");
    assert_eq!(code(outside.call::<GetObject>(get("public/missing")).await), "AccessDenied");
    assert_eq!(code(outside.call::<PutObject>(put("public/b", "x")).await), "AccessDenied");
    let status = GetBucketPolicyStatusInput { bucket: name(), ..Default::default() };
    let status = bucket.call::<GetBucketPolicyStatus>(status).await.unwrap();
    assert_eq!(status.policy_status.and_then(|status| status.is_public), Some(true));
}

#[tokio::test]
async fn another_account_needs_the_policys_consent() {
    let bucket = Bucket::create().await;
    bucket.put("k", "x").await;
    let other = bucket.region.as_account("111122223333");
    assert_eq!(code(other.call::<GetObject>(get("k")).await), "AccessDenied");
    let statement = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},
        "Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"],
        "Condition":{"StringEqualsIfExists":{"s3:prefix":"a/"}}}"#;
    assert_eq!(set_policy(&bucket, statement).await, "Ok");
    assert_eq!(code(other.call::<GetObject>(get("k")).await), "Ok");
    let list = |prefix: &str| ListObjectsV2Input {
        bucket: name(),
        prefix: Some(prefix.to_owned()),
        ..Default::default()
    };
    assert_eq!(code(other.call::<ListObjectsV2>(list("a/")).await), "Ok");
    assert_eq!(code(other.call::<ListObjectsV2>(list("b/")).await), "AccessDenied");
    let deny =
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#;
    assert_eq!(set_policy(&bucket, deny).await, "Ok");
    assert_eq!(bucket.text("k").await, "AccessDenied", "a denial does not hold against the owner");
}

#[tokio::test]
async fn policies_speak_of_their_own_bucket() {
    let bucket = Bucket::create().await;
    let elsewhere = PUBLIC.replace("photos", "other");
    assert_eq!(set_policy(&bucket, &elsewhere).await, "MalformedPolicy");
    let nobody = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}"#;
    assert_eq!(set_policy(&bucket, nobody).await, "MalformedPolicy");
    let input = PutBucketPolicyInput { bucket: name(), policy: "{".to_owned(), ..Default::default() };
    assert_eq!(code(bucket.call::<PutBucketPolicy>(input).await), "MalformedPolicy");
}

#[tokio::test]
async fn lists_count_only_where_they_were_switched_on() {
    let bucket = Bucket::create().await;
    bucket.put("k", "x").await;
    let acl = |acl: &str| PutObjectAclInput {
        bucket: name(),
        key: "k".to_owned(),
        acl: Some(acl.to_owned()),
        ..Default::default()
    };
    assert_eq!(code(bucket.call::<PutObjectAcl>(acl("public-read")).await), "AccessControlListNotSupported");
    let rules = vec![OwnershipControlsRule { object_ownership: "ObjectWriter".to_owned() }];
    let input = PutBucketOwnershipControlsInput {
        bucket: name(),
        ownership_controls: OwnershipControls { rules },
        ..Default::default()
    };
    bucket.call::<PutBucketOwnershipControls>(input).await.unwrap();
    assert_eq!(code(bucket.call::<PutObjectAcl>(acl("public-read")).await), "AccessDenied");
    bucket.open_to_public().await;
    assert_eq!(code(bucket.call::<PutObjectAcl>(acl("public-read")).await), "Ok");
    assert_eq!(code(anonymous(&bucket).call::<GetObject>(get("k")).await), "Ok");
    let input = GetObjectAclInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    let grants = bucket.call::<GetObjectAcl>(input).await.unwrap().grants.unwrap_or_default();
    let permissions: Vec<_> = grants.iter().filter_map(|grant| grant.permission.as_deref()).collect();
    assert_eq!(permissions, ["FULL_CONTROL", "READ"]);
    assert_eq!(code(bucket.call::<PutObjectAcl>(acl("private")).await), "Ok");
    assert_eq!(code(anonymous(&bucket).call::<GetObject>(get("k")).await), "AccessDenied");
}

#[tokio::test]
async fn a_name_belongs_to_one_account() {
    let bucket = Bucket::create().await;
    let again = || CreateBucketInput { bucket: name(), ..Default::default() };
    assert_eq!(code(bucket.call::<CreateBucket>(again()).await), "Ok", "in us-east-1 one may ask twice");
    let other = bucket.region.as_account("111122223333");
    assert_eq!(code(other.call::<CreateBucket>(again()).await), "BucketAlreadyExists");
    let invalid = CreateBucketInput { bucket: "Not-A-Name".to_owned(), ..Default::default() };
    assert_eq!(code(bucket.call::<CreateBucket>(invalid).await), "InvalidBucketName");
}
