//! TransactWriteItems and TransactGetItems.

use std::any::Any;
use std::time::Duration;

use dynamodb_api::op::{TransactGetItems, TransactWriteItems};
use dynamodb_api::{
    ConditionCheck, Delete, Get, Put, TransactGetItem, TransactGetItemsInput, TransactWriteItem,
    TransactWriteItemsInput, TransactionCanceledException, Update,
};
use shapes::ApiError;

use crate::kit::{Db, is_validation, item, show, told, values_of};

fn put(text: &str, condition: Option<&str>) -> TransactWriteItem {
    let put = Put {
        table_name: "orders".to_owned(),
        item: item(text),
        condition_expression: condition.map(str::to_owned),
        return_values_on_condition_check_failure: Some("ALL_OLD".to_owned()),
        ..Default::default()
    };
    TransactWriteItem { put: Some(put), ..Default::default() }
}

fn update(key: &str, expression: &str, condition: Option<&str>, values: &str) -> TransactWriteItem {
    let update = Update {
        table_name: "orders".to_owned(),
        key: item(key),
        update_expression: expression.to_owned(),
        condition_expression: condition.map(str::to_owned),
        expression_attribute_values: values_of(values),
        ..Default::default()
    };
    TransactWriteItem { update: Some(update), ..Default::default() }
}

fn check(key: &str, condition: &str) -> TransactWriteItem {
    let check = ConditionCheck {
        table_name: "orders".to_owned(),
        key: item(key),
        condition_expression: condition.to_owned(),
        ..Default::default()
    };
    TransactWriteItem { condition_check: Some(check), ..Default::default() }
}

fn delete(key: &str) -> TransactWriteItem {
    let delete = Delete { table_name: "orders".to_owned(), key: item(key), ..Default::default() };
    TransactWriteItem { delete: Some(delete), ..Default::default() }
}

async fn write(db: &Db, items: Vec<TransactWriteItem>, token: Option<&str>) -> Result<(), ApiError> {
    let input = TransactWriteItemsInput {
        transact_items: items,
        client_request_token: token.map(str::to_owned),
        ..Default::default()
    };
    db.call::<TransactWriteItems>(input).await.map(|_| ())
}

