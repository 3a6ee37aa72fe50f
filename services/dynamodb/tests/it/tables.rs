//! Tables: made, described, changed, protected, tagged, shared, deleted.

use dynamodb_api::op::{
    CreateTable, DeleteResourcePolicy, DeleteTable, DescribeEndpoints, DescribeLimits, DescribeTable,
    GetItem, GetResourcePolicy, ListTables, ListTagsOfResource, PutItem, PutResourcePolicy, TagResource,
    UntagResource,
};
use dynamodb_api::*;
use identity::Principal;

use crate::kit::{Db, is_validation, item, put, table, told};

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/orders";

async fn delete(db: &Db) -> Result<DeleteTableOutput, shapes::ApiError> {
    db.call::<DeleteTable>(DeleteTableInput { table_name: "orders".to_owned() }).await
}

#[tokio::test]
async fn a_deleted_table_leaves_nothing_to_the_next_of_its_name() {
    let db = Db::with_table(false).await;
    assert_eq!(told(db.call::<CreateTable>(table("orders", false)).await).0, "ResourceInUseException");
    db.put("pk=a").await;
    let deleted = delete(&db).await.unwrap().table_description.unwrap();
    assert_eq!(deleted.table_status.as_deref(), Some("DELETING"));
    assert_eq!(told(db.call::<PutItem>(put("pk=a")).await).0, "ResourceNotFoundException");
    let input = GetItemInput { table_name: "orders".to_owned(), key: item("pk=a"), ..Default::default() };
    assert_eq!(told(db.call::<GetItem>(input).await).0, "ResourceNotFoundException");
    let input = DescribeTableInput { table_name: "orders".to_owned() };
    assert_eq!(
        told(db.call::<DescribeTable>(input).await).1,
        "Requested resource not found: Table: orders not found"
    );
    db.call::<CreateTable>(table("orders", false)).await.unwrap();
    assert!(db.scan().await.is_empty());
    db.region.settle().await;
    db.put("pk=b").await;
    assert_eq!(db.describe().await.item_count, Some(1));
}

#[tokio::test]
async fn a_protected_table_stays() {
    let db = Db::with(CreateTableInput { deletion_protection_enabled: Some(true), ..table("orders", false) })
        .await;
    assert_eq!(told(delete(&db).await).0, "ValidationException");
    let off = UpdateTableInput { deletion_protection_enabled: Some(false), ..Default::default() };
    db.update_table(off).await.unwrap();
    delete(&db).await.unwrap();
}

#[tokio::test]
async fn billing_and_throughput_change() {
    let throughput =
        |read, write| Some(ProvisionedThroughput { read_capacity_units: read, write_capacity_units: write });
    let db = Db::with_table(false).await;
    let missing = UpdateTableInput { billing_mode: Some("PROVISIONED".to_owned()), ..Default::default() };
    assert_eq!(told(db.update_table(missing).await).0, "ValidationException");
    let input = UpdateTableInput {
        billing_mode: Some("PROVISIONED".to_owned()),
        provisioned_throughput: throughput(5, 6),
        ..Default::default()
    };
    db.update_table(input).await.unwrap();
    let described = db.describe().await;
    assert_eq!(described.provisioned_throughput.unwrap().write_capacity_units, Some(6));
    assert_eq!(described.billing_mode_summary.unwrap().billing_mode.as_deref(), Some("PROVISIONED"));
    let same = UpdateTableInput { provisioned_throughput: throughput(5, 6), ..Default::default() };
    assert!(
        told(db.update_table(same).await)
            .1
            .starts_with("The provisioned throughput for the table will not change.")
    );
    is_validation(
        db.update_table(UpdateTableInput::default()).await,
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
         SSESpecification or ReplicaUpdates is required",
    );
    let input = UpdateTableInput {
        table_class: Some("STANDARD_INFREQUENT_ACCESS".to_owned()),
        sse_specification: Some(SSESpecification { enabled: Some(true), ..Default::default() }),
        ..Default::default()
    };
    db.update_table(input).await.unwrap();
    let described = db.describe().await;
    assert_eq!(
        described.table_class_summary.unwrap().table_class.as_deref(),
        Some("STANDARD_INFREQUENT_ACCESS")
    );
    assert_eq!(described.sse_description.unwrap().status.as_deref(), Some("ENABLED"));
}

