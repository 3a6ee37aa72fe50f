//! Filter policies: which messages a subscription gets (Developer Guide, "Amazon SNS subscription filter policies").
//!
//! Policies are event patterns, read and matched by the engine that event sources and buses use as well. What is SNS's
//! own is here: what of a message they see, how large they may be, and how a wrong one is refused.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use event_pattern::{EventPattern, Fault, InvalidPattern};
use serde_json::{Map, Value};
use shapes::ApiError;

use crate::errors;
use crate::message::Message;

/// Developer Guide, "Filter policy constraints".
const MOST_KEYS: usize = 5;
const LONGEST_POLICY: usize = 256 * 1024;
const MOST_COMBINATIONS: usize = 150;
/// Parsed policies kept; past it the cache begins anew.
const KEPT: usize = 4096;

/// Parsed policies by their text.
#[derive(Default)]
pub(crate) struct FilterPolicies(Mutex<HashMap<Box<str>, Option<Arc<EventPattern>>>>);

/// A message as policies see it, prepared once for all subscriptions of a topic.
pub(crate) struct Filterable<'m> {
    message: &'m Message,
    attributes: OnceCell<Value>,
    /// `None` when the body is no JSON object, which no policy admits.
    body: OnceCell<Option<Value>>,
}

impl<'m> Filterable<'m> {
    pub(crate) fn new(message: &'m Message) -> Self {
        Self { message, attributes: OnceCell::new(), body: OnceCell::new() }
    }

    fn attributes(&self) -> &Value {
        self.attributes.get_or_init(|| Value::Object(self.message.filter_values()))
    }

    fn body(&self) -> Option<&Value> {
        let parse = || serde_json::from_str(&self.message.body).ok().filter(Value::is_object);
        self.body.get_or_init(parse).as_ref()
    }
}

impl FilterPolicies {
    /// Whether a subscription with this policy gets the message.
    pub(crate) fn admits(&self, policy: &str, filters_body: bool, message: &Filterable<'_>) -> bool {
        let Some(policy) = self.parsed(policy) else { return false };
        match filters_body {
            true => message.body().is_some_and(|body| policy.matches(body)),
            false => policy.matches(message.attributes()),
        }
    }

    fn parsed(&self, text: &str) -> Option<Arc<EventPattern>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept.get(text) {
            return policy.clone();
        }
        let policy = EventPattern::parse(text).ok().map(Arc::new);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.into(), policy.clone());
        policy
    }
}

/// Checks a policy when it is set.
pub(crate) fn check(text: &str, filters_body: bool) -> Result<(), ApiError> {
    let refused = |reason: String| errors::invalid(&format!("FilterPolicy: {reason}"));
    if text.len() > LONGEST_POLICY {
        return Err(refused(format!("it may have {LONGEST_POLICY} bytes")));
    }
    let policy: Value =
        serde_json::from_str(text).map_err(|error| refused(format!("failed to parse JSON. {error}")))?;
    let Value::Object(fields) = &policy else { return Err(refused("must be a JSON object".to_owned())) };
    if !filters_body && has_nested(fields) {
        return Err(errors::invalid(
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ));
    }
    EventPattern::from_value(&policy).map_err(|invalid| refused(wording(&invalid)))?;
    if keys(fields) > MOST_KEYS {
        return Err(refused(format!("Filter policy can not have more than {MOST_KEYS} keys")));
    }
    if combinations(fields, 1) > MOST_COMBINATIONS {
        return Err(refused("Filter policy is too complex".to_owned()));
    }
    Ok(())
}

/// The patterns that a policy chooses between, if the field is such a choice.
fn choices<'p>(name: &str, value: &'p Value) -> Option<impl Iterator<Item = &'p Map<String, Value>>> {
    let list = value.as_array().filter(|_| name == "$or")?;
    Some(list.iter().filter_map(Value::as_object))
}

fn has_nested(policy: &Map<String, Value>) -> bool {
    policy.iter().any(|(name, value)| match choices(name, value) {
        Some(mut choices) => choices.any(has_nested),
        None => value.is_object(),
    })
}

/// Top-level keys; of nested ones only the parents count.
fn keys(policy: &Map<String, Value>) -> usize {
    let count = |(name, value): (&String, &Value)| choices(name, value).map_or(1, |all| all.map(keys).sum());
    policy.iter().map(count).sum()
}

/// The product of the lengths of all lists, each times how deep it lies.
fn combinations(policy: &Map<String, Value>, depth: usize) -> usize {
    policy.iter().fold(1_usize, |product, (name, value)| {
        let own = match (choices(name, value), value) {
            (Some(choices), _) => {
                choices.fold(1_usize, |product, part| product.saturating_mul(combinations(part, depth)))
            }
            (None, Value::Array(list)) => list.len().saturating_mul(depth),
            (None, Value::Object(inner)) => combinations(inner, depth + 1),
            (None, _) => 1,
        };
        product.saturating_mul(own.max(1))
    })
}

