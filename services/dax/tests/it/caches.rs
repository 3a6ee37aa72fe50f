//! The item and the query cache.

use std::time::Duration;

use dax_api::op as dax_op;
use dax_api::{CreateParameterGroupInput, ParameterNameValue, UpdateClusterInput, UpdateParameterGroupInput};

use crate::client::Lab;

#[tokio::test]
async fn the_second_read_is_answered_from_memory() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    for _ in 0..3 {
        assert_eq!(client.get("a").await.as_deref(), Some("one"));
    }
    assert_eq!((lab.hits("ItemCacheHits"), lab.hits("ItemCacheMisses")), (2.0, 1.0));
}

#[tokio::test]
async fn that_there_is_no_item_is_remembered_until_there_is_one() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    assert_eq!(client.get("a").await, None);
    assert_eq!(client.get("a").await, None);
    assert_eq!(lab.hits("ItemCacheHits"), 1.0);
    lab.put_directly("a", "one").await;
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
}

#[tokio::test]
async fn what_was_written_through_the_cluster_is_read_from_memory() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    client.delete("a").await;
    assert_eq!(client.get("a").await, None);
    assert_eq!((lab.hits("ItemCacheHits"), lab.hits("ItemCacheMisses")), (2.0, 0.0));
}

#[tokio::test]
async fn writes_past_the_cluster_are_seen_by_the_next_read() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    for value in ["one", "two", "three"] {
        lab.put_directly("a", value).await;
        assert_eq!(client.get("a").await.as_deref(), Some(value));
    }
    lab.delete_directly("a").await;
    assert_eq!(client.get("a").await, None);
}

#[tokio::test]
async fn items_are_read_again_when_their_time_is_over() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    client.get("a").await;
    lab.region.advance(Duration::from_secs(299)).await;
    client.authorize().await;
    client.get("a").await;
    assert_eq!(lab.hits("ItemCacheMisses"), 1.0);
    lab.region.advance(Duration::from_secs(2)).await;
    client.get("a").await;
    assert_eq!(lab.hits("ItemCacheMisses"), 2.0);
}

#[tokio::test]
async fn consistent_reads_pass_by_the_cache() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    assert_eq!(client.get_with("a", true).await, Ok(Some("one".to_owned())));
    assert_eq!((lab.hits("ItemCacheHits"), lab.hits("ItemCacheMisses")), (0.0, 0.0));
    client.get("a").await;
    assert_eq!(lab.hits("ItemCacheMisses"), 1.0);
}

#[tokio::test]
async fn a_parameter_group_says_how_long_items_are_kept() {
    let lab = Lab::new().await;
    let group = || "short".to_owned();
    let created = CreateParameterGroupInput { parameter_group_name: group(), ..Default::default() };
    lab.region.call::<dax_op::CreateParameterGroup>(created).await.expect("a group");
    let value = ParameterNameValue {
        parameter_name: Some("record-ttl-millis".to_owned()),
        parameter_value: Some("1000".to_owned()),
    };
    let updated =
        UpdateParameterGroupInput { parameter_group_name: group(), parameter_name_values: vec![value] };
    lab.region.call::<dax_op::UpdateParameterGroup>(updated).await.expect("a change");
    let cluster = UpdateClusterInput {
        cluster_name: "c".to_owned(),
        parameter_group_name: Some(group()),
        ..Default::default()
    };
    lab.region.call::<dax_op::UpdateCluster>(cluster).await.expect("a change");
    lab.region.advance(Duration::from_secs(2)).await;
    assert_eq!(lab.status().await, "available");
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    client.get("a").await;
    lab.region.advance(Duration::from_secs(2)).await;
    client.get("a").await;
    assert_eq!(lab.hits("ItemCacheMisses"), 2.0);
}

#[tokio::test]
async fn answers_of_scans_are_kept_until_the_table_changes() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    let first = client.count().await;
    assert_eq!(client.count().await, first);
    assert_eq!((lab.hits("ScanCacheHits"), lab.hits("ScanCacheMisses")), (1.0, 1.0));
    lab.put_directly("b", "two").await;
    assert_ne!(client.count().await, first);
}

#[tokio::test]
async fn answers_are_made_again_when_their_time_is_over_empty_ones_as_well() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    for seconds in [0, 298, 1] {
        lab.region.advance(Duration::from_secs(seconds)).await;
        client.authorize().await;
        assert_eq!(client.query("a").await, None);
    }
    assert_eq!((lab.hits("QueryCacheHits"), lab.hits("QueryCacheMisses")), (2.0, 1.0));
    lab.region.advance(Duration::from_secs(1)).await;
    assert_eq!(client.query("a").await, None);
    assert_eq!((lab.hits("QueryCacheHits"), lab.hits("QueryCacheMisses")), (2.0, 2.0));
    // Of another request, another answer.
    assert_eq!(client.query("b").await, None);
    assert_eq!(lab.hits("QueryCacheMisses"), 3.0);
}

#[tokio::test]
async fn that_there_is_no_item_is_forgotten_when_its_time_is_over() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    for seconds in [0, 299, 1] {
        lab.region.advance(Duration::from_secs(seconds)).await;
        client.authorize().await;
        assert_eq!(client.get("a").await, None);
    }
    assert_eq!((lab.hits("ItemCacheHits"), lab.hits("ItemCacheMisses")), (1.0, 2.0));
}

#[tokio::test]
async fn a_write_begins_the_time_of_its_copy_anew() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    for value in ["two", "three"] {
        lab.region.advance(Duration::from_secs(200)).await;
        client.authorize().await;
        client.put("a", value).await;
    }
    lab.region.advance(Duration::from_secs(200)).await;
    client.authorize().await;
    assert_eq!(client.get("a").await.as_deref(), Some("three"));
    assert_eq!(lab.hits("ItemCacheMisses"), 0.0);
}

#[tokio::test]
async fn queries_and_scans_leave_the_item_cache_alone() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    assert_eq!(client.query("a").await.as_deref(), Some("one"));
    client.count().await;
    client.get("a").await;
    assert_eq!((lab.hits("ItemCacheHits"), lab.hits("ItemCacheMisses")), (0.0, 1.0));
}

#[tokio::test]
async fn a_full_cache_makes_room_for_what_comes_last() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    let keys: Vec<String> = (0..200).map(|number| format!("k{number}")).collect();
    let large = "x".repeat(390 << 10);
    client.put("small", "one").await;
    for key in &keys {
        client.put(key, &large).await;
        client.get("small").await;
    }
    let hits = lab.hits("ItemCacheHits");
    assert_eq!(hits, 200.0, "what is read again and again stays");
    // 64 MiB hold some 160 of them, spread over the parts of the cache.
    for key in &keys[120..] {
        assert!(client.get(key).await.is_some());
    }
    assert!(lab.hits("ItemCacheHits") - hits >= 70.0, "{}", lab.hits("ItemCacheHits"));
    assert_eq!(client.get_many(&[&keys[0], &keys[1]]).await.len(), 2);
    let all = 202.0 + 80.0;
    assert_eq!(lab.hits("ItemCacheHits") + lab.hits("ItemCacheMisses"), all);
}
