use glacier::VaultStore;

use crate::kit::{DAY, HOUR, MEGABYTE, Vault, bytes, sample};

#[tokio::test]
async fn archives_are_sealed_on_disk_and_damage_is_found() {
    let vault = Vault::create().await;
    let data = b"what nobody else should read ".repeat(100);
    let id = vault.upload(&data, "").await;
    let job = vault.retrieve(&id).await;
    vault.region.advance(5 * HOUR).await;
    vault.end(&job).await;
    let file = vault.files().remove(0);
    let mut stored = std::fs::read(&file).unwrap();
    assert!(!stored.windows(20).any(|window| window == &data[..20]), "the bytes lie open");
    let last = stored.len() - 30;
    stored[last] ^= 1;
    std::fs::write(&file, stored).unwrap();
    assert_eq!(vault.output(&job, None).await.unwrap_err().status(), 500);
}

#[tokio::test]
async fn what_was_uploaded_is_there_after_a_restart() {
    let vault = Vault::create().await;
    let data = sample(MEGABYTE + 1);
    let id = vault.upload(&data, "").await;
    let job = vault.retrieve(&id).await;
    let Vault { region, folder, .. } = vault;
    let mut store = None;
    let region = region.restarted(|cloud| {
        let vaults = VaultStore::open(cloud.clone(), folder.path(), false).unwrap();
        let parts = (vec![vaults.service()], vaults.jobs());
        store = Some(vaults);
        parts
    });
    let vault = Vault { region, store: store.unwrap(), folder };
    vault.region.advance(5 * HOUR).await;
    vault.end(&job).await;
    assert_eq!(bytes(vault.output(&job, None).await.unwrap()).await.unwrap(), data);
}

#[tokio::test]
async fn files_that_nothing_names_are_swept_and_others_stay() {
    let vault = Vault::create().await;
    vault.upload(b"data", "").await;
    let named = vault.files().remove(0);
    let orphan = vault.folder.path().join("blobs/ff/000000000000000000000000000000ff");
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::copy(&named, &orphan).unwrap();
    vault.store.start().await.unwrap();
    vault.region.advance(DAY).await;
    for _ in 0..2000 {
        if !orphan.exists() {
            break;
        }
        vault.region.settle().await;
        std::thread::yield_now();
    }
    assert!(!orphan.exists(), "the orphan stays");
    assert!(named.exists(), "a file that is needed went");
}
