//! Multi-Region keys.

use cloud::Ctx;
use identity::Region;
use kms_api::op::{
    EnableKeyRotation, GetKeyRotationStatus, ReplicateKey, ScheduleKeyDeletion, UpdatePrimaryRegion,
};
use kms_api::{
    EnableKeyRotationInput, GetKeyRotationStatusInput, ReplicateKeyInput, ScheduleKeyDeletionInput,
    UpdatePrimaryRegionInput,
};

use crate::kit::{account, advance_days, create, decrypt, describe, encrypt, key, name, region, root, state};

fn there(ctx: &Ctx) -> Ctx {
    ctx.in_tenant(account(), Region::parse("eu-west-1").unwrap())
}

async fn replicate(ctx: &Ctx, key: &str) -> String {
    let input = ReplicateKeyInput {
        key_id: key.to_owned(),
        replica_region: "eu-west-1".to_owned(),
        ..ReplicateKeyInput::default()
    };
    name(ctx.call::<ReplicateKey>(input).await)
}

async fn multi_region_key(ctx: &Ctx) -> String {
    create(ctx, |input| input.multi_region = Some(true)).await.unwrap().key_id
}

async fn kind(ctx: &Ctx, key: &str) -> String {
    let described = describe(ctx, key).await.unwrap();
    described.multi_region_configuration.unwrap().multi_region_key_type.unwrap()
}

async fn schedule_deletion(ctx: &Ctx, key: &str) -> String {
    let input = ScheduleKeyDeletionInput { key_id: key.to_owned(), pending_window_in_days: Some(7) };
    ctx.call::<ScheduleKeyDeletion>(input).await.unwrap().key_state.unwrap()
}

#[tokio::test]
async fn a_replica_decrypts_what_its_primary_encrypted_also_after_a_rotation() {
    let region = region();
    let here = root(&region);
    let there = there(&here);
    let key = multi_region_key(&here).await;
    assert!(key.starts_with("mrk-"));
    let blob = encrypt(&here, &key, "text", &[]).await.unwrap();
    assert_eq!(name(decrypt(&there, &blob, &[]).await), "NotFoundException");
    assert_eq!(replicate(&here, &key).await, "fine");
    assert_eq!(replicate(&here, &key).await, "AlreadyExistsException");
    assert_eq!(decrypt(&there, &blob, &[]).await.unwrap(), "text");
    assert_eq!((kind(&here, &key).await, kind(&there, &key).await), ("PRIMARY".into(), "REPLICA".into()));
    let input = EnableKeyRotationInput { key_id: key.clone(), rotation_period_in_days: Some(90) };
    assert_eq!(name(there.call::<EnableKeyRotation>(input.clone()).await), "UnsupportedOperationException");
    here.call::<EnableKeyRotation>(input).await.unwrap();
    let input = GetKeyRotationStatusInput { key_id: key.clone() };
    assert_eq!(there.call::<GetKeyRotationStatus>(input).await.unwrap().key_rotation_enabled, Some(true));
    advance_days(&region, 91).await;
    let blob = encrypt(&there, &key, "there", &[]).await.unwrap();
    assert_eq!(decrypt(&here, &blob, &[]).await.unwrap(), "there");
    assert_eq!(replicate(&there, &key).await, "UnsupportedOperationException");
}

#[tokio::test]
async fn the_primary_moves_to_a_replicas_region() {
    let region = region();
    let here = root(&region);
    let there = there(&here);
    let key = multi_region_key(&here).await;
    let update = async |ctx: &Ctx, to: &str| {
        let input = UpdatePrimaryRegionInput { key_id: key.clone(), primary_region: to.to_owned() };
        name(ctx.call::<UpdatePrimaryRegion>(input).await)
    };
    assert_eq!(update(&here, "eu-west-1").await, "NotFoundException");
    replicate(&here, &key).await;
    assert_eq!(update(&here, "eu-west-1").await, "fine");
    assert_eq!((kind(&here, &key).await, kind(&there, &key).await), ("REPLICA".into(), "PRIMARY".into()));
    assert_eq!(update(&here, "eu-west-1").await, "UnsupportedOperationException");
}

#[tokio::test]
async fn a_primary_outlives_its_replicas() {
    let region = region();
    let here = root(&region);
    let there = there(&here);
    let key = multi_region_key(&here).await;
    replicate(&here, &key).await;
    assert_eq!(schedule_deletion(&here, &key).await, "PendingReplicaDeletion");
    advance_days(&region, 30).await;
    assert_eq!(state(&here, &key).await, "PendingReplicaDeletion");
    assert_eq!(schedule_deletion(&there, &key).await, "PendingDeletion");
    advance_days(&region, 8).await;
    assert_eq!(name(describe(&there, &key).await), "NotFoundException");
    assert_eq!(state(&here, &key).await, "PendingDeletion");
    advance_days(&region, 8).await;
    assert_eq!(name(describe(&here, &key).await), "NotFoundException");
}

#[tokio::test]
async fn single_region_keys_are_not_replicated() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    assert_eq!(replicate(&ctx, &key).await, "UnsupportedOperationException");
}
