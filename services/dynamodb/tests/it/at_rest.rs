//! What can be read in the data folder of a region without its keys: of an item no more than what orders it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dynamodb_api::op::{
    CreateBackup, DescribeTable, GetItem, PutItem, Query, RestoreTableFromBackup, RestoreTableToPointInTime,
    Scan, TransactWriteItems,
};
use dynamodb_api::*;
use identity::Region;

use crate::exports::{Transfers, full};
use crate::kit::{attribute, item, key, projection, query, show, show_all, table, values_of};
use crate::streams::{enabled, read};

const OTHER: &str = "us-west-2";
/// Stands in values, and in the name of an attribute that is no key.
const SECRET: &str = "marmalade";

fn indexed() -> CreateTableInput {
    let mut input = table("orders", false);
    input.attribute_definitions.as_mut().unwrap().push(attribute("city", "S"));
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-city".to_owned(),
        key_schema: vec![key("city", "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    }]);
    input.stream_specification = enabled("NEW_AND_OLD_IMAGES").stream_specification;
    input
}

/// How many files there are below `folder`, and those with `text` in them.
fn search(folder: &Path, text: &str) -> (usize, Vec<String>) {
    let (mut count, mut found) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let (inner, texts) = search(&path, text);
            count += inner;
            found.extend(texts);
            continue;
        }
        count += 1;
        let bytes = fs::read(&path).unwrap();
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    (count, found)
}

async fn scan(transfers: &Transfers, name: &str) -> Vec<String> {
    let input = ScanInput { table_name: name.to_owned(), ..Default::default() };
    let items = transfers.db.call::<Scan>(input).await.unwrap().items.unwrap();
    let mut texts: Vec<_> = items.iter().map(show).collect();
    texts.sort();
    texts
}

/// The disk is not on the stepped clock, so what jobs do takes as long as it takes.
async fn until_open(transfers: &Transfers, name: &str) {
    for _ in 0..10_000 {
        let input = DescribeTableInput { table_name: name.to_owned() };
        let table = transfers.db.call::<DescribeTable>(input).await.unwrap().table.unwrap();
        let mut indexes = table.global_secondary_indexes.iter().flatten();
        if table.table_status.as_deref() == Some("ACTIVE")
            && indexes.all(|index| index.index_status.as_deref() == Some("ACTIVE"))
        {
            return;
        }
        transfers.db.region.settle().await;
    }
    panic!("{name} does not open");
}

async fn restored(transfers: &Transfers, backup: &str) {
    for _ in 0..10_000 {
        let input = RestoreTableFromBackupInput {
            backup_arn: backup.to_owned(),
            target_table_name: "restored".to_owned(),
            ..Default::default()
        };
        match transfers.db.call::<RestoreTableFromBackup>(input).await {
            Ok(_) => return until_open(transfers, "restored").await,
            Err(error) => assert_eq!(error.name(), "BackupInUseException"),
        }
        transfers.db.region.settle().await;
    }
    panic!("the backup is not made");
}

/// Until the other region has the last write.
async fn until_carried(transfers: &Transfers) {
    let region = &transfers.db.region;
    let there = region.ctx().in_tenant(region.ctx().account(), Region::known(OTHER).unwrap());
    for _ in 0..10_000 {
        let input =
            GetItemInput { table_name: "orders".to_owned(), key: item("pk=customer4"), ..Default::default() };
        let found = there.call::<GetItem>(input).await.unwrap().item;
        if found.is_some_and(|item| show(&item).contains("carried")) {
            return;
        }
        region.settle().await;
    }
    panic!("the write does not arrive");
}

/// Everything that makes copies of items.
async fn write_all(transfers: &Transfers) {
    let db = &transfers.db;
    for number in 0..20 {
        let text =
            format!("pk=customer{number} city=paris note={SECRET}-{number} {SECRET}=1 s={{{SECRET},x}}");
        db.put(&text).await;
    }
    let nested = AttributeValue::M(
        [("inner".to_owned(), AttributeValue::L(vec![AttributeValue::S(SECRET.to_owned())]))].into(),
    );
    let mut whole = item("pk=nested city=rome");
    whole.insert("map".to_owned(), nested);
    whole.insert("bytes".to_owned(), AttributeValue::B(SECRET.as_bytes().to_vec().into()));
    let input = PutItemInput { table_name: "orders".to_owned(), item: whole, ..Default::default() };
    db.call::<PutItem>(input).await.unwrap();
    let export = transfers.begin(full()).await.unwrap();
    db.region.advance(Duration::from_secs(1)).await;
    db.update("pk=customer1", "SET note = :n", &format!(":n={SECRET}-changed")).await.unwrap();
    db.delete("pk=customer2").await;
    let put = Put {
        table_name: "orders".to_owned(),
        item: item(&format!("pk=within note={SECRET}")),
        ..Default::default()
    };
    let input = TransactWriteItemsInput {
        transact_items: vec![TransactWriteItem { put: Some(put), ..Default::default() }],
        client_request_token: Some("token".to_owned()),
        ..Default::default()
    };
    db.call::<TransactWriteItems>(input).await.unwrap();
    let input = CreateBackupInput { table_name: "orders".to_owned(), backup_name: "b".to_owned() };
    let backup = db.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap();
    restored(transfers, &backup.backup_arn).await;
    let before = db.scan().await;
    let moment = db.region.clock.now();
    db.region.advance(Duration::from_secs(5)).await;
    db.update("pk=customer3", "SET note = :n", &format!(":n={SECRET}-later")).await.unwrap();
    let input = RestoreTableToPointInTimeInput {
        source_table_name: Some("orders".to_owned()),
        target_table_name: "earlier".to_owned(),
        restore_date_time: Some(moment),
        ..Default::default()
    };
    db.call::<RestoreTableToPointInTime>(input).await.unwrap();
    let added = CreateGlobalSecondaryIndexAction {
        index_name: "by-note".to_owned(),
        key_schema: vec![key("pk", "HASH")],
        projection: projection("INCLUDE", &["note"]),
        ..Default::default()
    };
    db.update_table(UpdateTableInput {
        attribute_definitions: Some(vec![attribute("pk", "S"), attribute("city", "S")]),
        global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
            create: Some(added),
            ..Default::default()
        }]),
        ..Default::default()
    })
    .await
    .unwrap();
    until_open(transfers, "orders").await;
    until_open(transfers, "earlier").await;
    let create = CreateReplicationGroupMemberAction { region_name: OTHER.to_owned(), ..Default::default() };
    let replica = ReplicationGroupUpdate { create: Some(create), ..Default::default() };
    let input = UpdateTableInput { replica_updates: Some(vec![replica]), ..Default::default() };
    db.update_table(input).await.unwrap();
    until_open(transfers, "orders").await;
    db.update("pk=customer4", "SET note = :n", &format!(":n={SECRET}-carried")).await.unwrap();
    until_carried(transfers).await;
    let ended = transfers.ended(&export).await;
    assert_eq!(transfers.lines(&ended).await.len(), 21);
    for name in ["restored", "earlier"] {
        assert_eq!(scan(transfers, name).await, before, "{name}");
    }
}

