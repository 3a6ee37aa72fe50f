//! What can be set of a queue, and its rules (API Reference, SetQueueAttributes).

use std::collections::BTreeMap;
use std::time::Duration;

use identity::policy::{Policy, PolicyKind};
use serde::{Deserialize, Serialize};
use shapes::ApiError;

use crate::dead_letter::{RedriveAllowPolicy, RedrivePolicy};
use crate::errors;

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
    /// Of FIFO queues alone.
    pub fifo: Option<Fifo>,
    /// In place of `managed_sse`.
    pub kms: Option<KmsKey>,
    /// How long a data key of KMS is used.
    pub kms_reuse: Duration,
}

/// A key of KMS as it was named: id, ARN, or an alias's name or ARN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KmsKey(pub String);

/// What FIFO queues have beyond the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fifo {
    /// A message without a deduplication id gets the digest of its body for one.
    pub content_based_deduplication: bool,
    /// Deduplication is per message group rather than over the queue.
    pub deduplicates_per_group: bool,
    pub throughput_is_per_group: bool,
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
            fifo: None,
            kms: None,
            kms_reuse: KMS_REUSE,
        }
    }
}

/// The attributes of [`crate::queue::QueueV1`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttributesV1 {
    visibility_timeout: Duration,
    retention: Duration,
    delay: Duration,
    maximum_message_bytes: usize,
    receive_wait: Duration,
    policy: Option<String>,
    redrive: Option<RedrivePolicy>,
    redrive_allow: Option<RedriveAllowPolicy>,
    managed_sse: bool,
}

/// The attributes of [`crate::queue::QueueV2`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttributesV2 {
    visibility_timeout: Duration,
    retention: Duration,
    delay: Duration,
    maximum_message_bytes: usize,
    receive_wait: Duration,
    policy: Option<String>,
    redrive: Option<RedrivePolicy>,
    redrive_allow: Option<RedriveAllowPolicy>,
    managed_sse: bool,
    fifo: Option<Fifo>,
}

impl From<AttributesV2> for Attributes {
    fn from(old: AttributesV2) -> Self {
        Self {
            visibility_timeout: old.visibility_timeout,
            retention: old.retention,
            delay: old.delay,
            maximum_message_bytes: old.maximum_message_bytes,
            receive_wait: old.receive_wait,
            policy: old.policy,
            redrive: old.redrive,
            redrive_allow: old.redrive_allow,
            managed_sse: old.managed_sse,
            fifo: old.fifo,
            kms: None,
            kms_reuse: KMS_REUSE,
        }
    }
}

impl From<AttributesV1> for AttributesV2 {
    fn from(old: AttributesV1) -> Self {
        Self {
            visibility_timeout: old.visibility_timeout,
            retention: old.retention,
            delay: old.delay,
            maximum_message_bytes: old.maximum_message_bytes,
            receive_wait: old.receive_wait,
            policy: old.policy,
            redrive: old.redrive,
            redrive_allow: old.redrive_allow,
            managed_sse: old.managed_sse,
            fifo: None,
        }
    }
}

/// Amazon SQS Developer Guide, "Amazon SQS message quotas".
pub(crate) const MAXIMUM_MESSAGE_BYTES: usize = 1_048_576;
pub(crate) const MAXIMUM_VISIBILITY_SECONDS: i64 = 43_200;
pub(crate) const MAXIMUM_DELAY_SECONDS: i64 = 900;
/// API Reference, SetQueueAttributes: `KmsDataKeyReusePeriodSeconds`.
const KMS_REUSE: Duration = Duration::from_secs(300);
pub(crate) const MAXIMUM_WAIT_SECONDS: i64 = 20;
/// Messages in flight of one queue, of either kind.
pub(crate) const MAXIMUM_IN_FLIGHT: usize = 120_000;

impl Attributes {
    pub(crate) fn is_fifo(&self) -> bool {
        self.fifo.is_some()
    }

    /// The attributes of a queue that is to be made. Whether it is a FIFO queue is said here and never changes.
    pub(crate) fn of_new(given: &BTreeMap<String, String>) -> Result<Self, ApiError> {
        let mut attributes = Self::default();
        match given.get("FifoQueue").map(String::as_str) {
            None => {}
            Some("true") => attributes.fifo = Some(Fifo::default()),
            // As AWS has it: a standard queue knows no such attribute.
            Some("false") => return Err(errors::unknown_attribute("FifoQueue")),
            Some(_) => return Err(errors::invalid_attribute_value("FifoQueue")),
        }
        let rest = given.iter().filter(|(name, _)| *name != "FifoQueue");
        attributes.set_each(rest)?;
        Ok(attributes)
    }

    /// Sets the attributes given; the first one that is not allowed is the error.
    pub(crate) fn set(&mut self, given: &BTreeMap<String, String>) -> Result<(), ApiError> {
        match given.get("FifoQueue") {
            Some(value) if !(self.is_fifo() && value == "true") => {
                Err(errors::unknown_attribute("FifoQueue"))
            }
            _ => self.set_each(given.iter().filter(|(name, _)| *name != "FifoQueue")),
        }
    }

