//! When a message that nobody manages to process is put aside.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::errors;

/// Where messages go that were received too often (Developer Guide, "Using dead-letter queues").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RedrivePolicy {
    /// Name of a queue of the same account and region.
    pub target_name: String,
    pub target_arn: String,
    pub max_receive_count: u32,
}

impl RedrivePolicy {
    /// An empty text takes the policy away.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let invalid = |reason: &str| {
            errors::invalid_parameter(format!(
                "Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"
            ))
        };
        let json: Value =
            serde_json::from_str(text).map_err(|_| invalid("Redrive policy is not a valid JSON map."))?;
        let target_arn = json.get("deadLetterTargetArn").and_then(Value::as_str).ok_or_else(|| {
            invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let count = json.get("maxReceiveCount").ok_or_else(|| {
            invalid("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
        })?;
        let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        let max_receive_count = count
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| (1..=1000).contains(count))
            .ok_or_else(|| invalid("Invalid value for maxReceiveCount: must be between 1 and 1000."))?;
        let target_name = target_arn
            .strip_prefix("arn:aws:sqs:")
            .and_then(|rest| rest.splitn(3, ':').nth(2))
            .ok_or_else(|| invalid("Invalid value for deadLetterTargetArn."))?
            .to_owned();
        Ok(Some(Self { target_name, target_arn: target_arn.to_owned(), max_receive_count }))
    }

    pub(crate) fn to_json(&self) -> String {
        json!({ "deadLetterTargetArn": self.target_arn, "maxReceiveCount": self.max_receive_count })
            .to_string()
    }
}

/// Which queues may use this one for their dead letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum RedriveAllowPolicy {
    AllowAll,
    DenyAll,
    /// ARNs, ten at most.
    ByQueue(Vec<String>),
}

impl RedriveAllowPolicy {
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let invalid = || errors::invalid_attribute_value("RedriveAllowPolicy");
        let json: Value = serde_json::from_str(text).map_err(|_| invalid())?;
        let sources = json.get("sourceQueueArns").and_then(Value::as_array);
        match (json.get("redrivePermission").and_then(Value::as_str), sources) {
            (Some("allowAll"), None) => Ok(Some(Self::AllowAll)),
            (Some("denyAll"), None) => Ok(Some(Self::DenyAll)),
            (Some("byQueue"), Some(sources)) if (1..=10).contains(&sources.len()) => {
                let arns: Option<Vec<String>> =
                    sources.iter().map(|arn| arn.as_str().map(str::to_owned)).collect();
                arns.map(|arns| Some(Self::ByQueue(arns))).ok_or_else(invalid)
            }
            _ => Err(invalid()),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        match self {
            Self::AllowAll => json!({ "redrivePermission": "allowAll" }).to_string(),
            Self::DenyAll => json!({ "redrivePermission": "denyAll" }).to_string(),
            Self::ByQueue(arns) => {
                json!({ "redrivePermission": "byQueue", "sourceQueueArns": arns }).to_string()
            }
        }
    }

    pub(crate) fn admits(&self, source_arn: &str) -> bool {
        match self {
            Self::AllowAll => true,
            Self::DenyAll => false,
            Self::ByQueue(arns) => arns.iter().any(|arn| arn == source_arn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RedriveAllowPolicy, RedrivePolicy};

    #[test]
    fn policies_are_read_and_written() {
        let text =
            r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":"3"}"#;
        let policy = RedrivePolicy::parse(text).unwrap().unwrap();
        assert_eq!((policy.target_name.as_str(), policy.max_receive_count), ("dlq", 3));
        assert_eq!(RedrivePolicy::parse(&policy.to_json()).unwrap(), Some(policy));
        assert_eq!(RedrivePolicy::parse("").unwrap(), None);
        for bad in ["{", "{}", r#"{"deadLetterTargetArn":"arn:aws:sqs:x:y:z","maxReceiveCount":1001}"#] {
            assert!(RedrivePolicy::parse(bad).is_err(), "{bad}");
        }
        let by_queue = r#"{"redrivePermission":"byQueue","sourceQueueArns":["a"]}"#;
        let allow = RedriveAllowPolicy::parse(by_queue).unwrap().unwrap();
        assert!(allow.admits("a") && !allow.admits("b"));
        assert!(RedriveAllowPolicy::parse(r#"{"redrivePermission":"byQueue"}"#).is_err());
    }
}
