//! Consumed capacity and the metrics of item collections.

use dynamodb_api::op::{GetItem, PutItem, Query, TransactWriteItems};
use dynamodb_api::*;

use crate::kit::{Db, attribute, item, key, projection, put, query, table};

fn indexed() -> CreateTableInput {
    let mut input = table("orders", true);
    input.attribute_definitions.as_mut().unwrap().extend([attribute("color", "S"), attribute("rank", "N")]);
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-color".to_owned(),
        key_schema: vec![key("color", "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    }]);
    input.local_secondary_indexes = Some(vec![LocalSecondaryIndex {
        index_name: "by-rank".to_owned(),
        key_schema: vec![key("pk", "HASH"), key("rank", "RANGE")],
        projection: projection("ALL", &[]),
    }]);
    input
}

#[tokio::test]
async fn writes_cost_their_kilobytes_in_the_table_and_each_index() {
    let db = Db::with(indexed()).await;
    let big = "x".repeat(1500);
    let write =
        |text: &str| PutItemInput { return_consumed_capacity: Some("INDEXES".to_owned()), ..put(text) };
    let consumed = async |text: String| {
        let consumed = db.call::<PutItem>(write(&text)).await.unwrap().consumed_capacity.unwrap();
        let units = |indexes: Option<shapes::Map<Capacity>>| {
            indexes.and_then(|indexes| indexes.into_values().next()?.capacity_units).unwrap_or(0.0)
        };
        let table = consumed.table.unwrap().capacity_units.unwrap();
        let (local, global) =
            (units(consumed.local_secondary_indexes), units(consumed.global_secondary_indexes));
        assert_eq!(consumed.capacity_units, Some(table + local + global));
        (table, local, global)
    };
    assert_eq!(consumed("pk=a sk=1".to_owned()).await, (1.0, 0.0, 0.0));
    assert_eq!(consumed(format!("pk=a sk=1 rank=1 v={big}")).await, (2.0, 2.0, 0.0));
    assert_eq!(consumed(format!("pk=a sk=1 rank=2 color=red v={big}")).await, (2.0, 4.0, 2.0));
    assert_eq!(consumed(format!("pk=a sk=1 rank=2 color=red v={big}")).await, (2.0, 0.0, 0.0));
}

#[tokio::test]
async fn reads_cost_half_when_eventual_and_count_what_was_looked_at() {
    let db = Db::with(indexed()).await;
    let big = "x".repeat(5000);
    for number in 0..3 {
        db.put(&format!("pk=a sk={number} rank={number} color=red v={big}")).await;
    }
    let get = |consistent| GetItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a sk=1"),
        consistent_read: Some(consistent),
        return_consumed_capacity: Some("TOTAL".to_owned()),
        ..Default::default()
    };
    for (consistent, units) in [(false, 1.0), (true, 2.0)] {
        let consumed = db.call::<GetItem>(get(consistent)).await.unwrap().consumed_capacity.unwrap();
        assert_eq!((consumed.capacity_units, consumed.table), (Some(units), None));
    }
    let input = QueryInput {
        return_consumed_capacity: Some("INDEXES".to_owned()),
        ..query(Some("by-color"), "color = :c", ":c=red")
    };
    let consumed = db.call::<Query>(input).await.unwrap().consumed_capacity.unwrap();
    assert_eq!(consumed.global_secondary_indexes.unwrap()["by-color"].capacity_units, Some(2.0));
    assert_eq!(consumed.table.unwrap().capacity_units, Some(0.0));
}

#[tokio::test]
async fn transactions_cost_twice_and_collections_tell_their_size() {
    let db = Db::with(indexed()).await;
    let put = Put { table_name: "orders".to_owned(), item: item("pk=a sk=1"), ..Default::default() };
    let input = TransactWriteItemsInput {
        transact_items: vec![TransactWriteItem { put: Some(put), ..Default::default() }],
        return_consumed_capacity: Some("TOTAL".to_owned()),
        return_item_collection_metrics: Some("SIZE".to_owned()),
        ..Default::default()
    };
    let output = db.call::<TransactWriteItems>(input).await.unwrap();
    let consumed = &output.consumed_capacity.unwrap()[0];
    assert_eq!((consumed.capacity_units, consumed.write_capacity_units), (Some(2.0), Some(2.0)));
    let metrics = &output.item_collection_metrics.unwrap()["orders"][0];
    assert_eq!(metrics.item_collection_key, Some(item("pk=a")));
    assert_eq!(metrics.size_estimate_range_gb, Some(vec![0.0, 1.0]));
}
