//! Item collections of tables with local indexes: how large they are, and how large they may become.

use dynamodb::Limits;
use dynamodb_api::op::{CreateTable, DeleteItem, PutItem, TransactWriteItems};
use dynamodb_api::*;
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Range, Row, RowError, Table, Tail};

use crate::kit::{Db, attribute, item, key, projection, put, table, told};

async fn with_local(collection_bytes: u64) -> Db {
    let db = Db::with_limits(Limits { collection_bytes, ..Limits::default() });
    let mut input = table("orders", true);
    input.attribute_definitions = Some(vec![attribute("pk", "S"), attribute("sk", "N"), attribute("v", "S")]);
    input.local_secondary_indexes = Some(vec![LocalSecondaryIndex {
        index_name: "by-v".to_owned(),
        key_schema: vec![key("pk", "HASH"), key("v", "RANGE")],
        projection: projection("KEYS_ONLY", &[]),
    }]);
    db.call::<CreateTable>(input).await.expect("the table is made");
    db
}

fn large(key: &str, size: usize) -> PutItemInput {
    let mut input = put(key);
    input.item.insert("data".to_owned(), AttributeValue::S("x".repeat(size)));
    input
}

async fn try_put(db: &Db, key: &str, size: usize) -> Result<(), ApiError> {
    db.call::<PutItem>(large(key, size)).await.map(drop)
}

fn is_too_large(result: Result<(), ApiError>) {
    let expected = ("ItemCollectionSizeLimitExceededException", "Collection size exceeded.");
    let (name, message) = told(result);
    assert_eq!((name.as_str(), message.as_str()), expected);
}

#[tokio::test]
async fn a_collection_grows_to_its_limit_and_can_then_be_made_smaller() {
    let db = with_local(2000).await;
    try_put(&db, "pk=a sk=1", 900).await.unwrap();
    try_put(&db, "pk=a sk=2", 900).await.unwrap();
    is_too_large(try_put(&db, "pk=a sk=3", 900).await);
    is_too_large(try_put(&db, "pk=a sk=2", 1100).await);
    // Others have their own, and what does not grow is taken.
    try_put(&db, "pk=b sk=1", 900).await.unwrap();
    try_put(&db, "pk=a sk=2", 800).await.unwrap();
    assert_eq!(db.get("pk=a sk=3").await, None);
    let write = TransactWriteItem {
        put: Some(Put {
            table_name: "orders".to_owned(),
            item: large("pk=a sk=4", 900).item,
            ..Default::default()
        }),
        ..Default::default()
    };
    let input = TransactWriteItemsInput { transact_items: vec![write], ..Default::default() };
    let (_, message) = told(db.call::<TransactWriteItems>(input).await.map(drop));
    assert!(message.ends_with("[ItemCollectionSizeLimitExceeded]"), "{message}");
    db.delete("pk=a sk=1").await;
    try_put(&db, "pk=a sk=3", 900).await.unwrap();
}

#[tokio::test]
async fn entries_of_local_indexes_count() {
    // The item has 105 bytes, its entry some more than ten.
    let db = with_local(110).await;
    try_put(&db, "pk=a sk=1", 94).await.unwrap();
    is_too_large(try_put(&db, "pk=a sk=1 v=indexed", 85).await);
    try_put(&db, "pk=a sk=1 other=value", 80).await.unwrap();
}

#[tokio::test]
async fn metrics_tell_the_size_as_it_is() {
    let db = with_local(Limits::default().collection_bytes).await;
    let mut input = large("pk=a sk=1 v=x", 1000);
    input.return_item_collection_metrics = Some("SIZE".to_owned());
    let metrics = db.call::<PutItem>(input).await.unwrap().item_collection_metrics.unwrap();
    assert_eq!(metrics.size_estimate_range_gb, Some(vec![0.0, 1.0]));
    assert_eq!(metrics.item_collection_key, Some(item("pk=a")));
    let input = DeleteItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a sk=1"),
        return_item_collection_metrics: Some("SIZE".to_owned()),
        ..Default::default()
    };
    let metrics = db.call::<DeleteItem>(input).await.unwrap().item_collection_metrics.unwrap();
    assert_eq!(metrics.size_estimate_range_gb, Some(vec![0.0, 1.0]));
}

/// A row of which only the key matters.
struct Any;

impl Row for Any {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &[u8]) -> Result<Self, RowError> {
        Ok(Self)
    }
}

/// The names under which sizes of collections are kept.
fn kept(db: &Db) -> Vec<Vec<u8>> {
    const COLLECTIONS: Table<(u64, Tail), Any> = Table::new("dynamodb/collection");
    let scope = cloud::tenant(AccountId::DEFAULT, Region::US_EAST_1);
    let mut snapshot = db.region.cloud.store().read(&scope).unwrap();
    let rows = COLLECTIONS.list(&mut snapshot, &Range::all(), 100).unwrap();
    rows.into_iter().map(|((_, name), _)| name.0).collect()
}

#[tokio::test]
async fn sizes_are_kept_by_hashes_of_keys_and_only_while_there_is_something() {
    let db = with_local(Limits::default().collection_bytes).await;
    for pk in ["marmalade", "jam"] {
        try_put(&db, &format!("pk={pk} sk=1 v=x"), 10).await.unwrap();
        try_put(&db, &format!("pk={pk} sk=2"), 10).await.unwrap();
    }
    let names = kept(&db);
    assert!(names.len() == 2 && names.iter().all(|name| name.len() == 16), "{names:?}");
    let text = |name: &Vec<u8>| String::from_utf8_lossy(name).contains("jam");
    assert!(!names.iter().any(text), "{names:?}");
    for sk in [1, 2] {
        db.delete(&format!("pk=jam sk={sk}")).await;
    }
    assert_eq!(kept(&db).len(), 1);
    db.call::<CreateTable>(table("plain", true)).await.unwrap();
    let input = PutItemInput { table_name: "plain".to_owned(), ..put("pk=a sk=1") };
    db.call::<PutItem>(input).await.unwrap();
    assert_eq!(kept(&db).len(), 1);
}
