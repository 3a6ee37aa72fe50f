//! Notices to topics that jobs are done (Glacier Developer Guide, "Configuring Vault Notifications").

use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use sns_api::PublishInput;
use sns_api::op::Publish;
use store::Tx;

use crate::errors;

pub(crate) const SERVICE: &str = "glacier.amazonaws.com";
const EVENTS: [&str; 2] = ["ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notifications {
    pub topic: String,
    pub events: Vec<String>,
}

impl Notifications {
    pub(crate) fn parse(topic: Option<String>, events: Option<Vec<String>>) -> Result<Self, ApiError> {
        let topic = topic.ok_or_else(|| errors::missing("SNSTopic"))?;
        check_topic(&topic)?;
        let events = events.filter(|events| !events.is_empty()).ok_or_else(|| errors::missing("Events"))?;
        match events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            Some(event) => Err(errors::invalid(format!("Invalid notification event: {event}"))),
            None => Ok(Self { topic, events }),
        }
    }
}

pub(crate) fn check_topic(arn: &str) -> Result<(), ApiError> {
    let parts =
        identity::arn::split(arn).filter(|parts| parts.service == "sns" && !parts.resource.is_empty());
    parts.map(drop).ok_or_else(|| errors::invalid(format!("Invalid SNS topic ARN: {arn}")))
}

/// Publishes as a part of the transaction, so that a job that is done was told of. A topic that does not let the vault
/// publish hears nothing.
pub(crate) fn publish(ctx: &Ctx, tx: &mut Tx<'_>, topic: &str, message: &str) {
    let input = PublishInput {
        topic_arn: Some(topic.to_owned()),
        subject: Some("Notification From Amazon Glacier Service".to_owned()),
        message: message.to_owned(),
        ..Default::default()
    };
    if let Err(error) = ctx.call_within::<Publish>(tx, input) {
        tracing::warn!(%topic, %error, "a vault's notice was not taken");
    }
}