    fn set_each<'a>(
        &mut self,
        given: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Result<(), ApiError> {
        let (mut names_kms, mut wants_managed) = (false, false);
        for (name, value) in given {
            names_kms |= name == "KmsMasterKeyId" && !value.is_empty();
            wants_managed |= name == "SqsManagedSseEnabled" && value.eq_ignore_ascii_case("true");
            self.set_one(name, value)?;
        }
        if names_kms && wants_managed {
            return Err(errors::one_encryption_at_a_time());
        }
        match &self.fifo {
            Some(fifo) if fifo.throughput_is_per_group && !fifo.deduplicates_per_group => {
                Err(errors::throughput_needs_deduplication_per_group())
            }
            _ => Ok(()),
        }
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
                self.managed_sse = flag(name, value)?;
                if self.managed_sse {
                    self.kms = None;
                }
            }
            "KmsMasterKeyId" if value.is_empty() => self.kms = None,
            "KmsMasterKeyId" if value.len() > 2048 => return Err(errors::invalid_attribute_value(name)),
            "KmsMasterKeyId" => {
                self.kms = Some(KmsKey(value.to_owned()));
                self.managed_sse = false;
            }
            "KmsDataKeyReusePeriodSeconds" => self.kms_reuse = seconds(name, value, 60, 86_400)?,
            _ => return self.set_fifo(name, value),
        }
        Ok(())
    }

    fn set_fifo(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let Some(fifo) = &mut self.fifo else { return Err(errors::unknown_attribute(name)) };
        match (name, value) {
            ("ContentBasedDeduplication", _) => fifo.content_based_deduplication = flag(name, value)?,
            ("DeduplicationScope", "queue") => fifo.deduplicates_per_group = false,
            ("DeduplicationScope", "messageGroup") => fifo.deduplicates_per_group = true,
            ("FifoThroughputLimit", "perQueue") => fifo.throughput_is_per_group = false,
            ("FifoThroughputLimit", "perMessageGroupId") => fifo.throughput_is_per_group = true,
            ("DeduplicationScope" | "FifoThroughputLimit", _) => {
                return Err(errors::invalid_attribute_value(name));
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
        if let Some(KmsKey(key)) = &self.kms {
            entries.extend([
                ("KmsMasterKeyId", key.clone()),
                ("KmsDataKeyReusePeriodSeconds", self.kms_reuse.as_secs().to_string()),
            ]);
        }
        entries.extend(self.policy.clone().map(|policy| ("Policy", policy)));
        entries.extend(self.redrive.as_ref().map(|redrive| ("RedrivePolicy", redrive.to_json())));
        entries.extend(self.redrive_allow.as_ref().map(|allow| ("RedriveAllowPolicy", allow.to_json())));
        if let Some(fifo) = &self.fifo {
            let scope = if fifo.deduplicates_per_group { "messageGroup" } else { "queue" };
            let limit = if fifo.throughput_is_per_group { "perMessageGroupId" } else { "perQueue" };
            entries.extend([
                ("FifoQueue", "true".to_owned()),
                ("ContentBasedDeduplication", fifo.content_based_deduplication.to_string()),
                ("DeduplicationScope", scope.to_owned()),
                ("FifoThroughputLimit", limit.to_owned()),
            ]);
        }
        entries
    }

    /// The first of the given attributes that this queue has another value for.
    pub(crate) fn first_difference<'a>(
        &self,
        given: &'a BTreeMap<String, String>,
    ) -> Result<Option<&'a str>, ApiError> {
        for (name, value) in given {
            let mut changed = self.clone();
            match name.as_str() {
                "FifoQueue" if self.is_fifo() != (value == "true") => return Ok(Some(name)),
                "FifoQueue" => {}
                _ => changed.set_one(name, value)?,
            }
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

fn flag(name: &str, value: &str) -> Result<bool, ApiError> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(errors::invalid_attribute_value(name)),
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Attributes;

    fn given(attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn set(name: &str, value: &str) -> Result<Vec<(&'static str, String)>, String> {
        let mut attributes = Attributes::default();
        attributes
            .set(&given(&[(name, value)]))
            .map_err(|error| format!("{}: {}", error.name(), error.message()))?;
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
            ("SqsManagedSseEnabled", "yes"),
        ] {
            let expected = format!("InvalidAttributeValue: Invalid value for the parameter {name}.");
            assert_eq!(set(name, value), Err(expected));
        }
        for name in ["Nonsense", "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope"] {
            assert_eq!(set(name, "true"), Err(format!("InvalidAttributeName: Unknown Attribute {name}.")));
        }
        let kms = set("KmsMasterKeyId", "alias/aws/sqs").unwrap();
        assert!(kms.contains(&("SqsManagedSseEnabled", "false".to_owned())), "{kms:?}");
        assert!(set("KmsDataKeyReusePeriodSeconds", "59").is_err());
        let both = given(&[("KmsMasterKeyId", "k"), ("SqsManagedSseEnabled", "true")]);
        assert!(Attributes::default().set(&both).is_err());
    }

    #[test]
    fn fifo_queues_have_attributes_of_their_own() {
        let made = Attributes::of_new(&given(&[
            ("FifoQueue", "true"),
            ("DeduplicationScope", "messageGroup"),
            ("FifoThroughputLimit", "perMessageGroupId"),
        ]));
        let entries = made.unwrap().entries();
        assert!(entries.contains(&("FifoThroughputLimit", "perMessageGroupId".to_owned())), "{entries:?}");
        assert!(entries.contains(&("ContentBasedDeduplication", "false".to_owned())), "{entries:?}");
        for wrong in [
            given(&[("FifoQueue", "true"), ("FifoThroughputLimit", "perMessageGroupId")]),
            given(&[("FifoQueue", "true"), ("DeduplicationScope", "region")]),
            given(&[("FifoQueue", "false")]),
            given(&[("ContentBasedDeduplication", "true")]),
        ] {
            assert!(Attributes::of_new(&wrong).is_err(), "{wrong:?}");
        }
    }
}
