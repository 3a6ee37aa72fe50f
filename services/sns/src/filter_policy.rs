//! Filter policies: which messages a subscription gets (Developer Guide, "Amazon SNS subscription filter policies").

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use shapes::ApiError;

use crate::errors;
use crate::message::Message;

/// Developer Guide, "Filter policy constraints".
const MOST_KEYS: usize = 5;
const LONGEST_POLICY: usize = 256 * 1024;
const MOST_COMBINATIONS: usize = 150;
const DEEPEST: usize = 32;
/// Parsed policies kept; past it the cache begins anew.
const KEPT: usize = 4096;

/// Parsed policies by their text.
#[derive(Default)]
pub(crate) struct FilterPolicies(Mutex<HashMap<Box<str>, Arc<Value>>>);

impl FilterPolicies {
    /// Whether a subscription with this policy gets the message.
    pub(crate) fn admits(&self, policy: &str, filters_body: bool, message: &Message) -> bool {
        let policy = self.parsed(policy);
        let Value::Object(policy) = &*policy else { return false };
        if filters_body {
            return match serde_json::from_str(&message.body) {
                Ok(Value::Object(body)) => body_matches(policy, &body),
                _ => false,
            };
        }
        attributes_match(policy, &message.filter_values())
    }

    fn parsed(&self, text: &str) -> Arc<Value> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept.get(text) {
            return Arc::clone(policy);
        }
        let policy: Arc<Value> = Arc::new(serde_json::from_str(text).unwrap_or_default());
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.into(), Arc::clone(&policy));
        policy
    }
}

fn attributes_match(policy: &Map<String, Value>, attributes: &HashMap<&str, Vec<Value>>) -> bool {
    policy.iter().all(|(key, rules)| match (key.as_str(), rules) {
        ("$or", Value::Array(branches)) => {
            branches.iter().filter_map(Value::as_object).any(|branch| attributes_match(branch, attributes))
        }
        (key, Value::Array(rules)) => any_rule(rules, attributes.get(key).map(Vec::as_slice)),
        _ => false,
    })
}

fn body_matches(policy: &Map<String, Value>, body: &Map<String, Value>) -> bool {
    policy.iter().all(|(key, rules)| match (key.as_str(), rules) {
        ("$or", Value::Array(branches)) => {
            branches.iter().filter_map(Value::as_object).any(|branch| body_matches(branch, body))
        }
        (key, Value::Array(rules)) => match body.get(key) {
            Some(Value::Array(values)) => any_rule(rules, Some(values)),
            Some(Value::Object(_)) | None => any_rule(rules, None),
            Some(value) => any_rule(rules, Some(std::slice::from_ref(value))),
        },
        (key, Value::Object(inner)) => match body.get(key) {
            Some(Value::Object(body)) => body_matches(inner, body),
            Some(Value::Array(elements)) => {
                elements.iter().filter_map(Value::as_object).any(|element| body_matches(inner, element))
            }
            // Only rules that ask for absence can hold for what is not there.
            None => body_matches(inner, &Map::new()),
            Some(_) => false,
        },
        _ => false,
    })
}

/// Whether one of the rules holds for one of the values; `None` where the key is absent.
fn any_rule(rules: &[Value], values: Option<&[Value]>) -> bool {
    rules.iter().any(|rule| match (rule.get("exists"), values) {
        (Some(Value::Bool(wanted)), values) => *wanted == values.is_some(),
        (_, None) => false,
        (_, Some(values)) => values.iter().any(|value| holds(rule, value)),
    })
}

fn holds(rule: &Value, value: &Value) -> bool {
    let Value::Object(operators) = rule else { return is_equal(rule, value) };
    operators.iter().all(|(operator, operand)| operator_holds(operator, operand, value))
}

fn operator_holds(operator: &str, operand: &Value, value: &Value) -> bool {
    let texts = || Some((operand.as_str()?, value.as_str()?));
    match operator {
        "prefix" => match operand.get("equals-ignore-case").and_then(Value::as_str) {
            Some(prefix) => value.as_str().is_some_and(|text| starts_with_ignoring_case(text, prefix)),
            None => texts().is_some_and(|(prefix, text)| text.starts_with(prefix)),
        },
        "suffix" => texts().is_some_and(|(suffix, text)| text.ends_with(suffix)),
        "equals-ignore-case" => {
            texts().is_some_and(|(wanted, text)| wanted.to_lowercase() == text.to_lowercase())
        }
        "wildcard" => texts().is_some_and(|(pattern, text)| matches_wildcards(pattern, text)),
        "cidr" => texts().is_some_and(|(block, address)| is_in_block(block, address)),
        "numeric" => value.as_f64().is_some_and(|number| numeric_holds(operand, number)),
        "anything-but" => match operand {
            Value::Array(excluded) => !excluded.iter().any(|excluded| is_equal(excluded, value)),
            Value::Object(operators) => operators.iter().all(|(operator, operand)| match operand {
                Value::Array(several) => !several.iter().any(|one| operator_holds(operator, one, value)),
                one => !operator_holds(operator, one, value),
            }),
            excluded => !is_equal(excluded, value),
        },
        _ => false,
    }
}

fn is_equal(wanted: &Value, value: &Value) -> bool {
    match (wanted.as_f64(), value.as_f64()) {
        (Some(wanted), Some(value)) => wanted == value,
        _ => wanted == value,
    }
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.to_lowercase().starts_with(&prefix.to_lowercase())
}

