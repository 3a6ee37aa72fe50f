//! PutSecretValue.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::PutSecretValue;
use secretsmanager_api::{PutSecretValueInput, PutSecretValueOutput};
use shapes::ApiError;

use crate::secret::{CURRENT, Version};
use crate::secret_id::SecretId;
use crate::values::Plain;
use crate::{SecretsManager, errors, tables};

impl Handle<PutSecretValue> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &PutSecretValueInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutSecretValueInput,
    ) -> Result<PutSecretValueOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let plain = Plain::parse(input.secret_string, input.secret_binary)?;
        let plain = plain.ok_or_else(|| {
            errors::invalid_request("You must provide either SecretString or SecretBinary.")
        })?;
        let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        let token = input.client_request_token;
        let (version, stages) = self.put_version(ctx, &id, token, &plain, stages).await?;
        let secret = self.secret(&id)?;
        Ok(PutSecretValueOutput {
            arn: Some(secret.arn),
            name: Some(secret.name),
            version_id: Some(version),
            version_stages: Some(stages),
        })
    }
}

impl SecretsManager {
    /// Stores a value as a version and gives it stages. The same value under the same id once more changes nothing.
    pub(super) async fn put_version(
        self: &Arc<Self>,
        ctx: &Ctx,
        id: &SecretId,
        token: Option<String>,
        plain: &Plain,
        stages: Vec<String>,
    ) -> Result<(String, Vec<String>), ApiError> {
        let secret = self.secret(id)?;
        secret.check_not_deleted()?;
        let version = token.unwrap_or_else(|| ctx.ids().uuid());
        let place = (secret.arn.as_str(), version.as_str());
        if self.value(id, place.0, place.1)?.is_some() {
            if self.holds(ctx, id, place, plain).await? {
                let stages = secret.versions.get(&version).map(|version| version.stages.clone());
                return Ok((version, stages.unwrap_or_default()));
            }
            return Err(errors::version_exists(&version));
        }
        let value = self.seal(ctx, place, secret.kms_key_id.as_deref(), plain).await?;
        let (made, now) = (version.clone(), ctx.now());
        let stages = self
            .change(id, move |tx, secret| {
                secret.check_not_deleted()?;
                let key_arn = Some(value.sealed.key_arn.clone());
                let entry = secret.versions.entry(made.clone());
                let entry = entry.or_insert(Version { created: now, stages: Vec::new(), key_arn: None });
                entry.key_arn = key_arn;
                for stage in &stages {
                    secret.move_stage(stage, &made);
                }
                // The first version is current whatever it was asked to be.
                if secret.version_at(CURRENT).is_none() {
                    secret.move_stage(CURRENT, &made);
                }
                secret.check_stages()?;
                secret.changed = now;
                for dropped in secret.drop_deprecated(now) {
                    tables::VALUES.delete(tx, &(secret.arn.clone(), dropped));
                }
                tables::VALUES.put(tx, &(secret.arn.clone(), made.clone()), &value);
                Ok(secret.versions.get(&made).map(|version| version.stages.clone()).unwrap_or_default())
            })
            .await?;
        Ok((version, stages))
    }
}
