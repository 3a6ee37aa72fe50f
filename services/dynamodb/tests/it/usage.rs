//! What is consumed, as metrics tell it.

use cloud::metrics::MetricKey;
use dynamodb_api::op::{GetItem, PutItem, Query, TransactWriteItems};
use dynamodb_api::*;
use identity::{AccountId, Region};

use crate::kit::{Db, attribute, item, key, projection, put, query, table};

/// Two units of a table and one of its index.
fn provisioned() -> CreateTableInput {
    let units =
        |units| Some(ProvisionedThroughput { read_capacity_units: units, write_capacity_units: units + 1 });
    let mut input = table("orders", false);
    input.billing_mode = None;
    input.provisioned_throughput = units(7);
    input.attribute_definitions = Some(vec![attribute("pk", "S"), attribute("v", "N")]);
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-v".to_owned(),
        key_schema: vec![key("v", "HASH")],
        projection: projection("ALL", &[]),
        provisioned_throughput: units(3),
        ..Default::default()
    }]);
    input
}

const TABLE: &[(&str, &str)] = &[];
const INDEX: &[(&str, &str)] = &[("GlobalSecondaryIndexName", "by-v")];

/// The sums of a metric's minutes, of the table and with `more` dimensions.
pub(crate) fn sums(db: &Db, name: &'static str, more: &[(&'static str, &str)]) -> Vec<f64> {
    let mut dimensions = vec![("TableName", "orders")];
    dimensions.extend(more);
    let key = MetricKey::new("AWS/DynamoDB", name, &dimensions).of(AccountId::DEFAULT, Region::US_EAST_1);
    db.region.cloud.metrics().points(&key).iter().map(|point| point.sum).collect()
}

#[tokio::test]
async fn consumption_is_published_by_the_minute_for_tables_and_global_indexes() {
    let db = Db::with(provisioned()).await;
    db.call::<PutItem>(put("pk=a v=1")).await.unwrap();
    let mut large = put("pk=b");
    large.item.insert("data".to_owned(), AttributeValue::S("x".repeat(2000)));
    db.call::<PutItem>(large).await.unwrap();
    // What it takes the place of counts.
    db.call::<PutItem>(put("pk=b")).await.unwrap();
    assert_eq!(sums(&db, "ConsumedWriteCapacityUnits", TABLE), [5.0]);
    assert_eq!(sums(&db, "ConsumedWriteCapacityUnits", INDEX), [1.0]);
    assert_eq!(sums(&db, "ProvisionedWriteCapacityUnits", TABLE), [8.0]);
    assert_eq!(sums(&db, "ProvisionedWriteCapacityUnits", INDEX), [4.0]);
    let get = GetItemInput { table_name: "orders".to_owned(), key: item("pk=a"), ..Default::default() };
    db.call::<GetItem>(get.clone()).await.unwrap();
    db.call::<Query>(query(Some("by-v"), "v = :v", ":v=1")).await.unwrap();
    db.region.advance(std::time::Duration::from_secs(60)).await;
    db.call::<GetItem>(GetItemInput { consistent_read: Some(true), ..get }).await.unwrap();
    assert_eq!(sums(&db, "ConsumedReadCapacityUnits", TABLE), [0.5, 1.0]);
    assert_eq!(sums(&db, "ConsumedReadCapacityUnits", INDEX), [0.5]);
    assert_eq!(sums(&db, "ProvisionedReadCapacityUnits", TABLE), [7.0, 7.0]);
}

#[tokio::test]
async fn a_failed_condition_consumes_and_a_cancelled_transaction_only_that() {
    let db = Db::with(table("orders", false)).await;
    db.call::<PutItem>(put("pk=a")).await.unwrap();
    let insert = |pk: &str, condition: Option<&str>| TransactWriteItem {
        put: Some(Put {
            table_name: "orders".to_owned(),
            item: item(pk),
            condition_expression: condition.map(str::to_owned),
            ..Default::default()
        }),
        ..Default::default()
    };
    let writes = vec![insert("pk=b", None), insert("pk=a", Some("attribute_not_exists(pk)"))];
    let input = TransactWriteItemsInput { transact_items: writes, ..Default::default() };
    db.call::<TransactWriteItems>(input).await.unwrap_err();
    assert_eq!(sums(&db, "ConsumedWriteCapacityUnits", TABLE), [2.0]);
    let input = TransactWriteItemsInput { transact_items: vec![insert("pk=b", None)], ..Default::default() };
    db.call::<TransactWriteItems>(input).await.unwrap();
    assert_eq!(sums(&db, "ConsumedWriteCapacityUnits", TABLE), [4.0]);
    assert!(sums(&db, "ProvisionedWriteCapacityUnits", TABLE).is_empty());
}

#[tokio::test]
async fn whoever_looks_on_from_outside_consumes_nothing() {
    let db = Db::with(table("orders", false)).await;
    let scan = || ScanInput { table_name: "orders".to_owned(), ..Default::default() };
    db.region.ctx().unobserved().call::<op::Scan>(scan()).await.unwrap();
    assert!(sums(&db, "ConsumedReadCapacityUnits", TABLE).is_empty());
    db.call::<op::Scan>(scan()).await.unwrap();
    assert_eq!(sums(&db, "ConsumedReadCapacityUnits", TABLE), [0.5]);
}
