use glacier_api::{InventoryRetrievalJobInput, JobParameters};

use crate::kit::{DAY, HOUR, Vault, code, listing, tree_hash};

fn ids(inventory: &str) -> Vec<String> {
    let inventory: serde_json::Value = serde_json::from_str(inventory).unwrap();
    let archives = inventory["ArchiveList"].as_array().unwrap();
    archives.iter().map(|archive| archive["ArchiveId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn there_is_no_inventory_before_the_first_was_taken() {
    let vault = Vault::create().await;
    vault.upload(b"data", "").await;
    assert_eq!(code(vault.initiate(listing("JSON")).await), "ResourceNotFoundException");
}

#[tokio::test]
async fn an_inventory_is_of_the_day_it_was_taken() {
    let vault = Vault::create().await;
    let kept = vault.upload(b"data", "a \"quoted\" name").await;
    let deleted = vault.upload(b"more", "").await;
    vault.region.advance(DAY).await;
    vault.region.advance(HOUR).await;
    vault.delete(&deleted).await.unwrap();
    vault.upload(b"later", "").await;
    let inventory = vault.inventory(listing("JSON")).await;
    let mut both = [kept.clone(), deleted];
    both.sort();
    assert_eq!(ids(&inventory), both);
    let parsed: serde_json::Value = serde_json::from_str(&inventory).unwrap();
    assert_eq!(parsed["InventoryDate"], "2026-01-02T00:00:00Z");
    assert_eq!(parsed["VaultARN"], "arn:aws:glacier:us-east-1:000000000000:vaults/photos");
    let own =
        parsed["ArchiveList"].as_array().unwrap().iter().find(|entry| entry["ArchiveId"] == *kept).unwrap();
    assert_eq!(own["ArchiveDescription"], "a \"quoted\" name");
    assert_eq!(own["Size"], 4);
    assert_eq!(own["SHA256TreeHash"], tree_hash(b"data"));
    assert_eq!(own["CreationDate"], "2026-01-01T00:00:00.000Z");
    vault.region.advance(DAY).await;
    assert_eq!(
        ids(&vault.inventory(listing("JSON")).await).len(),
        2,
        "the deleted one is gone, the later one there"
    );
}

#[tokio::test]
async fn an_inventory_comes_as_csv_too() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "a \"quoted\" name").await;
    vault.region.advance(DAY).await;
    let inventory = vault.inventory(listing("CSV")).await;
    let expected = format!(
        "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\r\n\
         {id},\"a \"\"quoted\"\" name\",2026-01-01T00:00:00.000Z,4,{}\r\n",
        tree_hash(b"data")
    );
    assert_eq!(inventory, expected);
    assert_eq!(code(vault.initiate(listing("XML")).await), "InvalidParameterValueException");
}

#[tokio::test]
async fn dates_limits_and_markers_choose_what_is_listed() {
    let vault = Vault::create().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(vault.upload(b"data", "").await);
        vault.region.advance(HOUR).await;
    }
    vault.region.advance(DAY).await;
    let with = |parameters: InventoryRetrievalJobInput| JobParameters {
        inventory_retrieval_parameters: Some(parameters),
        ..listing("JSON")
    };
    let between = InventoryRetrievalJobInput {
        start_date: Some("2026-01-01T01:00:00Z".to_owned()),
        end_date: Some("2026-01-01T03:00:00Z".to_owned()),
        ..Default::default()
    };
    let mut expected = all[1..3].to_vec();
    expected.sort();
    assert_eq!(ids(&vault.inventory(with(between)).await), expected);
    all.sort();
    let mut marker = None;
    let mut found = Vec::new();
    for _ in 0..3 {
        let limit = Some("2".to_owned());
        let page = InventoryRetrievalJobInput { limit, marker: marker.clone(), ..Default::default() };
        let job = vault.initiate(with(page)).await.unwrap();
        vault.region.advance(5 * HOUR).await;
        let described = vault.end(&job).await;
        let next = described.inventory_retrieval_parameters.unwrap().marker;
        let output = crate::kit::bytes(vault.output(&job, None).await.unwrap()).await.unwrap();
        found.extend(ids(&String::from_utf8(output).unwrap()));
        if next == marker {
            break;
        }
        marker = next;
    }
    assert_eq!(found, all);
    let wrong = InventoryRetrievalJobInput { start_date: Some("yesterday".to_owned()), ..Default::default() };
    assert_eq!(code(vault.initiate(with(wrong)).await), "InvalidParameterValueException");
}
