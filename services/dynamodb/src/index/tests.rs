use super::*;
use crate::key_schema::{KeyAttribute, KeyType};
use crate::value::Value;

fn table() -> KeySchema {
    KeySchema { hash: KeyAttribute::new("id", KeyType::S), range: None }
}

fn index(projection: IndexProjection) -> LocalIndex {
    let keys = KeySchema {
        hash: KeyAttribute::new("id", KeyType::S),
        range: Some(KeyAttribute::new("score", KeyType::N)),
    };
    LocalIndex { name: "by-score".to_owned(), keys, projection }
}

/// `id=a score=1 note=x`; digits are numbers.
fn item(text: &str) -> Item {
    text.split(' ')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), Value::number(value).unwrap_or_else(|_| Value::string(value))))
        .collect()
}

fn describe(item: &Item) -> String {
    let pairs: Vec<_> = item.iter().map(|(name, value)| format!("{name}={}", value.describe())).collect();
    pairs.join(" ")
}

#[track_caller]
fn check(projection: IndexProjection, old: &str, new: &str, removed: bool, put: &str) {
    let of = |text: &str| (!text.is_empty()).then(|| item(text));
    let change = index(projection).change(&table(), of(old).as_ref(), of(new).as_ref());
    let actual = change.put.as_ref().map(|entry| describe(&entry.item)).unwrap_or_default();
    assert_eq!((change.removed.is_some(), actual.as_str()), (removed, put), "{old} -> {new}");
}

#[test]
fn entries_come_and_go_with_the_key() {
    use IndexProjection::KeysOnly;
    check(KeysOnly, "", "id=a score=1 note=x", false, "id={S:a} score={N:1}");
    check(KeysOnly, "id=a score=1", "", true, "");
    check(KeysOnly, "id=a score=1", "id=a score=2", true, "id={S:a} score={N:2}");
    check(KeysOnly, "id=a score=1", "id=a", true, "");
    check(KeysOnly, "id=a", "id=a score=1", false, "id={S:a} score={N:1}");
    check(KeysOnly, "", "id=a score=x", false, "");
}

#[test]
fn changes_outside_the_projection_cost_nothing() {
    use IndexProjection::{All, Include, KeysOnly};
    check(KeysOnly, "id=a score=1 note=x", "id=a score=1 note=y", false, "");
    check(All, "id=a score=1 note=x", "id=a score=1 note=y", false, "id={S:a} note={S:y} score={N:1}");
    let note = || Include(vec!["note".to_owned()]);
    check(note(), "id=a score=1 note=x z=1", "id=a score=1 note=x z=2", false, "");
    check(note(), "id=a score=1 note=x", "id=a score=1 z=2", false, "id={S:a} score={N:1}");
}

#[test]
fn entries_sort_by_index_key_then_table_key() {
    let by_score = KeySchema { hash: KeyAttribute::new("score", KeyType::N), range: None };
    let key = |text: &str| entry(&by_score, &IndexProjection::All, &table(), &item(text)).unwrap().key;
    assert!(key("id=z score=2") < key("id=a score=10"));
    assert!(key("id=a score=2") < key("id=b score=2"));
}
