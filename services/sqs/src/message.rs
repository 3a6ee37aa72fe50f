//! A message as it is stored, and what a receiver gets of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::content::{Attribute, md5_of_attributes};
use crate::kms_keys::KmsBody;

/// A message's row. It is written once: what receives change is kept apart (see [`crate::receipt`]).
///
/// The members of [`Head`] come first, so that a row's beginning can be read alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub sent: Timestamp,
    /// When its delay ends.
    pub available: Timestamp,
    pub group: Option<String>,
    pub id: String,
    pub body: Body,
    pub md5_of_body: String,
    pub attributes: BTreeMap<String, Attribute>,
    /// The tracing header the message was sent with, for the sender's trace to go on at the receiver.
    pub trace: Option<String>,
    /// Whether the sender gave `trace` as a system attribute, which the receiver then sees.
    pub has_trace_attribute: bool,
    pub sender: String,
    /// The sender's, or the digest of the body. FIFO queues only.
    pub deduplication_id: Option<String>,
    /// ARN of the queue whose dead letter this is.
    pub dead_letter_source: Option<String>,
    /// What was counted before the message became a dead letter.
    pub received_before: u32,
    pub first_received_before: Option<Timestamp>,
}

store::row!(Message, 1);

/// The beginning of a message's row: what its place in time depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub sent: Timestamp,
    pub available: Timestamp,
    pub group: Option<String>,
}

store::row!(Head, 1);

/// A body as it lies in the row. In memory it is plain, or under a key of KMS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Body {
    Plain(String),
    /// See [`crate::sealing`].
    Sealed(Bytes),
    /// Opened for a receiver alone.
    Kms(KmsBody),
}

impl Message {
    /// The text, which a message in memory has unless it is under a key of KMS.
    pub(crate) fn text(&self) -> &str {
        match &self.body {
            Body::Plain(text) => text,
            Body::Sealed(_) | Body::Kms(_) => "",
        }
    }

    /// Roughly what it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        let attributes: usize =
            self.attributes.iter().map(|(name, value)| name.len() + value.size() + 64).sum();
        let body = match &self.body {
            Body::Plain(text) => text.len(),
            Body::Sealed(sealed) => sealed.len(),
            Body::Kms(body) => body.len(),
        };
        body + attributes + 512
    }
}

/// What the queue knows of one receive, beside the message.
#[derive(Clone, Debug)]
pub(crate) struct Receive {
    pub handle: String,
    pub place: u64,
    pub count: u32,
    pub first_received: Timestamp,
    pub is_fifo: bool,
}

/// Which attributes a receiver wants to see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub system: Vec<String>,
    pub attributes: Vec<String>,
}

impl Wanted {
    /// The message as a receiver gets it; `text` is the message's, opened.
    pub(crate) fn answer(&self, message: &Message, text: String, receive: Receive) -> sqs_api::Message {
        let chosen = || message.attributes.iter().filter(|(name, _)| self.wants_attribute(name));
        let attributes: BTreeMap<_, _> =
            chosen().map(|(name, value)| (name.clone(), value.to_api())).collect();
        let system = self.system_attributes(message, &receive);
        sqs_api::Message {
            md5_of_body: Some(message.md5_of_body.clone()),
            md5_of_message_attributes: md5_of_attributes(chosen()),
            message_attributes: (!attributes.is_empty()).then_some(attributes),
            attributes: (!system.is_empty()).then_some(system),
            receipt_handle: Some(receive.handle),
            message_id: Some(message.id.clone()),
            body: Some(text),
        }
    }

    /// Names may end in `.*` or be `All`.
    fn wants_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|wanted| {
            wanted == "All"
                || wanted == ".*"
                || wanted == name
                || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    }

    fn system_attributes(&self, message: &Message, receive: &Receive) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::new();
        if self.system.is_empty() {
            return attributes;
        }
        let names_all = self.system.iter().any(|wanted| wanted == "All");
        let is_named = |name: &str| self.system.iter().any(|wanted| wanted == name);
        let millis = |time: Timestamp| time.millis().to_string();
        let first = message.first_received_before.unwrap_or(receive.first_received);
        let count = message.received_before + receive.count;
        let entries = [
            ("SenderId", Some(message.sender.clone())),
            ("SentTimestamp", Some(millis(message.sent))),
            ("ApproximateReceiveCount", Some(count.to_string())),
            ("ApproximateFirstReceiveTimestamp", Some(millis(first))),
            ("DeadLetterQueueSourceArn", message.dead_letter_source.clone()),
            ("MessageGroupId", message.group.clone()),
            ("MessageDeduplicationId", message.deduplication_id.clone()),
            ("SequenceNumber", receive.is_fifo.then(|| sequence_number(receive.place))),
        ];
        for (name, value) in entries {
            if let Some(value) = value.filter(|_| names_all || is_named(name)) {
                attributes.insert(name.to_owned(), value);
            }
        }
        // The region's own trace is there for those who ask for it by name; `All` shows what the sender gave.
        let shows_trace = is_named("AWSTraceHeader") || (names_all && message.has_trace_attribute);
        if let Some(trace) = message.trace.as_ref().filter(|_| shows_trace) {
            attributes.insert("AWSTraceHeader".to_owned(), trace.clone());
        }
        attributes
    }
}

/// The sequence number of a place in a FIFO queue: 20 digits, growing.
pub(crate) fn sequence_number(place: u64) -> String {
    format!("{}", 10_000_000_000_000_000_000 + u128::from(place))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shapes::Timestamp;
    use store::Row;

    use super::{Body, Head, Message, sequence_number};

    #[test]
    fn the_beginning_of_a_row_is_its_head() {
        let (sent, available) = (Timestamp::from_seconds(1), Timestamp::from_seconds(2));
        let message = Message {
            sent,
            available,
            group: Some("g".to_owned()),
            id: "id".to_owned(),
            body: Body::Plain("text".to_owned()),
            md5_of_body: String::new(),
            attributes: BTreeMap::new(),
            trace: None,
            has_trace_attribute: false,
            sender: String::new(),
            deduplication_id: None,
            dead_letter_source: None,
            received_before: 0,
            first_received_before: None,
        };
        let mut row = Vec::new();
        message.encode(&mut row);
        let head = Head::decode(&row).unwrap();
        assert_eq!(head, Head { sent, available, group: Some("g".to_owned()) });
        assert_eq!(Message::decode(&row).unwrap(), message);
    }

    #[test]
    fn sequence_numbers_have_twenty_digits() {
        assert_eq!(sequence_number(1), "10000000000000000001");
        assert_eq!(sequence_number(1_767_225_600_000 << 20).len(), 20);
    }
}
