//! Contributor insights: which keys consume and which are throttled the most.

use std::time::Duration;

use dynamodb::Limits;
use dynamodb_api::op::{
    DeleteTable, DescribeContributorInsights, GetItem, ListContributorInsights, PutItem, Query,
    UpdateContributorInsights,
};
use dynamodb_api::*;
use identity::{AccountId, Region};
use shapes::Timestamp;

use crate::kit::{Db, attribute, item, key, projection, put, query, table, told};

fn indexed() -> CreateTableInput {
    let mut input = table("orders", true);
    input.attribute_definitions = Some(vec![attribute("pk", "S"), attribute("sk", "N"), attribute("v", "N")]);
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-v".to_owned(),
        key_schema: vec![key("v", "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    }]);
    input
}

async fn update(
    db: &Db,
    action: &str,
    index: Option<&str>,
    mode: Option<&str>,
) -> Result<UpdateContributorInsightsOutput, shapes::ApiError> {
    let input = UpdateContributorInsightsInput {
        table_name: "orders".to_owned(),
        index_name: index.map(str::to_owned),
        contributor_insights_action: action.to_owned(),
        contributor_insights_mode: mode.map(str::to_owned),
    };
    db.call::<UpdateContributorInsights>(input).await
}

async fn describe(db: &Db, index: Option<&str>) -> DescribeContributorInsightsOutput {
    let input = DescribeContributorInsightsInput {
        table_name: "orders".to_owned(),
        index_name: index.map(str::to_owned),
    };
    db.call::<DescribeContributorInsights>(input).await.unwrap()
}

/// What a kind of rule knows: `a=2 b/1=0.5`.
async fn report(db: &Db, index: Option<&str>, kind: &str) -> String {
    let rules = describe(db, index).await.contributor_insights_rule_list.unwrap();
    let rule = rules.iter().find(|rule| rule.starts_with(&format!("DynamoDBContributorInsights-{kind}-")));
    let rules = db.region.cloud.insight_rules();
    let Some(rule) = rules.find(AccountId::DEFAULT, Region::US_EAST_1, rule.unwrap()) else {
        return "never used".to_owned();
    };
    let all = (Timestamp::from_seconds(0), Timestamp::from_seconds(i64::MAX / 2000));
    let shown = |found: cloud::insights::Contributor| format!("{}={}", found.keys.join("/"), found.sum);
    rule.report(all.0, all.1, 10).into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn get(key: &str) -> GetItemInput {
    GetItemInput {
        table_name: "orders".to_owned(),
        key: item(key),
        consistent_read: Some(true),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_keys_that_consume_the_most_are_told_for_tables_and_indexes() {
    let db = Db::with(indexed()).await;
    let enabled = update(&db, "ENABLE", None, None).await.unwrap();
    assert_eq!(enabled.contributor_insights_status.as_deref(), Some("ENABLING"));
    assert_eq!(enabled.contributor_insights_mode.as_deref(), Some("ACCESSED_AND_THROTTLED_KEYS"));
    update(&db, "ENABLE", Some("by-v"), None).await.unwrap();
    db.call::<PutItem>(put("pk=a sk=1 v=7")).await.unwrap();
    db.call::<PutItem>(put("pk=b sk=1")).await.unwrap();
    for _ in 0..3 {
        db.call::<GetItem>(get("pk=b sk=1")).await.unwrap();
    }
    db.call::<Query>(query(None, "pk = :p", ":p=a")).await.unwrap();
    db.call::<Query>(query(Some("by-v"), "v = :v", ":v=7")).await.unwrap();
    assert_eq!(report(&db, None, "PKC").await, "b=4 a=1.5");
    assert_eq!(report(&db, None, "SKC").await, "b/1=4 a/1=1");
    assert_eq!(report(&db, None, "PKT").await, "");
    assert_eq!(report(&db, Some("by-v"), "PKC").await, "7=1.5");
    let rules = describe(&db, None).await.contributor_insights_rule_list.unwrap();
    assert_eq!(rules.len(), 4);
    // The index has no sort key.
    let rules = describe(&db, Some("by-v")).await.contributor_insights_rule_list.unwrap();
    assert!(rules.len() == 2 && rules[1].starts_with("DynamoDBContributorInsights-PKT-orders-by-v-"));
}

#[tokio::test]
async fn throttled_keys_are_counted_alone_when_nothing_else_is_asked_for() {
    let db = Db::with_limits(Limits { has_throttling: true, ..Limits::default() });
    let units = |units| ProvisionedThroughput { read_capacity_units: 1, write_capacity_units: units };
    let input = CreateTableInput {
        billing_mode: None,
        provisioned_throughput: Some(units(1)),
        ..table("orders", true)
    };
    db.call::<op::CreateTable>(input).await.unwrap();
    update(&db, "ENABLE", None, Some("THROTTLED_KEYS")).await.unwrap();
    db.call::<PutItem>(put("pk=a sk=1")).await.unwrap();
    for key in ["pk=a sk=1", "pk=a sk=1", "pk=b sk=2"] {
        db.call::<PutItem>(put(key)).await.unwrap_err();
    }
    db.call::<GetItem>(get("pk=a sk=9")).await.unwrap();
    db.call::<GetItem>(get("pk=a sk=9")).await.unwrap_err();
    assert_eq!(report(&db, None, "PKT").await, "a=3 b=1");
    assert_eq!(report(&db, None, "SKT").await, "a/1=2 a/9=1 b/2=1");
    let described = describe(&db, None).await;
    assert_eq!(described.contributor_insights_mode.as_deref(), Some("THROTTLED_KEYS"));
    assert_eq!(described.contributor_insights_rule_list.unwrap().len(), 2);
}

#[tokio::test]
async fn insights_are_disabled_and_begin_anew() {
    let db = Db::with(indexed()).await;
    let described = describe(&db, None).await;
    assert_eq!(described.contributor_insights_status.as_deref(), Some("DISABLED"));
    assert_eq!(described.contributor_insights_rule_list, None);
    update(&db, "ENABLE", None, None).await.unwrap();
    db.call::<PutItem>(put("pk=a sk=1")).await.unwrap();
    let first = describe(&db, None).await.contributor_insights_rule_list.unwrap();
    let again = update(&db, "ENABLE", None, None).await.unwrap();
    assert_eq!(again.contributor_insights_status.as_deref(), Some("ENABLED"));
    assert_eq!(report(&db, None, "PKC").await, "a=1");
    let off = update(&db, "DISABLE", None, None).await.unwrap();
    assert_eq!(off.contributor_insights_status.as_deref(), Some("DISABLING"));
    assert_eq!(describe(&db, None).await.contributor_insights_status.as_deref(), Some("DISABLED"));
    let rules = db.region.cloud.insight_rules();
    assert!(rules.find(AccountId::DEFAULT, Region::US_EAST_1, &first[0]).is_none());
    db.call::<PutItem>(put("pk=a sk=1")).await.unwrap();
    db.region.advance(Duration::from_secs(1)).await;
    update(&db, "ENABLE", None, None).await.unwrap();
    assert_ne!(describe(&db, None).await.contributor_insights_rule_list.unwrap(), first);
    db.call::<PutItem>(put("pk=b sk=1")).await.unwrap();
    assert_eq!(report(&db, None, "PKC").await, "b=1");
    let last = describe(&db, None).await.contributor_insights_rule_list.unwrap();
    assert!(rules.find(AccountId::DEFAULT, Region::US_EAST_1, &last[0]).is_some());
    let missing = told(update(&db, "ENABLE", Some("nothing"), None).await.map(drop));
    assert_eq!(missing.0, "ResourceNotFoundException");
    db.call::<DeleteTable>(DeleteTableInput { table_name: "orders".to_owned() }).await.unwrap();
    assert!(rules.find(AccountId::DEFAULT, Region::US_EAST_1, &last[0]).is_none());
    assert_eq!(told(update(&db, "ENABLE", None, None).await.map(drop)).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn insights_of_tables_and_indexes_are_listed_in_pages() {
    let db = Db::with(indexed()).await;
    db.call::<op::CreateTable>(table("parcels", false)).await.unwrap();
    update(&db, "ENABLE", Some("by-v"), Some("THROTTLED_KEYS")).await.unwrap();
    let (mut shown, mut token) = (Vec::new(), None);
    loop {
        let input =
            ListContributorInsightsInput { max_results: Some(1), next_token: token, ..Default::default() };
        let page = db.call::<ListContributorInsights>(input).await.unwrap();
        for summary in page.contributor_insights_summaries.unwrap() {
            let name = [summary.table_name, summary.index_name].into_iter().flatten();
            shown.push((name.collect::<Vec<_>>().join("/"), summary.contributor_insights_status.unwrap()));
        }
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let expected = [("orders", "DISABLED"), ("orders/by-v", "ENABLED"), ("parcels", "DISABLED")];
    assert_eq!(shown, expected.map(|(name, status)| (name.to_owned(), status.to_owned())));
    let input = ListContributorInsightsInput { table_name: Some("orders".to_owned()), ..Default::default() };
    let page = db.call::<ListContributorInsights>(input).await.unwrap();
    assert_eq!(page.contributor_insights_summaries.unwrap().len(), 2);
}

#[tokio::test]
async fn insights_are_still_enabled_after_a_restart() {
    let db = Db::with(indexed()).await;
    update(&db, "ENABLE", Some("by-v"), None).await.unwrap();
    db.call::<PutItem>(put("pk=a sk=1 v=7")).await.unwrap();
    let db = db.restarted();
    assert_eq!(describe(&db, Some("by-v")).await.contributor_insights_status.as_deref(), Some("ENABLED"));
    assert_eq!(report(&db, Some("by-v"), "PKC").await, "");
    db.call::<PutItem>(put("pk=b sk=1 v=8")).await.unwrap();
    assert_eq!(report(&db, Some("by-v"), "PKC").await, "8=1");
}
