//! Tables that are protected with KMS keys.

use std::ops::ControlFlow;
use std::time::Duration;

use cloud::Ctx;
use dynamodb_api::op::{
    CreateBackup, CreateTable, DeleteBackup, DeleteTable, DescribeTable, GetItem, PutItem,
    RestoreTableFromBackup, Scan,
};
use dynamodb_api::*;
use identity::{AccountId, Principal};
use kms_api::op::{CreateKey, DisableKey, EnableKey, ListGrants, RotateKeyOnDemand};
use kms_api::{CreateKeyInput, DisableKeyInput, EnableKeyInput, ListGrantsInput, RotateKeyOnDemandInput};
use kv::{KeyRange, Order};
use shapes::ApiError;
use store::{Reader, Scope};

use crate::kit::{Db, item, put, show_all, table, told};
use crate::streams::{self, enabled, iterator};

fn specification(key: Option<&str>) -> SSESpecification {
    SSESpecification {
        enabled: Some(true),
        sse_type: Some("KMS".to_owned()),
        kms_master_key_id: key.map(str::to_owned),
    }
}

fn protected(name: &str, key: Option<&str>) -> CreateTableInput {
    CreateTableInput { sse_specification: Some(specification(key)), ..table(name, false) }
}

async fn protect(db: &Db, specification: SSESpecification) {
    let input = UpdateTableInput { sse_specification: Some(specification), ..Default::default() };
    db.update_table(input).await.unwrap();
}

async fn disable(db: &Db, key: &str) {
    db.call::<DisableKey>(DisableKeyInput { key_id: key.to_owned() }).await.unwrap();
}

async fn key(db: &Db) -> (String, String) {
    let made = db.call::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata.unwrap();
    (made.key_id, made.arn.unwrap())
}

async fn get(db: &Db) -> Result<(), ApiError> {
    let input = GetItemInput { table_name: "orders".to_owned(), key: item("pk=a"), ..Default::default() };
    db.call::<GetItem>(input).await.map(|_| ())
}

async fn pass(db: &Db) {
    db.region.settle().await;
    db.region.advance(Duration::from_secs(301)).await;
    db.region.settle().await;
}

#[tokio::test]
async fn a_table_closes_with_its_key_and_opens_again() {
    let db = Db::start();
    let (id, arn) = key(&db).await;
    db.call::<CreateTable>(protected("orders", Some(&id))).await.unwrap();
    let described = db.describe().await.sse_description.unwrap();
    assert_eq!(described.kms_master_key_arn, Some(arn));
    let input = ListGrantsInput { key_id: id.clone(), ..Default::default() };
    let grants = db.call::<ListGrants>(input).await.unwrap().grants.unwrap();
    assert_eq!(grants[0].grantee_principal.as_deref(), Some("dynamodb.us-east-1.amazonaws.com"));
    get(&db).await.unwrap();
    disable(&db, &id).await;
    pass(&db).await;
    assert_eq!(db.describe().await.table_status.as_deref(), Some("INACCESSIBLE_ENCRYPTION_CREDENTIALS"));
    let refused = told(get(&db).await);
    assert_eq!((refused.0.as_str(), refused.1.as_str()), ("AccessDeniedException", "KMS key access denied"));
    db.call::<EnableKey>(EnableKeyInput { key_id: id }).await.unwrap();
    pass(&db).await;
    get(&db).await.unwrap();
}

#[tokio::test]
async fn keys_must_be_there_and_usable_by_the_caller() {
    let db = Db::start();
    let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let refused = told(db.call::<CreateTable>(protected("orders", Some(missing))).await);
    assert_eq!(refused.0, "ValidationException");
    assert!(refused.1.contains("NotFoundException"), "{}", refused.1);
    db.call::<CreateTable>(protected("own", None)).await.unwrap();
    let (id, _) = key(&db).await;
    let account = AccountId::parse("000000000000").unwrap();
    let ann: Ctx = db.region.context(Principal::user(account, "/", "ann", "AIDATEST"), account);
    let refused = told(ann.call::<CreateTable>(protected("orders", Some(&id))).await);
    assert_eq!(refused.0, "AccessDeniedException");
}

#[tokio::test]
async fn items_follow_their_table_from_key_to_key() {
    let db = Db::with_table(false).await;
    db.put("pk=a under=owned").await;
    let ((first, _), (second, _)) = (key(&db).await, key(&db).await);
    let all = ["pk=a under=owned", "pk=b under=first", "pk=c under=second", "pk=d under=managed"];
    for (specification, item) in [
        (specification(Some(&first)), all[1]),
        (specification(Some(&second)), all[2]),
        (specification(None), all[3]),
    ] {
        protect(&db, specification).await;
        db.put(item).await;
    }
    // Nothing hangs on the keys that the table had.
    disable(&db, &first).await;
    disable(&db, &second).await;
    pass(&db).await;
    assert_eq!(db.scan().await, all);
    assert_eq!(db.describe().await.table_status.as_deref(), Some("ACTIVE"));
    // Nor when the table goes back to the key that DynamoDB owns, or the region starts anew.
    protect(&db, SSESpecification { enabled: Some(false), ..Default::default() }).await;
    assert_eq!(db.describe().await.sse_description, None);
    db.put("pk=e under=owned").await;
    let db = db.restarted();
    assert_eq!(db.scan().await.len(), 5);
    assert_eq!(db.get("pk=b").await.as_deref(), Some(all[1]));
}

