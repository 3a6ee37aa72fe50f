//! Envelope encryption for services: small values sealed under a data key that KMS gives and opens for the caller, by
//! way of the service, so that the caller's permissions decide and `kms:ViaService` holds.
//!
//! [`seal`] has a data key for each value; [`DataKeys`] are used again for a while. For bodies that come in pieces a
//! service asks KMS itself.

mod data_keys;

use std::fmt;

use cloud::{Ctx, SealingKey};
use kms_api::op::{Decrypt, GenerateDataKey};
use kms_api::{DecryptInput, GenerateDataKeyInput};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map};
use zeroize::Zeroizing;

pub use data_keys::{DataKey, DataKeys, Use, prepare};

/// A value that only KMS opens, to be kept in a row.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// ARN of the KMS key.
    pub key_arn: String,
    data_key: Vec<u8>,
    bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key_arn", &self.key_arn).finish_non_exhaustive()
    }
}

impl Sealed {
    /// The sealed data key and the sealed value, for those who show what is stored.
    pub fn ciphertext(&self) -> Vec<u8> {
        [self.data_key.as_slice(), &self.bytes].concat()
    }
}

/// Seals `value` for the caller of `ctx` by way of `service` (`ssm.amazonaws.com`). Errors are those of KMS.
pub async fn seal(
    ctx: &Ctx,
    service: &'static str,
    key_id: &str,
    context: &Map<String>,
    value: &[u8],
) -> Result<Sealed, ApiError> {
    let input = GenerateDataKeyInput {
        key_id: key_id.to_owned(),
        encryption_context: Some(context.clone()),
        key_spec: Some("AES_256".to_owned()),
        ..GenerateDataKeyInput::default()
    };
    let made = ctx.via_service(service).call::<GenerateDataKey>(input).await?;
    let key = sealing_key(made.plaintext.as_deref())?;
    Ok(Sealed {
        key_arn: made.key_id.unwrap_or_default(),
        data_key: made.ciphertext_blob.unwrap_or_default().to_vec(),
        bytes: key.seal(ctx.ids(), b"", value)?,
    })
}

/// Opens what [`seal`] sealed under the same context. Errors are those of KMS.
pub async fn open(
    ctx: &Ctx,
    service: &'static str,
    context: &Map<String>,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let input = DecryptInput {
        ciphertext_blob: Some(sealed.data_key.clone().into()),
        encryption_context: Some(context.clone()),
        key_id: Some(sealed.key_arn.clone()),
        ..DecryptInput::default()
    };
    let opened = ctx.via_service(service).call::<Decrypt>(input).await?;
    let key = sealing_key(opened.plaintext.as_deref())?;
    let value = key.open(b"", &sealed.bytes);
    value.map(Zeroizing::new).ok_or_else(|| ApiError::internal("a sealed value is damaged"))
}

fn sealing_key(data_key: Option<&[u8]>) -> Result<SealingKey, ApiError> {
    let key = data_key.and_then(SealingKey::of_data_key);
    key.ok_or_else(|| ApiError::internal("KMS gave a data key of another length"))
}

#[cfg(test)]
mod tests {
    use kms_api::CreateKeyInput;
    use kms_api::op::CreateKey;
    use shapes::Map;

    #[tokio::test]
    async fn a_value_opens_with_its_context_alone() {
        let region = kit::TestRegion::start(|cloud| vec![kms::KmsService::new(cloud.clone()).service()]);
        let ctx = region.ctx();
        let key = ctx.call::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata.unwrap();
        let context = Map::from([("name".to_owned(), "a".to_owned())]);
        let service = "ssm.amazonaws.com";
        let sealed = super::seal(&ctx, service, &key.key_id, &context, b"value").await.unwrap();
        assert_eq!(Some(&sealed.key_arn), key.arn.as_ref());
        assert_eq!(super::open(&ctx, service, &context, &sealed).await.unwrap().as_slice(), b"value");
        let error = super::open(&ctx, service, &Map::new(), &sealed).await.unwrap_err();
        assert_eq!(error.name(), "InvalidCiphertextException");
    }
}
