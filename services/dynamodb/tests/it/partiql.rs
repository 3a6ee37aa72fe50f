//! PartiQL statements, alone, in batches and in transactions.

use std::any::Any;

use dynamodb_api::op::{BatchExecuteStatement, ExecuteStatement, ExecuteTransaction};
use dynamodb_api::*;
use shapes::ApiError;

use crate::kit::{Db, attribute, is_validation, item, key, projection, show, show_all, table, told, value};

fn statement(text: &str, parameters: &[&str]) -> ExecuteStatementInput {
    let parameters: Vec<_> = parameters.iter().map(|text| value(text)).collect();
    ExecuteStatementInput {
        statement: text.to_owned(),
        parameters: Some(parameters).filter(|parameters| !parameters.is_empty()),
        ..Default::default()
    }
}

async fn run(db: &Db, text: &str, parameters: &[&str]) -> Result<String, ApiError> {
    let output = db.call::<ExecuteStatement>(statement(text, parameters)).await?;
    Ok(show_all(&output.items.unwrap_or_default()))
}

async fn filled() -> Db {
    let mut input = table("orders", true);
    input.attribute_definitions.as_mut().unwrap().push(attribute("color", "S"));
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-color".to_owned(),
        key_schema: vec![key("color", "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    }]);
    let db = Db::with(input).await;
    for number in 1..=5 {
        db.put(&format!("pk=a sk={number} color={}", ["red", "blue"][number % 2])).await;
    }
    db
}

#[tokio::test]
async fn selects_follow_keys_indexes_and_conditions() {
    let db = filled().await;
    let cases = [
        ("SELECT sk FROM orders WHERE pk = 'a' AND sk > 3", "sk=4; sk=5"),
        ("SELECT sk FROM \"orders\" WHERE pk = 'a' ORDER BY sk DESC", "sk=5; sk=4; sk=3; sk=2; sk=1"),
        ("SELECT * FROM orders WHERE pk = 'a' AND sk = 2", "color=red pk=a sk=2"),
        ("SELECT sk FROM orders.\"by-color\" WHERE color = 'red'", "sk=2; sk=4"),
        ("SELECT sk FROM orders WHERE pk = 'a' AND sk BETWEEN 1 AND 4 AND color = 'blue'", "sk=1; sk=3"),
        ("SELECT sk FROM orders WHERE pk = 'a' AND sk IN [1, 5]", "sk=1; sk=5"),
        ("SELECT sk FROM orders WHERE pk = 'a' AND (sk = 1 OR sk >= 5)", "sk=1; sk=5"),
        ("SELECT sk FROM orders WHERE pk IN ['a', 'b'] AND sk = 4", "sk=4"),
        ("select sk from orders where pk = 'a' and sk < 3 and note is missing", "sk=1; sk=2"),
    ];
    for (text, expected) in cases {
        assert_eq!(run(&db, text, &[]).await.unwrap(), expected, "{text}");
    }
    assert_eq!(
        run(&db, "SELECT color FROM orders WHERE pk = ? AND sk = ?", &["a", "1"]).await.unwrap(),
        "color=blue"
    );
    is_validation(
        run(&db, "SELECT * FROM orders ORDER BY sk", &[]).await,
        "Must have WHERE clause in the statement when using ORDER BY clause.",
    );
    assert_eq!(told(run(&db, "SELECT * FROM nowhere", &[]).await).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn selects_come_in_pages() {
    let db = filled().await;
    let (mut seen, mut next_token) = (Vec::new(), None);
    loop {
        let input = ExecuteStatementInput {
            limit: Some(2),
            next_token,
            ..statement("SELECT sk FROM orders WHERE pk = 'a'", &[])
        };
        let output = db.call::<ExecuteStatement>(input).await.unwrap();
        seen.extend(output.items.unwrap().iter().map(show));
        next_token = output.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["sk=1", "sk=2", "sk=3", "sk=4", "sk=5"]);
    let wrong =
        ExecuteStatementInput { next_token: Some("?".to_owned()), ..statement("SELECT * FROM orders", &[]) };
    is_validation(db.call::<ExecuteStatement>(wrong).await, "Invalid NextToken");
}

#[tokio::test]
async fn writes_insert_update_and_delete() {
    let db = Db::with_table(false).await;
    run(&db, "INSERT INTO orders VALUE {'pk': 'a', 'n': 1, 'tags': <<'x'>>, 'list': [1]}", &[])
        .await
        .unwrap();
    let twice = run(&db, "INSERT INTO orders VALUE {'pk': 'a'}", &[]).await;
    assert_eq!(
        told(twice),
        ("DuplicateItemException".to_owned(), "Duplicate primary key exists in table".to_owned())
    );
    let updated = run(
        &db,
        "UPDATE orders SET n = n + ? SET tags = set_add(tags, <<'y'>>) SET list = list_append(list, [2]) \
         REMOVE gone WHERE pk = 'a' AND n = 1 RETURNING ALL NEW *",
        &["5"],
    );
    assert_eq!(updated.await.unwrap(), "list=[1,2] n=6 pk=a tags={x,y}");
    let modified = run(&db, "UPDATE orders SET n = 7 WHERE pk = 'a' RETURNING MODIFIED OLD *", &[]);
    assert_eq!(modified.await.unwrap(), "n=6");
    let failed = run(&db, "UPDATE orders SET n = 8 WHERE pk = 'a' AND n = 1", &[]).await;
    assert_eq!(told(failed).0, "ConditionalCheckFailedException");
    let absent = run(&db, "UPDATE orders SET n = 8 WHERE pk = 'b'", &[]).await;
    assert_eq!(told(absent).0, "ConditionalCheckFailedException");
    is_validation(
        run(&db, "UPDATE orders SET n = 8 WHERE n = 7", &[]).await,
        "Where clause does not contain a mandatory equality on all key attributes",
    );
    let deleted = run(&db, "DELETE FROM orders WHERE pk = 'a' RETURNING ALL OLD *", &[]).await.unwrap();
    assert_eq!(deleted, "list=[1,2] n=7 pk=a tags={x,y}");
    assert_eq!(run(&db, "DELETE FROM orders WHERE pk = 'a'", &[]).await.unwrap(), "");
    assert!(db.scan().await.is_empty());
}

#[tokio::test]
async fn statements_of_a_batch_fail_alone() {
    let db = Db::with_table(false).await;
    db.put("pk=a n=1").await;
    let batch = |texts: &[&str]| BatchExecuteStatementInput {
        statements: texts
            .iter()
            .map(|text| BatchStatementRequest { statement: (*text).to_owned(), ..Default::default() })
            .collect(),
        ..Default::default()
    };
    let writes = batch(&[
        "INSERT INTO orders VALUE {'pk': 'b'}",
        "INSERT INTO orders VALUE {'pk': 'a'}",
        "nonsense",
        "UPDATE orders SET n = 2 WHERE pk = 'a'",
        "DELETE FROM nowhere WHERE pk = 'a'",
    ]);
    let responses = db.call::<BatchExecuteStatement>(writes).await.unwrap().responses.unwrap();
    let codes: Vec<_> = responses
        .iter()
        .map(|response| response.error.as_ref().and_then(|error| error.code.clone()).unwrap_or_default())
        .collect();
    assert_eq!(codes, ["", "DuplicateItem", "ValidationError", "", "ResourceNotFound"]);
    assert_eq!(db.scan().await, ["n=2 pk=a", "pk=b"]);
    let reads = batch(&[
        "SELECT * FROM orders WHERE pk = 'b'",
        "SELECT * FROM orders WHERE pk = 'c'",
        "SELECT * FROM orders",
    ]);
    let responses = db.call::<BatchExecuteStatement>(reads).await.unwrap().responses.unwrap();
    assert_eq!(responses[0].item, Some(item("pk=b")));
    assert_eq!((responses[1].item.as_ref(), responses[1].error.as_ref()), (None, None));
    assert!(responses[2].error.is_some());
    let mixed = batch(&["SELECT * FROM orders WHERE pk = 'b'", "DELETE FROM orders WHERE pk = 'b'"]);
    assert_eq!(told(db.call::<BatchExecuteStatement>(mixed).await).0, "ValidationException");
}

#[tokio::test]
async fn a_transaction_of_statements_happens_together_or_not_at_all() {
    let db = Db::with_table(false).await;
    db.put("pk=a n=1").await;
    let transaction = |texts: &[&str]| ExecuteTransactionInput {
        transact_statements: texts
            .iter()
            .map(|text| ParameterizedStatement { statement: (*text).to_owned(), ..Default::default() })
            .collect(),
        ..Default::default()
    };
    let check = "EXISTS(SELECT * FROM orders WHERE pk = 'a' AND n = 1)";
    let writes = [check, "INSERT INTO orders VALUE {'pk': 'b'}", "UPDATE orders SET n = 5 WHERE pk = 'c'"];
    let error = db.call::<ExecuteTransaction>(transaction(&writes)).await.unwrap_err();
    let detail: &dyn Any = error.detail().unwrap();
    let detail: &TransactionCanceledException = detail.downcast_ref().unwrap();
    let codes: Vec<_> =
        detail.cancellation_reasons.iter().flatten().filter_map(|reason| reason.code.as_deref()).collect();
    assert_eq!(codes, ["None", "None", "ConditionalCheckFailed"]);
    assert_eq!(db.scan().await, ["n=1 pk=a"]);
    db.call::<ExecuteTransaction>(transaction(&writes[..2])).await.unwrap();
    let again = db.call::<ExecuteTransaction>(transaction(&writes[..2])).await.unwrap_err();
    assert!(again.message().ends_with("[None, DuplicateItem]"), "{again}");
    let reads = ["SELECT * FROM orders WHERE pk = 'b'", "SELECT n FROM orders WHERE pk = 'a'"];
    let responses = db.call::<ExecuteTransaction>(transaction(&reads)).await.unwrap().responses.unwrap();
    let items: Vec<_> = responses.iter().filter_map(|response| response.item.as_ref().map(show)).collect();
    assert_eq!(items, ["pk=b", "n=1"]);
}
