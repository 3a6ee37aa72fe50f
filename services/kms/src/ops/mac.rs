//! GenerateMac and VerifyMac.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::{GenerateMac, VerifyMac};
use kms_api::{GenerateMacInput, GenerateMacOutput, VerifyMacInput, VerifyMacOutput};
use shapes::ApiError;

use super::check_dry_run;
use crate::key::Located;
use crate::lookup::Use;
use crate::spec::KeyUsage;
use crate::{Kms, errors, signing};

impl Handle<GenerateMac> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GenerateMacInput) -> Result<Guard, ApiError> {
        let guard = self.named_guard(ctx, &input.key_id, Use::of("GenerateMac"))?;
        Ok(guard.with("kms:macalgorithm", vec![input.mac_algorithm.clone()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GenerateMacInput,
    ) -> Result<GenerateMacOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        let mac = self.mac(ctx, &located, &input.mac_algorithm, &input.message, "GenerateMac")?;
        check_dry_run(input.dry_run)?;
        Ok(GenerateMacOutput {
            mac: Some(mac.into()),
            mac_algorithm: Some(input.mac_algorithm),
            key_id: Some(located.arn()),
        })
    }
}

impl Handle<VerifyMac> for Kms {
    fn guard(&self, ctx: &Ctx, input: &VerifyMacInput) -> Result<Guard, ApiError> {
        let guard = self.named_guard(ctx, &input.key_id, Use::of("VerifyMac"))?;
        Ok(guard.with("kms:macalgorithm", vec![input.mac_algorithm.clone()]))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: VerifyMacInput) -> Result<VerifyMacOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        let mac = self.mac(ctx, &located, &input.mac_algorithm, &input.message, "VerifyMac")?;
        if !signing::is_same_code(&mac, &input.mac) {
            return Err(errors::invalid_mac());
        }
        check_dry_run(input.dry_run)?;
        Ok(VerifyMacOutput {
            key_id: Some(located.arn()),
            mac_valid: Some(true),
            mac_algorithm: Some(input.mac_algorithm),
        })
    }
}

impl Kms {
    fn mac(
        &self,
        ctx: &Ctx,
        located: &Located,
        algorithm: &str,
        message: &[u8],
        operation: &str,
    ) -> Result<Vec<u8>, ApiError> {
        located.check_usable(KeyUsage::GenerateVerifyMac, operation)?;
        if !located.key.spec.mac_algorithms().contains(&algorithm) {
            return Err(errors::wrong_algorithm(algorithm, located.key.spec.as_str()));
        }
        let (_, secret) = self.current_material(ctx, located)?;
        signing::mac(&secret, algorithm, message)
    }
}
