//! Values: plain, or under a KMS key (User Guide, "AWS KMS encryption for AWS Systems Manager Parameter Store
//! SecureString parameters").

use std::fmt;

use cloud::Ctx;
use kms_api::op::{Decrypt, Encrypt};
use kms_api::{DecryptInput, EncryptInput};
use kms_envelope::Sealed;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map};

use crate::name::arn_of;
use crate::{PRINCIPAL, errors};

/// The account's own key for parameters.
pub(crate) const OWN_KEY: &str = "alias/aws/ssm";

/// A version's value, as it is stored.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Value {
    Plain(String),
    /// Encrypted by KMS itself: standard parameters.
    Encrypted(Vec<u8>),
    /// Under a data key: advanced parameters, which are too long for KMS.
    Sealed(Sealed),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Encrypted(_) => "Encrypted",
            Self::Sealed(_) => "Sealed",
        })
    }
}

fn context(ctx: &Ctx, name: &str) -> Map<String> {
    Map::from([("PARAMETER_ARN".to_owned(), arn_of(ctx, name))])
}

impl Value {
    /// Encrypts for the caller.
    pub(crate) async fn encrypt(
        ctx: &Ctx,
        name: &str,
        (key_id, is_advanced): (&str, bool),
        text: &str,
    ) -> Result<Self, ApiError> {
        let context = context(ctx, name);
        if is_advanced {
            let sealed = kms_envelope::seal(ctx, PRINCIPAL, key_id, &context, text.as_bytes()).await;
            return Ok(Self::Sealed(sealed.map_err(errors::of_kms)?));
        }
        let input = EncryptInput {
            key_id: key_id.to_owned(),
            plaintext: text.as_bytes().to_vec().into(),
            encryption_context: Some(context),
            ..EncryptInput::default()
        };
        let encrypted = ctx.via_service(PRINCIPAL).call::<Encrypt>(input).await.map_err(errors::of_kms)?;
        Ok(Self::Encrypted(encrypted.ciphertext_blob.unwrap_or_default().to_vec()))
    }

    /// The text for a reader: what is encrypted is decrypted if that is asked for, and told as it is otherwise.
    pub(crate) async fn read(&self, ctx: &Ctx, name: &str, decrypts: bool) -> Result<String, ApiError> {
        let bytes = match self {
            Self::Plain(text) => return Ok(text.clone()),
            Self::Encrypted(blob) if !decrypts => return Ok(base64(blob)),
            Self::Sealed(sealed) if !decrypts => return Ok(base64(&sealed.ciphertext())),
            Self::Encrypted(blob) => {
                let input = DecryptInput {
                    ciphertext_blob: Some(blob.clone().into()),
                    encryption_context: Some(context(ctx, name)),
                    ..DecryptInput::default()
                };
                let opened =
                    ctx.via_service(PRINCIPAL).call::<Decrypt>(input).await.map_err(errors::of_kms)?;
                opened.plaintext.unwrap_or_default().to_vec()
            }
            Self::Sealed(sealed) => {
                let opened = kms_envelope::open(ctx, PRINCIPAL, &context(ctx, name), sealed).await;
                opened.map_err(errors::of_kms)?.to_vec()
            }
        };
        String::from_utf8(bytes).map_err(ApiError::internal)
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
