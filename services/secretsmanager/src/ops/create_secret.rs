//! CreateSecret.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::CreateSecret;
use secretsmanager_api::{CreateSecretInput, CreateSecretOutput};
use shapes::ApiError;

use crate::secret::{self, CURRENT, Secret, Version};
use crate::values::Plain;
use crate::{SecretsManager, errors, secret_id, tables};

impl Handle<CreateSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &CreateSecretInput) -> Result<Guard, ApiError> {
        let (region, account) = (ctx.region(), ctx.account());
        let arn = format!("arn:aws:secretsmanager:{region}:{account}:secret:{}-??????", input.name);
        let mut guard = Guard::resource(arn).with("secretsmanager:name", vec![input.name.clone()]);
        if let Some(description) = &input.description {
            guard = guard.with("secretsmanager:description", vec![description.clone()]);
        }
        if let Some(key) = &input.kms_key_id {
            guard = guard.with("secretsmanager:kmskeyid", vec![key.clone()]);
        }
        let tags = input.tags.as_deref().unwrap_or_default();
        if tags.is_empty() {
            return Ok(guard);
        }
        let guard = super::tags::asked(guard, tags);
        let tagging = guard.clone().action("secretsmanager:TagResource");
        Ok(guard.and(tagging))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateSecretInput,
    ) -> Result<CreateSecretOutput, ApiError> {
        if input.add_replica_regions.as_ref().is_some_and(|regions| !regions.is_empty()) {
            return Err(errors::is_not_here_yet("Replication of secrets"));
        }
        if input.r#type.is_some() {
            return Err(errors::is_not_here_yet("A secret managed by another party"));
        }
        check_name(&input.name)?;
        if let Some(existing) = tables::SECRETS.find(&mut ctx.read()?, &input.name)? {
            return self.again(ctx, existing, input).await;
        }
        let arn = secret_id::new_arn(ctx, &input.name);
        let version = input.client_request_token.clone().unwrap_or_else(|| ctx.ids().uuid());
        let plain = Plain::parse(input.secret_string, input.secret_binary)?;
        let key_id = input.kms_key_id.filter(|key| !key.is_empty());
        let value = match &plain {
            Some(plain) => Some(self.seal(ctx, (&arn, &version), key_id.as_deref(), plain).await?),
            None => None,
        };
        let now = ctx.now();
        let mut secret = Secret {
            name: input.name,
            arn,
            created: now,
            changed: now,
            accessed: None,
            description: input.description,
            kms_key_id: key_id,
            tags: secret::tags(input.tags.unwrap_or_default())?,
            policy: None,
            versions: Default::default(),
            rotation: None,
            rotated: None,
            deletion: None,
        };
        if let Some(value) = &value {
            let key_arn = Some(value.sealed.key_arn.clone());
            let made = Version { created: now, stages: vec![CURRENT.to_owned()], key_arn };
            secret.versions.insert(version.clone(), made);
        }
        let (stored, id) = (secret.clone(), version.clone());
        let has_value = value.is_some();
        ctx.write(move |tx| {
            if tables::SECRETS.contains(tx, &stored.name)? {
                return Err(errors::exists(&stored.name));
            }
            if let Some(value) = &value {
                tables::VALUES.put(tx, &(stored.arn.clone(), id.clone()), value);
            }
            tables::SECRETS.put(tx, &stored.name, &stored);
            Ok(())
        })
        .await?;
        Ok(CreateSecretOutput {
            arn: Some(secret.arn),
            name: Some(secret.name),
            version_id: has_value.then_some(version),
            replication_status: None,
        })
    }
}

impl SecretsManager {
    /// What a request answers whose secret is there: the same once more is no error.
    async fn again(
        &self,
        ctx: &Ctx,
        existing: Secret,
        input: CreateSecretInput,
    ) -> Result<CreateSecretOutput, ApiError> {
        if existing.deletion.is_some() {
            return Err(errors::name_is_being_deleted());
        }
        let plain = Plain::parse(input.secret_string, input.secret_binary)?;
        if let (Some(version), Some(plain)) = (input.client_request_token, plain) {
            let id = secret_id::SecretId::parse(ctx, &existing.arn)?;
            if self.holds(ctx, &id, (&existing.arn, &version), &plain).await? {
                return Ok(CreateSecretOutput {
                    arn: Some(existing.arn),
                    name: Some(existing.name),
                    version_id: Some(version),
                    replication_status: None,
                });
            }
        }
        Err(errors::exists(&existing.name))
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(errors::invalid_parameter(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}
