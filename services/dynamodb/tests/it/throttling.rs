//! Throughput that runs out, in regions that ask for it.

use std::time::Duration;

use dynamodb::Limits;
use dynamodb_api::op::{
    BatchGetItem, BatchWriteItem, CreateTable, DescribeTable, PutItem, Query, TransactWriteItems,
};
use dynamodb_api::*;
use shapes::ApiError;

use crate::kit::{Db, attribute, item, key, projection, put, query, table, told};
use crate::usage::sums;

const SECOND: Duration = Duration::from_secs(1);
const TABLE_EXCEEDED: &str = "The level of configured provisioned throughput for the table was exceeded. Consider \
                              increasing your provisioning level with the UpdateTable API.";
const INDEX_EXCEEDED: &str = "The level of configured provisioned throughput for one or more global secondary indexes \
                              of the table was exceeded. Consider increasing your provisioning level for the \
                              under-provisioned global secondary indexes with the UpdateTable API";

fn units(reads: i64, writes: i64) -> Option<ProvisionedThroughput> {
    Some(ProvisionedThroughput { read_capacity_units: reads, write_capacity_units: writes })
}

fn provisioned(reads: i64, writes: i64) -> CreateTableInput {
    let input = table("orders", false);
    CreateTableInput { billing_mode: None, provisioned_throughput: units(reads, writes), ..input }
}

async fn throttled(input: CreateTableInput) -> Db {
    let db = Db::with_limits(Limits { has_throttling: true, ..Limits::default() });
    db.call::<CreateTable>(input).await.expect("the table is made");
    db
}

async fn try_put(db: &Db, text: &str) -> Result<(), ApiError> {
    db.call::<PutItem>(put(text)).await.map(drop)
}

async fn try_get(db: &Db) -> Result<(), ApiError> {
    let input = GetItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a"),
        consistent_read: Some(true),
        ..Default::default()
    };
    db.call::<op::GetItem>(input).await.map(drop)
}

fn is_exceeded(result: Result<(), ApiError>, message: &str) {
    let expected = ("ProvisionedThroughputExceededException".to_owned(), message.to_owned());
    assert_eq!(told(result), expected);
}

#[tokio::test]
async fn nothing_runs_out_unless_it_is_asked_for() {
    let db = Db::with(provisioned(1, 1)).await;
    for _ in 0..20 {
        try_put(&db, "pk=a").await.unwrap();
        try_get(&db).await.unwrap();
    }
}

#[tokio::test]
async fn writes_and_reads_run_out_apart_and_come_back_with_time() {
    let db = throttled(provisioned(2, 3)).await;
    for _ in 0..3 {
        try_put(&db, "pk=a").await.unwrap();
    }
    is_exceeded(try_put(&db, "pk=a").await, TABLE_EXCEEDED);
    for _ in 0..2 {
        try_get(&db).await.unwrap();
    }
    is_exceeded(try_get(&db).await, TABLE_EXCEEDED);
    db.region.advance(SECOND).await;
    for _ in 0..3 {
        try_put(&db, "pk=a").await.unwrap();
    }
    is_exceeded(try_put(&db, "pk=a").await, TABLE_EXCEEDED);
    // What is not used for longer is kept for five minutes.
    db.region.advance(SECOND * 3600).await;
    for _ in 0..900 {
        try_put(&db, "pk=a").await.unwrap();
    }
    is_exceeded(try_put(&db, "pk=a").await, TABLE_EXCEEDED);
    db.region.advance(SECOND).await;
    let input = UpdateTableInput { provisioned_throughput: units(2, 50), ..Default::default() };
    db.update_table(input).await.unwrap();
    db.region.advance(SECOND).await;
    for _ in 0..50 {
        try_put(&db, "pk=a").await.unwrap();
    }
}

#[tokio::test]
async fn an_index_runs_out_for_itself() {
    let mut input = provisioned(5, 100);
    input.attribute_definitions = Some(vec![attribute("pk", "S"), attribute("v", "N")]);
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-v".to_owned(),
        key_schema: vec![key("v", "HASH")],
        projection: projection("ALL", &[]),
        provisioned_throughput: units(1, 1),
        ..Default::default()
    }]);
    let db = throttled(input).await;
    try_put(&db, "pk=a v=1").await.unwrap();
    is_exceeded(try_put(&db, "pk=b v=2").await, INDEX_EXCEEDED);
    // Nothing of it was stored, and what the index does not hold is no matter to it.
    assert_eq!(db.get("pk=b").await, None);
    try_put(&db, "pk=c").await.unwrap();
    let read = || async { db.call::<Query>(query(Some("by-v"), "v = :v", ":v=1")).await.map(drop) };
    read().await.unwrap();
    read().await.unwrap();
    is_exceeded(read().await, INDEX_EXCEEDED);
    try_get(&db).await.unwrap();
}

