//! A queue: its name, its attributes and their rules.

use std::collections::BTreeMap;
use std::time::Duration;

use identity::AccountId;
use identity::policy::{Policy, PolicyKind};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::dead_letter::{RedriveAllowPolicy, RedrivePolicy};
use crate::errors;

/// A queue's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub name: String,
    /// Distinguishes a queue from an earlier one of the same name: messages lie under it.
    pub id: u64,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub last_purged: Option<Timestamp>,
    pub attributes: Attributes,
    pub tags: BTreeMap<String, String>,
}

store::row!(Queue, 1);

/// A valid queue name: 1 to 80 letters, digits, hyphens or underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueName(pub String);

impl QueueName {
    pub(crate) fn parse(name: &str) -> Result<Self, ApiError> {
        if name.ends_with(".fifo") {
            return Err(errors::fifo_is_not_here_yet());
        }
        let is_valid = (1..=80).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if is_valid { Ok(Self(name.to_owned())) } else { Err(errors::invalid_queue_name()) }
    }
}

/// A queue as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueUrl {
    pub account: AccountId,
    pub name: String,
}

impl QueueUrl {
    /// Reads the account and name at the end of a queue URL, whatever host it has. A bare name means `account`'s own.
    pub(crate) fn parse(url: &str, account: AccountId) -> Result<Self, ApiError> {
        if url.is_empty() {
            return Err(errors::missing_parameter("QueueUrl"));
        }
        let mut segments = url.trim_end_matches('/').rsplit('/');
        let name = segments.next().unwrap_or_default().to_owned();
        let owner = match segments.next() {
            Some(owner) if owner.len() == 12 => {
                AccountId::parse(owner).ok_or_else(errors::queue_does_not_exist)?
            }
            None | Some(_) if !url.contains("://") => account,
            _ => return Err(errors::queue_does_not_exist()),
        };
        Ok(Self { account: owner, name })
    }
}

/// What can be set of a queue (API Reference, SetQueueAttributes).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub visibility_timeout: Duration,
    pub retention: Duration,
    pub delay: Duration,
    pub maximum_message_bytes: usize,
    pub receive_wait: Duration,
    pub policy: Option<String>,
    pub redrive: Option<RedrivePolicy>,
    pub redrive_allow: Option<RedriveAllowPolicy>,
    pub managed_sse: bool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(30),
            retention: Duration::from_secs(345_600),
            delay: Duration::ZERO,
            maximum_message_bytes: MAXIMUM_MESSAGE_BYTES,
            receive_wait: Duration::ZERO,
            policy: None,
            redrive: None,
            redrive_allow: None,
            managed_sse: true,
        }
    }
}

/// Amazon SQS Developer Guide, "Amazon SQS message quotas".
pub(crate) const MAXIMUM_MESSAGE_BYTES: usize = 1_048_576;
pub(crate) const MAXIMUM_VISIBILITY_SECONDS: i64 = 43_200;
pub(crate) const MAXIMUM_DELAY_SECONDS: i64 = 900;
pub(crate) const MAXIMUM_WAIT_SECONDS: i64 = 20;

impl Attributes {
    /// Sets the attributes given; the first one that is not allowed is the error.
    pub(crate) fn set(&mut self, given: &BTreeMap<String, String>) -> Result<(), ApiError> {
        for (name, value) in given {
            self.set_one(name, value)?;
        }
        Ok(())
    }

