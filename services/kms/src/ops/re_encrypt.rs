//! ReEncrypt: from one key to another, or to another context, without the plaintext leaving KMS.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::ReEncrypt;
use kms_api::{ReEncryptInput, ReEncryptOutput};
use shapes::ApiError;

use super::check_dry_run;
use crate::cryption::{SYMMETRIC, check_usable};
use crate::key_id::KeyId;
use crate::lookup::Use;
use crate::{Kms, errors};

fn source_algorithm(input: &ReEncryptInput) -> &str {
    input.source_encryption_algorithm.as_deref().unwrap_or(SYMMETRIC)
}

fn destination_algorithm(input: &ReEncryptInput) -> &str {
    input.destination_encryption_algorithm.as_deref().unwrap_or(SYMMETRIC)
}

impl Handle<ReEncrypt> for Kms {
    /// Two actions, each under the policy of its key.
    fn guard(&self, ctx: &Ctx, input: &ReEncryptInput) -> Result<Guard, ApiError> {
        let algorithm = source_algorithm(input);
        let blob = input.ciphertext_blob.as_ref();
        let (id, source) = self.decrypting_key(ctx, input.source_key_id.as_deref(), algorithm, blob)?;
        let to = KeyId::parse(ctx, &input.destination_key_id)?;
        let destination = self.locate(ctx, &to)?;
        let is_same = source.arn() == destination.arn();
        let from_use = Use::with_context("ReEncryptFrom", input.source_encryption_context.as_ref());
        let from = self.guard_of(ctx, &source, Use { alias: id.alias(), ..from_use })?;
        let to_use = Use::with_context("ReEncryptTo", input.destination_encryption_context.as_ref());
        let into = self.guard_of(ctx, &destination, Use { alias: to.alias(), ..to_use })?;
        let with = |guard: Guard, action: &'static str, algorithm: &str| {
            guard
                .action(action)
                .with("kms:encryptionalgorithm", vec![algorithm.to_owned()])
                .with("kms:reencryptonsamekey", vec![is_same.to_string()])
        };
        let into = with(into, "kms:ReEncryptTo", destination_algorithm(input));
        Ok(with(from, "kms:ReEncryptFrom", algorithm).and(into))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ReEncryptInput) -> Result<ReEncryptOutput, ApiError> {
        let (from, to) = (source_algorithm(&input), destination_algorithm(&input));
        let blob = input.ciphertext_blob.as_ref();
        let (_, source) = self.decrypting_key(ctx, input.source_key_id.as_deref(), from, blob)?;
        check_usable(&source, "ReEncrypt")?;
        let destination = self.made(ctx, &input.destination_key_id).await?;
        check_usable(&destination, "ReEncrypt")?;
        let Some(blob) = blob else { return Err(errors::validation("CiphertextBlob is required")) };
        let context = input.source_encryption_context.as_ref();
        let (plaintext, source_material) = self.decrypt(ctx, &source, from, context, blob)?;
        let context = input.destination_encryption_context.as_ref();
        let encrypted = self.encrypt(ctx, &destination, to, context, plaintext.bytes())?;
        check_dry_run(input.dry_run)?;
        Ok(ReEncryptOutput {
            ciphertext_blob: Some(encrypted.blob),
            source_key_id: Some(source.arn()),
            key_id: Some(destination.arn()),
            source_encryption_algorithm: Some(from.to_owned()),
            destination_encryption_algorithm: Some(to.to_owned()),
            source_key_material_id: (from == SYMMETRIC).then_some(source_material),
            destination_key_material_id: (to == SYMMETRIC).then_some(encrypted.material_id),
        })
    }
}