/// What is wrong with a policy, in AWS's words.
fn wording(invalid: &InvalidPattern) -> String {
    let key = invalid.place.rsplit('.').next().unwrap_or_default();
    match &invalid.fault {
        Fault::EmptyList => "Empty arrays are not allowed".to_owned(),
        Fault::EmptyObject => "Empty objects are not allowed".to_owned(),
        Fault::ListInList => "Match value must be String, number, true, false, or null".to_owned(),
        Fault::NoList => format!("\"{key}\" must be an object or an array"),
        Fault::NotOneComparison => "Only one key allowed in match expression".to_owned(),
        Fault::UnknownComparison(name) => format!("Unrecognized match type {name}"),
        Fault::UnknownOperator(operator) => format!("Unrecognized numeric range operator: {operator}"),
        Fault::WrongOperand { comparison, .. } if comparison == "exists" => {
            "exists match pattern must be either true or false.".to_owned()
        }
        Fault::WrongOperand { comparison, expected: "takes text" } => {
            format!("{comparison} match pattern must be a string")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use event_pattern::EventPattern;
    use serde_json::{Value, json};

    use super::check;

    fn matches(policy: &Value, filters_body: bool, message: &Value) -> bool {
        check(&policy.to_string(), filters_body).unwrap_or_else(|error| panic!("{policy}: {error}"));
        EventPattern::from_value(policy).expect("it was checked").matches(message)
    }

    #[test]
    fn rules_hold_for_attributes() {
        let order =
            json!({"store": "example_corp", "price": 210.75, "tags": ["rugby", "new"], "ip": "10.0.0.7"});
        for (policy, expected) in [
            (json!({"store": ["example_corp"]}), true),
            (json!({"store": ["other", "example_corp"], "price": [1]}), false),
            (json!({"store": [{"prefix": "example"}]}), true),
            (json!({"store": [{"suffix": "_corp"}]}), true),
            (json!({"store": [{"equals-ignore-case": "EXAMPLE_corp"}]}), true),
            (json!({"store": [{"wildcard": "ex*_co*"}]}), true),
            (json!({"store": [{"anything-but": ["example_corp"]}]}), false),
            (json!({"store": [{"anything-but": {"prefix": "order-"}}]}), true),
            (json!({"price": [{"numeric": [">=", 200, "<", 300]}]}), true),
            (json!({"price": [{"numeric": ["=", 210.75]}]}), true),
            (json!({"price": [{"numeric": ["<", 200]}, {"numeric": [">", 300]}]}), false),
            (json!({"price": ["210.75"]}), false),
            (json!({"tags": ["rugby"]}), true),
            (json!({"tags": [{"anything-but": ["rugby"]}]}), true),
            (json!({"gone": [{"exists": false}]}), true),
            (json!({"store": [{"exists": false}]}), false),
            (json!({"gone": [{"anything-but": "x"}]}), false),
            (json!({"ip": [{"cidr": "10.0.0.0/24"}]}), true),
            (json!({"ip": [{"cidr": "10.0.1.0/24"}]}), false),
            (json!({"$or": [{"store": ["x"]}, {"price": [{"numeric": [">", 1]}]}]}), true),
        ] {
            assert_eq!(matches(&policy, false, &order), expected, "{policy}");
        }
    }

    #[test]
    fn bodies_are_matched_in_depth() {
        let body = json!({"detail": {"state": "done", "items": [{"sku": 1}, {"sku": 2}]}, "codes": [4, 5]});
        for (policy, expected) in [
            (json!({"detail": {"state": ["done"]}}), true),
            (json!({"detail": {"items": {"sku": [2]}}}), true),
            (json!({"detail": {"items": {"sku": [3]}}}), false),
            (json!({"codes": [5]}), true),
            (json!({"gone": {"x": [{"exists": false}]}}), true),
            (json!({"gone": {"x": ["y"]}}), false),
        ] {
            assert_eq!(matches(&policy, true, &body), expected, "{policy}");
        }
    }

    #[test]
    fn malformed_policies_are_refused_in_aws_words() {
        for (bad, message) in [
            ("x", "FilterPolicy: failed to parse JSON."),
            ("[]", "FilterPolicy: must be a JSON object"),
            (r#"{"a":"b"}"#, "FilterPolicy: \"a\" must be an object or an array"),
            (r#"{"a":[]}"#, "FilterPolicy: Empty arrays are not allowed"),
            (
                r#"{"a":{"b":["c"]}}"#,
                "Filter policy scope MessageAttributes does not support nested filter policy",
            ),
            (r#"{"a":[["b"]]}"#, "FilterPolicy: Match value must be String, number, true, false, or null"),
            (r#"{"a":[{"near":"b"}]}"#, "FilterPolicy: Unrecognized match type near"),
            (r#"{"a":[{"exists":"b"}]}"#, "FilterPolicy: exists match pattern must be either true or false."),
            (r#"{"a":[{"prefix":1}]}"#, "FilterPolicy: prefix match pattern must be a string"),
            (r#"{"a":[{"numeric":["~",1]}]}"#, "FilterPolicy: Unrecognized numeric range operator: ~"),
            (
                r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#,
                "FilterPolicy: Filter policy can not have more than 5 keys",
            ),
            (
                r#"{"a":[1,2,3,4,5,6],"b":[1,2,3,4,5],"c":[1,2,3,4,5,6]}"#,
                "FilterPolicy: Filter policy is too complex",
            ),
        ] {
            let error = check(bad, false).unwrap_err();
            assert_eq!(error.code(), "InvalidParameter", "{bad}");
            assert!(error.message().starts_with(&format!("Invalid parameter: {message}")), "{bad}: {error}");
        }
    }

    #[test]
    fn depth_makes_a_policy_more_complex() {
        let policy = |c: &str| format!(r#"{{"k":{{"b":{{"c":[{c}]}}}},"d":{{"e":[1,2,3]}},"f":[1,2]}}"#);
        // 3 × 3 levels, 3 × 2 levels, 2 × 1 level: 108.
        check(&policy("1,2,3"), true).unwrap();
        assert!(check(&policy("1,2,3,4,5"), true).unwrap_err().message().contains("too complex"));
        // Nested keys count once, with their parent.
        check(r#"{"a":{"1":[1],"2":[1],"3":[1]},"b":{"1":[1],"2":[1],"3":[1]}}"#, true).unwrap();
    }
}
