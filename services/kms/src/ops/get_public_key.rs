//! GetPublicKey: the public half of a key pair, for use outside KMS.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::GetPublicKey;
use kms_api::{GetPublicKeyInput, GetPublicKeyOutput};
use shapes::ApiError;

use crate::lookup::Use;
use crate::spec::Family;
use crate::{Kms, asymmetric, errors};

impl Handle<GetPublicKey> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GetPublicKeyInput) -> Result<Guard, ApiError> {
        self.named_guard(ctx, &input.key_id, Use::of("GetPublicKey"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetPublicKeyInput,
    ) -> Result<GetPublicKeyOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        let key = &located.key;
        if !matches!(key.spec.family(), Family::Rsa | Family::Ecc) {
            let arn = located.arn();
            return Err(errors::unsupported(format!(
                "{arn} is not an asymmetric key, which GetPublicKey needs."
            )));
        }
        located.check_enabled()?;
        let (_, private) = self.current_material(ctx, &located)?;
        let list = |names: &[&str]| {
            (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        Ok(GetPublicKeyOutput {
            key_id: Some(located.arn()),
            public_key: Some(asymmetric::public_key(key.spec, &private)?.into()),
            customer_master_key_spec: Some(key.spec.as_str().to_owned()),
            key_spec: Some(key.spec.as_str().to_owned()),
            key_usage: Some(key.usage.as_str().to_owned()),
            encryption_algorithms: list(key.spec.encryption_algorithms(key.usage)),
            signing_algorithms: list(key.spec.signing_algorithms(key.usage)),
            key_agreement_algorithms: list(key.spec.agreement_algorithms(key.usage)),
        })
    }
}
