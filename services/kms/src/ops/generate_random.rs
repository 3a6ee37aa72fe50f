//! GenerateRandom.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use kms_api::op::GenerateRandom;
use kms_api::{GenerateRandomInput, GenerateRandomOutput};
use shapes::{ApiError, Blob};

use super::check_recipient;
use crate::material::Secret;
use crate::{Kms, errors};

impl Handle<GenerateRandom> for Kms {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GenerateRandomInput,
    ) -> Result<GenerateRandomOutput, ApiError> {
        check_recipient(input.recipient.as_ref())?;
        if input.custom_key_store_id.is_some() {
            return Err(errors::is_not_here_yet("A custom key store"));
        }
        let count = input.number_of_bytes.and_then(|count| usize::try_from(count).ok());
        let count = count.ok_or_else(|| errors::validation("NumberOfBytes is required"))?;
        let bytes = Secret::random(ctx.ids(), count.min(1024));
        Ok(GenerateRandomOutput {
            plaintext: Some(Blob::copy_from_slice(bytes.bytes())),
            ciphertext_for_recipient: None,
        })
    }
}
