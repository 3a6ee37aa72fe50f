//! Object Lock.

use std::time::Duration;

use kit::START;
use s3_api::op::{
    DeleteObject, GetObjectRetention, PutObjectLegalHold, PutObjectLockConfiguration, PutObjectRetention,
};
use s3_api::{
    CreateBucketInput, DefaultRetention, DeleteObjectInput, GetObjectRetentionInput, ObjectLockConfiguration,
    ObjectLockLegalHold, ObjectLockRetention, ObjectLockRule, PutObjectInput, PutObjectLegalHoldInput,
    PutObjectLockConfigurationInput, PutObjectRetentionInput,
};

use crate::kit::{Bucket, code, name, put};

const DAY: Duration = Duration::from_secs(86_400);

async fn locked() -> Bucket {
    let input = CreateBucketInput {
        bucket: name(),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    Bucket::with(input).await
}

fn retained(mode: &str) -> PutObjectInput {
    PutObjectInput {
        object_lock_mode: Some(mode.to_owned()),
        object_lock_retain_until_date: Some(START + DAY),
        ..put("k", "x")
    }
}

fn bypassing(id: &str) -> DeleteObjectInput {
    DeleteObjectInput {
        bucket: name(),
        key: "k".to_owned(),
        version_id: Some(id.to_owned()),
        bypass_governance_retention: Some(true),
        ..Default::default()
    }
}

#[tokio::test]
async fn compliance_holds_against_everybody_until_its_time() {
    let bucket = locked().await;
    let id = bucket.try_put(retained("COMPLIANCE")).await.unwrap().version_id.unwrap();
    assert_eq!(code(bucket.delete("k", Some(&id)).await), "AccessDenied");
    assert_eq!(code(bucket.call::<DeleteObject>(bypassing(&id)).await), "AccessDenied");
    assert_eq!(code(bucket.delete("k", None).await), "Ok", "a delete marker protects as well");
    let shorter = PutObjectRetentionInput {
        bucket: name(),
        key: "k".to_owned(),
        version_id: Some(id.clone()),
        retention: Some(ObjectLockRetention {
            mode: Some("COMPLIANCE".to_owned()),
            retain_until_date: Some(START + Duration::from_secs(10)),
        }),
        bypass_governance_retention: Some(true),
        ..Default::default()
    };
    assert_eq!(code(bucket.call::<PutObjectRetention>(shorter).await), "AccessDenied");
    bucket.region.advance(DAY).await;
    assert_eq!(code(bucket.delete("k", Some(&id)).await), "Ok");
}

#[tokio::test]
async fn governance_gives_way_to_who_may_bypass_it() {
    let bucket = locked().await;
    let id = bucket.try_put(retained("GOVERNANCE")).await.unwrap().version_id.unwrap();
    assert_eq!(code(bucket.delete("k", Some(&id)).await), "AccessDenied");
    assert_eq!(code(bucket.call::<DeleteObject>(bypassing(&id)).await), "Ok");
}

#[tokio::test]
async fn a_legal_hold_has_no_end_but_being_lifted() {
    let bucket = locked().await;
    let id = bucket.put("k", "x").await.version_id.unwrap();
    let hold = |status: &str| PutObjectLegalHoldInput {
        bucket: name(),
        key: "k".to_owned(),
        legal_hold: Some(ObjectLockLegalHold { status: Some(status.to_owned()) }),
        ..Default::default()
    };
    bucket.call::<PutObjectLegalHold>(hold("ON")).await.unwrap();
    bucket.region.advance(DAY * 400).await;
    assert_eq!(code(bucket.call::<DeleteObject>(bypassing(&id)).await), "AccessDenied");
    bucket.call::<PutObjectLegalHold>(hold("OFF")).await.unwrap();
    assert_eq!(code(bucket.delete("k", Some(&id)).await), "Ok");
}

#[tokio::test]
async fn a_bucket_has_a_default_and_others_have_no_locks() {
    let bucket = locked().await;
    let retention = DefaultRetention { mode: Some("GOVERNANCE".to_owned()), days: Some(3), years: None };
    let input = PutObjectLockConfigurationInput {
        bucket: name(),
        object_lock_configuration: Some(ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".to_owned()),
            rule: Some(ObjectLockRule { default_retention: Some(retention) }),
        }),
        ..Default::default()
    };
    bucket.call::<PutObjectLockConfiguration>(input.clone()).await.unwrap();
    bucket.put("k", "x").await;
    let asked = GetObjectRetentionInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    let retention = bucket.call::<GetObjectRetention>(asked).await.unwrap().retention.unwrap();
    assert_eq!(retention.retain_until_date, Some(START + DAY * 3));

    let plain = Bucket::create().await;
    assert_eq!(code(plain.try_put(retained("GOVERNANCE")).await), "InvalidRequest");
    assert_eq!(code(plain.call::<PutObjectLockConfiguration>(input).await), "InvalidBucketState");
}
