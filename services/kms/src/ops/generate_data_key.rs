//! GenerateDataKey and GenerateDataKeyWithoutPlaintext: a fresh key in the clear and encrypted, for use outside KMS.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::{GenerateDataKey, GenerateDataKeyWithoutPlaintext};
use kms_api::{
    GenerateDataKeyInput, GenerateDataKeyOutput, GenerateDataKeyWithoutPlaintextInput,
    GenerateDataKeyWithoutPlaintextOutput,
};
use shapes::{ApiError, Blob, Map};

use super::{check_dry_run, check_recipient};
use crate::cryption::{Encrypted, SYMMETRIC, check_usable};
use crate::key::Located;
use crate::lookup::Use;
use crate::material::Secret;
use crate::spec::KeySpec;
use crate::{Kms, errors};

impl Handle<GenerateDataKey> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GenerateDataKeyInput) -> Result<Guard, ApiError> {
        let what = Use::with_context("GenerateDataKey", input.encryption_context.as_ref());
        let guard = self.named_guard(ctx, &input.key_id, what)?;
        Ok(guard.with("kms:encryptionalgorithm", vec![SYMMETRIC.to_owned()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GenerateDataKeyInput,
    ) -> Result<GenerateDataKeyOutput, ApiError> {
        check_recipient(input.recipient.as_ref())?;
        let length = data_key_length(input.key_spec.as_deref(), input.number_of_bytes)?;
        let located = self.made(ctx, &input.key_id).await?;
        let context = input.encryption_context.as_ref();
        let (secret, encrypted) = self.data_key(ctx, &located, "GenerateDataKey", context, length)?;
        check_dry_run(input.dry_run)?;
        Ok(GenerateDataKeyOutput {
            ciphertext_blob: Some(encrypted.blob),
            plaintext: Some(Blob::copy_from_slice(secret.bytes())),
            key_id: Some(located.arn()),
            ciphertext_for_recipient: None,
            key_material_id: Some(encrypted.material_id),
        })
    }
}

impl Handle<GenerateDataKeyWithoutPlaintext> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GenerateDataKeyWithoutPlaintextInput) -> Result<Guard, ApiError> {
        let context = input.encryption_context.as_ref();
        let what = Use::with_context("GenerateDataKeyWithoutPlaintext", context);
        let guard = self.named_guard(ctx, &input.key_id, what)?;
        Ok(guard.with("kms:encryptionalgorithm", vec![SYMMETRIC.to_owned()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GenerateDataKeyWithoutPlaintextInput,
    ) -> Result<GenerateDataKeyWithoutPlaintextOutput, ApiError> {
        let length = data_key_length(input.key_spec.as_deref(), input.number_of_bytes)?;
        let located = self.made(ctx, &input.key_id).await?;
        let context = input.encryption_context.as_ref();
        let operation = "GenerateDataKeyWithoutPlaintext";
        let (_, encrypted) = self.data_key(ctx, &located, operation, context, length)?;
        check_dry_run(input.dry_run)?;
        Ok(GenerateDataKeyWithoutPlaintextOutput {
            ciphertext_blob: Some(encrypted.blob),
            key_id: Some(located.arn()),
            key_material_id: Some(encrypted.material_id),
        })
    }
}

impl Kms {
    fn data_key(
        &self,
        ctx: &Ctx,
        located: &Located,
        operation: &str,
        context: Option<&Map<String>>,
        length: usize,
    ) -> Result<(Secret, Encrypted), ApiError> {
        check_wraps_data_keys(located, operation)?;
        let secret = Secret::random(ctx.ids(), length);
        let encrypted = self.encrypt(ctx, located, SYMMETRIC, context, secret.bytes())?;
        Ok((secret, encrypted))
    }
}

/// Data keys are encrypted by symmetric keys alone.
pub(super) fn check_wraps_data_keys(located: &Located, operation: &str) -> Result<(), ApiError> {
    check_usable(located, operation)?;
    if located.key.spec != KeySpec::Symmetric {
        return Err(errors::not_symmetric(&located.arn(), located.key.spec.as_str(), operation));
    }
    Ok(())
}

/// Bytes of the data key that is asked for, one way or the other.
fn data_key_length(spec: Option<&str>, bytes: Option<i32>) -> Result<usize, ApiError> {
    match (spec, bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes @ 1..=1024)) => Ok(bytes.unsigned_abs() as usize),
        _ => Err(errors::validation("Please specify either number of bytes or key spec.")),
    }
}
