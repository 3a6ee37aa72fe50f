//! UpdateSecret.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::UpdateSecret;
use secretsmanager_api::{UpdateSecretInput, UpdateSecretOutput};
use shapes::ApiError;

use crate::secret::CURRENT;
use crate::secret_id::SecretId;
use crate::values::Plain;
use crate::{SecretsManager, errors};

impl Handle<UpdateSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &UpdateSecretInput) -> Result<Guard, ApiError> {
        let guard = self.guard_of(ctx, &input.secret_id)?;
        Ok(match &input.kms_key_id {
            Some(key) => guard.with("secretsmanager:kmskeyid", vec![key.clone()]),
            None => guard,
        })
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateSecretInput,
    ) -> Result<UpdateSecretOutput, ApiError> {
        if input.r#type.is_some() {
            return Err(errors::is_not_here_yet("A secret managed by another party"));
        }
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let plain = Plain::parse(input.secret_string, input.secret_binary)?;
        let (description, key, now) = (input.description, input.kms_key_id, ctx.now());
        let secret = self
            .change(&id, move |_, secret| {
                secret.check_not_deleted()?;
                if let Some(description) = &description {
                    secret.description = Some(description.clone());
                    secret.changed = now;
                }
                if let Some(key) = &key {
                    secret.kms_key_id = Some(key.clone()).filter(|key| !key.is_empty());
                    secret.changed = now;
                }
                Ok(secret.clone())
            })
            .await?;
        let version_id = match &plain {
            Some(plain) => {
                let stages = vec![CURRENT.to_owned()];
                Some(self.put_version(ctx, &id, input.client_request_token, plain, stages).await?.0)
            }
            None => None,
        };
        Ok(UpdateSecretOutput { arn: Some(secret.arn), name: Some(secret.name), version_id })
    }
}
