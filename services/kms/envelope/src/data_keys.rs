//! Data keys that seal many values for a while, so that not every message asks KMS (Amazon SNS Developer Guide, "Key
//! management"; Amazon SQS Developer Guide, "Understanding the data key reuse period").
//!
//! Keys are remembered for whom KMS gave them to: another caller asks for its own.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use cloud::{Ctx, SealingKey};
use kms_api::op::{Decrypt, GenerateDataKey};
use kms_api::{DecryptInput, GenerateDataKeyInput};
use shapes::{ApiError, Map, Op, Timestamp};

use crate::sealing_key;

/// Data keys remembered; past it all are asked for anew.
const KEPT: usize = 10_000;

/// A data key with its encrypted form, which is kept beside what it seals.
#[derive(Clone)]
pub struct DataKey {
    pub key: Arc<SealingKey>,
    pub encrypted: Bytes,
    until: Timestamp,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("until", &self.until).finish_non_exhaustive()
    }
}

/// The data keys in use.
#[derive(Debug, Default)]
pub struct DataKeys {
    /// By the encryption context, the KMS key's name, and the ARN of who seals.
    sealing: Mutex<HashMap<(Map<String>, String, String), DataKey>>,
    /// By the encrypted data key, and the ARN of who opens.
    opening: Mutex<HashMap<(Bytes, String), (Arc<SealingKey>, Timestamp)>>,
}

/// What a service asks KMS for.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// `sns.amazonaws.com`
    pub service: &'static str,
    pub context: &'a Map<String>,
    /// How long an answer of KMS is good for.
    pub reuse: Duration,
}

impl DataKeys {
    /// A key to seal with for the caller of `ctx`, who must be allowed to decrypt as well. Errors are those of KMS.
    pub fn sealing(&self, ctx: &Ctx, wanted: Use<'_>, key_id: &str) -> Result<DataKey, ApiError> {
        let id = (wanted.context.clone(), key_id.to_owned(), ctx.principal().arn());
        let known = self.sealing.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(key) = known.filter(|key| ctx.now() < key.until) {
            return Ok(key);
        }
        let input = GenerateDataKeyInput {
            key_id: key_id.to_owned(),
            key_spec: Some("AES_256".to_owned()),
            encryption_context: Some(wanted.context.clone()),
            ..GenerateDataKeyInput::default()
        };
        let made = ask::<GenerateDataKey>(&ctx.via_service(wanted.service), input)?;
        let encrypted = made.ciphertext_blob.unwrap_or_default();
        let key = self.opening(ctx, wanted, &encrypted)?;
        let key = DataKey { key, encrypted, until: ctx.now() + wanted.reuse };
        let mut keys = self.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(id, key.clone());
        Ok(key)
    }

    /// The key to open with for the caller of `ctx`. Errors are those of KMS.
    pub fn opening(
        &self,
        ctx: &Ctx,
        wanted: Use<'_>,
        encrypted: &Bytes,
    ) -> Result<Arc<SealingKey>, ApiError> {
        self.opening_until(ctx, wanted, encrypted).map(|(key, _)| key)
    }

    /// As [`Self::opening`], with when KMS is to be asked again: for those who keep the key at hand themselves.
    pub fn opening_until(
        &self,
        ctx: &Ctx,
        wanted: Use<'_>,
        encrypted: &Bytes,
    ) -> Result<(Arc<SealingKey>, Timestamp), ApiError> {
        let id = (encrypted.clone(), ctx.principal().arn());
        let known = self.opening.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(known) = known.filter(|(_, until)| ctx.now() < *until) {
            return Ok(known);
        }
        let input = DecryptInput {
            ciphertext_blob: Some(encrypted.clone()),
            encryption_context: Some(wanted.context.clone()),
            ..DecryptInput::default()
        };
        let opened = ask::<Decrypt>(&ctx.via_service(wanted.service), input)?;
        let known = (Arc::new(sealing_key(opened.plaintext.as_deref())?), ctx.now() + wanted.reuse);
        let mut keys = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(id, known.clone());
        Ok(known)
    }
}

/// Asks KMS from where nothing can be waited for, on the way into a transaction. KMS answers at once, but when it makes
/// an account's own key for a service: that goes on by itself, and the caller is asked to come again.
fn ask<O: Op>(ctx: &Ctx, input: O::Input) -> Result<O::Output, ApiError>
where
    O::Input: Clone,
{
    let answered = {
        let mut call = pin!(ctx.call::<O>(input.clone()));
        call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    match answered {
        Poll::Ready(answer) => answer,
        Poll::Pending => {
            begin::<O>(ctx, input);
            Err(ApiError::with_status(503, "ServiceUnavailable", "The key is being made."))
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

/// Has the account's own key for a service made (`alias/aws/sns`) before it is needed; nothing for other keys.
pub fn prepare(ctx: &Ctx, service: &'static str, key_id: &str) {
    if key_id.contains("alias/aws/") {
        let input = GenerateDataKeyInput {
            key_id: key_id.to_owned(),
            key_spec: Some("AES_256".to_owned()),
            ..GenerateDataKeyInput::default()
        };
        begin::<GenerateDataKey>(&ctx.via_service(service), input);
    }
}
