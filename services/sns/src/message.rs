//! A message as it is published: checked, and with the text that each protocol gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use shapes::{ApiError, Map, Timestamp};
use sns_api::MessageAttributeValue;

use crate::data_protection::audit;
use crate::kms_keys::{Kept, SealedMessage};
use crate::subscription::Protocol;
use crate::{errors, fifo};

/// API Reference, Publish: 256 KB, attributes included.
pub(crate) const MOST_BYTES: usize = 262_144;
const LONGEST_SUBJECT: usize = 100;

/// A published message.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Message {
    pub id: String,
    pub subject: Option<String>,
    /// The text for protocols without one of their own.
    pub body: String,
    /// Texts of a JSON message structure, by protocol.
    pub bodies: BTreeMap<String, String>,
    pub attributes: BTreeMap<String, Attribute>,
    pub published: Timestamp,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Attribute {
    pub data_type: String,
    pub value: AttributeContent,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum AttributeContent {
    Text(String),
    Binary(Bytes),
}

/// A message with what only queues get of it.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub message: Message,
    pub group: Option<String>,
    pub deduplication_id: Option<String>,
    /// Of a FIFO topic's message.
    pub sequence_number: Option<String>,
    /// It comes from the topic's archive.
    pub is_replayed: bool,
    /// As it is kept, when the topic has a KMS key.
    pub sealed: Option<Arc<SealedMessage>>,
    /// What an audit of the topic has to say about it.
    pub audit: Option<Arc<audit::Record>>,
}

impl From<Message> for Publication {
    fn from(message: Message) -> Self {
        Self {
            message,
            group: None,
            deduplication_id: None,
            sequence_number: None,
            is_replayed: false,
            sealed: None,
            audit: None,
        }
    }
}

/// What the operations take of a message.
#[derive(Default)]
pub(crate) struct Parts {
    pub is_fifo: bool,
    pub group: Option<String>,
    pub message: String,
    pub subject: Option<String>,
    pub structure: Option<String>,
    pub attributes: Option<Map<MessageAttributeValue>>,
    pub deduplication_id: Option<String>,
}

impl Publication {
    pub(crate) fn parse(id: String, now: Timestamp, mut parts: Parts) -> Result<Self, ApiError> {
        let (group, deduplication_id) = (parts.group.take(), parts.deduplication_id.take());
        let is_fifo = parts.is_fifo;
        let message = Message::parse(id, now, parts)?;
        if deduplication_id.is_some() && !is_fifo {
            let reason =
                "The request includes MessageDeduplicationId parameter that is not valid for this topic type";
            return Err(errors::invalid_because("MessageDeduplicationId", reason));
        }
        if group.is_none() && is_fifo {
            return Err(errors::group_is_missing());
        }
        fifo::check_id("MessageGroupId", group.as_deref())?;
        fifo::check_id("MessageDeduplicationId", deduplication_id.as_deref())?;
        Ok(Self { group, deduplication_id, ..Self::from(message) })
    }

    /// The message as SNS keeps it.
    pub(crate) fn kept(&self) -> Kept {
        match &self.sealed {
            Some(sealed) => Kept::Sealed(Box::new((**sealed).clone())),
            None => Kept::Plain(self.message.clone()),
        }
    }
}

impl Message {
    pub(crate) fn parse(id: String, now: Timestamp, parts: Parts) -> Result<Self, ApiError> {
        if parts.message.is_empty() {
            return Err(errors::invalid("Empty message"));
        }
        let subject = parts.subject;
        if let Some(subject) = &subject {
            check_subject(subject)?;
        }
        let mut attributes = BTreeMap::new();
        for (name, value) in parts.attributes.unwrap_or_default() {
            let attribute = Attribute::parse(&name, value)?;
            attributes.insert(name, attribute);
        }
        let size: usize = attributes.iter().map(|(name, attribute)| name.len() + attribute.size()).sum();
        if parts.message.len() + size > MOST_BYTES {
            return Err(errors::invalid("Message too long"));
        }
        let (body, bodies) = match parts.structure.as_deref() {
            None | Some("") => (parts.message, BTreeMap::new()),
            Some("json") => structured(&parts.message)?,
            Some(_) => return Err(errors::invalid("MessageStructure")),
        };
        Ok(Self { id, subject, body, bodies, attributes, published: now })
    }

    /// The text for subscriptions of a protocol.
    pub(crate) fn body_for(&self, protocol: Protocol) -> &str {
        self.bodies.get(protocol.as_str()).unwrap_or(&self.body)
    }

    pub(crate) fn size(&self) -> usize {
        let attributes: usize =
            self.attributes.iter().map(|(name, attribute)| name.len() + attribute.size()).sum();
        self.body.len() + self.bodies.values().map(String::len).sum::<usize>() + attributes
    }

    /// The attributes as filter policies see them: numbers as numbers, lists as lists, nothing binary.
    pub(crate) fn filter_values(&self) -> serde_json::Map<String, Value> {
        let values = self.attributes.iter().filter_map(|(name, attribute)| {
            let AttributeContent::Text(text) = &attribute.value else { return None };
            let value = match attribute.data_type.as_str() {
                "String.Array" => serde_json::from_str(text).ok()?,
                "Number" => serde_json::from_str(text.trim()).ok()?,
                kind if kind.starts_with("Number.") => serde_json::from_str(text.trim()).ok()?,
                _ => Value::String(text.clone()),
            };
            Some((name.clone(), value))
        });
        values.collect()
    }
}

