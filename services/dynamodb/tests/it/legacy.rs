//! The parameters from before expressions.

use dynamodb_api::op::{GetItem, PutItem, Query, Scan, UpdateItem};
use dynamodb_api::{
    AttributeValueUpdate, Condition, ExpectedAttributeValue, GetItemInput, PutItemInput, QueryInput,
    ScanInput, UpdateItemInput,
};
use shapes::Map;

use crate::kit::{Db, is_validation, item, put, show, show_all, told, value};

fn condition(operator: &str, values: &[&str]) -> Condition {
    Condition {
        comparison_operator: operator.to_owned(),
        attribute_value_list: Some(values.iter().map(|text| value(text)).collect()),
    }
}

fn conditions(given: &[(&str, &str, &[&str])]) -> Option<Map<Condition>> {
    let conditions = given.iter();
    Some(
        conditions
            .map(|(name, operator, values)| ((*name).to_owned(), condition(operator, values)))
            .collect(),
    )
}

fn expected(name: &str, exists: Option<bool>, text: Option<&str>) -> Option<Map<ExpectedAttributeValue>> {
    let expected = ExpectedAttributeValue { exists, value: text.map(value), ..Default::default() };
    Some(Map::from([(name.to_owned(), expected)]))
}

fn updates(given: &[(&str, &str, Option<&str>)]) -> Option<Map<AttributeValueUpdate>> {
    let update = |action: &str, text: Option<&str>| AttributeValueUpdate {
        action: Some(action.to_owned()),
        value: text.map(value),
    };
    Some(given.iter().map(|(name, action, text)| ((*name).to_owned(), update(action, *text))).collect())
}

#[tokio::test]
async fn expected_is_a_condition() {
    let db = Db::with_table(false).await;
    let input = |expected, text| PutItemInput { expected, ..put(text) };
    db.call::<PutItem>(input(expected("pk", Some(false), None), "pk=a v=1")).await.unwrap();
    let again = db.call::<PutItem>(input(expected("pk", Some(false), None), "pk=a v=2")).await;
    assert_eq!(told(again).0, "ConditionalCheckFailedException");
    db.call::<PutItem>(input(expected("v", None, Some("1")), "pk=a v=3")).await.unwrap();
    is_validation(
        db.call::<PutItem>(input(expected("v", Some(true), None), "pk=a")).await,
        "One or more parameter values were invalid: Value must be provided when Exists is true for Attribute: v",
    );
    let lone = PutItemInput { conditional_operator: Some("OR".to_owned()), ..put("pk=a") };
    is_validation(
        db.call::<PutItem>(lone).await,
        "ConditionalOperator cannot be used without Filter or Expected",
    );
    assert_eq!(db.scan().await, ["pk=a v=3"]);
}

#[tokio::test]
async fn attribute_updates_put_add_and_delete() {
    let db = Db::with_table(false).await;
    let update = |key: &str, attribute_updates| UpdateItemInput {
        table_name: "orders".to_owned(),
        key: item(key),
        attribute_updates,
        return_values: Some("ALL_NEW".to_owned()),
        ..Default::default()
    };
    let nothing = db.call::<UpdateItem>(update("pk=b", updates(&[("v", "DELETE", None)]))).await.unwrap();
    assert_eq!((nothing.attributes, db.scan().await.len()), (None, 0));
    let given = updates(&[("v", "PUT", Some("x")), ("n", "ADD", Some("5")), ("t", "ADD", Some("{a,b}"))]);
    let made = db.call::<UpdateItem>(update("pk=a", given)).await.unwrap();
    assert_eq!(made.attributes.as_ref().map(show).as_deref(), Some("n=5 pk=a t={a,b} v=x"));
    let given = updates(&[("v", "DELETE", None), ("n", "ADD", Some("-2")), ("t", "DELETE", Some("{a}"))]);
    let changed = db.call::<UpdateItem>(update("pk=a", given)).await.unwrap();
    assert_eq!(changed.attributes.as_ref().map(show).as_deref(), Some("n=3 pk=a t={b}"));
    is_validation(
        db.call::<UpdateItem>(update("pk=a", updates(&[("pk", "PUT", Some("b"))]))).await,
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
    );
}

#[tokio::test]
async fn key_conditions_and_filters_query_and_scan() {
    let db = Db::with_table(true).await;
    for number in 0..6 {
        db.put(&format!("pk=a sk={number} color={}", ["red", "blue"][number % 2])).await;
    }
    let input = QueryInput {
        table_name: "orders".to_owned(),
        key_conditions: conditions(&[("pk", "EQ", &["a"]), ("sk", "GE", &["2"])]),
        query_filter: conditions(&[("color", "EQ", &["red"])]),
        attributes_to_get: Some(vec!["sk".to_owned()]),
        ..Default::default()
    };
    let page = db.call::<Query>(input).await.unwrap();
    assert_eq!((page.count, page.scanned_count), (Some(2), Some(4)));
    assert_eq!(show_all(&page.items.unwrap()), "sk=2; sk=4");
    let scan = |operator: &str| ScanInput {
        table_name: "orders".to_owned(),
        scan_filter: conditions(&[("color", "NE", &["red"]), ("sk", "LT", &["2"])]),
        conditional_operator: Some(operator.to_owned()),
        ..Default::default()
    };
    assert_eq!(db.call::<Scan>(scan("AND")).await.unwrap().count, Some(1));
    assert_eq!(db.call::<Scan>(scan("OR")).await.unwrap().count, Some(4));
    let wrong = QueryInput {
        table_name: "orders".to_owned(),
        key_conditions: conditions(&[("pk", "EQ", &["a"])]),
        query_filter: conditions(&[("sk", "EQ", &["1"])]),
        ..Default::default()
    };
    is_validation(
        db.call::<Query>(wrong).await,
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk",
    );
}

#[tokio::test]
async fn attributes_to_get_choose_and_do_not_repeat() {
    let db = Db::with_table(false).await;
    db.put("pk=a v=1 w=2").await;
    let input = |names: &[&str]| GetItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a"),
        attributes_to_get: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Default::default()
    };
    assert_eq!(db.call::<GetItem>(input(&["w", "x"])).await.unwrap().item, Some(item("w=2")));
    is_validation(
        db.call::<GetItem>(input(&["w", "w"])).await,
        "One or more parameter values were invalid: Duplicate value in attribute name: w",
    );
}
