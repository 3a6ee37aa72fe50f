//! Writes through the cluster and past it: what the caches make of them.

use std::time::Duration;

use crate::client::{GET, Lab, request};
use crate::operations::{equals, is_absent};

const CONDITION_FAILED: [i64; 5] = [4, 37, 38, 39, 43];
const CANCELLED: [i64; 5] = [4, 37, 38, 39, 58];

#[tokio::test]
async fn every_own_write_is_what_the_next_read_finds() {
    let lab = Lab::new().await;
    let (mut client, mut other) = (lab.connect().await, lab.connect().await);
    client.put("a", "put").await;
    assert_eq!(other.get("a").await.as_deref(), Some("put"));
    client.update("a", "updated").await.expect("an update");
    assert_eq!(other.get("a").await.as_deref(), Some("updated"));
    client.write_many(&[("a", Some("batched")), ("b", Some("new"))]).await.expect("a batch");
    assert_eq!(other.get("a").await.as_deref(), Some("batched"));
    assert_eq!(other.get_many(&["a", "b"]).await.len(), 2);
    client.write_many(&[("a", None)]).await.expect("a batch");
    assert_eq!(other.get("a").await, None);
    // All of that was in the cache, for writes go into it.
    assert_eq!(lab.hits("ItemCacheMisses"), 0.0);
    client.transact(&[("a", "transacted"), ("b", "too")], None).await.expect("a transaction");
    assert_eq!(other.get("a").await.as_deref(), Some("transacted"));
    // Transactions pass by the caches, and what they wrote is read anew.
    assert_eq!(lab.hits("ItemCacheMisses"), 1.0);
    client.delete("a").await;
    assert_eq!(other.get("a").await, None);
    assert_eq!(lab.hits("ItemCacheMisses"), 1.0);
}

#[tokio::test]
async fn a_write_that_a_condition_refuses_changes_no_cache() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    let refused = client.put_with("a", "two", Some(&is_absent())).await;
    assert_eq!(refused, Err(CONDITION_FAILED.to_vec()));
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    let refused = client.put_with("a", "two", Some(&equals("v", "other"))).await;
    assert_eq!(refused, Err(CONDITION_FAILED.to_vec()));
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    assert_eq!(lab.hits("ItemCacheHits"), 2.0);
    client.put_with("a", "two", Some(&equals("v", "one"))).await.expect("a put");
    assert_eq!(client.get("a").await.as_deref(), Some("two"));
    // Of an item that is not there.
    client.put_with("b", "new", Some(&is_absent())).await.expect("a put");
    assert_eq!(client.get("b").await.as_deref(), Some("new"));
    assert_eq!(lab.hits("ItemCacheMisses"), 0.0);
}

#[tokio::test]
async fn a_transaction_that_is_cancelled_changes_nothing() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    client.put("b", "one").await;
    let refused = client.transact(&[("a", "two"), ("b", "two")], Some(&equals("v", "other"))).await;
    assert_eq!(refused, Err(CANCELLED.to_vec()));
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    assert_eq!(client.get("b").await.as_deref(), Some("one"));
    assert_eq!(lab.hits("ItemCacheHits"), 2.0);
}

#[tokio::test]
async fn a_batch_that_is_refused_changes_no_cache() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    // The same key twice.
    let refused = client.write_many(&[("a", Some("two")), ("a", None)]).await;
    assert_eq!(refused, Err(vec![4, 37, 38, 39, 46]));
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    let many: Vec<(String, Option<&str>)> = (0..26).map(|n| (format!("k{n}"), Some("v"))).collect();
    let many: Vec<(&str, Option<&str>)> = many.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    assert_eq!(client.write_many(&many).await, Err(vec![4, 37, 38, 39, 46]));
    client.write_many(&many[..25]).await.expect("a batch");
}

#[tokio::test]
async fn an_item_that_is_too_large_is_refused_and_not_kept() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    for bytes in [410 << 10, 600 << 10] {
        let refused = client.put_with("a", &"x".repeat(bytes), None).await;
        assert_eq!(refused, Err(vec![4, 37, 38, 39, 46]));
    }
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    let large = "x".repeat(399 << 10);
    client.put("a", &large).await;
    assert_eq!(client.get("a").await.as_deref(), Some(large.as_str()));
    assert_eq!(lab.hits("ItemCacheMisses"), 0.0);
}

#[tokio::test]
async fn writes_past_the_cluster_make_every_copy_old() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    lab.put_directly("a", "one").await;
    let read = async |client: &mut crate::client::Client| {
        let one = client.get("a").await;
        let many = client.get_many(&["a", "b"]).await.into_iter().map(|(_, value)| value).next();
        let queried = client.query("a").await;
        assert_eq!((&one, &many), (&queried, &queried));
        one
    };
    assert_eq!(read(&mut client).await.as_deref(), Some("one"));
    lab.put_directly("a", "two").await;
    assert_eq!(read(&mut client).await.as_deref(), Some("two"));
    lab.delete_directly("a").await;
    assert_eq!(read(&mut client).await, None);
    lab.put_directly("a", "three").await;
    assert_eq!(read(&mut client).await.as_deref(), Some("three"));
    // Another item's change leaves the item's copy as it is, and answers of queries not.
    let misses = lab.hits("ItemCacheMisses");
    lab.put_directly("z", "other").await;
    assert_eq!(client.get("a").await.as_deref(), Some("three"));
    assert_eq!(lab.hits("ItemCacheMisses"), misses);
}

#[tokio::test]
async fn items_that_dynamodb_expires_are_gone_from_the_cache() {
    use dynamodb_api::{TimeToLiveSpecification, UpdateTimeToLiveInput};
    let lab = Lab::new().await;
    let input = UpdateTimeToLiveInput {
        table_name: "orders".to_owned(),
        time_to_live_specification: TimeToLiveSpecification {
            attribute_name: "until".to_owned(),
            enabled: true,
        },
    };
    lab.region.call::<dynamodb_api::op::UpdateTimeToLive>(input).await.expect("a change");
    let mut item = crate::client::item("a", "one");
    let until = kit::START.seconds() + 60;
    item.insert("until".to_owned(), dynamodb_api::AttributeValue::N(until.to_string()));
    let put = dynamodb_api::PutItemInput { table_name: "orders".to_owned(), item, ..Default::default() };
    lab.region.call::<dynamodb_api::op::PutItem>(put).await.expect("a put");
    let mut client = lab.connect().await;
    let get = request(GET, |out| {
        out.bytes(b"orders");
        out.bytes(b"a");
        out.null();
    });
    assert_ne!(client.call(&get).await, Ok(vec![0xBF, 0xFF]));
    for _ in 0..60 {
        lab.region.advance(Duration::from_secs(3600)).await;
    }
    client.authorize().await;
    assert_eq!(client.call(&get).await, Ok(vec![0xBF, 0xFF]));
}
