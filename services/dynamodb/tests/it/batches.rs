//! BatchGetItem and BatchWriteItem.

use dynamodb_api::op::{BatchGetItem, BatchWriteItem, CreateTable};
use dynamodb_api::{
    BatchGetItemInput, BatchWriteItemInput, DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest,
};
use shapes::Map;

use crate::kit::{Db, is_validation, item, show_all, table, told};

fn put_request(text: &str) -> WriteRequest {
    WriteRequest { put_request: Some(PutRequest { item: item(text) }), ..Default::default() }
}

fn delete_request(text: &str) -> WriteRequest {
    WriteRequest { delete_request: Some(DeleteRequest { key: item(text) }), ..Default::default() }
}

fn write(requests: &[(&str, Vec<WriteRequest>)]) -> BatchWriteItemInput {
    let request_items =
        requests.iter().map(|(table, writes)| ((*table).to_owned(), writes.clone())).collect();
    BatchWriteItemInput { request_items, ..Default::default() }
}

fn get(table: &str, keys: &[&str]) -> BatchGetItemInput {
    let keys = KeysAndAttributes { keys: keys.iter().map(|key| item(key)).collect(), ..Default::default() };
    BatchGetItemInput { request_items: Map::from([(table.to_owned(), keys)]), ..Default::default() }
}

#[tokio::test]
async fn a_batch_writes_to_several_tables_and_another_reads_it() {
    let db = Db::with_table(true).await;
    db.call::<CreateTable>(table("other", false)).await.unwrap();
    db.put("pk=a sk=9").await;
    let batch = write(&[
        ("orders", vec![put_request("pk=a sk=1 v=x"), delete_request("pk=a sk=9")]),
        ("other", vec![put_request("pk=b")]),
    ]);
    let answer = db.call::<BatchWriteItem>(batch).await.unwrap();
    assert_eq!(answer.unprocessed_items, Some(Map::new()));
    assert_eq!(db.scan().await, ["pk=a sk=1 v=x"]);
    let answer = db.call::<BatchGetItem>(get("orders", &["pk=a sk=9", "pk=a sk=1"])).await.unwrap();
    assert_eq!(show_all(&answer.responses.unwrap()["orders"]), "pk=a sk=1 v=x");
    assert_eq!(answer.unprocessed_keys, Some(Map::new()));
}

#[tokio::test]
async fn batches_are_refused_whole() {
    let db = Db::with_table(false).await;
    let twice = write(&[("orders", vec![put_request("pk=a"), delete_request("pk=a")])]);
    is_validation(db.call::<BatchWriteItem>(twice).await, "Provided list of item keys contains duplicates");
    let many = (0..26).map(|number| put_request(&format!("pk=k{number}"))).collect();
    is_validation(
        db.call::<BatchWriteItem>(write(&[("orders", many)])).await,
        "Too many items requested for the BatchWriteItem call",
    );
    let wrong = write(&[("orders", vec![put_request("pk=a"), put_request("v=1")])]);
    is_validation(
        db.call::<BatchWriteItem>(wrong).await,
        "One or more parameter values were invalid: Missing the key pk in the item",
    );
    let missing = write(&[("nowhere", vec![put_request("pk=a")])]);
    assert_eq!(told(db.call::<BatchWriteItem>(missing).await).0, "ResourceNotFoundException");
    assert!(db.scan().await.is_empty());
    is_validation(
        db.call::<BatchGetItem>(get("orders", &["pk=a", "pk=a"])).await,
        "Provided list of item keys contains duplicates",
    );
    let keys: Vec<String> = (0..101).map(|number| format!("pk=k{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    is_validation(
        db.call::<BatchGetItem>(get("orders", &keys)).await,
        "Too many items requested for the BatchGetItem call",
    );
}

#[tokio::test]
async fn what_does_not_fit_in_sixteen_megabytes_is_to_be_asked_for_again() {
    let db = Db::with_table(false).await;
    let big = "x".repeat(390_000);
    let keys: Vec<String> = (0..60).map(|number| format!("pk=k{number:02}")).collect();
    for key in &keys {
        db.put(&format!("{key} v={big}")).await;
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let first = db.call::<BatchGetItem>(get("orders", &keys)).await.unwrap();
    let (found, rest) = (first.responses.unwrap()["orders"].len(), first.unprocessed_keys.unwrap());
    assert_eq!((found, rest["orders"].keys.len()), (44, 16));
    let again = BatchGetItemInput { request_items: rest, ..Default::default() };
    let second = db.call::<BatchGetItem>(again).await.unwrap();
    assert_eq!(second.responses.unwrap()["orders"].len(), 16);
    assert_eq!(second.unprocessed_keys, Some(Map::new()));
}
