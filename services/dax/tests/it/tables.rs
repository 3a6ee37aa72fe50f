//! Tables that come, go and change their keys, and what the cluster's role may do with them.

use dynamodb_api::op::{DeleteResourcePolicy, PutResourcePolicy};
use dynamodb_api::{DeleteResourcePolicyInput, PutResourcePolicyInput};

use crate::client::{DEFINE_KEY_SCHEMA, GET, Lab, request};

const NO_TABLE: [i64; 5] = [4, 37, 38, 39, 41];
const INVALID: [i64; 5] = [4, 37, 38, 39, 46];
const DENIED: [i64; 4] = [4, 37, 38, 42];

fn key_schema() -> Vec<u8> {
    request(DEFINE_KEY_SCHEMA, |out| out.bytes(b"orders"))
}

#[tokio::test]
async fn a_deleted_table_is_gone_with_its_copies() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    let count = client.count().await;
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    lab.delete_table().await;
    client.authorize().await;
    assert_eq!(client.get_with("a", false).await, Err(NO_TABLE.to_vec()));
    assert_eq!(client.get_with("a", true).await, Err(NO_TABLE.to_vec()));
    assert_eq!(client.call(&key_schema()).await, Err(NO_TABLE.to_vec()));
    lab.create_table(&[("pk", "HASH")]).await;
    client.authorize().await;
    assert_eq!(client.get("a").await, None);
    assert_ne!(client.count().await, count);
    client.put("a", "two").await;
    assert_eq!(client.get("a").await.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_table_that_comes_again_with_another_key_is_another_table() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    assert_eq!(client.call(&key_schema()).await, Ok(b"\xA1\x62pk\x61S".to_vec()));
    lab.delete_table().await;
    lab.create_table(&[("pk", "HASH"), ("sk", "RANGE")]).await;
    client.authorize().await;
    assert_eq!(client.call(&key_schema()).await, Ok(b"\xA2\x62pk\x61S\x62sk\x61S".to_vec()));
    // A client that goes on with the key that it knew is told so.
    assert_eq!(client.get_with("a", false).await, Err(INVALID.to_vec()));
    let whole = request(GET, |out| {
        out.bytes(b"orders");
        out.bytes(b"\x61ab");
        out.null();
    });
    assert_eq!(client.call(&whole).await, Ok(vec![0xBF, 0xFF]));
}

#[tokio::test]
async fn tables_may_be_named_by_their_arn() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    lab.put_directly("a", "one").await;
    let by_arn = request(GET, |out| {
        out.bytes(b"arn:aws:dynamodb:us-east-1:000000000000:table/orders");
        out.bytes(b"a");
        out.null();
    });
    let found = client.call(&by_arn).await.expect("an item");
    assert!(found.len() > 5);
    lab.delete_directly("a").await;
    assert_eq!(client.call(&by_arn).await, Ok(vec![0xBF, 0xFF]));
}

#[tokio::test]
async fn what_the_role_may_not_do_is_refused_and_what_is_kept_stays_readable() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/orders";
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Principal":"*","Resource":"{arn}",
        "Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:BatchGetItem","dynamodb:Scan"]}}}}"#
    );
    let put = PutResourcePolicyInput { resource_arn: arn.to_owned(), policy, ..Default::default() };
    lab.region.call::<PutResourcePolicy>(put).await.expect("a policy");
    assert_eq!(client.put_with("a", "two", None).await, Err(DENIED.to_vec()));
    assert_eq!(client.get_with("b", false).await, Err(DENIED.to_vec()));
    assert_eq!(client.get_with("a", true).await, Err(DENIED.to_vec()));
    // From memory, which nobody asks the table for.
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    // What failed was not remembered as if there were no item.
    let delete = DeleteResourcePolicyInput { resource_arn: arn.to_owned(), ..Default::default() };
    lab.region.call::<DeleteResourcePolicy>(delete).await.expect("no policy");
    lab.put_directly("b", "late").await;
    assert_eq!(client.get("b").await.as_deref(), Some("late"));
    client.put("a", "two").await;
    assert_eq!(client.get("a").await.as_deref(), Some("two"));
}
