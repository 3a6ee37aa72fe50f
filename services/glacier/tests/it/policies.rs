use glacier_api::op::{
    DeleteVaultAccessPolicy, DescribeVault, GetVaultAccessPolicy, InitiateVaultLock, SetVaultAccessPolicy,
};
use glacier_api::{
    DeleteVaultAccessPolicyInput, DescribeVaultInput, GetVaultAccessPolicyInput, InitiateVaultLockInput,
    SetVaultAccessPolicyInput, VaultAccessPolicy, VaultLockPolicy,
};

use crate::kit::{Vault, code, name, own};

const VAULT: &str = "arn:aws:glacier:us-east-1:000000000000:vaults/photos";

fn policy(effect: &str, principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"{VAULT}"}}]}}"#
    )
}

async fn set(vault: &Vault, policy: &str) -> String {
    let policy = Some(VaultAccessPolicy { policy: Some(policy.to_owned()) });
    let input = SetVaultAccessPolicyInput { account_id: own(), vault_name: name(), policy };
    code(vault.call::<SetVaultAccessPolicy>(input).await)
}

async fn describe_from_outside(vault: &Vault) -> String {
    let ctx = vault.region.as_account("111122223333");
    let input = DescribeVaultInput { account_id: "000000000000".to_owned(), vault_name: name() };
    code(ctx.call::<DescribeVault>(input).await)
}

#[tokio::test]
async fn an_access_policy_lets_another_account_in() {
    let vault = Vault::create().await;
    assert_eq!(describe_from_outside(&vault).await, "AccessDeniedException");
    let other = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
    assert_eq!(set(&vault, &policy("Allow", other, "glacier:DescribeVault")).await, "Ok");
    assert_eq!(describe_from_outside(&vault).await, "Ok");
    let input = DeleteVaultAccessPolicyInput { account_id: own(), vault_name: name() };
    vault.call::<DeleteVaultAccessPolicy>(input).await.unwrap();
    assert_eq!(describe_from_outside(&vault).await, "AccessDeniedException");
}

#[tokio::test]
async fn what_the_lock_denies_the_access_policy_cannot_allow() {
    let vault = Vault::create().await;
    let other = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
    set(&vault, &policy("Allow", other, "glacier:*")).await;
    let lock = Some(VaultLockPolicy { policy: Some(policy("Deny", "\"*\"", "glacier:DescribeVault")) });
    let input = InitiateVaultLockInput { account_id: own(), vault_name: name(), policy: lock };
    vault.call::<InitiateVaultLock>(input).await.unwrap();
    assert_eq!(describe_from_outside(&vault).await, "AccessDeniedException");
}

#[tokio::test]
async fn a_policy_must_be_one() {
    let vault = Vault::create().await;
    assert_eq!(set(&vault, "{").await, "InvalidParameterValueException");
    assert_eq!(set(&vault, "").await, "MissingParameterValueException");
    let get = || {
        let input = GetVaultAccessPolicyInput { account_id: own(), vault_name: name() };
        vault.call::<GetVaultAccessPolicy>(input)
    };
    assert_eq!(code(get().await), "ResourceNotFoundException");
    let text = policy("Deny", "\"*\"", "glacier:DeleteArchive");
    assert_eq!(set(&vault, &text).await, "Ok");
    assert_eq!(get().await.unwrap().policy.unwrap().policy, Some(text));
    let id = vault.upload(b"data", "").await;
    assert_eq!(code(vault.delete(&id).await), "AccessDeniedException");
}
