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
