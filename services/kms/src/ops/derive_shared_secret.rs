//! DeriveSharedSecret: elliptic-curve Diffie-Hellman with another party's public key.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::DeriveSharedSecret;
use kms_api::{DeriveSharedSecretInput, DeriveSharedSecretOutput};
use shapes::{ApiError, Blob};

use super::{check_dry_run, check_recipient};
use crate::lookup::Use;
use crate::spec::KeyUsage;
use crate::{Kms, asymmetric, errors};

impl Handle<DeriveSharedSecret> for Kms {
    fn guard(&self, ctx: &Ctx, input: &DeriveSharedSecretInput) -> Result<Guard, ApiError> {
        let guard = self.named_guard(ctx, &input.key_id, Use::of("DeriveSharedSecret"))?;
        Ok(guard.with("kms:keyagreementalgorithm", vec![input.key_agreement_algorithm.clone()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeriveSharedSecretInput,
    ) -> Result<DeriveSharedSecretOutput, ApiError> {
        check_recipient(input.recipient.as_ref())?;
        let located = self.made(ctx, &input.key_id).await?;
        located.check_usable(KeyUsage::KeyAgreement, "DeriveSharedSecret")?;
        let (_, private) = self.current_material(ctx, &located)?;
        let secret = asymmetric::agree(located.key.spec, &private, &input.public_key)?;
        let secret = secret.ok_or_else(|| {
            errors::validation("PublicKey must be a DER-encoded public key on the same curve as the KMS key.")
        })?;
        check_dry_run(input.dry_run)?;
        Ok(DeriveSharedSecretOutput {
            key_id: Some(located.arn()),
            shared_secret: Some(Blob::copy_from_slice(secret.bytes())),
            ciphertext_for_recipient: None,
            key_agreement_algorithm: Some(input.key_agreement_algorithm),
            key_origin: Some(located.key.origin.as_str().to_owned()),
        })
    }
}