#[tokio::test]
async fn items_are_under_their_tables_key() {
    let db = Db::start();
    let (id, _) = key(&db).await;
    db.call::<CreateTable>(CreateTableInput {
        stream_specification: enabled("NEW_IMAGE").stream_specification,
        ..protected("orders", Some(&id))
    })
    .await
    .unwrap();
    db.put("pk=a n=1").await;
    let input = CreateBackupInput { table_name: "orders".to_owned(), backup_name: "b".to_owned() };
    let backup = db.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap();
    db.region.settle().await;
    let stream = db.describe().await.latest_stream_arn.unwrap();
    let start = iterator(&db, &stream, "TRIM_HORIZON", None).await.unwrap();
    disable(&db, &id).await;
    // For a while the key is at hand; a region that starts has to ask for it.
    get(&db).await.unwrap();
    streams::get(&db, &start, None).await.unwrap();
    let db = db.restarted();
    let denied = ("AccessDeniedException".to_owned(), "KMS key access denied".to_owned());
    assert_eq!(told(get(&db).await), denied);
    assert_eq!(told(db.call::<PutItem>(put("pk=b")).await), denied);
    assert_eq!(told(streams::get(&db, &start, None).await), denied);
    let restore = || RestoreTableFromBackupInput {
        backup_arn: backup.backup_arn.clone(),
        target_table_name: "restored".to_owned(),
        ..Default::default()
    };
    let refused = told(db.call::<RestoreTableFromBackup>(restore()).await);
    assert!(refused.1.contains("KMS validation error"), "{refused:?}");
    db.call::<EnableKey>(EnableKeyInput { key_id: id.clone() }).await.unwrap();
    get(&db).await.unwrap();
    assert_eq!(streams::get(&db, &start, None).await.unwrap().records.unwrap().len(), 1);
    db.call::<RestoreTableFromBackup>(restore()).await.unwrap();
    db.region.settle().await;
    let input = ScanInput { table_name: "restored".to_owned(), ..Default::default() };
    assert_eq!(show_all(&db.call::<Scan>(input).await.unwrap().items.unwrap()), "n=1 pk=a");
    let input = DescribeTableInput { table_name: "restored".to_owned() };
    let restored = db.call::<DescribeTable>(input).await.unwrap().table.unwrap();
    assert_eq!(
        restored.sse_description.unwrap().kms_master_key_arn,
        db.describe().await.sse_description.unwrap().kms_master_key_arn
    );
}

#[tokio::test]
async fn a_key_that_was_rotated_opens_what_it_sealed() {
    let db = Db::start();
    let (id, _) = key(&db).await;
    db.call::<CreateTable>(protected("orders", Some(&id))).await.unwrap();
    db.put("pk=a n=1").await;
    db.call::<RotateKeyOnDemand>(RotateKeyOnDemandInput { key_id: id }).await.unwrap();
    pass(&db).await;
    db.put("pk=b n=2").await;
    let db = db.restarted();
    assert_eq!(db.scan().await, ["n=1 pk=a", "n=2 pk=b"]);
}

/// How many data keys the region remembers.
fn data_keys(db: &Db) -> usize {
    let (from, to) = (b"dynamodb/data-key\0".as_slice(), b"dynamodb/data-key\x01".as_slice());
    let mut count = 0;
    let mut snapshot = db.region.cloud.store().read(&Scope::global()).unwrap();
    snapshot
        .scan(KeyRange { from, to }, Order::Ascending, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    count
}

#[tokio::test]
async fn data_keys_outlive_their_table_as_long_as_its_backups_do() {
    let db = Db::start();
    let (id, _) = key(&db).await;
    db.call::<CreateTable>(protected("orders", Some(&id))).await.unwrap();
    protect(&db, specification(None)).await;
    db.put("pk=a n=1").await;
    let input = CreateBackupInput { table_name: "orders".to_owned(), backup_name: "b".to_owned() };
    let backup_arn = db.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap().backup_arn;
    db.region.settle().await;
    db.call::<DeleteTable>(DeleteTableInput { table_name: "orders".to_owned() }).await.unwrap();
    db.region.settle().await;
    assert_eq!(data_keys(&db), 2);
    let days = |days: u64| Duration::from_secs(days * 86_400 + 60);
    db.region.advance(days(3)).await;
    db.region.settle().await;
    let input = RestoreTableFromBackupInput {
        backup_arn: backup_arn.clone(),
        target_table_name: "restored".to_owned(),
        ..Default::default()
    };
    db.call::<RestoreTableFromBackup>(input).await.unwrap();
    db.region.settle().await;
    let input = ScanInput { table_name: "restored".to_owned(), ..Default::default() };
    assert_eq!(show_all(&db.call::<Scan>(input).await.unwrap().items.unwrap()), "n=1 pk=a");
    assert_eq!(data_keys(&db), 3);
    db.call::<DeleteBackup>(DeleteBackupInput { backup_arn }).await.unwrap();
    db.region.advance(days(1)).await;
    db.region.settle().await;
    assert_eq!(data_keys(&db), 1, "that of the restored table is left");
}
