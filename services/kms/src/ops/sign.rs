//! Sign and Verify.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::{Sign, Verify};
use kms_api::{SignInput, SignOutput, VerifyInput, VerifyOutput};
use shapes::ApiError;

use super::check_dry_run;
use crate::key::Located;
use crate::lookup::Use;
use crate::spec::KeyUsage;
use crate::{Kms, errors, signing};

impl Handle<Sign> for Kms {
    fn guard(&self, ctx: &Ctx, input: &SignInput) -> Result<Guard, ApiError> {
        let guard = self.named_guard(ctx, &input.key_id, Use::of("Sign"))?;
        Ok(asked(guard, &input.signing_algorithm, input.message_type.as_deref()))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: SignInput) -> Result<SignOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        check(&located, &input.signing_algorithm, "Sign")?;
        let digest =
            signing::digest(&input.signing_algorithm, input.message_type.as_deref(), &input.message)?;
        let (_, private) = self.current_material(ctx, &located)?;
        check_dry_run(input.dry_run)?;
        let spec = located.key.spec;
        let signature = signing::sign(ctx.ids(), spec, &private, &input.signing_algorithm, &digest)?;
        Ok(SignOutput {
            key_id: Some(located.arn()),
            signature: Some(signature.into()),
            signing_algorithm: Some(input.signing_algorithm),
        })
    }
}

impl Handle<Verify> for Kms {
    fn guard(&self, ctx: &Ctx, input: &VerifyInput) -> Result<Guard, ApiError> {
        let guard = self.named_guard(ctx, &input.key_id, Use::of("Verify"))?;
        Ok(asked(guard, &input.signing_algorithm, input.message_type.as_deref()))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: VerifyInput) -> Result<VerifyOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        check(&located, &input.signing_algorithm, "Verify")?;
        let digest =
            signing::digest(&input.signing_algorithm, input.message_type.as_deref(), &input.message)?;
        let (_, private) = self.current_material(ctx, &located)?;
        check_dry_run(input.dry_run)?;
        let spec = located.key.spec;
        if !signing::verify(spec, &private, &input.signing_algorithm, &digest, &input.signature)? {
            return Err(errors::invalid_signature());
        }
        Ok(VerifyOutput {
            key_id: Some(located.arn()),
            signature_valid: Some(true),
            signing_algorithm: Some(input.signing_algorithm),
        })
    }
}

fn asked(guard: Guard, algorithm: &str, message_type: Option<&str>) -> Guard {
    guard
        .with("kms:signingalgorithm", vec![algorithm.to_owned()])
        .with("kms:messagetype", vec![message_type.unwrap_or("RAW").to_owned()])
}

fn check(located: &Located, algorithm: &str, operation: &str) -> Result<(), ApiError> {
    located.check_usable(KeyUsage::SignVerify, operation)?;
    let key = &located.key;
    if key.spec.signing_algorithms(key.usage).contains(&algorithm) {
        return Ok(());
    }
    Err(errors::wrong_algorithm(algorithm, key.spec.as_str()))
}
