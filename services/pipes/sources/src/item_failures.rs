//! What an answer says about a batch of records.

use std::collections::BTreeSet;

use serde_json::Value;

/// Which records of a batch have failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemFailures {
    None,
    Some(BTreeSet<String>),
    All,
}

/// Reads an answer with partial failures (Developer Guide, "Reporting batch item failures"): nothing, an empty list or
/// null mean success; an answer that names an unknown or empty identifier, or is no such answer, means failure.
pub fn item_failures(answer: &[u8], identifiers: &BTreeSet<String>) -> ItemFailures {
    if answer.is_empty() {
        return ItemFailures::None;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return ItemFailures::All };
    let failures = match answer {
        Value::Null => return ItemFailures::None,
        Value::Object(answer) => match answer.get("batchItemFailures") {
            None | Some(Value::Null) => return ItemFailures::None,
            Some(Value::Array(failures)) => failures.clone(),
            Some(_) => return ItemFailures::All,
        },
        // Functions that answer something else have not heard of partial failures.
        Value::String(text) if text.is_empty() => return ItemFailures::None,
        _ => return ItemFailures::All,
    };
    let mut failed = BTreeSet::new();
    for failure in &failures {
        match failure.get("itemIdentifier").and_then(Value::as_str) {
            Some(identifier) if identifiers.contains(identifier) => failed.insert(identifier.to_owned()),
            _ => return ItemFailures::All,
        };
    }
    if failed.is_empty() { ItemFailures::None } else { ItemFailures::Some(failed) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ItemFailures, item_failures};

    #[test]
    fn answers_name_failed_records() {
        let identifiers: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
        let check = |answer: &str| item_failures(answer.as_bytes(), &identifiers);
        for success in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#] {
            assert_eq!(check(success), ItemFailures::None, "{success}");
        }
        let one = ItemFailures::Some(["a".to_owned()].into());
        assert_eq!(check(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#), one);
        for failure in [
            r#"{"batchItemFailures":[{"itemIdentifier":"x"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"badKey":"a"}]}"#,
            r#"{"batchItemFailures":1}"#,
            "nonsense",
        ] {
            assert_eq!(check(failure), ItemFailures::All, "{failure}");
        }
    }
}
