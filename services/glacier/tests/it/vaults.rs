use glacier_api::op::{
    AddTagsToVault, CreateVault, DeleteVault, DescribeVault, ListTagsForVault, ListVaults,
    RemoveTagsFromVault,
};
use glacier_api::{
    AddTagsToVaultInput, CreateVaultInput, DeleteVaultInput, DescribeVaultInput, ListTagsForVaultInput,
    ListVaultsInput, RemoveTagsFromVaultInput,
};

use crate::kit::{DAY, Vault, code, name, own};

async fn delete(vault: &Vault) -> String {
    let input = DeleteVaultInput { account_id: own(), vault_name: name() };
    code(vault.call::<DeleteVault>(input).await)
}

#[tokio::test]
async fn a_vault_counts_what_the_last_inventory_found() {
    let vault = Vault::create().await;
    vault.upload(b"data", "").await;
    let before = vault.describe().await;
    assert_eq!((before.number_of_archives, before.last_inventory_date), (Some(0), None));
    vault.region.advance(DAY).await;
    let after = vault.describe().await;
    assert_eq!(after.number_of_archives, Some(1));
    assert_eq!(after.size_in_bytes, Some(4 + 32 * 1024));
    assert_eq!(after.last_inventory_date.as_deref(), Some("2026-01-02T00:00:00.000Z"));
    assert_eq!(after.vault_arn.as_deref(), Some("arn:aws:glacier:us-east-1:000000000000:vaults/photos"));
    vault.region.advance(DAY).await;
    let unchanged = vault.describe().await.last_inventory_date;
    assert_eq!(unchanged.as_deref(), Some("2026-01-02T00:00:00.000Z"), "nothing had changed");
}

#[tokio::test]
async fn only_a_vault_that_an_inventory_found_empty_is_deleted() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    assert_eq!(delete(&vault).await, "InvalidParameterValueException");
    vault.delete(&id).await.unwrap();
    assert_eq!(delete(&vault).await, "InvalidParameterValueException", "no inventory has seen it empty");
    vault.region.advance(DAY).await;
    assert_eq!(delete(&vault).await, "Ok");
    assert_eq!(delete(&vault).await, "Ok", "deleting what is not there succeeds");
    let input = DescribeVaultInput { account_id: own(), vault_name: name() };
    assert_eq!(code(vault.call::<DescribeVault>(input).await), "ResourceNotFoundException");
}

#[tokio::test]
async fn vaults_are_listed_in_pages() {
    let vault = Vault::create().await;
    for index in 0..12 {
        let input = CreateVaultInput { account_id: own(), vault_name: format!("v{index:02}") };
        vault.call::<CreateVault>(input).await.unwrap();
    }
    let mut names = Vec::new();
    let mut marker = None;
    let mut pages = 0;
    loop {
        let input = ListVaultsInput { account_id: own(), marker, limit: Some("5".to_owned()) };
        let page = vault.call::<ListVaults>(input).await.unwrap();
        names.extend(page.vault_list.unwrap().into_iter().filter_map(|vault| vault.vault_name));
        pages += 1;
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!((names.len(), pages), (13, 3));
    assert!(names.is_sorted(), "{names:?}");
    let invalid = ListVaultsInput { account_id: own(), limit: Some("0".to_owned()), ..Default::default() };
    assert_eq!(code(vault.call::<ListVaults>(invalid).await), "InvalidParameterValueException");
}

#[tokio::test]
async fn names_and_accounts_are_checked() {
    let vault = Vault::create().await;
    let create = |account: &str, name: &str| {
        let (account_id, vault_name) = (account.to_owned(), name.to_owned());
        vault.call::<CreateVault>(CreateVaultInput { account_id, vault_name })
    };
    assert_eq!(code(create("-", "with space").await), "InvalidParameterValueException");
    assert_eq!(code(create("-", &"x".repeat(256)).await), "InvalidParameterValueException");
    assert_eq!(code(create("12", "fine").await), "InvalidParameterValueException");
    assert_eq!(code(create("000000000000", "fine").await), "Ok");
    assert_eq!(code(create("-", "fine").await), "Ok", "making it again succeeds");
}

#[tokio::test]
async fn a_vault_has_ten_tags_at_most() {
    let vault = Vault::create().await;
    let add = |from: usize, to: usize| {
        let tags = (from..to).map(|index| (format!("k{index}"), "v".to_owned())).collect();
        let input = AddTagsToVaultInput { account_id: own(), vault_name: name(), tags: Some(tags) };
        vault.call::<AddTagsToVault>(input)
    };
    add(0, 10).await.unwrap();
    assert_eq!(code(add(10, 11).await), "LimitExceededException");
    let tag_keys = Some(vec!["k0".to_owned(), "k1".to_owned()]);
    let input = RemoveTagsFromVaultInput { account_id: own(), vault_name: name(), tag_keys };
    vault.call::<RemoveTagsFromVault>(input).await.unwrap();
    add(10, 11).await.unwrap();
    let input = ListTagsForVaultInput { account_id: own(), vault_name: name() };
    let tags = vault.call::<ListTagsForVault>(input).await.unwrap().tags.unwrap();
    assert_eq!(tags.len(), 9);
}
