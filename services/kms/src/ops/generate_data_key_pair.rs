//! GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext: a fresh key pair for use outside KMS, its private half
//! encrypted.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::{GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext};
use kms_api::{
    GenerateDataKeyPairInput, GenerateDataKeyPairOutput, GenerateDataKeyPairWithoutPlaintextInput,
    GenerateDataKeyPairWithoutPlaintextOutput,
};
use shapes::{ApiError, Blob, Map};

use super::generate_data_key::check_wraps_data_keys;
use super::{check_dry_run, check_recipient};
use crate::cryption::{Encrypted, SYMMETRIC};
use crate::key::Located;
use crate::lookup::Use;
use crate::material::Secret;
use crate::spec::{Family, KeySpec};
use crate::{Kms, asymmetric, errors};

/// A key pair and its private half encrypted.
struct Pair {
    private: Secret,
    public: Blob,
    encrypted: Encrypted,
}

impl Handle<GenerateDataKeyPair> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GenerateDataKeyPairInput) -> Result<Guard, ApiError> {
        let what = Use::with_context("GenerateDataKeyPair", input.encryption_context.as_ref());
        let guard = self.named_guard(ctx, &input.key_id, what)?;
        Ok(guard.with("kms:datakeypairspec", vec![input.key_pair_spec.clone()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GenerateDataKeyPairInput,
    ) -> Result<GenerateDataKeyPairOutput, ApiError> {
        check_recipient(input.recipient.as_ref())?;
        let located = self.made(ctx, &input.key_id).await?;
        check_wraps_data_keys(&located, "GenerateDataKeyPair")?;
        check_dry_run(input.dry_run)?;
        let context = input.encryption_context.as_ref();
        let pair = self.data_key_pair(ctx, &located, &input.key_pair_spec, context).await?;
        Ok(GenerateDataKeyPairOutput {
            private_key_ciphertext_blob: Some(pair.encrypted.blob),
            private_key_plaintext: Some(Blob::copy_from_slice(pair.private.bytes())),
            public_key: Some(pair.public),
            key_id: Some(located.arn()),
            key_pair_spec: Some(input.key_pair_spec),
            ciphertext_for_recipient: None,
            key_material_id: Some(pair.encrypted.material_id),
        })
    }
}

impl Handle<GenerateDataKeyPairWithoutPlaintext> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GenerateDataKeyPairWithoutPlaintextInput) -> Result<Guard, ApiError> {
        let context = input.encryption_context.as_ref();
        let what = Use::with_context("GenerateDataKeyPairWithoutPlaintext", context);
        let guard = self.named_guard(ctx, &input.key_id, what)?;
        Ok(guard.with("kms:datakeypairspec", vec![input.key_pair_spec.clone()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GenerateDataKeyPairWithoutPlaintextInput,
    ) -> Result<GenerateDataKeyPairWithoutPlaintextOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        check_wraps_data_keys(&located, "GenerateDataKeyPairWithoutPlaintext")?;
        check_dry_run(input.dry_run)?;
        let context = input.encryption_context.as_ref();
        let pair = self.data_key_pair(ctx, &located, &input.key_pair_spec, context).await?;
        Ok(GenerateDataKeyPairWithoutPlaintextOutput {
            private_key_ciphertext_blob: Some(pair.encrypted.blob),
            public_key: Some(pair.public),
            key_id: Some(located.arn()),
            key_pair_spec: Some(input.key_pair_spec),
            key_material_id: Some(pair.encrypted.material_id),
        })
    }
}

impl Kms {
    async fn data_key_pair(
        &self,
        ctx: &Ctx,
        located: &Located,
        spec: &str,
        context: Option<&Map<String>>,
    ) -> Result<Pair, ApiError> {
        let known = KeySpec::parse(spec).filter(|spec| matches!(spec.family(), Family::Rsa | Family::Ecc));
        let spec = known.ok_or_else(|| errors::is_not_here_yet(&format!("The key pair spec {spec}")))?;
        let private = self.generate_secret(ctx, spec).await?;
        let public = asymmetric::public_key(spec, &private)?.into();
        let encrypted = self.encrypt(ctx, located, SYMMETRIC, context, private.bytes())?;
        Ok(Pair { private, public, encrypted })
    }
}
