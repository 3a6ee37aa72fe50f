//! The JSON in which messages travel (Developer Guide, "Parsing Amazon SNS message formats").
//!
//! Members come in AWS's order. Those of a signature are not there, since messages are not signed yet.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::message::Message;
use crate::subscription::{Protocol, SubscriptionArn};
use crate::topic::TopicArn;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Notification<'a> {
    r#type: &'static str,
    message_id: &'a str,
    topic_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    message: &'a str,
    timestamp: String,
    #[serde(rename = "UnsubscribeURL")]
    unsubscribe_url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute<'a> {
    r#type: &'a str,
    value: String,
}

/// What asks to confirm a subscription, or tells of its end.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Confirmation<'a> {
    r#type: &'static str,
    message_id: &'a str,
    token: &'a str,
    topic_arn: String,
    message: String,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: String,
    timestamp: String,
}

/// The event of a function.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    records: [EventRecord<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventRecord<'a> {
    event_source: &'static str,
    event_version: &'static str,
    event_subscription_arn: String,
    sns: EventMessage<'a>,
}

/// As [`Notification`], with a member spelled differently and empty ones present.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EventMessage<'a> {
    r#type: &'static str,
    message_id: &'a str,
    topic_arn: String,
    subject: Option<&'a str>,
    message: &'a str,
    timestamp: String,
    unsubscribe_url: String,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
}

fn attributes(message: &Message) -> BTreeMap<&str, Attribute<'_>> {
    let attributes = message.attributes.iter();
    attributes
        .map(|(name, attribute)| {
            (name.as_str(), Attribute { r#type: &attribute.data_type, value: attribute.text() })
        })
        .collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text and maps with text keys are always JSON")
}

pub(crate) fn notification(
    endpoint: &str,
    subscription: &SubscriptionArn,
    protocol: Protocol,
    message: &Message,
) -> String {
    json(&Notification {
        r#type: "Notification",
        message_id: &message.id,
        topic_arn: subscription.topic.to_string(),
        subject: message.subject.as_deref(),
        message: message.body_for(protocol),
        timestamp: message.published.iso8601_millis(),
        unsubscribe_url: unsubscribe_url(endpoint, subscription),
        message_attributes: attributes(message),
    })
}

pub(crate) fn lambda_event(endpoint: &str, subscription: &SubscriptionArn, message: &Message) -> String {
    json(&Event {
        records: [EventRecord {
            event_source: "aws:sns",
            event_version: "1.0",
            event_subscription_arn: subscription.to_string(),
            sns: EventMessage {
                r#type: "Notification",
                message_id: &message.id,
                topic_arn: subscription.topic.to_string(),
                subject: message.subject.as_deref(),
                message: message.body_for(Protocol::Lambda),
                timestamp: message.published.iso8601_millis(),
                unsubscribe_url: unsubscribe_url(endpoint, subscription),
                message_attributes: attributes(message),
            },
        }],
    })
}

/// `id` is the message's own.
pub(crate) fn subscription_confirmation(
    endpoint: &str,
    topic: &TopicArn,
    token: &str,
    id: &str,
    now: shapes::Timestamp,
) -> String {
    json(&Confirmation {
        r#type: "SubscriptionConfirmation",
        message_id: id,
        token,
        topic_arn: topic.to_string(),
        message: format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL \
             included in this message."
        ),
        subscribe_url: subscribe_url(endpoint, topic, token),
        timestamp: now.iso8601_millis(),
    })
}

pub(crate) fn subscribe_url(endpoint: &str, topic: &TopicArn, token: &str) -> String {
    format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")
}

pub(crate) fn unsubscribe_url(endpoint: &str, subscription: &SubscriptionArn) -> String {
    format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={subscription}")
}
