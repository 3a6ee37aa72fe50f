//! Rotation of keys.

use kms_api::op::{
    DisableKeyRotation, EnableKeyRotation, GetKeyRotationStatus, ListKeyRotations, RotateKeyOnDemand,
};
use kms_api::{
    DisableKeyRotationInput, EnableKeyRotationInput, GetKeyRotationStatusInput, ListKeyRotationsInput,
    RotateKeyOnDemandInput, RotationsListEntry,
};

use cloud::Ctx;

use crate::kit::{advance_days, create, decrypt, describe, encrypt, key, name, region, root};

async fn rotations(ctx: &Ctx, key: &str) -> Vec<RotationsListEntry> {
    let input = ListKeyRotationsInput { key_id: key.to_owned(), ..ListKeyRotationsInput::default() };
    ctx.call::<ListKeyRotations>(input).await.unwrap().rotations.unwrap()
}

async fn material(ctx: &Ctx, key: &str) -> String {
    describe(ctx, key).await.unwrap().current_key_material_id.unwrap()
}

#[tokio::test]
async fn a_key_rotates_each_period_and_what_it_encrypted_before_still_opens() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let before = encrypt(&ctx, &key, "before", &[]).await.unwrap();
    let first = material(&ctx, &key).await;
    let input = EnableKeyRotationInput { key_id: key.clone(), rotation_period_in_days: Some(90) };
    ctx.call::<EnableKeyRotation>(input).await.unwrap();
    let input = GetKeyRotationStatusInput { key_id: key.clone() };
    let status = ctx.call::<GetKeyRotationStatus>(input.clone()).await.unwrap();
    assert_eq!((status.key_rotation_enabled, status.rotation_period_in_days), (Some(true), Some(90)));
    let due = status.next_rotation_date.unwrap();
    advance_days(&region, 91).await;
    let second = material(&ctx, &key).await;
    assert_ne!(first, second);
    let listed = rotations(&ctx, &key).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].rotation_type.as_deref(), Some("AUTOMATIC"));
    assert!(ctx.call::<GetKeyRotationStatus>(input.clone()).await.unwrap().next_rotation_date > Some(due));
    let after = encrypt(&ctx, &key, "after", &[]).await.unwrap();
    assert_eq!(decrypt(&ctx, &before, &[]).await.unwrap(), "before");
    assert_eq!(decrypt(&ctx, &after, &[]).await.unwrap(), "after");
    ctx.call::<DisableKeyRotation>(DisableKeyRotationInput { key_id: key.clone() }).await.unwrap();
    advance_days(&region, 200).await;
    assert_eq!(material(&ctx, &key).await, second);
    assert_eq!(ctx.call::<GetKeyRotationStatus>(input).await.unwrap().key_rotation_enabled, Some(false));
}

#[tokio::test]
async fn rotations_on_demand_have_a_limit() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let blob = encrypt(&ctx, &key, "text", &[]).await.unwrap();
    let rotate =
        async || name(ctx.call::<RotateKeyOnDemand>(RotateKeyOnDemandInput { key_id: key.clone() }).await);
    for _ in 0..25 {
        assert_eq!(rotate().await, "fine");
    }
    assert_eq!(rotate().await, "LimitExceededException");
    assert_eq!(decrypt(&ctx, &blob, &[]).await.unwrap(), "text");
    assert!(
        rotations(&ctx, &key).await.iter().all(|entry| entry.rotation_type.as_deref() == Some("ON_DEMAND"))
    );
}

#[tokio::test]
async fn only_symmetric_keys_of_kms_rotate() {
    let region = region();
    let ctx = root(&region);
    let made = create(&ctx, |input| {
        input.key_spec = Some("HMAC_256".to_owned());
        input.key_usage = Some("GENERATE_VERIFY_MAC".to_owned());
    });
    let key_id = made.await.unwrap().key_id;
    let input = EnableKeyRotationInput { key_id, rotation_period_in_days: None };
    assert_eq!(name(ctx.call::<EnableKeyRotation>(input).await), "UnsupportedOperationException");
}
