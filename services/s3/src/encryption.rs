//! Server-side encryption: what a request asks for, what the bucket's default is, and the keys.
//!
//! Every byte is sealed with AES-256-GCM, as S3 encrypts every new object. SSE-S3 seals under a key that the region draws
//! when it stores its first object; SSE-KMS under data keys (see [`crate::data_key`]); SSE-C under the customer's, of
//! which only the MD5 is kept.

use blobs::sealed::Key;
use cloud::Ctx;
use md5::{Digest, Md5};
use s3_api::ServerSideEncryptionConfiguration;
use shapes::{ApiError, Struct};

use crate::data_key::Asked;
use crate::fields::{Fields, FieldsMut};
use crate::object::Encryption;
use crate::settings::Settings;
use crate::tables::{self, Fact};
use crate::{S3, checksum, errors};

/// The name of the region's key among its facts.
const FACT: &str = "key";

/// How something new is to be encrypted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub encryption: Encryption,
    /// The customer's; `None` stands for the region's, or one of KMS.
    pub customer_key: Option<Key>,
    /// The caller's part of the encryption context of SSE-KMS.
    pub context: Option<String>,
}

impl Plan {
    /// What a request asks for, or the bucket's default.
    pub(crate) fn read(ctx: &Ctx, input: &dyn Struct, settings: &Settings) -> Result<Self, ApiError> {
        let fields = Fields(input);
        let asked = fields.text("ServerSideEncryption");
        if let Some((customer_key, key_md5)) = customer_key(fields, "")? {
            if asked.is_some() {
                let message = "Server Side Encryption with Customer provided key is incompatible with the encryption \
                               method specified";
                return Err(errors::wrong_customer_key(message));
            }
            return Ok(Self {
                encryption: Encryption::Customer { key_md5 },
                customer_key: Some(customer_key),
                context: None,
            });
        }
        let (default, default_key, default_bucket_key) = of_bucket(settings.encryption.as_ref());
        let algorithm = asked.unwrap_or(default);
        let has_bucket_key = fields.flag("BucketKeyEnabled") || asked.is_none() && default_bucket_key;
        let key_id =
            fields.text("SSEKMSKeyId").or(default_key.filter(|_| asked.is_none_or(|a| a == default)));
        let encryption = match algorithm {
            "AES256" if fields.text("SSEKMSKeyId").is_some() => {
                let message = "x-amz-server-side-encryption-aws-kms-key-id is only for aws:kms";
                return Err(errors::invalid_argument("x-amz-server-side-encryption", algorithm, message));
            }
            "AES256" => Encryption::Region,
            "aws:kms" | "aws:kms:dsse" => Encryption::Kms {
                key_id: kms_arn(ctx, key_id),
                is_dual_layer: algorithm == "aws:kms:dsse",
                has_bucket_key,
            },
            _ => {
                let message = "The encryption method specified is not supported";
                return Err(errors::invalid_argument("x-amz-server-side-encryption", algorithm, message));
            }
        };
        let context = fields.owned("SSEKMSEncryptionContext");
        Ok(Self { encryption, customer_key: None, context })
    }
}

/// Algorithm, KMS key and bucket key of the bucket's default.
fn of_bucket(configuration: Option<&ServerSideEncryptionConfiguration>) -> (&str, Option<&str>, bool) {
    let rule = configuration.and_then(|configuration| configuration.rules.first());
    let default = rule.and_then(|rule| rule.apply_server_side_encryption_by_default.as_ref());
    let has_bucket_key = rule.and_then(|rule| rule.bucket_key_enabled).unwrap_or(false);
    match default {
        Some(default) => {
            (default.sse_algorithm.as_str(), default.kms_master_key_id.as_deref(), has_bucket_key)
        }
        None => ("AES256", None, false),
    }
}

/// A key's ARN; the account's own key of S3 when none is named.
fn kms_arn(ctx: &Ctx, key_id: Option<&str>) -> String {
    let key_id = key_id.unwrap_or("alias/aws/s3");
    if key_id.starts_with("arn:") {
        return key_id.to_owned();
    }
    let name = if key_id.starts_with("alias/") { key_id.to_owned() } else { format!("key/{key_id}") };
    format!("arn:aws:kms:{}:{}:{name}", ctx.region().as_str(), ctx.account())
}

/// The customer's key of a request and its MD5 in base 64, from members that begin with `prefix`.
fn customer_key(fields: Fields<'_>, prefix: &str) -> Result<Option<(Key, String)>, ApiError> {
    let text = |name: &str| fields.text(&format!("{prefix}SSECustomer{name}"));
    let (algorithm, key, md5) = (text("Algorithm"), text("Key"), text("KeyMD5"));
    match (algorithm, key, md5) {
        (None, None, None) => Ok(None),
        (Some("AES256"), Some(key), Some(md5)) => {
            let bytes = checksum::from_base64(key).and_then(|key| <[u8; 32]>::try_from(key).ok());
            let bytes = bytes.ok_or_else(|| {
                errors::wrong_customer_key("The secret key was invalid for the specified algorithm.")
            })?;
            if checksum::base64(&Md5::digest(bytes)) != md5 {
                let message = "The calculated MD5 hash of the key did not match the hash that was provided.";
                return Err(errors::wrong_customer_key(message));
            }
            Ok(Some((Key(bytes), md5.to_owned())))
        }
        (Some(algorithm), ..) if algorithm != "AES256" => {
            let message = "The requested encryption algorithm is not valid, must be AES256.";
            Err(ApiError::sender("InvalidEncryptionAlgorithmError", message).with_cause(algorithm.to_owned()))
        }
        _ => Err(errors::wrong_customer_key(
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret \
             key.",
        )),
    }
}