#[tokio::test]
async fn what_is_throttled_is_told_by_metrics_and_with_a_reason() {
    let mut input = provisioned(5, 1);
    input.attribute_definitions = Some(vec![attribute("pk", "S"), attribute("v", "N")]);
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-v".to_owned(),
        key_schema: vec![key("v", "HASH")],
        projection: projection("ALL", &[]),
        provisioned_throughput: units(1, 1),
        ..Default::default()
    }]);
    let db = throttled(input).await;
    try_put(&db, "pk=a v=1").await.unwrap();
    let error = db.call::<PutItem>(put("pk=b")).await.unwrap_err();
    let detail = error.detail().unwrap() as &dyn std::any::Any;
    let detail: &ProvisionedThroughputExceededException = detail.downcast_ref().unwrap();
    let reason = &detail.throttling_reasons.as_ref().unwrap()[0];
    assert_eq!(reason.reason.as_deref(), Some("TableWriteProvisionedThroughputExceeded"));
    assert!(reason.resource.as_ref().unwrap().ends_with(":table/orders"), "{reason:?}");
    db.call::<Query>(query(Some("by-v"), "v = :v", ":v=1")).await.unwrap();
    db.call::<Query>(query(Some("by-v"), "v = :v", ":v=1")).await.unwrap();
    db.call::<Query>(query(Some("by-v"), "v = :v", ":v=1")).await.unwrap_err();
    assert_eq!(sums(&db, "WriteThrottleEvents", &[]), [1.0]);
    assert_eq!(sums(&db, "ReadThrottleEvents", &[("GlobalSecondaryIndexName", "by-v")]), [1.0]);
    assert!(sums(&db, "ReadThrottleEvents", &[]).is_empty());
    for operation in ["PutItem", "Query"] {
        assert_eq!(sums(&db, "ThrottledRequests", &[("Operation", operation)]), [1.0], "{operation}");
    }
    assert_eq!(sums(&db, "ConsumedWriteCapacityUnits", &[]), [1.0]);
}

#[tokio::test]
async fn capacity_fills_as_it_was_until_it_changed() {
    let db = throttled(provisioned(1, 1)).await;
    db.region.advance(SECOND * 10).await;
    let input = UpdateTableInput { provisioned_throughput: units(1, 100), ..Default::default() };
    db.update_table(input).await.unwrap();
    // The first second, and ten.
    for _ in 0..11 {
        try_put(&db, "pk=a").await.unwrap();
    }
    is_exceeded(try_put(&db, "pk=a").await, TABLE_EXCEEDED);
    db.region.advance(SECOND).await;
    for _ in 0..100 {
        try_put(&db, "pk=a").await.unwrap();
    }
    is_exceeded(try_put(&db, "pk=a").await, TABLE_EXCEEDED);
}

#[tokio::test]
async fn statements_of_a_batch_are_throttled_each_for_itself() {
    let db = throttled(provisioned(5, 1)).await;
    let insert = |pk: &str| BatchStatementRequest {
        statement: format!("INSERT INTO orders VALUE {{'pk': '{pk}'}}"),
        ..Default::default()
    };
    let input =
        BatchExecuteStatementInput { statements: vec![insert("a"), insert("b")], ..Default::default() };
    let responses = db.call::<op::BatchExecuteStatement>(input).await.unwrap().responses.unwrap();
    assert_eq!(responses[0].error, None);
    let error = responses[1].error.as_ref().unwrap();
    assert_eq!(error.code.as_deref(), Some("ProvisionedThroughputExceeded"));
    assert_eq!(error.message.as_deref(), Some(TABLE_EXCEEDED));
    assert_eq!(db.get("pk=b").await, None);
}

#[tokio::test]
async fn a_condition_that_fails_consumes() {
    let db = throttled(provisioned(5, 2)).await;
    try_put(&db, "pk=a").await.unwrap();
    let insert =
        || PutItemInput { condition_expression: Some("attribute_not_exists(pk)".to_owned()), ..put("pk=a") };
    let failed = told(db.call::<PutItem>(insert()).await.map(drop));
    assert_eq!(failed.0, "ConditionalCheckFailedException");
    is_exceeded(db.call::<PutItem>(insert()).await.map(drop), TABLE_EXCEEDED);
}

