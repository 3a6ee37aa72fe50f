//! Single items: put, get, update, delete, and what they give back.

use std::any::Any;

use dynamodb_api::op::{DeleteItem, GetItem, PutItem, UpdateItem};
use dynamodb_api::{
    AttributeValue, ConditionalCheckFailedException, DeleteItemInput, GetItemInput, PutItemInput,
    UpdateItemInput,
};
use shapes::Map;

use crate::kit::{Db, is_validation, item, put, show, told, values_of};

#[tokio::test]
async fn an_item_lives_from_its_put_to_its_delete() {
    let db = Db::with_table(true).await;
    db.put("pk=a sk=1 v=x").await;
    assert_eq!(db.get("pk=a sk=1").await.as_deref(), Some("pk=a sk=1 v=x"));
    assert_eq!(db.get("pk=a sk=2").await, None);
    db.put("pk=a sk=1 w=y").await;
    assert_eq!(db.get("pk=a sk=1.0").await.as_deref(), Some("pk=a sk=1 w=y"));
    db.delete("pk=a sk=1").await;
    db.delete("pk=a sk=1").await;
    assert_eq!(db.get("pk=a sk=1").await, None);
}

#[tokio::test]
async fn puts_and_deletes_give_back_what_was_there() {
    let db = Db::with_table(false).await;
    let input = || PutItemInput { return_values: Some("ALL_OLD".to_owned()), ..put("pk=a v=2") };
    assert_eq!(db.call::<PutItem>(input()).await.unwrap().attributes, None);
    assert_eq!(db.call::<PutItem>(input()).await.unwrap().attributes, Some(item("pk=a v=2")));
    let delete = DeleteItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a"),
        return_values: Some("ALL_OLD".to_owned()),
        ..Default::default()
    };
    assert_eq!(db.call::<DeleteItem>(delete).await.unwrap().attributes, Some(item("pk=a v=2")));
    let wrong = PutItemInput { return_values: Some("ALL_NEW".to_owned()), ..put("pk=a") };
    is_validation(db.call::<PutItem>(wrong).await, "ReturnValues can only be ALL_OLD or NONE");
}

#[tokio::test]
async fn updates_give_back_as_they_are_asked() {
    for (returns, expected) in [
        ("NONE", None),
        ("ALL_OLD", Some("n=1 pk=a v=x")),
        ("UPDATED_OLD", Some("n=1")),
        ("ALL_NEW", Some("m=1 n=2 pk=a v=x")),
        ("UPDATED_NEW", Some("m=1 n=2")),
    ] {
        let db = Db::with_table(false).await;
        db.put("pk=a n=1 v=x").await;
        let input = UpdateItemInput {
            table_name: "orders".to_owned(),
            key: item("pk=a"),
            update_expression: Some("SET n = n + :one, m = :one".to_owned()),
            expression_attribute_values: values_of(":one=1"),
            return_values: Some(returns.to_owned()),
            ..Default::default()
        };
        let attributes = db.call::<UpdateItem>(input).await.unwrap().attributes;
        assert_eq!(attributes.as_ref().map(show).as_deref(), expected, "{returns}");
    }
}

#[tokio::test]
async fn an_update_makes_the_item_that_is_not_there() {
    let db = Db::with_table(false).await;
    assert_eq!(db.update("pk=a", "ADD n :one", ":one=1").await.unwrap(), "n=1 pk=a");
    assert_eq!(db.update("pk=b", "REMOVE n", "").await.unwrap(), "pk=b");
    is_validation(
        db.update("pk=a", "SET pk = :x", ":x=b").await,
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key",
    );
    is_validation(
        db.update("pk=a", "SET n = absent + :one", ":one=1").await,
        "The provided expression refers to an attribute that does not exist in the item",
    );
}

#[tokio::test]
async fn a_failed_condition_shows_the_item_when_asked() {
    let db = Db::with_table(false).await;
    db.put("pk=a v=1").await;
    let input = PutItemInput {
        condition_expression: Some("attribute_not_exists(pk)".to_owned()),
        return_values_on_condition_check_failure: Some("ALL_OLD".to_owned()),
        ..put("pk=a v=2")
    };
    let error = db.call::<PutItem>(input).await.err().unwrap();
    assert_eq!(error.name(), "ConditionalCheckFailedException");
    assert_eq!(error.message(), "The conditional request failed");
    let detail: &dyn Any = error.detail().expect("the item is shown");
    let detail: &ConditionalCheckFailedException = detail.downcast_ref().unwrap();
    assert_eq!(detail.item, Some(item("pk=a v=1")));
    assert_eq!(db.get("pk=a").await.as_deref(), Some("pk=a v=1"));
}

#[tokio::test]
async fn projections_choose_the_attributes() {
    let db = Db::with_table(false).await;
    db.put("pk=a v=1 size=2").await;
    let input = GetItemInput {
        table_name: "orders".to_owned(),
        key: item("pk=a"),
        projection_expression: Some("#s, absent".to_owned()),
        expression_attribute_names: Some(Map::from([("#s".to_owned(), "size".to_owned())])),
        ..Default::default()
    };
    assert_eq!(db.call::<GetItem>(input).await.unwrap().item, Some(item("size=2")));
}

#[tokio::test]
async fn mistakes_are_told_in_order() {
    let db = Db::with_table(false).await;
    is_validation(
        db.call::<PutItem>(put("v=1")).await,
        "One or more parameter values were invalid: Missing the key pk in the item",
    );
    let both = PutItemInput {
        expected: Some(Map::new()),
        condition_expression: Some("attribute_exists(".to_owned()),
        ..put("v=1")
    };
    is_validation(
        db.call::<PutItem>(both).await,
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
         {Expected} Expression parameters: {ConditionExpression}",
    );
    let unused = PutItemInput { expression_attribute_values: values_of(":a=1"), ..put("pk=a") };
    is_validation(
        db.call::<PutItem>(unused).await,
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
    );
    let wrong = PutItemInput {
        condition_expression: Some("v = :a".to_owned()),
        expression_attribute_values: Some(Map::from([(":a".to_owned(), AttributeValue::N("x".to_owned()))])),
        ..put("pk=a")
    };
    is_validation(
        db.call::<PutItem>(wrong).await,
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for \
         key :a",
    );
    let elsewhere = PutItemInput { table_name: "nowhere".to_owned(), ..put("v=1") };
    assert_eq!(
        told(db.call::<PutItem>(elsewhere).await),
        ("ResourceNotFoundException".to_owned(), "Requested resource not found".to_owned())
    );
    let wrong = PutItemInput {
        table_name: "nowhere".to_owned(),
        condition_expression: Some("attribute_exists(".to_owned()),
        ..put("v=1")
    };
    assert_eq!(told(db.call::<PutItem>(wrong).await).0, "ValidationException");
}

#[tokio::test]
async fn a_table_is_named_by_its_arn_too() {
    let db = Db::with_table(false).await;
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/orders";
    let input = PutItemInput { table_name: arn.to_owned(), ..put("pk=a v=1") };
    db.call::<PutItem>(input).await.unwrap();
    assert_eq!(db.get("pk=a").await.as_deref(), Some("pk=a v=1"));
}
