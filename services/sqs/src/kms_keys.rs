//! Bodies under keys of KMS (Developer Guide, "Key management" and "Understanding the data key reuse period").
//!
//! A queue with a KMS key has its bodies sealed under data keys that KMS makes for each sender, and that KMS decrypts
//! for each receiver: as the caller, by way of SQS, so that the caller's permissions decide. Data keys are reused for
//! as long as the queue says. A sealed body carries its data key, encrypted, and goes to a dead-letter queue as it is.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use cloud::Ctx;
use kms_api::op::{Decrypt, GenerateDataKey};
use kms_api::{DecryptInput, GenerateDataKeyInput};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map, Op, Timestamp};

use crate::attributes::KmsKey;
use crate::message::{Body, Message};
use crate::queue::Queue;
use crate::sealing::QueueKey;
use crate::timeline::Timeline;
use crate::{Sqs, errors, queue};

const SERVICE: &str = "sqs.amazonaws.com";
/// Data keys remembered; past it all are asked for anew.
const KEPT: usize = 10_000;

/// A body that only KMS can open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KmsBody {
    /// The data key, encrypted by KMS.
    data_key: Bytes,
    /// ARN of the queue that the message was sent to: the encryption context.
    queue: String,
    /// What the text is bound to. A message that is moved back from a dead-letter queue has another id by then.
    message_id: String,
    sealed: Bytes,
}

impl KmsBody {
    pub(crate) fn len(&self) -> usize {
        self.sealed.len() + self.data_key.len() + self.queue.len() + self.message_id.len()
    }
}

/// Data keys by whom they were given to.
#[derive(Default)]
pub(crate) struct DataKeys {
    sealing: Mutex<HashMap<SealingFor, Arc<SealingKey>>>,
    opening: Mutex<HashMap<OpeningFor, (Arc<QueueKey>, Timestamp)>>,
}

/// Queue, key, and the ARN of who sends.
type SealingFor = (u64, String, String);
/// Encrypted data key, and the ARN of who receives.
type OpeningFor = (Bytes, String);

struct SealingKey {
    key: QueueKey,
    encrypted: Bytes,
    until: Timestamp,
}

impl Sqs {
    /// The body of a message for a queue with a KMS key.
    pub(crate) fn seal_with_kms(
        &self,
        ctx: &Ctx,
        (queue, timeline): (&Queue, &Timeline),
        kms: &KmsKey,
        message: &Message,
    ) -> Result<Body, ApiError> {
        let arn = queue::arn(ctx.region(), timeline.account, &queue.name);
        let key = self.sealing_key(ctx, queue, timeline, kms, &arn)?;
        Ok(Body::Kms(KmsBody {
            sealed: key.key.seal(ctx.ids(), &message.id, message.text())?,
            data_key: key.encrypted.clone(),
            queue: arn,
            message_id: message.id.clone(),
        }))
    }

    /// The text of a body, for a caller who may decrypt it.
    pub(crate) fn open_with_kms(
        &self,
        ctx: &Ctx,
        (queue, timeline): (&Queue, &Timeline),
        body: &KmsBody,
    ) -> Result<String, ApiError> {
        let (who, now) = (ctx.principal().arn(), ctx.now());
        let wanted = (body.data_key.clone(), who);
        let known =
            self.data_keys.opening.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted).cloned();
        if let Some((key, _)) = known.filter(|(_, until)| now < *until) {
            return key.open(&body.message_id, &body.sealed);
        }
        let key = Arc::new(decrypt(ctx, timeline, &body.queue, &body.data_key)?);
        let text = key.open(&body.message_id, &body.sealed)?;
        let mut keys = self.data_keys.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(wanted, (key, now + queue.attributes.kms_reuse));
        Ok(text)
    }

    fn sealing_key(
        &self,
        ctx: &Ctx,
        queue: &Queue,
        timeline: &Timeline,
        kms: &KmsKey,
        arn: &str,
    ) -> Result<Arc<SealingKey>, ApiError> {
        let now = ctx.now();
        let wanted = (queue.id, kms.0.clone(), ctx.principal().arn());
        let known =
            self.data_keys.sealing.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted).cloned();
        if let Some(key) = known.filter(|key| now < key.until) {
            return Ok(key);
        }
        let input = GenerateDataKeyInput {
            key_id: kms.0.clone(),
            key_spec: Some("AES_256".to_owned()),
            encryption_context: Some(encryption_context(arn)),
            ..Default::default()
        };
        let output = ask::<GenerateDataKey>(&by_way_of_sqs(ctx, timeline), input)?;
        let encrypted = output.ciphertext_blob.ok_or_else(|| incomplete("GenerateDataKey"))?;
        // Who sends must be allowed to decrypt as well (Developer Guide, "Configuring KMS permissions for producers").
        let key = decrypt(ctx, timeline, arn, &encrypted)?;
        let key = Arc::new(SealingKey { key, encrypted, until: now + queue.attributes.kms_reuse });
        let mut keys = self.data_keys.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(wanted, Arc::clone(&key));
        Ok(key)
    }
}

fn decrypt(ctx: &Ctx, timeline: &Timeline, arn: &str, encrypted: &Bytes) -> Result<QueueKey, ApiError> {
    let input = DecryptInput {
        ciphertext_blob: Some(encrypted.clone()),
        encryption_context: Some(encryption_context(arn)),
        ..Default::default()
    };
    let output = ask::<Decrypt>(&by_way_of_sqs(ctx, timeline), input)?;
    QueueKey::new(&output.plaintext.ok_or_else(|| incomplete("Decrypt"))?)
}

fn encryption_context(queue: &str) -> Map<String> {
    Map::from([("aws:sqs:arn".to_owned(), queue.to_owned())])
}

/// The caller in the account of the queue, whose keys its key's name may mean.
fn by_way_of_sqs(ctx: &Ctx, timeline: &Timeline) -> Ctx {
    ctx.in_tenant(timeline.account, ctx.region()).via_service(SERVICE)
}

fn incomplete(operation: &str) -> ApiError {
    ApiError::internal(format!("kms:{operation} answered without what was asked for"))
}

/// Asks KMS from where nothing can be waited for: a message's way into a transaction. KMS answers at once, but when it
/// makes the account's own key for SQS: that goes on by itself, and the caller is asked to come again.
fn ask<O: Op>(ctx: &Ctx, input: O::Input) -> Result<O::Output, ApiError>
where
    O::Input: Clone,
{
    let answered = {
        let mut call = pin!(ctx.call::<O>(input.clone()));
        call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    match answered {
        Poll::Ready(answer) => answer.map_err(|error| errors::of_kms(&error)),
        Poll::Pending => {
            begin::<O>(ctx, input);
            Err(ApiError::with_status(503, "ServiceUnavailable", "The key of the queue is being made."))
        }
    }
}

fn begin<O: Op>(ctx: &Ctx, input: O::Input) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let ctx = ctx.clone();
        runtime.spawn(async move {
            // Whoever needs it asks for it again, and hears what is wrong.
            let _ = ctx.call::<O>(input).await;
        });
    }
}

/// Has the account's own key for SQS made when a queue is to use it, before the first message comes.
pub(crate) fn prepare(ctx: &Ctx, key: Option<&String>) {
    if let Some(key) = key.filter(|key| key.contains("alias/aws/")) {
        let input = GenerateDataKeyInput {
            key_id: key.clone(),
            key_spec: Some("AES_256".to_owned()),
            ..Default::default()
        };
        begin::<GenerateDataKey>(&ctx.via_service(SERVICE), input);
    }
}
