//! The policy of a form: what its fields may be, and until when (S3 API Reference, "Creating a POST policy").

use serde_json::Value;
use shapes::{ApiError, Timestamp};

use crate::errors;

/// What a policy demands of the file, once its fields are right.
#[derive(Debug, PartialEq)]
pub(super) struct Demands {
    pub least_bytes: u64,
    pub most_bytes: u64,
}

/// Fields that need no condition.
const FREE: &[&str] =
    &["policy", "signature", "x-amz-signature", "awsaccesskeyid", "file", "x-amz-checksum-algorithm"];

/// Holds the fields of a form to its policy, in base 64 as it was posted.
pub(super) fn check(
    policy: &str,
    fields: &[(String, String)],
    bucket: &str,
    now: Timestamp,
) -> Result<Demands, ApiError> {
    let invalid = |message: &str| ApiError::sender("InvalidPolicyDocument", message);
    let text =
        crate::checksum::from_base64(policy).ok_or_else(|| invalid("Invalid Policy: it is not base 64."))?;
    let document: Value =
        serde_json::from_slice(&text).map_err(|_| invalid("Invalid Policy: Invalid JSON."))?;
    let expiration = document.get("expiration").and_then(Value::as_str);
    let expiration = expiration.and_then(parse_time).ok_or_else(|| invalid("Policy missing expiration."))?;
    if expiration <= now {
        return Err(errors::access_denied("Invalid according to Policy: Policy expired."));
    }
    let conditions = document
        .get("conditions")
        .and_then(Value::as_array)
        .ok_or_else(|| invalid("Policy missing conditions."))?;
    let mut demands = Demands { least_bytes: 0, most_bytes: u64::MAX };
    let mut named = Vec::new();
    for condition in conditions {
        let holds = apply(condition, fields, bucket, &mut named, &mut demands).ok_or_else(|| {
            invalid("Invalid Policy: a condition is not like {\"field\": \"value\"} or [\"eq\", \"$field\", \"value\"].")
        })?;
        if !holds {
            let message = format!("Invalid according to Policy: Policy Condition failed: {condition}");
            return Err(errors::access_denied(message));
        }
    }
    for (name, _) in fields {
        let is_free = FREE.contains(&name.as_str()) || name.starts_with("x-ignore-");
        if !is_free && !named.contains(name) {
            let message = format!("Invalid according to Policy: Extra input fields: {name}");
            return Err(errors::access_denied(message));
        }
    }
    Ok(demands)
}

/// Whether a condition holds; `None` when it is none.
fn apply(
    condition: &Value,
    fields: &[(String, String)],
    bucket: &str,
    named: &mut Vec<String>,
    demands: &mut Demands,
) -> Option<bool> {
    let value_of = |name: &str| match name {
        "bucket" => Some(bucket.to_owned()),
        _ => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
    };
    match condition {
        Value::Object(pairs) => {
            let mut holds = true;
            for (name, wanted) in pairs {
                let name = name.to_ascii_lowercase();
                holds &= value_of(&name).as_deref() == Some(wanted.as_str()?);
                named.push(name);
            }
            Some(holds)
        }
        Value::Array(parts) => {
            let [operator, field, wanted] = parts.as_slice() else { return None };
            let operator = operator.as_str()?.to_ascii_lowercase();
            if operator == "content-length-range" {
                (demands.least_bytes, demands.most_bytes) = (number(field)?, number(wanted)?);
                return Some(true);
            }
            let name = field.as_str()?.strip_prefix('$')?.to_ascii_lowercase();
            let (value, wanted) = (value_of(&name).unwrap_or_default(), wanted.as_str()?);
            named.push(name);
            match operator.as_str() {
                "eq" => Some(value == wanted),
                "starts-with" => Some(
                    value.split(',').all(|part| part.trim_start().starts_with(wanted))
                        || value.starts_with(wanted),
                ),
                _ => None,
            }
        }
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `2026-01-01T12:00:00.000Z`, with or without its fraction.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(str::parse::<u32>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.split('.').next()?.split(':').map(str::parse::<u32>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    Timestamp::from_utc((i64::from(year), month, day), (hour, minute, second), 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shapes::Timestamp;

    use super::{Demands, check};

    fn outcome(conditions: Value, fields: &[(&str, &str)]) -> Result<Demands, String> {
        let policy =
            json!({ "expiration": "2026-01-02T00:00:00.000Z", "conditions": conditions }).to_string();
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let now = Timestamp::from_seconds(1_767_225_600);
        check(&crate::checksum::base64(policy.as_bytes()), &fields, "b", now)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn fields_are_held_to_their_conditions() {
        let conditions =
            json!([{ "bucket": "b" }, ["starts-with", "$key", "in/"], ["content-length-range", 1, 9]]);
        let demands = outcome(conditions.clone(), &[("key", "in/a"), ("policy", "p")]).unwrap();
        assert_eq!(demands, Demands { least_bytes: 1, most_bytes: 9 });
        assert!(outcome(conditions.clone(), &[("key", "out/a")]).unwrap_err().contains("Condition failed"));
        assert!(
            outcome(conditions, &[("key", "in/a"), ("acl", "x")])
                .unwrap_err()
                .contains("Extra input fields: acl")
        );
        assert!(outcome(json!([{ "bucket": "other" }]), &[]).is_err());
        assert!(outcome(json!([["like", "$key", "x"]]), &[("key", "x")]).is_err());
        assert!(outcome(json!([]), &[("x-ignore-this", "x")]).is_ok());
        assert!(check("e30=", &[], "b", Timestamp::EPOCH).unwrap_err().message().contains("expiration"));
    }
}