/// Tells how something is encrypted, in an output's members.
pub(crate) fn write(encryption: &Encryption, output: &mut dyn Struct) {
    let mut fields = FieldsMut(output);
    match encryption {
        Encryption::Region => fields.text("ServerSideEncryption", Some("AES256")),
        Encryption::Kms { key_id, is_dual_layer, has_bucket_key } => {
            let algorithm = if *is_dual_layer { "aws:kms:dsse" } else { "aws:kms" };
            fields.text("ServerSideEncryption", Some(algorithm));
            fields.text("SSEKMSKeyId", Some(key_id.clone()));
            fields.flag("BucketKeyEnabled", *has_bucket_key);
        }
        Encryption::DataKey { key_arn, is_dual_layer, has_bucket_key, .. } => {
            let algorithm = if *is_dual_layer { "aws:kms:dsse" } else { "aws:kms" };
            fields.text("ServerSideEncryption", Some(algorithm));
            fields.text("SSEKMSKeyId", Some(key_arn.clone()));
            fields.flag("BucketKeyEnabled", *has_bucket_key);
        }
        Encryption::Customer { key_md5 } => {
            fields.text("SSECustomerAlgorithm", Some("AES256"));
            fields.text("SSECustomerKeyMD5", Some(key_md5.clone()));
        }
    }
}

impl S3 {
    /// Holds a request for something to how that is encrypted: it brings the customer's key if there is one, and none
    /// otherwise.
    pub(crate) fn check_customer_key(
        &self,
        encryption: &Encryption,
        input: &dyn Struct,
        prefix: &str,
    ) -> Result<Option<Key>, ApiError> {
        let given = customer_key(Fields(input), prefix)?;
        match (encryption, given) {
            (Encryption::Customer { key_md5 }, Some((key, md5))) if *key_md5 == md5 => Ok(Some(key)),
            (Encryption::Customer { .. }, Some(_)) => Err(errors::access_denied("Access Denied")),
            (Encryption::Customer { .. }, None) => Err(errors::invalid_request(
                "The object was stored using a form of Server Side Encryption. The correct parameters must be provided \
                 to retrieve the object.",
            )),
            (_, Some(_)) => {
                Err(errors::invalid_request("The encryption parameters are not applicable to this object."))
            }
            (_, None) => Ok(None),
        }
    }

    /// The key that something is read with: the region's, one that KMS opens for the caller, or the customer's, which
    /// the request must bring.
    pub(crate) async fn key_for_reading(
        &self,
        ctx: &Ctx,
        encryption: &Encryption,
        customer_key: Option<Key>,
    ) -> Result<Key, ApiError> {
        match (customer_key, encryption) {
            (Some(key), _) => Ok(key),
            (None, Encryption::DataKey { key_arn, sealed, context, has_bucket_key, .. }) => {
                self.bucket_keys.open(ctx, (key_arn, sealed), context, *has_bucket_key).await
            }
            (None, _) => self.region_key(),
        }
    }

    /// The region's key, which is there once anything was stored.
    pub(crate) fn region_key(&self) -> Result<Key, ApiError> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        match tables::FACTS.find(&mut self.read()?, &FACT.to_owned())? {
            Some(Fact::Key(key)) => Ok(self.key.get_or_init(|| Key(key)).clone()),
            _ => Err(ApiError::internal("the region has no key for its objects")),
        }
    }

    /// The key to seal something new with. A plan of SSE-KMS is given its data key.
    pub(crate) async fn key_for_writing(
        &self,
        ctx: &Ctx,
        (bucket, object): (&str, &str),
        plan: &mut Plan,
    ) -> Result<Key, ApiError> {
        if let Some(key) = &plan.customer_key {
            return Ok(key.clone());
        }
        match &plan.encryption {
            Encryption::Kms { key_id, is_dual_layer, has_bucket_key } => {
                let context = plan.context.as_deref();
                let (is_dual_layer, has_bucket_key) = (*is_dual_layer, *has_bucket_key);
                let asked = Asked { key_id, is_dual_layer, has_bucket_key, context };
                let (key, encryption) = self.bucket_keys.generate(ctx, (bucket, object), asked).await?;
                plan.encryption = encryption;
                Ok(key)
            }
            Encryption::DataKey { .. } => self.key_for_reading(ctx, &plan.encryption, None).await,
            Encryption::Region | Encryption::Customer { .. } => self.drawn_region_key().await,
        }
    }

    /// As [`Self::region_key`]; drawn if need be.
    async fn drawn_region_key(&self) -> Result<Key, ApiError> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let fresh: [u8; 32] = self.cloud.ids().bytes();
        let key = self
            .write(move |tx| {
                if let Some(Fact::Key(key)) = tables::FACTS.find(tx, &FACT.to_owned())? {
                    return Ok(key);
                }
                tables::FACTS.put(tx, &FACT.to_owned(), &Fact::Key(fresh));
                Ok::<_, ApiError>(fresh)
            })
            .await?;
        Ok(self.key.get_or_init(|| Key(key)).clone())
    }
}