    fn set_one(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "VisibilityTimeout" => {
                self.visibility_timeout = seconds(name, value, 0, MAXIMUM_VISIBILITY_SECONDS)?;
            }
            "MessageRetentionPeriod" => self.retention = seconds(name, value, 60, 1_209_600)?,
            "DelaySeconds" => self.delay = seconds(name, value, 0, MAXIMUM_DELAY_SECONDS)?,
            "ReceiveMessageWaitTimeSeconds" => {
                self.receive_wait = seconds(name, value, 0, MAXIMUM_WAIT_SECONDS)?;
            }
            "MaximumMessageSize" => {
                self.maximum_message_bytes =
                    number(name, value, 1024, MAXIMUM_MESSAGE_BYTES as i64)? as usize;
            }
            "Policy" => self.policy = checked_policy(value)?,
            "RedrivePolicy" => self.redrive = RedrivePolicy::parse(value)?,
            "RedriveAllowPolicy" => self.redrive_allow = RedriveAllowPolicy::parse(value)?,
            "SqsManagedSseEnabled" => {
                self.managed_sse = value.parse().map_err(|_| errors::invalid_attribute_value(name))?;
            }
            "FifoQueue" if value == "false" => {}
            "FifoQueue" | "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit" => {
                return Err(errors::fifo_is_not_here_yet());
            }
            "KmsMasterKeyId" | "KmsDataKeyReusePeriodSeconds" => {
                return Err(ApiError::with_status(
                    501,
                    "NotImplemented",
                    format!("The queue attribute {name} is not implemented in Brume yet."),
                ));
            }
            _ => return Err(errors::unknown_attribute(name)),
        }
        Ok(())
    }

    /// The attributes as GetQueueAttributes words them.
    pub(crate) fn entries(&self) -> Vec<(&'static str, String)> {
        let mut entries = vec![
            ("VisibilityTimeout", self.visibility_timeout.as_secs().to_string()),
            ("MaximumMessageSize", self.maximum_message_bytes.to_string()),
            ("MessageRetentionPeriod", self.retention.as_secs().to_string()),
            ("DelaySeconds", self.delay.as_secs().to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.receive_wait.as_secs().to_string()),
            ("SqsManagedSseEnabled", self.managed_sse.to_string()),
        ];
        entries.extend(self.policy.clone().map(|policy| ("Policy", policy)));
        entries.extend(self.redrive.as_ref().map(|redrive| ("RedrivePolicy", redrive.to_json())));
        entries.extend(self.redrive_allow.as_ref().map(|allow| ("RedriveAllowPolicy", allow.to_json())));
        entries
    }

    /// The first of the given attributes that this queue has another value for.
    pub(crate) fn first_difference<'a>(
        &self,
        given: &'a BTreeMap<String, String>,
    ) -> Result<Option<&'a str>, ApiError> {
        for (name, value) in given {
            let mut changed = self.clone();
            changed.set_one(name, value)?;
            if changed != *self {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

fn number(name: &str, value: &str, least: i64, most: i64) -> Result<i64, ApiError> {
    match value.trim().parse::<i64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(errors::invalid_attribute_value(name)),
    }
}

fn seconds(name: &str, value: &str, least: i64, most: i64) -> Result<Duration, ApiError> {
    number(name, value, least, most).map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
}

/// An empty text takes the policy away.
fn checked_policy(value: &str) -> Result<Option<String>, ApiError> {
    if value.trim().is_empty() {
        return Ok(None);
    }
    match Policy::parse(value, PolicyKind::Resource) {
        Ok(_) => Ok(Some(value.to_owned())),
        Err(_) => Err(errors::invalid_attribute_value("Policy")),
    }
}

/// `arn:aws:sqs:us-east-1:123456789012:orders`
pub(crate) fn arn(region: identity::Region, account: AccountId, name: &str) -> String {
    format!("arn:aws:sqs:{}:{account}:{name}", region.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use identity::AccountId;

    use super::{Attributes, QueueName, QueueUrl};

    fn set(name: &str, value: &str) -> Result<Vec<(&'static str, String)>, String> {
        let mut attributes = Attributes::default();
        let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        attributes.set(&given).map_err(|error| format!("{}: {}", error.name(), error.message()))?;
        let before = Attributes::default().entries();
        Ok(attributes.entries().into_iter().filter(|entry| !before.contains(entry)).collect())
    }

    #[test]
    fn attributes_keep_to_their_limits() {
        assert_eq!(set("VisibilityTimeout", "0"), Ok(vec![("VisibilityTimeout", "0".to_owned())]));
        for (name, value) in [
            ("VisibilityTimeout", "43201"),
            ("VisibilityTimeout", "-1"),
            ("MessageRetentionPeriod", "59"),
            ("DelaySeconds", "901"),
            ("MaximumMessageSize", "1023"),
            ("MaximumMessageSize", "1048577"),
            ("ReceiveMessageWaitTimeSeconds", "x"),
        ] {
            let expected = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
            assert_eq!(set(name, value), Err(expected));
        }
        assert_eq!(set("Nonsense", "1"), Err("InvalidAttributeName: Unknown Attribute Nonsense.".to_owned()));
    }

    #[test]
    fn names_and_urls_are_read() {
        assert!(QueueName::parse("orders-1_a").is_ok());
        for bad in ["", "a b", "a.b", &"x".repeat(81)] {
            assert!(QueueName::parse(bad).is_err(), "{bad}");
        }
        let own = AccountId::parse("000000000000").unwrap();
        let other = AccountId::parse("123456789012").unwrap();
        for (url, account) in [
            ("http://127.0.0.1:4566/123456789012/orders", Some(other)),
            ("https://sqs.us-east-1.amazonaws.com/123456789012/orders", Some(other)),
            ("orders", Some(own)),
            ("http://127.0.0.1:4566/orders", None),
        ] {
            assert_eq!(QueueUrl::parse(url, own).ok().map(|url| url.account), account, "{url}");
        }
    }
}
