//! Topics: their names, ARNs and attributes.

use std::collections::BTreeMap;

use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Reader, Scope};

use crate::signature::Version;
use crate::{archive, delivery_policy, errors, feedback, fifo, kms_keys, tables, topic_policy};

const LONGEST_NAME: usize = 256;
const LONGEST_DISPLAY_NAME: usize = 100;
const LONGEST_KEY_NAME: usize = 2048;
/// Developer Guide, "Amazon SNS topic tagging".
pub(crate) const MOST_TAGS: usize = 50;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Topic {
    pub name: String,
    /// Attributes that were set, by AWS's names.
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Subscriptions that were deleted, ever.
    pub deleted_subscriptions: u64,
}

store::row!(Topic, 1);

/// What is to be done about personal data in a topic's messages, as it was set.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct DataProtectionPolicy(pub String);

store::row!(DataProtectionPolicy, 1);

/// The ARN of a topic, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicArn {
    pub account: AccountId,
    pub region: Region,
    pub name: String,
}

impl TopicArn {
    pub(crate) fn here(ctx: &Ctx, name: &str) -> Self {
        Self { account: ctx.account(), region: ctx.region(), name: name.to_owned() }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        Self::parse_parameter("TopicArn", text)
    }

    pub(crate) fn parse_parameter(parameter: &str, text: &str) -> Result<Self, ApiError> {
        let invalid = || errors::invalid_arn(parameter, text);
        let parts = identity::arn::split(text).filter(|parts| parts.service == "sns").ok_or_else(invalid)?;
        let account = parts.account_id().ok_or_else(invalid)?;
        let region = Region::parse(parts.region).ok_or_else(invalid)?;
        if parts.resource.is_empty() || parts.resource.contains([':', '/']) {
            return Err(invalid());
        }
        Ok(Self { account, region, name: parts.resource.to_owned() })
    }

    /// Where the topic's state lies.
    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Topic, ApiError> {
        tables::TOPICS.find(reader, &self.name)?.ok_or_else(errors::topic_does_not_exist)
    }
}

impl std::fmt::Display for TopicArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "arn:aws:sns:{}:{}:{}", self.region.as_str(), self.account.digits().as_str(), self.name)
    }
}

/// A FIFO topic's name ends with `.fifo`, and no other's does.
pub(crate) fn check_name(name: &str, is_fifo: bool) -> Result<(), ApiError> {
    let stem = if is_fifo {
        name.strip_suffix(".fifo").ok_or_else(|| {
            errors::invalid(
                "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII \
                 letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.",
            )
        })?
    } else {
        name
    };
    let is_valid = (1..=LONGEST_NAME).contains(&name.len())
        && !stem.is_empty()
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_valid { Ok(()) } else { Err(errors::invalid("Topic Name")) }
}

impl Topic {
    pub(crate) fn policy<'t>(&'t self, arn: &TopicArn) -> std::borrow::Cow<'t, str> {
        match self.attributes.get("Policy") {
            Some(policy) => policy.into(),
            None => topic_policy::default(arn).into(),
        }
    }

    pub(crate) fn is_fifo(&self) -> bool {
        fifo::is_fifo(&self.name)
    }

    /// How the topic's messages are signed: those of FIFO topics are not.
    pub(crate) fn signature_version(&self) -> Option<Version> {
        let version = self.attributes.get("SignatureVersion").and_then(|version| Version::parse(version));
        (!self.is_fifo()).then(|| version.unwrap_or(Version::One))
    }

    /// Sets an attribute, or takes it back where an empty value means that.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "DisplayName" if value.chars().count() > LONGEST_DISPLAY_NAME => {
                return Err(errors::invalid("DisplayName"));
            }
            "DisplayName" => {}
            "Policy" if value.is_empty() => {}
            "Policy" => topic_policy::check(value)?,
            "DeliveryPolicy" if value.is_empty() => {}
            "DeliveryPolicy" => delivery_policy::check_topic(value)?,
            "TracingConfig" if matches!(value, "PassThrough" | "Active") => {}
            "TracingConfig" => return Err(errors::invalid("TracingConfig")),
            // What a topic is made as, it stays.
            "FifoTopic" if self.is_fifo() == (value == "true") => return Ok(()),
            "FifoTopic" => return Err(errors::invalid("FifoTopic")),
            "ContentBasedDeduplication" if self.is_fifo() && matches!(value, "true" | "false") => {}
            "FifoThroughputScope" if self.is_fifo() && matches!(value, "Topic" | "MessageGroup") => {}
            "SignatureVersion" if Version::parse(value).is_some() => {}
            "SignatureVersion" => return Err(errors::invalid("SignatureVersion")),
            kms_keys::ATTRIBUTE if value.len() <= LONGEST_KEY_NAME => {}
            kms_keys::ATTRIBUTE => return Err(errors::invalid(name)),
            name if feedback::is_attribute(name) => {
                let is_rate = name.ends_with("SampleRate");
                let is_valid = match is_rate {
                    _ if value.is_empty() => true,
                    true => value.parse::<u32>().is_ok_and(|rate| rate <= 100),
                    false => identity::arn::split(value).is_some_and(|parts| parts.service == "iam"),
                };
                if !is_valid {
                    return Err(errors::invalid(name));
                }
            }
            "ArchivePolicy" if self.is_fifo() => {
                if archive::parse_policy(value)?.is_none() {
                    self.attributes.remove(name);
                    return Ok(());
                }
            }
            "ContentBasedDeduplication" | "FifoThroughputScope" if self.is_fifo() => {
                return Err(errors::invalid(name));
            }
            "ContentBasedDeduplication" | "FifoThroughputScope" | "ArchivePolicy" => {
                return Err(errors::invalid_because(name, "only FIFO topics have it"));
            }
            "TopicArn" | "Owner" => return Err(errors::invalid_because("AttributeName", "it cannot be set")),
            _ => return Err(errors::invalid("AttributeName")),
        }
        if value.is_empty() {
            self.attributes.remove(name);
        } else {
            self.attributes.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::too_many_tags(MOST_TAGS));
    }
    let is_bad = |(key, value): &(&String, &String)| {
        key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 || key.starts_with("aws:")
    };
    match tags.iter().find(is_bad) {
        Some((key, _)) => Err(errors::invalid_because(
            "Tags",
            format!("tag '{key}': keys have 1 to 128 characters and no prefix aws:, values at most 256"),
        )),
        None => Ok(()),
    }
}
