//! RotateSecret and CancelRotateSecret.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::{CancelRotateSecret, RotateSecret};
use secretsmanager_api::{
    CancelRotateSecretInput, CancelRotateSecretOutput, RotateSecretInput, RotateSecretOutput,
};
use shapes::ApiError;

use crate::jobs::{self, Event};
use crate::secret::{PENDING, Rotation};
use crate::secret_id::SecretId;
use crate::{SecretsManager, errors, rotation};

impl Handle<RotateSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &RotateSecretInput) -> Result<Guard, ApiError> {
        let guard = self.guard_of(ctx, &input.secret_id)?;
        let immediately = input.rotate_immediately.unwrap_or(true);
        let guard = guard.with("secretsmanager:rotateimmediately", vec![immediately.to_string()]);
        Ok(match &input.rotation_lambda_arn {
            Some(arn) => guard.with("secretsmanager:rotationlambdaarn", vec![arn.clone()]),
            None => guard,
        })
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RotateSecretInput,
    ) -> Result<RotateSecretOutput, ApiError> {
        if input.external_secret_rotation_role_arn.is_some()
            || input.external_secret_rotation_metadata.is_some()
        {
            return Err(errors::is_not_here_yet("Rotation of secrets managed by another party"));
        }
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let secret = self.secret(&id)?;
        secret.check_not_deleted()?;
        let before = secret.rotation.clone();
        let given = input.rotation_lambda_arn.filter(|arn| !arn.is_empty());
        let function = given.or_else(|| before.as_ref().map(|rotation| rotation.function.clone()));
        let function = function.ok_or_else(|| {
            errors::invalid_request("No Lambda rotation function ARN is associated with this secret.")
        })?;
        rotation::check_function(ctx, &secret.arn, &function).await?;
        let rules = input.rotation_rules.or_else(|| before.as_ref().map(Rotation::rules)).unwrap_or_default();
        let asked = Rotation {
            is_enabled: true,
            function,
            after_days: rules.automatically_after_days,
            schedule: rules.schedule_expression,
            duration: rules.duration,
            next: None,
            making: None,
        };
        asked.check()?;
        let immediately = input.rotate_immediately.unwrap_or(true);
        let version = input.client_request_token.unwrap_or_else(|| ctx.ids().uuid());
        let owned = ctx.clone();
        self.change(&id, move |tx, secret| {
            secret.check_not_deleted()?;
            rotation::cancel(tx, secret);
            let making = secret.rotation.as_ref().and_then(|rotation| rotation.making.clone());
            secret.rotation = Some(Rotation { making, ..asked.clone() });
            rotation::schedule(&owned, tx, secret);
            let version_id = if immediately {
                let version = rotation::begin(&owned, secret, version.clone())?;
                jobs::schedule(&owned, tx, &secret.arn, Event::Rotation, owned.now());
                Some(version)
            } else {
                None
            };
            Ok(RotateSecretOutput {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
                version_id,
            })
        })
        .await
    }
}

impl Handle<CancelRotateSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &CancelRotateSecretInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CancelRotateSecretInput,
    ) -> Result<CancelRotateSecretOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        self.change(&id, move |tx, secret| {
            secret.check_not_deleted()?;
            rotation::cancel(tx, secret);
            let rotation = secret.rotation.as_mut();
            let rotation =
                rotation.ok_or_else(|| errors::invalid_request("This secret is not set up for rotation."))?;
            rotation.is_enabled = false;
            let making = rotation.making.take();
            // What a rotation left half done is to be seen by its stage.
            let version_id = making.filter(|id| secret.version_at(PENDING) == Some(id));
            Ok(CancelRotateSecretOutput {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
                version_id,
            })
        })
        .await
    }
}
