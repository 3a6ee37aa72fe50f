//! What a sender decides of a message, and its rules.

use std::collections::BTreeMap;

use bytes::Bytes;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use sqs_api::{MessageAttributeValue, MessageSystemAttributeValue};

use crate::errors;

/// A message attribute's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    /// `String`, `Number` or `Binary`, with a label of the sender's own behind a dot.
    pub data_type: String,
    pub value: AttributeContent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AttributeContent {
    Text(String),
    Binary(Bytes),
}

/// The parts of a message that its sender decides, checked.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub body: String,
    pub attributes: BTreeMap<String, Attribute>,
    pub trace_attribute: Option<String>,
}

impl Content {
    pub(crate) fn parse(
        body: String,
        attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        system: Option<BTreeMap<String, MessageSystemAttributeValue>>,
    ) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Err(errors::missing_parameter("MessageBody"));
        }
        if !is_text(&body) {
            return Err(errors::invalid_characters());
        }
        let given = attributes.unwrap_or_default();
        if given.len() > 10 {
            let message =
                format!("Number of message attributes [{}] exceeds the allowed maximum [10].", given.len());
            return Err(errors::invalid_parameter(message));
        }
        let mut attributes = BTreeMap::new();
        for (name, value) in given {
            check_attribute_name(&name)?;
            let attribute = Attribute::parse(&name, value)?;
            attributes.insert(name, attribute);
        }
        Ok(Self { body, attributes, trace_attribute: trace_attribute(system)? })
    }

    /// What counts towards the size limits: the body and the names, types and values of attributes.
    pub(crate) fn size(&self) -> usize {
        let attributes: usize =
            self.attributes.iter().map(|(name, attribute)| name.len() + attribute.size()).sum();
        self.body.len() + attributes
    }
}

impl Attribute {
    fn parse(name: &str, value: MessageAttributeValue) -> Result<Self, ApiError> {
        let kind = value.data_type.split('.').next().unwrap_or_default();
        let content = match (kind, value.string_value, value.binary_value) {
            ("Binary", _, Some(bytes)) if !bytes.is_empty() => AttributeContent::Binary(bytes),
            ("String" | "Number", Some(text), _) if !text.is_empty() => AttributeContent::Text(text),
            ("String" | "Number" | "Binary", ..) => {
                return Err(errors::invalid_parameter(format!(
                    "Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
                )));
            }
            _ => {
                return Err(errors::invalid_parameter(format!(
                    "The type of message (user) attribute '{name}' is invalid. You must use only the following \
                     supported type prefixes: Binary, Number, String."
                )));
            }
        };
        if let ("Number", AttributeContent::Text(text)) = (kind, &content)
            && text.trim().parse::<f64>().is_err()
        {
            return Err(errors::invalid_parameter(format!(
                "Can't cast the value of message (user) attribute '{name}' to a number."
            )));
        }
        Ok(Self { data_type: value.data_type, value: content })
    }

    pub(crate) fn size(&self) -> usize {
        self.data_type.len() + self.value.as_bytes().len()
    }

    pub(crate) fn to_api(&self) -> MessageAttributeValue {
        let (string_value, binary_value) = match &self.value {
            AttributeContent::Text(text) => (Some(text.clone()), None),
            AttributeContent::Binary(bytes) => (None, Some(bytes.clone())),
        };
        MessageAttributeValue {
            string_value,
            binary_value,
            data_type: self.data_type.clone(),
            ..Default::default()
        }
    }
}

