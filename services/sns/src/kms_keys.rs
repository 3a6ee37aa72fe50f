//! Messages of topics with a KMS key, sealed while SNS keeps them: in archives, and in deliveries that wait (Developer
//! Guide, "Securing Amazon SNS data with server-side encryption").
//!
//! Publishing asks KMS for a data key, as whoever publishes and by way of SNS, so that the publisher's permissions and
//! the key's policy decide. What was kept is opened as the same publisher: SNS needs no permission of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cloud::{Ctx, KeptCaller};
use kms_envelope::Use;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map};

use crate::message::Message;
use crate::topic::{Topic, TopicArn};
use crate::{PRINCIPAL, Sns, errors};

/// Developer Guide, "Key management": data keys are used for five minutes.
const REUSE: Duration = Duration::from_secs(300);
pub(crate) const ATTRIBUTE: &str = "KmsMasterKeyId";

/// A message that only KMS can open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedMessage {
    /// The data key, encrypted by KMS.
    data_key: Bytes,
    /// For whom KMS opens it.
    publisher: KeptCaller,
    /// What the message is bound to.
    id: String,
    bytes: Vec<u8>,
}

/// A message as SNS keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kept {
    Plain(Message),
    Sealed(Box<SealedMessage>),
}

impl Sns {
    /// The message sealed for a topic with a KMS key; `None` for other topics. Errors are SNS's own about KMS.
    pub(crate) fn sealed(
        &self,
        ctx: &Ctx,
        arn: &TopicArn,
        topic: &Topic,
        message: &Message,
    ) -> Result<Option<Arc<SealedMessage>>, ApiError> {
        let Some(key) = topic.attributes.get(ATTRIBUTE) else { return Ok(None) };
        let ctx = ctx.in_tenant(arn.account, arn.region);
        let context = context(arn);
        let wanted = Use { service: PRINCIPAL, context: &context, reuse: REUSE };
        let key = self.data_keys.sealing(&ctx, wanted, key).map_err(|error| errors::of_kms(&error))?;
        let plain = serde_json::to_vec(message).map_err(ApiError::internal)?;
        Ok(Some(Arc::new(SealedMessage {
            bytes: key.key.seal(ctx.ids(), message.id.as_bytes(), &plain)?,
            data_key: key.encrypted,
            publisher: KeptCaller::of(&ctx),
            id: message.id.clone(),
        })))
    }

    /// Opens a message of a topic as the one who published it.
    pub(crate) fn open(
        &self,
        ctx: &Ctx,
        arn: &TopicArn,
        sealed: &SealedMessage,
    ) -> Result<Message, ApiError> {
        let ctx = ctx.in_tenant(arn.account, arn.region).in_name_of(&sealed.publisher)?;
        let context = context(arn);
        let wanted = Use { service: PRINCIPAL, context: &context, reuse: REUSE };
        let key = self.data_keys.opening(&ctx, wanted, &sealed.data_key);
        let key = key.map_err(|error| errors::of_kms(&error))?;
        let plain = key.open(sealed.id.as_bytes(), &sealed.bytes);
        let message = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        message.ok_or_else(|| ApiError::internal(format!("the sealed message {} is damaged", sealed.id)))
    }
}

/// Developer Guide, "Key management": what the key's policy and grants may ask for.
fn context(arn: &TopicArn) -> Map<String> {
    Map::from([("aws:sns:topicArn".to_owned(), arn.to_string())])
}

/// Has the account's own key for SNS made when a topic is to use it, before the first message comes.
pub(crate) fn prepare(ctx: &Ctx, key: Option<&String>) {
    if let Some(key) = key {
        kms_envelope::prepare(ctx, PRINCIPAL, key);
    }
}
