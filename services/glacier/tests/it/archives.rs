use glacier_api::UploadArchiveInput;
use glacier_api::op::UploadArchive;

use crate::kit::{DAY, MEGABYTE, Vault, code, name, own, sample, tree_hash};

#[tokio::test]
async fn an_archive_answers_with_its_id_and_tree_hash() {
    let vault = Vault::create().await;
    let bytes = sample(3 * MEGABYTE + 5);
    let created = vault.try_upload(&bytes, "holiday").await.unwrap();
    let id = created.archive_id.unwrap();
    assert_eq!(id.len(), 138);
    assert_eq!(created.checksum, Some(tree_hash(&bytes)));
    assert_eq!(created.location, Some(format!("/000000000000/vaults/photos/archives/{id}")));
}

#[tokio::test]
async fn data_must_have_the_tree_hash_that_is_sent_with_it() {
    let vault = Vault::create().await;
    let input = |checksum: Option<String>, bytes: &[u8]| UploadArchiveInput {
        account_id: own(),
        vault_name: name(),
        checksum,
        body: Some(bytes.to_vec().into()),
        ..Default::default()
    };
    let upload = |checksum, bytes: &'static [u8]| vault.call::<UploadArchive>(input(checksum, bytes));
    let error = upload(Some(tree_hash(b"other")), b"data").await.unwrap_err();
    assert_eq!(error.name(), "InvalidParameterValueException");
    let members = error.detail().map(|detail| detail.shape().members.len());
    assert_eq!(members, Some(3), "an error tells its type, its code and its message");
    assert_eq!(code(upload(None, b"data").await), "MissingParameterValueException");
    assert_eq!(code(upload(Some(tree_hash(b"")), b"").await), "InvalidParameterValueException");
    assert!(vault.files_are(0).await, "refused data stays on disk");
}

#[tokio::test]
async fn descriptions_are_printable_ascii() {
    let vault = Vault::create().await;
    assert_eq!(code(vault.try_upload(b"data", "caf\u{e9}").await), "InvalidParameterValueException");
    assert_eq!(code(vault.try_upload(b"data", &"x".repeat(1025)).await), "InvalidParameterValueException");
    assert_eq!(code(vault.try_upload(b"data", &"x".repeat(1024)).await), "Ok");
}

#[tokio::test]
async fn a_deleted_archive_is_gone_with_its_bytes() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    assert_eq!(vault.files().len(), 1);
    vault.delete(&id).await.unwrap();
    assert!(vault.files_are(0).await, "the file of a deleted archive stays");
    assert_eq!(code(vault.delete(&id).await), "ResourceNotFoundException");
    vault.region.advance(DAY).await;
    assert_eq!(code(vault.delete(&id).await), "ResourceNotFoundException");
}