impl AttributeContent {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Whether a body has no characters but those that XML allows. Most bodies are seen to at a glance.
fn is_text(body: &str) -> bool {
    let is_plain = body.bytes().fold(true, |is_plain, byte| is_plain & (b' '..0x80).contains(&byte));
    is_plain || body.chars().all(is_allowed)
}

/// API Reference, SendMessage: `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Developer Guide, "Amazon SQS message metadata".
fn check_attribute_name(name: &str) -> Result<(), ApiError> {
    let lower = name.to_ascii_lowercase();
    let is_valid = (1..=256).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    if is_valid {
        return Ok(());
    }
    Err(errors::invalid_parameter(format!(
        "Message (user) attribute name '{name}' is invalid: it can contain A-Z, a-z, 0-9, underscore, hyphen and \
         period, up to 256 of them, must not start or end with a period, have periods in succession, or start with \
         AWS. or Amazon."
    )))
}

fn trace_attribute(
    system: Option<BTreeMap<String, MessageSystemAttributeValue>>,
) -> Result<Option<String>, ApiError> {
    let mut trace = None;
    for (name, value) in system.unwrap_or_default() {
        match (name.as_str(), value.data_type.as_str(), value.string_value) {
            ("AWSTraceHeader", "String", Some(text)) if !text.is_empty() => trace = Some(text),
            _ => {
                return Err(errors::invalid_parameter(format!(
                    "Message system attribute name '{name}' is invalid: only AWSTraceHeader of type String is supported."
                )));
            }
        }
    }
    Ok(trace)
}

/// The MD5 digest of a text in hexadecimal digits.
pub(crate) fn md5_hex(text: &[u8]) -> String {
    hex(&Md5::digest(text))
}

/// The digest by which clients check the attributes they sent or received (Developer Guide, "Calculating the MD5
/// message digest for message attributes"); `None` when there are none.
pub(crate) fn md5_of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a String, &'a Attribute)>,
) -> Option<String> {
    let mut encoded = Vec::new();
    let put = |encoded: &mut Vec<u8>, bytes: &[u8]| {
        encoded.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        encoded.extend_from_slice(bytes);
    };
    for (name, attribute) in attributes {
        put(&mut encoded, name.as_bytes());
        put(&mut encoded, attribute.data_type.as_bytes());
        // The transport type: 1 for texts, 2 for bytes.
        encoded.push(if matches!(attribute.value, AttributeContent::Text(_)) { 1 } else { 2 });
        put(&mut encoded, attribute.value.as_bytes());
    }
    (!encoded.is_empty()).then(|| md5_hex(&encoded))
}

/// The digest of the one system attribute that senders give.
pub(crate) fn md5_of_trace(header: &str) -> Option<String> {
    let attribute =
        Attribute { data_type: "String".to_owned(), value: AttributeContent::Text(header.to_owned()) };
    md5_of_attributes(std::iter::once((&"AWSTraceHeader".to_owned(), &attribute)))
}

/// The id that FIFO queues derive from a body (Developer Guide, "Exactly-once processing"): its SHA-256 in hexadecimal
/// digits.
pub(crate) fn sha256_hex(text: &[u8]) -> String {
    use sha2::Sha256;
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Attribute, AttributeContent, Content, md5_hex, md5_of_attributes, md5_of_trace};

    #[test]
    fn digests_are_those_that_clients_compute() {
        assert_eq!(md5_hex(b"hello"), "5d41402abc4b2a76b9719d911017c592");
        let attribute = |data_type: &str, text: &str| Attribute {
            data_type: data_type.to_owned(),
            value: AttributeContent::Text(text.to_owned()),
        };
        let attributes = BTreeMap::from([("timestamp".to_owned(), attribute("Number", "1493147359900"))]);
        // The value that botocore's and moto's users know for this attribute.
        assert_eq!(md5_of_attributes(attributes.iter()).as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(md5_of_attributes(BTreeMap::new().iter()), None);
        assert_eq!(
            md5_of_trace("Root=1-5759e988-bd862e3fe1be46a994272793").map(|digest| digest.len()),
            Some(32)
        );
    }

    #[test]
    fn bodies_have_only_xml_characters() {
        let parse = |body: &str| Content::parse(body.to_owned(), None, None).map(|content| content.size());
        assert_eq!(parse("a\tb").ok(), Some(3));
        assert!(parse("").is_err());
        assert!(parse("a\u{0}b").is_err());
        assert!(parse("a\u{FFFF}b").is_err());
    }
}
