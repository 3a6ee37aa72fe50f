//! When a policy grants something to everybody (S3 User Guide, "The meaning of 'public'"), and what Block Public Access
//! makes of it.

use serde_json::Value;

/// Condition keys that narrow everybody to somebody, when their values are fixed.
const NARROWING: &[&str] = &[
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:principalorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:userid",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// The statements of a policy, of which there may be one without a list around it.
pub(crate) fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    let statement = document.get("Statement");
    let list = statement.and_then(Value::as_array).map(Vec::as_slice);
    let one = statement.filter(|statement| statement.is_object());
    list.unwrap_or_default().iter().chain(one)
}

pub(crate) fn is_public(document: &Value) -> bool {
    statements(document).any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && is_everybody(statement.get("Principal"))
            && !statement.get("Condition").is_some_and(is_narrow)
    })
}

fn is_everybody(principal: Option<&Value>) -> bool {
    match principal {
        Some(Value::String(name)) => name == "*",
        Some(Value::Array(names)) => names.iter().any(|name| name == "*"),
        Some(Value::Object(kinds)) => kinds.get("AWS").is_some_and(|names| is_everybody(Some(names))),
        _ => false,
    }
}

fn is_narrow(condition: &Value) -> bool {
    let Value::Object(operators) = condition else { return false };
    operators.iter().filter(|(operator, _)| !operator.contains("Not")).any(|(_, keys)| {
        let Value::Object(keys) = keys else { return false };
        keys.iter()
            .any(|(key, values)| NARROWING.contains(&key.to_ascii_lowercase().as_str()) && is_fixed(values))
    })
}

fn is_fixed(values: &Value) -> bool {
    let is_one = |value: &Value| {
        value.as_str().is_some_and(|text| !text.contains(['*', '?']) && text != "0.0.0.0/0" && text != "::/0")
    };
    match values {
        Value::Array(values) => values.iter().all(is_one),
        value => is_one(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn everybody_is_public_unless_a_fixed_condition_narrows_it() {
        let policy = |principal: serde_json::Value, condition: serde_json::Value| json!({ "Statement": { "Effect": "Allow", "Principal": principal, "Condition": condition } });
        for (document, is_public) in [
            (policy(json!("*"), json!({})), true),
            (policy(json!({ "AWS": ["*"] }), json!({})), true),
            (policy(json!({ "AWS": "arn:aws:iam::111122223333:root" }), json!({})), false),
            (policy(json!("*"), json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } })), false),
            (policy(json!("*"), json!({ "IpAddress": { "aws:SourceIp": "0.0.0.0/0" } })), true),
            (policy(json!("*"), json!({ "StringLike": { "aws:PrincipalOrgID": "o-*" } })), true),
            (policy(json!("*"), json!({ "StringEquals": { "s3:prefix": "a" } })), true),
        ] {
            assert_eq!(super::is_public(&document), is_public, "{document}");
        }
    }
}