fn matches_wildcards(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// `[">=", 0, "<", 10]`: all comparisons hold.
fn numeric_holds(comparisons: &Value, number: f64) -> bool {
    let Some(comparisons) = comparisons.as_array() else { return false };
    comparisons.chunks(2).all(|pair| match pair {
        [sign, bound] => match (sign.as_str(), bound.as_f64()) {
            (Some("="), Some(bound)) => number == bound,
            (Some("<"), Some(bound)) => number < bound,
            (Some("<="), Some(bound)) => number <= bound,
            (Some(">"), Some(bound)) => number > bound,
            (Some(">="), Some(bound)) => number >= bound,
            _ => false,
        },
        _ => false,
    })
}

fn is_in_block(block: &str, address: &str) -> bool {
    let within = || {
        let (network, length) = block.split_once('/')?;
        let network = u32::from(network.parse::<Ipv4Addr>().ok()?);
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        Some(network & mask == address & mask)
    };
    within().unwrap_or(false)
}

/// Checks a policy when it is set.
pub(crate) fn check(text: &str, filters_body: bool) -> Result<(), ApiError> {
    let refused = |reason: String| errors::invalid(&format!("FilterPolicy: {reason}"));
    if text.len() > LONGEST_POLICY {
        return Err(refused(format!("it may have {LONGEST_POLICY} bytes")));
    }
    let policy: Value =
        serde_json::from_str(text).map_err(|error| refused(format!("failed to parse JSON. {error}")))?;
    let Value::Object(policy) = policy else { return Err(refused("must be a JSON object".to_owned())) };
    let mut size = Size { keys: 0, combinations: 1 };
    check_object(&policy, filters_body, 0, &mut size).map_err(refused)?;
    if size.keys > MOST_KEYS {
        return Err(refused(format!("Filter policy can not have more than {MOST_KEYS} keys")));
    }
    if size.combinations > MOST_COMBINATIONS {
        return Err(refused("Filter policy is too complex".to_owned()));
    }
    Ok(())
}

struct Size {
    keys: usize,
    combinations: usize,
}

fn check_object(
    policy: &Map<String, Value>,
    filters_body: bool,
    depth: usize,
    size: &mut Size,
) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("it is nested deeper than {DEEPEST}"));
    }
    for (key, rules) in policy {
        match rules {
            Value::Array(branches) if key == "$or" => {
                for branch in branches {
                    let branch = branch.as_object().ok_or("$or holds a list of objects".to_owned())?;
                    check_object(branch, filters_body, depth + 1, size)?;
                }
            }
            Value::Array(rules) if rules.is_empty() => {
                return Err("Empty arrays are not allowed".to_owned());
            }
            Value::Array(rules) => {
                size.keys += 1;
                size.combinations = size.combinations.saturating_mul(rules.len());
                rules.iter().try_for_each(check_rule)?;
            }
            Value::Object(inner) if filters_body => check_object(inner, filters_body, depth + 1, size)?,
            Value::Object(_) => {
                return Err(
                    "Filter policy scope MessageAttributes does not support nested filter policy".to_owned()
                );
            }
            _ => return Err(format!("\"{key}\" must be an object or an array")),
        }
    }
    Ok(())
}

fn check_rule(rule: &Value) -> Result<(), String> {
    let operators = match rule {
        Value::Object(operators) => operators,
        Value::Array(_) => return Err("Match value must be String, number, true, false, or null".to_owned()),
        _ => return Ok(()),
    };
    for (operator, operand) in operators {
        let is_valid = match operator.as_str() {
            "prefix" => {
                operand.is_string() || operand.get("equals-ignore-case").is_some_and(Value::is_string)
            }
            "suffix" | "equals-ignore-case" | "wildcard" | "cidr" => operand.is_string(),
            "exists" => operand.is_boolean(),
            "anything-but" => !operand.is_null() && operand.as_array().is_none_or(|list| !list.is_empty()),
            "numeric" => {
                let is_pair = |pair: &[Value]| {
                    let [sign, bound] = pair else { return false };
                    matches!(sign.as_str(), Some("=" | "<" | "<=" | ">" | ">=")) && bound.is_number()
                };
                operand
                    .as_array()
                    .is_some_and(|list| matches!(list.len(), 2 | 4) && list.chunks(2).all(is_pair))
            }
            other => return Err(format!("Unrecognized match type {other}")),
        };
        if !is_valid {
            return Err(format!("{operator} match pattern has an invalid value"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};

    use super::{attributes_match, body_matches, check};

    fn on_attributes(policy: Value, attributes: &Value) -> bool {
        let attributes: HashMap<&str, Vec<Value>> = attributes
            .as_object()
            .expect("a test gives an object")
            .iter()
            .map(|(name, value)| {
                (name.as_str(), value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
            })
            .collect();
        check(&policy.to_string(), false).unwrap_or_else(|error| panic!("{policy}: {error}"));
        attributes_match(policy.as_object().expect("a policy is an object"), &attributes)
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
            assert_eq!(on_attributes(policy.clone(), &order), expected, "{policy}");
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
            let matched = body_matches(policy.as_object().unwrap(), body.as_object().unwrap());
            assert_eq!(matched, expected, "{policy}");
        }
    }

    #[test]
    fn malformed_policies_are_refused() {
        for bad in [
            "x",
            "[]",
            r#"{"a":"b"}"#,
            r#"{"a":[]}"#,
            r#"{"a":{"b":["c"]}}"#,
            r#"{"a":[["b"]]}"#,
            r#"{"a":[{"near":"b"}]}"#,
            r#"{"a":[{"numeric":["~",1]}]}"#,
            r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#,
        ] {
            assert_eq!(check(bad, false).unwrap_err().code(), "InvalidParameter", "{bad}");
        }
    }
}
