use super::*;
use crate::index::IndexProjection;
use crate::key_schema::KeyType;

fn keys(text: &str) -> Vec<KeyElement> {
    let roles = [KeyRole::Hash, KeyRole::Range, KeyRole::Range];
    text.split_whitespace()
        .zip(roles)
        .map(|(name, role)| KeyElement { name: name.to_owned(), role })
        .collect()
}

fn draft(definitions: &str, key_names: &str) -> TableDraft {
    TableDraft {
        name: "things".to_owned(),
        attributes: definitions.split_whitespace().map(|name| KeyAttribute::new(name, KeyType::S)).collect(),
        keys: keys(key_names),
        is_per_request: true,
        ..TableDraft::default()
    }
}

fn index(name: &str, key_names: &str) -> IndexDraft {
    let projection = ProjectionDraft { projection_type: Some("ALL".to_owned()), non_key_attributes: None };
    IndexDraft { name: name.to_owned(), keys: keys(key_names), projection, throughput: None }
}

#[track_caller]
fn check(draft: TableDraft, expected: &str) {
    let actual = draft.define().map(|table| table.name).unwrap_or_else(|error| error.to_string());
    assert_eq!(actual, expected);
}

#[test]
fn names() {
    check(
        TableDraft { name: "ab".to_owned(), ..draft("a", "a") },
        "TableName must be at least 3 characters long and at most 255 characters long",
    );
    check(
        TableDraft { name: "a b".to_owned(), ..draft("a", "a") },
        "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    );
    check(draft("a", "a"), "things");
}

#[test]
fn keys_and_definitions_belong_together() {
    check(
        draft("y", "x"),
        "One or more parameter values were invalid: Some index key attributes are not defined in \
         AttributeDefinitions. Keys: [x], AttributeDefinitions: [y]",
    );
    check(
        draft("a b", "a"),
        "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match \
         number of attributes defined in AttributeDefinitions",
    );
    check(
        draft("a b", "a a"),
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    );
    check(draft("a", "a b"), "Invalid KeySchema: Some index key attribute have no definition");
    let mut reversed = draft("a b", "a b");
    reversed.keys.reverse();
    check(reversed, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
}

#[test]
fn billing_and_throughput_agree() {
    let throughput = Some(Throughput { read_units: 1, write_units: 1 });
    check(
        TableDraft { throughput, ..draft("a", "a") },
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
         specified when BillingMode is PAY_PER_REQUEST",
    );
    check(
        TableDraft { is_per_request: false, ..draft("a", "a") },
        "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be \
         specified when BillingMode is PROVISIONED",
    );
    check(TableDraft { is_per_request: false, throughput, ..draft("a", "a") }, "things");
}

#[test]
fn local_indexes() {
    let with = |definitions: &str, table: &str, index_keys: &str| TableDraft {
        local_indexes: Some(vec![index("local", index_keys)]),
        ..draft(definitions, table)
    };
    check(
        with("a b", "a", "a b"),
        "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required \
         when specifying a LocalSecondaryIndex",
    );
    check(
        with("a b c", "a b", "c b"),
        "One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as \
         table KeySchema for index: local. index hash key: c, table hash key: a",
    );
    check(
        with("a b", "a b", "a"),
        "One or more parameter values were invalid: Index KeySchema does not have a range key for index: local",
    );
    check(with("a b c", "a b", "a c"), "things");
}

#[test]
fn global_indexes() {
    let with = |indexes: Vec<IndexDraft>| TableDraft { global_indexes: Some(indexes), ..draft("a b", "a") };
    check(with(vec![]), "One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty");
    check(
        with(vec![index("one", "b"), index("one", "b")]),
        "One or more parameter values were invalid: Duplicate index name: one",
    );
    let mut wrong = index("one", "b");
    wrong.projection.non_key_attributes = Some(vec!["x".to_owned()]);
    check(
        with(vec![wrong]),
        "One or more parameter values were invalid: ProjectionType is ALL, but NonKeyAttributes is specified",
    );
    check(
        with(vec![index("one", "a")]),
        "One or more parameter values were invalid: Some AttributeDefinitions are not used. \
         AttributeDefinitions: [a, b], keys used: [a]",
    );
    let table = with(vec![index("one", "b a")]).define().unwrap();
    assert_eq!(table.global_index("one").map(|index| &index.projection), Some(&IndexProjection::All));
    assert_eq!(table.index_keys("one").map(|keys| keys.hash.name.as_str()), Some("b"));
    assert_eq!(table.index_keys("two"), None);
}

#[test]
fn definitions_survive_storage() {
    let draft = TableDraft { global_indexes: Some(vec![index("one", "b")]), ..draft("a b", "a") };
    let table = draft.define().unwrap();
    let bytes = postcard::to_stdvec(&table).unwrap();
    assert_eq!(postcard::from_bytes::<TableDefinition>(&bytes).unwrap(), table);
}
