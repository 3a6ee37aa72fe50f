//! The JSON in which messages travel (Developer Guide, "Parsing Amazon SNS message formats").
//!
//! Members come in AWS's order.

use std::collections::BTreeMap;

use serde::Serialize;
use shapes::ApiError;

use crate::Sns;
use crate::message::{Message, Publication};
use crate::signature::{Seal, Signature};
use crate::subscription::{Protocol, SubscriptionArn};
use crate::topic::{Topic, TopicArn};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Notification<'a> {
    r#type: &'static str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<&'a str>,
    topic_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    message: &'a str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<&'static str>,
    #[serde(flatten)]
    signed: Option<Signed>,
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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    signature_version: &'static str,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

impl Signed {
    fn of(signature: Signature) -> Self {
        Self {
            signature_version: signature.version,
            signature: signature.text.to_string(),
            signing_cert_url: signature.certificate_url,
        }
    }
}

/// As [`Signed`], spelled as functions get it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SignedEvent {
    signature_version: &'static str,
    signature: String,
    signing_cert_url: String,
}

impl SignedEvent {
    fn of(signature: Signature) -> Self {
        Self {
            signature_version: signature.version,
            signature: signature.text.to_string(),
            signing_cert_url: signature.certificate_url,
        }
    }
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
    #[serde(flatten)]
    signed: Option<Signed>,
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
    #[serde(flatten)]
    signed: Option<SignedEvent>,
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

/// What all messages of a topic have in common: where their links lead, and how they are signed.
pub(crate) struct Letterhead<'a> {
    endpoint: &'a str,
    seal: Option<Seal>,
}

impl Sns {
    pub(crate) fn letterhead(&self, topic: &Topic) -> Result<Letterhead<'_>, ApiError> {
        let endpoint = &self.cloud.settings().endpoint;
        let seal =
            topic.signature_version().map(|version| self.signer.seal(self.cloud.store(), endpoint, version));
        Ok(Letterhead { endpoint, seal: seal.transpose()? })
    }
}

impl Letterhead<'_> {
    /// The signature of a notification.
    pub(crate) fn sign_notification(
        &self,
        topic: &TopicArn,
        protocol: Protocol,
        message: &Message,
    ) -> Result<Option<Signature>, ApiError> {
        let seal = self.seal.as_ref();
        let sign = |seal: &Seal| {
            seal.sign(&[
                ("Message", Some(message.body_for(protocol))),
                ("MessageId", Some(&message.id)),
                ("Subject", message.subject.as_deref()),
                ("Timestamp", Some(&message.published.iso8601_millis())),
                ("TopicArn", Some(&topic.to_string())),
                ("Type", Some("Notification")),
            ])
        };
        seal.map(sign).transpose()
    }

    pub(crate) fn notification(
        &self,
        subscription: &SubscriptionArn,
        protocol: Protocol,
        publication: &Publication,
    ) -> Result<String, ApiError> {
        let message = &publication.message;
        Ok(json(&Notification {
            r#type: "Notification",
            message_id: &message.id,
            sequence_number: publication.sequence_number.as_deref(),
            topic_arn: subscription.topic.to_string(),
            subject: message.subject.as_deref(),
            message: message.body_for(protocol),
            timestamp: message.published.iso8601_millis(),
            replayed: publication.is_replayed.then_some("true"),
            signed: self.sign_notification(&subscription.topic, protocol, message)?.map(Signed::of),
            unsubscribe_url: unsubscribe_url(self.endpoint, subscription),
            message_attributes: attributes(message),
        }))
    }

    pub(crate) fn lambda_event(
        &self,
        subscription: &SubscriptionArn,
        message: &Message,
    ) -> Result<String, ApiError> {
        let signature = self.sign_notification(&subscription.topic, Protocol::Lambda, message)?;
        Ok(json(&Event {
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
                    signed: signature.map(SignedEvent::of),
                    unsubscribe_url: unsubscribe_url(self.endpoint, subscription),
                    message_attributes: attributes(message),
                },
            }],
        }))
    }

    /// What asks to confirm a subscription.
    pub(crate) fn subscription_confirmation(
        &self,
        topic: &TopicArn,
        token: &str,
        message_id: &str,
        now: shapes::Timestamp,
    ) -> Result<String, ApiError> {
        let message = format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL \
             included in this message."
        );
        let confirmation = Confirmation {
            r#type: "SubscriptionConfirmation",
            message_id,
            token,
            topic_arn: topic.to_string(),
            message,
            subscribe_url: subscribe_url(self.endpoint, topic, token),
            timestamp: now.iso8601_millis(),
            signed: None,
        };
        self.confirmation(confirmation)
    }

    /// What tells that a subscription has ended, and how to restore it.
    pub(crate) fn unsubscribe_confirmation(
        &self,
        subscription: &SubscriptionArn,
        token: &str,
        message_id: &str,
        now: shapes::Timestamp,
    ) -> Result<String, ApiError> {
        let topic = &subscription.topic;
        let message = format!(
            "You have chosen to deactivate subscription {subscription}.\nTo cancel this operation and restore the \
             subscription, visit the SubscribeURL included in this message."
        );
        let confirmation = Confirmation {
            r#type: "UnsubscribeConfirmation",
            message_id,
            token,
            topic_arn: topic.to_string(),
            message,
            subscribe_url: subscribe_url(self.endpoint, topic, token),
            timestamp: now.iso8601_millis(),
            signed: None,
        };
        self.confirmation(confirmation)
    }

    fn confirmation(&self, mut confirmation: Confirmation<'_>) -> Result<String, ApiError> {
        if let Some(seal) = &self.seal {
            let signature = seal.sign(&[
                ("Message", Some(&confirmation.message)),
                ("MessageId", Some(confirmation.message_id)),
                ("SubscribeURL", Some(&confirmation.subscribe_url)),
                ("Timestamp", Some(&confirmation.timestamp)),
                ("Token", Some(confirmation.token)),
                ("TopicArn", Some(&confirmation.topic_arn)),
                ("Type", Some(confirmation.r#type)),
            ])?;
            confirmation.signed = Some(Signed::of(signature));
        }
        Ok(json(&confirmation))
    }
}

pub(crate) fn subscribe_url(endpoint: &str, topic: &TopicArn, token: &str) -> String {
    format!("{endpoint}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}")
}

pub(crate) fn unsubscribe_url(endpoint: &str, subscription: &SubscriptionArn) -> String {
    format!("{endpoint}/?Action=Unsubscribe&SubscriptionArn={subscription}")
}
