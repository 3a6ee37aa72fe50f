//! SSE-KMS: the data keys that objects are sealed under, asked of KMS for the caller (S3 User Guide, "Using server-side
//! encryption with AWS KMS keys" and "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").
//!
//! An object has a data key of its own, bound to its ARN. With a bucket key, what one caller writes to a bucket within
//! a while shares one, bound to the bucket's ARN, and KMS is not asked for each object.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blobs::sealed::Key;
use cloud::Ctx;
use identity::Region;
use kms_api::{DecryptInput, GenerateDataKeyInput};
use shapes::{ApiError, Timestamp};

use crate::object::Encryption;
use crate::{errors, key};

/// How long a bucket key is used without asking KMS again.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Bucket keys kept of each kind; past it all are asked for anew.
const KEPT: usize = 1000;
/// In the header `x-amz-server-side-encryption-context`.
const LONGEST_CONTEXT: usize = 2048;
const ARN: &str = "aws:s3:arn";
const SERVICE: &str = "s3.amazonaws.com";

/// The bucket keys that were used a moment ago, for those who may use them.
#[derive(Default)]
pub(crate) struct BucketKeys {
    /// By caller, KMS key and bucket.
    writing: Mutex<HashMap<(String, String, String), Kept>>,
    /// By caller and the key as it is stored.
    reading: Mutex<HashMap<(String, Vec<u8>), Kept>>,
}

#[derive(Clone)]
struct Kept {
    key: Key,
    encryption: Option<Encryption>,
    until: Timestamp,
}

fn kept<K: Hash + Eq>(map: &Mutex<HashMap<K, Kept>>, place: &K, now: Timestamp) -> Option<Kept> {
    let kept = map.lock().unwrap_or_else(PoisonError::into_inner);
    kept.get(place).filter(|kept| kept.until > now).cloned()
}

fn keep<K: Hash + Eq>(map: &Mutex<HashMap<K, Kept>>, place: K, value: Kept) {
    let mut kept = map.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(place, value);
}

/// What a request asks for when it asks for SSE-KMS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub key_id: &'a str,
    pub is_dual_layer: bool,
    pub has_bucket_key: bool,
    /// The caller's own part of the encryption context: JSON in base 64.
    pub context: Option<&'a str>,
}

impl BucketKeys {
    /// A data key for a new object, and what its row keeps of it.
    pub(crate) async fn generate(
        &self,
        ctx: &Ctx,
        (bucket, object): (&str, &str),
        asked: Asked<'_>,
    ) -> Result<(Key, Encryption), ApiError> {
        let place = (ctx.principal().arn(), asked.key_id.to_owned(), bucket.to_owned());
        let shares = asked.has_bucket_key && asked.context.is_none();
        if let Some(Kept { key, encryption: Some(encryption), .. }) =
            kept(&self.writing, &place, ctx.now()).filter(|_| shares)
        {
            return Ok((key, encryption));
        }
        let mut context = asked.context.map(own_context).transpose()?.unwrap_or_default();
        let bound = if asked.has_bucket_key { None } else { Some(object) };
        context.insert(ARN.to_owned(), key::arn(bucket, bound));
        let input = GenerateDataKeyInput {
            key_id: asked.key_id.to_owned(),
            encryption_context: Some(context.clone()),
            key_spec: Some("AES_256".to_owned()),
            ..GenerateDataKeyInput::default()
        };
        let call = in_region_of(ctx, asked.key_id).via_service(SERVICE);
        let made = call.call::<kms_api::op::GenerateDataKey>(input).await.map_err(errors::of_kms)?;
        let key = data_key(made.plaintext.as_deref())?;
        let encryption = Encryption::DataKey {
            key_arn: made.key_id.unwrap_or_default(),
            is_dual_layer: asked.is_dual_layer,
            has_bucket_key: asked.has_bucket_key,
            sealed: made.ciphertext_blob.unwrap_or_default().to_vec(),
            context,
        };
        if shares {
            let until = ctx.now() + KEPT_FOR;
            let value = Kept { key: key.clone(), encryption: Some(encryption.clone()), until };
            keep(&self.writing, place, value);
        }
        Ok((key, encryption))
    }

    /// The data key that a row keeps, opened for the caller.
    pub(crate) async fn open(
        &self,
        ctx: &Ctx,
        (key_arn, sealed): (&str, &[u8]),
        context: &BTreeMap<String, String>,
        has_bucket_key: bool,
    ) -> Result<Key, ApiError> {
        let place = (ctx.principal().arn(), sealed.to_vec());
        if let Some(found) = kept(&self.reading, &place, ctx.now()).filter(|_| has_bucket_key) {
            return Ok(found.key);
        }
        let input = DecryptInput {
            ciphertext_blob: Some(sealed.to_vec().into()),
            encryption_context: Some(context.clone()),
            ..DecryptInput::default()
        };
        let call = in_region_of(ctx, key_arn).via_service(SERVICE);
        let opened = call.call::<kms_api::op::Decrypt>(input).await.map_err(errors::of_kms)?;
        let key = data_key(opened.plaintext.as_deref())?;
        if has_bucket_key {
            let until = ctx.now() + KEPT_FOR;
            keep(&self.reading, place, Kept { key: key.clone(), encryption: None, until });
        }
        Ok(key)
    }
}

/// A bucket is reached from every region, and a key lies in one.
fn in_region_of(ctx: &Ctx, key_arn: &str) -> Ctx {
    let region = identity::arn::split(key_arn).and_then(|parts| Region::parse(parts.region));
    ctx.in_tenant(ctx.account(), region.unwrap_or(ctx.region()))
}

fn data_key(bytes: Option<&[u8]>) -> Result<Key, ApiError> {
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    key.map(Key).ok_or_else(|| ApiError::internal("KMS gave a data key of another length"))
}

fn own_context(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let json = STANDARD.decode(text).ok().filter(|json| json.len() <= LONGEST_CONTEXT);
    let context = json.and_then(|json| serde_json::from_slice(&json).ok());
    context.ok_or_else(|| {
        let message = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding \
                       JSON which represents a string-string map";
        errors::invalid_argument("x-amz-server-side-encryption-context", text, message)
    })
}
