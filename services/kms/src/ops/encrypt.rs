//! Encrypt: up to 4 KiB, or what fits an RSA key.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::Encrypt;
use kms_api::{EncryptInput, EncryptOutput};
use shapes::ApiError;

use super::check_dry_run;
use crate::Kms;
use crate::cryption::{SYMMETRIC, check_usable};
use crate::lookup::Use;

impl Handle<Encrypt> for Kms {
    fn guard(&self, ctx: &Ctx, input: &EncryptInput) -> Result<Guard, ApiError> {
        let what = Use::with_context("Encrypt", input.encryption_context.as_ref());
        let algorithm = input.encryption_algorithm.as_deref().unwrap_or(SYMMETRIC);
        let guard = self.named_guard(ctx, &input.key_id, what)?;
        Ok(guard.with("kms:encryptionalgorithm", vec![algorithm.to_owned()]))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: EncryptInput) -> Result<EncryptOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        check_usable(&located, "Encrypt")?;
        let algorithm = input.encryption_algorithm.unwrap_or_else(|| SYMMETRIC.to_owned());
        let context = input.encryption_context.as_ref();
        let encrypted = self.encrypt(ctx, &located, &algorithm, context, &input.plaintext)?;
        check_dry_run(input.dry_run)?;
        Ok(EncryptOutput {
            ciphertext_blob: Some(encrypted.blob),
            key_id: Some(located.arn()),
            encryption_algorithm: Some(algorithm),
        })
    }
}