/// API Reference, Publish: ASCII, begins with a letter, number or mark, no line breaks or control characters.
fn check_subject(subject: &str) -> Result<(), ApiError> {
    let is_valid = !subject.is_empty()
        && subject.len() <= LONGEST_SUBJECT
        && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !subject.starts_with(' ');
    if is_valid { Ok(()) } else { Err(errors::invalid("Subject")) }
}

/// Texts by protocol, and the one for all others.
fn structured(message: &str) -> Result<(String, BTreeMap<String, String>), ApiError> {
    let parsed: BTreeMap<String, Value> = serde_json::from_str(message)
        .map_err(|_| errors::invalid("Message Structure - JSON message body failed to parse"))?;
    let mut bodies: BTreeMap<String, String> = parsed
        .into_iter()
        .filter_map(|(protocol, text)| match text {
            Value::String(text) => Some((protocol, text)),
            _ => None,
        })
        .collect();
    let default = bodies
        .remove("default")
        .ok_or_else(|| errors::invalid("Message Structure - No default entry in JSON message body"))?;
    Ok((default, bodies))
}

impl Attribute {
    fn parse(name: &str, value: MessageAttributeValue) -> Result<Self, ApiError> {
        check_attribute_name(name)?;
        let kind = value.data_type.split('.').next().unwrap_or_default();
        let content = match (kind, value.string_value, value.binary_value) {
            ("Binary", _, Some(bytes)) if !bytes.is_empty() => AttributeContent::Binary(bytes),
            ("String" | "Number", Some(text), _) if !text.is_empty() => AttributeContent::Text(text),
            ("String" | "Number" | "Binary", ..) => {
                return Err(errors::invalid_message_attribute(format!(
                    "The message attribute '{name}' must contain non-empty message attribute value for message \
                     attribute type '{kind}'."
                )));
            }
            _ => {
                return Err(errors::invalid_message_attribute(format!(
                    "The message attribute '{name}' has an invalid message attribute type, the set of supported type \
                     prefixes is Binary, Number, and String."
                )));
            }
        };
        if let AttributeContent::Text(text) = &content {
            let is_number = text.trim().parse::<f64>().is_ok_and(f64::is_finite);
            if kind == "Number" && !is_number {
                return Err(errors::invalid_message_attribute(format!(
                    "Could not cast message attribute '{name}' value to number."
                )));
            }
            if value.data_type == "String.Array" && !is_array_of_scalars(text) {
                return Err(errors::invalid_message_attribute(format!(
                    "Invalid value of message attribute '{name}': String.Array is a JSON array of strings, numbers, \
                     true, false and null."
                )));
            }
        }
        Ok(Self { data_type: value.data_type, value: content })
    }

    fn size(&self) -> usize {
        let value = match &self.value {
            AttributeContent::Text(text) => text.len(),
            AttributeContent::Binary(bytes) => bytes.len(),
        };
        self.data_type.len() + value
    }

    /// The value as notifications show it: binary ones in base64.
    pub(crate) fn text(&self) -> String {
        match &self.value {
            AttributeContent::Text(text) => text.clone(),
            AttributeContent::Binary(bytes) => STANDARD.encode(bytes),
        }
    }
}

fn is_array_of_scalars(text: &str) -> bool {
    let parsed: Result<Vec<Value>, _> = serde_json::from_str(text);
    parsed.is_ok_and(|values| !values.iter().any(|value| value.is_array() || value.is_object()))
}

/// Developer Guide, "Amazon SNS message attributes".
fn check_attribute_name(name: &str) -> Result<(), ApiError> {
    let is_valid = (1..=256).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && (!name.to_ascii_lowercase().starts_with("aws.") || name.starts_with("AWS.SNS."))
        && !name.to_ascii_lowercase().starts_with("amazon.");
    if is_valid {
        return Ok(());
    }
    Err(errors::invalid_message_attribute(format!(
        "The message attribute name '{name}' is invalid: it has 1 to 256 letters, digits, underscores, hyphens and \
         single dots within, and no prefix AWS. or Amazon."
    )))
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::{Message, Parts};
    use crate::subscription::Protocol;

    fn parse(parts: Parts) -> Result<Message, String> {
        Message::parse("id".to_owned(), Timestamp::EPOCH, parts).map_err(|error| error.to_string())
    }

    #[test]
    fn a_json_structure_has_a_text_per_protocol() {
        let parts = |message: &str| Parts {
            message: message.to_owned(),
            structure: Some("json".to_owned()),
            ..Default::default()
        };
        let message = parse(parts(r#"{"default":"d","sqs":"s","n":1}"#)).unwrap();
        assert_eq!((message.body_for(Protocol::Sqs), message.body_for(Protocol::Lambda)), ("s", "d"));
        assert!(parse(parts("x")).unwrap_err().contains("failed to parse"));
        assert!(parse(parts(r#"{"sqs":"s"}"#)).unwrap_err().contains("No default entry"));
    }

    #[test]
    fn subjects_and_lengths_are_checked() {
        let subject = |subject: &str| {
            parse(Parts { message: "m".into(), subject: Some(subject.to_owned()), ..Default::default() })
                .is_ok()
        };
        assert!(subject("Order 12 is on its way!"));
        for bad in ["", " x", "a\nb", "ä", &"x".repeat(101)] {
            assert!(!subject(bad), "{bad}");
        }
        let long = |length: usize| parse(Parts { message: "x".repeat(length), ..Default::default() });
        assert!(long(262_144).is_ok());
        assert!(long(262_145).unwrap_err().contains("Invalid parameter: Message too long"));
    }
}
