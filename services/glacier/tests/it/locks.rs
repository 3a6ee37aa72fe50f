use glacier_api::op::{AbortVaultLock, CompleteVaultLock, GetVaultLock, InitiateVaultLock};
use glacier_api::{
    AbortVaultLockInput, CompleteVaultLockInput, GetVaultLockInput, GetVaultLockOutput,
    InitiateVaultLockInput, VaultLockPolicy,
};
use shapes::ApiError;

use crate::kit::{DAY, Vault, code, name, own};

/// Nobody deletes archives of less than a year.
const WORM: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"keep","Effect":"Deny","Principal":"*",
    "Action":"glacier:DeleteArchive","Resource":"arn:aws:glacier:us-east-1:000000000000:vaults/photos",
    "Condition":{"NumericLessThan":{"glacier:ArchiveAgeInDays":"365"}}}]}"#;

async fn initiate(vault: &Vault, policy: &str) -> Result<String, ApiError> {
    let policy = Some(VaultLockPolicy { policy: Some(policy.to_owned()) });
    let input = InitiateVaultLockInput { account_id: own(), vault_name: name(), policy };
    Ok(vault.call::<InitiateVaultLock>(input).await?.lock_id.unwrap())
}

async fn complete(vault: &Vault, lock: &str) -> String {
    let input = CompleteVaultLockInput { account_id: own(), vault_name: name(), lock_id: lock.to_owned() };
    code(vault.call::<CompleteVaultLock>(input).await)
}

async fn abort(vault: &Vault) -> String {
    code(vault.call::<AbortVaultLock>(AbortVaultLockInput { account_id: own(), vault_name: name() }).await)
}

async fn lock(vault: &Vault) -> Result<GetVaultLockOutput, ApiError> {
    vault.call::<GetVaultLock>(GetVaultLockInput { account_id: own(), vault_name: name() }).await
}

#[tokio::test]
async fn a_locked_policy_keeps_young_archives_from_being_deleted() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    let lock_id = initiate(&vault, WORM).await.unwrap();
    assert_eq!(code(vault.delete(&id).await), "AccessDeniedException", "it counts while it is tried");
    assert_eq!(complete(&vault, &lock_id).await, "Ok");
    assert_eq!(lock(&vault).await.unwrap().state.as_deref(), Some("Locked"));
    assert_eq!(lock(&vault).await.unwrap().expiration_date, None);
    vault.region.advance(364 * DAY).await;
    assert_eq!(code(vault.delete(&id).await), "AccessDeniedException");
    vault.region.advance(DAY).await;
    assert_eq!(code(vault.delete(&id).await), "Ok");
}

#[tokio::test]
async fn what_is_locked_stays_locked() {
    let vault = Vault::create().await;
    let lock_id = initiate(&vault, WORM).await.unwrap();
    assert_eq!(complete(&vault, "other").await, "InvalidParameterValueException");
    assert_eq!(complete(&vault, &lock_id).await, "Ok");
    assert_eq!(complete(&vault, &lock_id).await, "Ok", "completing it again succeeds");
    assert_eq!(complete(&vault, "other").await, "AccessDeniedException");
    assert_eq!(abort(&vault).await, "AccessDeniedException");
    assert_eq!(code(initiate(&vault, WORM).await), "AccessDeniedException");
}

#[tokio::test]
async fn a_lock_that_is_not_completed_goes_after_a_day() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    assert_eq!(code(lock(&vault).await), "ResourceNotFoundException");
    let lock_id = initiate(&vault, WORM).await.unwrap();
    let found = lock(&vault).await.unwrap();
    assert_eq!(found.state.as_deref(), Some("InProgress"));
    assert_eq!(found.expiration_date.as_deref(), Some("2026-01-02T00:00:00.000Z"));
    assert_eq!(code(initiate(&vault, WORM).await), "AccessDeniedException", "one is being tried");
    vault.region.advance(DAY).await;
    assert_eq!(code(lock(&vault).await), "ResourceNotFoundException");
    assert_eq!(complete(&vault, &lock_id).await, "ResourceNotFoundException");
    assert_eq!(code(vault.delete(&id).await), "Ok");
    initiate(&vault, WORM).await.unwrap();
    assert_eq!(abort(&vault).await, "Ok");
    assert_eq!(abort(&vault).await, "Ok");
    assert_eq!(code(lock(&vault).await), "ResourceNotFoundException");
}
