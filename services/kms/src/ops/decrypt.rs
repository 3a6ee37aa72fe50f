//! Decrypt: with the key that the request or the ciphertext names.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::Decrypt;
use kms_api::{DecryptInput, DecryptOutput};
use shapes::{ApiError, Blob};

use super::{check_dry_run, check_recipient};
use crate::cryption::{SYMMETRIC, check_usable};
use crate::lookup::Use;
use crate::{Kms, errors};

fn algorithm(input: &DecryptInput) -> &str {
    input.encryption_algorithm.as_deref().unwrap_or(SYMMETRIC)
}

impl Handle<Decrypt> for Kms {
    fn guard(&self, ctx: &Ctx, input: &DecryptInput) -> Result<Guard, ApiError> {
        let algorithm = algorithm(input);
        let blob = input.ciphertext_blob.as_ref();
        let (id, located) = self.decrypting_key(ctx, input.key_id.as_deref(), algorithm, blob)?;
        let what = Use::with_context("Decrypt", input.encryption_context.as_ref());
        let guard = self.guard_of(ctx, &located, Use { alias: id.alias(), ..what })?;
        Ok(guard.with("kms:encryptionalgorithm", vec![algorithm.to_owned()]))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: DecryptInput) -> Result<DecryptOutput, ApiError> {
        check_recipient(input.recipient.as_ref())?;
        let algorithm = algorithm(&input);
        let blob = input.ciphertext_blob.as_ref();
        let (_, located) = self.decrypting_key(ctx, input.key_id.as_deref(), algorithm, blob)?;
        check_usable(&located, "Decrypt")?;
        let Some(blob) = blob else { return Err(errors::validation("CiphertextBlob is required")) };
        let context = input.encryption_context.as_ref();
        let (plaintext, material_id) = self.decrypt(ctx, &located, algorithm, context, blob)?;
        check_dry_run(input.dry_run)?;
        Ok(DecryptOutput {
            key_id: Some(located.arn()),
            plaintext: Some(Blob::copy_from_slice(plaintext.bytes())),
            key_material_id: (algorithm == SYMMETRIC).then_some(material_id),
            encryption_algorithm: Some(algorithm.to_owned()),
            ciphertext_for_recipient: None,
        })
    }
}
