//! Policies that ask about keys and attributes.

use cloud::Ctx;
use dynamodb_api::op::{
    BatchGetItem, ExecuteStatement, GetItem, PutItem, PutResourcePolicy, Query, UpdateItem,
};
use dynamodb_api::*;
use identity::{AccountId, Principal};
use shapes::{ApiError, Map};

use crate::kit::{Db, item, put, query, values_of};

const ARN: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/orders";

/// A user of the table's account whom the table's policy lets do what meets `condition`.
async fn user(db: &Db, condition: &str) -> Ctx {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::000000000000:user/ada"}},
        "Action":"dynamodb:*","Resource":["{ARN}","{ARN}/index/*"],"Condition":{condition}}}}}"#
    );
    let input = PutResourcePolicyInput { resource_arn: ARN.to_owned(), policy, ..Default::default() };
    db.call::<PutResourcePolicy>(input).await.unwrap();
    let account = AccountId::parse("000000000000").unwrap();
    db.region.context(Principal::user(account, "/", "ada", "AIDATEST"), account)
}

fn is_denied<T>(result: Result<T, ApiError>) -> bool {
    match result {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.name(), "AccessDeniedException", "{error:?}");
            true
        }
    }
}

fn get(key: &str, projection: Option<&str>) -> GetItemInput {
    GetItemInput {
        table_name: "orders".to_owned(),
        key: item(key),
        projection_expression: projection.map(str::to_owned),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_user_is_kept_to_the_partitions_of_their_own() {
    let db = Db::with_table(true).await;
    db.put("pk=ada sk=1").await;
    db.put("pk=bob sk=1").await;
    let ada = user(&db, r#"{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["ada"]}}"#).await;
    assert!(!is_denied(ada.call::<GetItem>(get("pk=ada sk=1", None)).await));
    assert!(is_denied(ada.call::<GetItem>(get("pk=bob sk=1", None)).await));
    assert!(!is_denied(ada.call::<PutItem>(put("pk=ada sk=2")).await));
    assert!(is_denied(ada.call::<PutItem>(put("pk=bob sk=2")).await));
    assert!(!is_denied(ada.call::<Query>(query(None, "pk = :p", ":p=ada")).await));
    assert!(is_denied(ada.call::<Query>(query(None, "pk = :p", ":p=bob")).await));
    let batch = |keys: &[&str]| {
        let keys = keys.iter().map(|key| item(key)).collect();
        let keys = KeysAndAttributes { keys, ..Default::default() };
        BatchGetItemInput { request_items: Map::from([("orders".to_owned(), keys)]), ..Default::default() }
    };
    assert!(!is_denied(ada.call::<BatchGetItem>(batch(&["pk=ada sk=1", "pk=ada sk=2"])).await));
    assert!(is_denied(ada.call::<BatchGetItem>(batch(&["pk=ada sk=1", "pk=bob sk=1"])).await));
    let statement = |text: &str| ExecuteStatementInput { statement: text.to_owned(), ..Default::default() };
    let own = statement("SELECT * FROM orders WHERE pk = 'ada'");
    assert!(!is_denied(ada.call::<ExecuteStatement>(own).await));
    let other = statement("DELETE FROM orders WHERE pk = 'bob' AND sk = 1");
    assert!(is_denied(ada.call::<ExecuteStatement>(other).await));
}

#[tokio::test]
async fn statements_that_look_at_everything_can_be_refused() {
    let db = Db::with_table(true).await;
    let ada = user(&db, r#"{"Bool":{"dynamodb:FullTableScan":"false"}}"#).await;
    for (text, is_refused) in [
        ("SELECT * FROM orders WHERE pk = 'a'", false),
        ("SELECT * FROM orders WHERE pk IN ['a', 'b'] AND sk > 1", false),
        ("SELECT * FROM orders WHERE sk > 1", true),
    ] {
        let input = ExecuteStatementInput { statement: text.to_owned(), ..Default::default() };
        assert_eq!(is_denied(ada.call::<ExecuteStatement>(input).await), is_refused, "{text}");
    }
}

#[tokio::test]
async fn a_user_is_kept_to_some_attributes() {
    let db = Db::with_table(false).await;
    db.put("pk=a price=1 secret=x").await;
    let condition = r#"{"ForAllValues:StringEquals":{"dynamodb:Attributes":["pk","price"]},
        "StringEqualsIfExists":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES","dynamodb:ReturnValues":["NONE","UPDATED_NEW"]}}"#;
    let ada = user(&db, condition).await;
    assert!(!is_denied(ada.call::<GetItem>(get("pk=a", Some("price"))).await));
    assert!(is_denied(ada.call::<GetItem>(get("pk=a", Some("price, secret"))).await));
    assert!(is_denied(ada.call::<GetItem>(get("pk=a", None)).await));
    let update = |expression: &str, returns: &str| UpdateItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a"),
        update_expression: Some(expression.to_owned()),
        expression_attribute_values: values_of(":n=2"),
        return_values: Some(returns.to_owned()),
        ..Default::default()
    };
    assert!(!is_denied(ada.call::<UpdateItem>(update("SET price = :n", "UPDATED_NEW")).await));
    assert!(is_denied(ada.call::<UpdateItem>(update("SET secret = :n", "NONE")).await));
    assert!(is_denied(ada.call::<UpdateItem>(update("SET price = :n", "ALL_NEW")).await));
}