#[tokio::test]
async fn tables_are_listed_in_pages() {
    let db = Db::start();
    for name in ["beta", "alpha", "gamma"] {
        db.call::<CreateTable>(table(name, false)).await.unwrap();
    }
    let first = ListTablesInput { limit: Some(2), ..Default::default() };
    let first = db.call::<ListTables>(first).await.unwrap();
    assert_eq!(first.table_names.unwrap(), ["alpha", "beta"]);
    let rest =
        ListTablesInput { exclusive_start_table_name: first.last_evaluated_table_name, ..Default::default() };
    assert_eq!(db.call::<ListTables>(rest).await.unwrap().table_names.unwrap(), ["gamma"]);
}

#[tokio::test]
async fn tags_come_and_go() {
    let db = Db::with_table(false).await;
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let input = TagResourceInput { resource_arn: ARN.to_owned(), tags: vec![tag("a", "1"), tag("b", "2")] };
    db.call::<TagResource>(input).await.unwrap();
    let input = UntagResourceInput { resource_arn: ARN.to_owned(), tag_keys: vec!["a".to_owned()] };
    db.call::<UntagResource>(input).await.unwrap();
    let list = ListTagsOfResourceInput { resource_arn: ARN.to_owned(), ..Default::default() };
    assert_eq!(db.call::<ListTagsOfResource>(list).await.unwrap().tags.unwrap(), [tag("b", "2")]);
    let reserved = TagResourceInput { resource_arn: ARN.to_owned(), tags: vec![tag("aws:a", "1")] };
    assert_eq!(told(db.call::<TagResource>(reserved).await).0, "ValidationException");
    let list = ListTagsOfResourceInput { resource_arn: format!("{ARN}x"), ..Default::default() };
    assert_eq!(told(db.call::<ListTagsOfResource>(list).await).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_resource_policy_lets_another_account_in() {
    let db = Db::with_table(false).await;
    db.put("pk=a v=1").await;
    let other = db.region.as_account("111111111111");
    let get = || GetItemInput { table_name: ARN.to_owned(), key: item("pk=a"), ..Default::default() };
    assert_eq!(told(other.call::<GetItem>(get()).await).0, "AccessDeniedException");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111111111111:root"}},"Action":"dynamodb:GetItem","Resource":"{ARN}"}}}}"#
    );
    let input =
        PutResourcePolicyInput { resource_arn: ARN.to_owned(), policy: policy.clone(), ..Default::default() };
    let revision = db.call::<PutResourcePolicy>(input).await.unwrap().revision_id;
    let account = identity::AccountId::parse("111111111111").unwrap();
    let service = db.region.context(Principal::service("lambda.amazonaws.com"), account);
    assert_eq!(told(service.call::<GetItem>(get()).await).0, "AccessDeniedException");
    let stored = GetResourcePolicyInput { resource_arn: ARN.to_owned() };
    let stored = db.call::<GetResourcePolicy>(stored).await.unwrap();
    assert_eq!((stored.policy, stored.revision_id.clone()), (Some(policy), revision));
    let wrong = DeleteResourcePolicyInput {
        resource_arn: ARN.to_owned(),
        expected_revision_id: Some("1".to_owned()),
    };
    assert_eq!(told(db.call::<DeleteResourcePolicy>(wrong).await).0, "PolicyNotFoundException");
    let input = DeleteResourcePolicyInput { resource_arn: ARN.to_owned(), ..Default::default() };
    assert_eq!(db.call::<DeleteResourcePolicy>(input).await.unwrap().revision_id, stored.revision_id);
    let gone = GetResourcePolicyInput { resource_arn: ARN.to_owned() };
    assert_eq!(told(db.call::<GetResourcePolicy>(gone).await).0, "PolicyNotFoundException");
}

#[tokio::test]
async fn the_account_has_limits_and_an_endpoint() {
    let db = Db::start();
    let limits = db.call::<DescribeLimits>(DescribeLimitsInput::default()).await.unwrap();
    assert_eq!(limits.table_max_write_capacity_units, Some(40_000));
    let endpoints = db.call::<DescribeEndpoints>(DescribeEndpointsInput::default()).await.unwrap().endpoints;
    assert_eq!(endpoints[0].address, "127.0.0.1:4566");
}