/// That all of it reads as it was written.
async fn read_all(transfers: &Transfers) {
    let db = &transfers.db;
    let one = db.get("pk=customer1").await.unwrap();
    let rest = format!("city=paris {SECRET}=1 note={SECRET}-changed pk=customer1 s={{{SECRET},x}}");
    assert_eq!(one, rest);
    assert_eq!(db.scan().await.len(), 21);
    let mut red = query(Some("by-city"), "city = :c", ":c=paris");
    red.filter_expression = Some("note = :n".to_owned());
    red.expression_attribute_values = values_of(&format!(":c=paris :n={SECRET}-changed"));
    assert_eq!(show_all(&db.call::<Query>(red).await.unwrap().items.unwrap()), rest);
    let entry = db.query(Some("by-note"), "pk = :p", ":p=customer3").await;
    assert_eq!(entry, format!("note={SECRET}-later pk=customer3"));
    let records = read(db).await;
    let images = records.iter().filter_map(|record| record.dynamodb.as_ref());
    let told = |image: Option<&shapes::Map<dynamodb_streams_api::AttributeValue>>| {
        image.is_some_and(|image| format!("{image:?}").contains(SECRET))
    };
    let (old, new): (Vec<_>, Vec<_>) =
        images.map(|change| (told(change.old_image.as_ref()), told(change.new_image.as_ref()))).unzip();
    let count = |all: &[bool]| all.iter().filter(|told| **told).count();
    assert_eq!((count(&old), count(&new)), (4, 25), "of {} records", records.len());
}

async fn nothing_but_keys_is_found(transfers: Transfers) {
    write_all(&transfers).await;
    read_all(&transfers).await;
    let look = |moment: &str| {
        let (files, found) = search(transfers.path(), SECRET);
        assert!(found.is_empty(), "{moment}: {found:?}");
        for plain in ["customer1", "paris"] {
            assert!(
                !search(transfers.path(), plain).1.is_empty(),
                "{moment}: {plain} orders items, {files} files"
            );
        }
    };
    look("in the log");
    transfers.db.region.cloud.store().close().await.unwrap();
    look("at rest");
}

#[tokio::test]
async fn no_value_but_keys_can_be_read_in_the_folder() {
    nothing_but_keys_is_found(Transfers::durable(indexed()).await).await;
}

#[tokio::test]
async fn nor_of_a_table_that_a_kms_key_protects() {
    let specification = SSESpecification { enabled: Some(true), ..Default::default() };
    let input = CreateTableInput { sse_specification: Some(specification), ..indexed() };
    let transfers = Transfers::durable(input).await;
    let described = transfers.db.describe().await.sse_description.unwrap();
    assert_eq!(described.sse_type.as_deref(), Some("KMS"));
    nothing_but_keys_is_found(transfers).await;
}