#[tokio::test]
async fn batches_leave_over_what_was_throttled() {
    let db = throttled(provisioned(2, 2)).await;
    let write = |count: usize| {
        let requests = (0..count).map(|n| WriteRequest {
            put_request: Some(PutRequest { item: item(&format!("pk=k{n}")) }),
            ..Default::default()
        });
        BatchWriteItemInput {
            request_items: [("orders".to_owned(), requests.collect())].into(),
            ..Default::default()
        }
    };
    let left = db.call::<BatchWriteItem>(write(5)).await.unwrap().unprocessed_items.unwrap();
    assert_eq!(left["orders"], write(5).request_items["orders"][2..]);
    assert_eq!(db.call::<BatchWriteItem>(write(5)).await.map(drop).unwrap_err().message(), TABLE_EXCEEDED);
    let keys = KeysAndAttributes {
        keys: (0..5).map(|n| item(&format!("pk=k{n}"))).collect(),
        consistent_read: Some(true),
        ..Default::default()
    };
    let input = BatchGetItemInput {
        request_items: [("orders".to_owned(), keys.clone())].into(),
        ..Default::default()
    };
    let got = db.call::<BatchGetItem>(input.clone()).await.unwrap();
    assert_eq!(got.responses.unwrap()["orders"].len(), 2);
    assert_eq!(got.unprocessed_keys.unwrap()["orders"].keys, keys.keys[2..]);
    is_exceeded(db.call::<BatchGetItem>(input).await.map(drop), TABLE_EXCEEDED);
}

#[tokio::test]
async fn a_transaction_is_cancelled_by_what_ran_out() {
    let db = throttled(provisioned(2, 3)).await;
    let write = |pk: &str| TransactWriteItem {
        put: Some(Put { table_name: "orders".to_owned(), item: item(pk), ..Default::default() }),
        ..Default::default()
    };
    let input =
        TransactWriteItemsInput { transact_items: vec![write("pk=a"), write("pk=b")], ..Default::default() };
    let (name, message) = told(db.call::<TransactWriteItems>(input).await.map(drop));
    assert_eq!(name, "TransactionCanceledException");
    assert!(message.ends_with("[None, ProvisionedThroughputExceeded]"), "{message}");
    // What the first part took was given back.
    for _ in 0..3 {
        try_put(&db, "pk=a").await.unwrap();
    }
    is_exceeded(try_put(&db, "pk=a").await, TABLE_EXCEEDED);
}

#[tokio::test]
async fn on_demand_tables_have_the_limits_they_were_given() {
    let limits = OnDemandThroughput { max_read_request_units: Some(-1), max_write_request_units: Some(1) };
    let input = CreateTableInput { on_demand_throughput: Some(limits), ..table("orders", false) };
    let db = throttled(input).await;
    try_put(&db, "pk=a").await.unwrap();
    let expected = "Throughput exceeds the maximum OnDemandThroughput configured on table or index";
    let refused = told(try_put(&db, "pk=a").await);
    assert_eq!(refused, ("ThrottlingException".to_owned(), expected.to_owned()));
    for _ in 0..10 {
        try_get(&db).await.unwrap();
    }
    db.region.advance(SECOND * 60).await;
    for _ in 0..60 {
        try_put(&db, "pk=a").await.unwrap();
    }
    let write = TransactWriteItem {
        put: Some(Put { table_name: "orders".to_owned(), item: item("pk=b"), ..Default::default() }),
        ..Default::default()
    };
    let input = TransactWriteItemsInput { transact_items: vec![write], ..Default::default() };
    let (_, message) = told(db.call::<TransactWriteItems>(input).await.map(drop));
    assert!(message.ends_with("[ThrottlingError]"), "{message}");
}

#[tokio::test]
async fn throughput_is_lowered_four_times_a_day_and_then_once_an_hour() {
    let db = throttled(provisioned(10, 100)).await;
    let lower = async |writes: i64| {
        let input = UpdateTableInput { provisioned_throughput: units(10, writes), ..Default::default() };
        db.update_table(input).await.map(drop)
    };
    for writes in [99, 98, 97, 96] {
        lower(writes).await.unwrap();
    }
    let (name, message) = told(lower(95).await);
    assert_eq!(name, "LimitExceededException");
    assert!(message.ends_with("Number of decreases today: 4."), "{message}");
    lower(200).await.unwrap();
    db.region.advance(SECOND * 3600).await;
    lower(95).await.unwrap();
    assert_eq!(told(lower(94).await).0, "LimitExceededException");
    let described = db.call::<DescribeTable>(DescribeTableInput { table_name: "orders".to_owned() }).await;
    let throughput = described.unwrap().table.unwrap().provisioned_throughput.unwrap();
    assert_eq!(throughput.number_of_decreases_today, Some(5));
    db.region.advance(SECOND * 86_400).await;
    lower(94).await.unwrap();
}
