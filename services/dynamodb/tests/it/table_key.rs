//! Tables that are protected with KMS keys.

use std::time::Duration;

use cloud::Ctx;
use dynamodb_api::op::{CreateTable, GetItem};
use dynamodb_api::{CreateTableInput, GetItemInput, SSESpecification};
use identity::{AccountId, Principal};
use kms_api::op::{CreateKey, DisableKey, EnableKey, ListGrants};
use kms_api::{CreateKeyInput, DisableKeyInput, EnableKeyInput, ListGrantsInput};
use shapes::ApiError;

use crate::kit::{Db, item, table, told};

fn protected(name: &str, key: Option<&str>) -> CreateTableInput {
    let specification = SSESpecification {
        enabled: Some(true),
        sse_type: Some("KMS".to_owned()),
        kms_master_key_id: key.map(str::to_owned),
    };
    CreateTableInput { sse_specification: Some(specification), ..table(name, false) }
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
    db.call::<DisableKey>(DisableKeyInput { key_id: id.clone() }).await.unwrap();
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