/// Codes of the reasons, with the items they show.
fn reasons(error: &ApiError) -> Vec<String> {
    let detail: &dyn Any = error.detail().expect("there are reasons");
    let detail: &TransactionCanceledException = detail.downcast_ref().unwrap();
    let reasons = detail.cancellation_reasons.iter().flatten();
    reasons
        .map(|reason| {
            let shown = reason.item.as_ref().map(|item| format!(" ({})", show(item))).unwrap_or_default();
            format!("{}{shown}", reason.code.clone().unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn all_happens_or_nothing() {
    let db = Db::with_table(false).await;
    db.put("pk=a n=1").await;
    db.put("pk=old").await;
    let parts = |condition| {
        vec![
            put("pk=b v=x", Some("attribute_not_exists(pk)")),
            update("pk=a", "ADD n :one", None, ":one=1"),
            delete("pk=old"),
            check("pk=a2", condition),
        ]
    };
    let error = write(&db, parts("attribute_exists(pk)"), None).await.unwrap_err();
    assert_eq!(error.name(), "TransactionCanceledException");
    assert_eq!(
        error.message(),
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, None, \
         ConditionalCheckFailed]"
    );
    assert_eq!(db.scan().await, ["n=1 pk=a", "pk=old"]);
    write(&db, parts("attribute_not_exists(pk)"), None).await.unwrap();
    assert_eq!(db.scan().await, ["n=2 pk=a", "pk=b v=x"]);
    let error = write(&db, parts("attribute_not_exists(pk)"), None).await.unwrap_err();
    assert_eq!(reasons(&error), ["ConditionalCheckFailed (pk=b v=x)", "None", "None", "None"]);
}

#[tokio::test]
async fn what_cannot_be_applied_cancels_and_what_is_wrong_is_refused() {
    let db = Db::with_table(false).await;
    db.put("pk=a v=text").await;
    let error = write(&db, vec![update("pk=a", "SET v = v + :one", None, ":one=1")], None).await.unwrap_err();
    assert_eq!(reasons(&error), ["ValidationError"]);
    let error = write(&db, vec![delete("other=a")], None).await.unwrap_err();
    assert_eq!(reasons(&error), ["ValidationError"]);
    is_validation(
        write(&db, vec![delete("pk=a"), put("pk=a", None)], None).await,
        "Transaction request cannot include multiple operations on one item",
    );
    is_validation(
        write(&db, vec![TransactWriteItem::default()], None).await,
        "TransactItems can only contain one of Check, Put, Update or Delete",
    );
    let error = told(write(&db, vec![check("pk=a", "attribute_exists(")], None).await);
    assert_eq!(error.0, "ValidationException");
    assert_eq!(db.scan().await, ["pk=a v=text"]);
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once_for_ten_minutes() {
    let db = Db::with_table(false).await;
    db.put("pk=a n=0").await;
    let add = |number: &str| vec![update("pk=a", "ADD n :n", None, &format!(":n={number}"))];
    write(&db, add("1"), Some("token")).await.unwrap();
    write(&db, add("1"), Some("token")).await.unwrap();
    assert_eq!(db.get("pk=a").await.unwrap(), "n=1 pk=a");
    let error = told(write(&db, add("2"), Some("token")).await);
    assert_eq!(error.0, "IdempotentParameterMismatchException");
    db.region.advance(Duration::from_secs(601)).await;
    write(&db, add("2"), Some("token")).await.unwrap();
    assert_eq!(db.get("pk=a").await.unwrap(), "n=3 pk=a");
}

#[tokio::test]
async fn a_cancelled_transaction_does_not_spend_its_token() {
    let db = Db::with_table(false).await;
    let parts = || vec![check("pk=a", "attribute_exists(pk)"), put("pk=b", None)];
    assert!(write(&db, parts(), Some("token")).await.is_err());
    db.put("pk=a").await;
    write(&db, parts(), Some("token")).await.unwrap();
    assert_eq!(db.scan().await, ["pk=a", "pk=b"]);
}

#[tokio::test]
async fn reads_of_a_transaction_are_of_one_moment_and_in_order() {
    let db = Db::with_table(false).await;
    db.put("pk=a v=1").await;
    let get = |key: &str| TransactGetItem {
        get: Get { table_name: "orders".to_owned(), key: item(key), ..Default::default() },
    };
    let input =
        TransactGetItemsInput { transact_items: vec![get("pk=b"), get("pk=a")], ..Default::default() };
    let responses = db.call::<TransactGetItems>(input).await.unwrap().responses.unwrap();
    let items: Vec<_> = responses.into_iter().map(|response| response.item.map(|item| show(&item))).collect();
    assert_eq!(items, [None, Some("pk=a v=1".to_owned())]);
    let input = TransactGetItemsInput { transact_items: vec![get("pk=a"), get("x=1")], ..Default::default() };
    let error = db.call::<TransactGetItems>(input).await.unwrap_err();
    assert_eq!(reasons(&error), ["None", "ValidationError"]);
}

/// Many transfers at once between a few accounts: whatever happens, no money comes or goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transfers_keep_the_sum() {
    const ACCOUNTS: usize = 5;
    let db = Db::with_table(false).await;
    for account in 0..ACCOUNTS {
        db.put(&format!("pk=a{account} n=20")).await;
    }
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..4usize {
        let ctx = db.region.ctx();
        clients.spawn(async move {
            let mut done = 0;
            for round in 0..50usize {
                let (from, to) = ((client + round) % ACCOUNTS, (client * 2 + round * 3 + 1) % ACCOUNTS);
                if from == to {
                    continue;
                }
                let amount = format!(":x={}", round % 7 + 1);
                let parts = vec![
                    update(&format!("pk=a{from}"), "SET n = n - :x", Some("n >= :x"), &amount),
                    update(&format!("pk=a{to}"), "SET n = n + :x", None, &amount),
                ];
                let input = TransactWriteItemsInput { transact_items: parts, ..Default::default() };
                match ctx.call::<TransactWriteItems>(input).await {
                    Ok(_) => done += 1,
                    Err(error) => assert_eq!(error.name(), "TransactionCanceledException"),
                }
            }
            done
        });
    }
    let mut done = 0;
    while let Some(transfers) = clients.join_next().await {
        done += transfers.unwrap();
    }
    let balances: Vec<i64> = db
        .scan()
        .await
        .iter()
        .filter_map(|text| text.strip_prefix("n=")?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(balances.iter().sum::<i64>(), 20 * ACCOUNTS as i64);
    assert!(done > 50 && balances.iter().all(|balance| *balance >= 0), "{done} {balances:?}");
}
