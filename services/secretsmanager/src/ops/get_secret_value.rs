//! GetSecretValue and BatchGetSecretValue.

use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::{BatchGetSecretValue, GetSecretValue};
use secretsmanager_api::{
    APIErrorType, BatchGetSecretValueInput, BatchGetSecretValueOutput, GetSecretValueInput,
    GetSecretValueOutput, SecretValueEntry,
};
use shapes::{ApiError, Timestamp};

use super::list_secrets::{Matches, page};
use crate::secret_id::SecretId;
use crate::{SecretsManager, errors};

/// A secret's last access is noted as a day.
const DAY_SECONDS: i64 = 86_400;

impl Handle<GetSecretValue> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &GetSecretValueInput) -> Result<Guard, ApiError> {
        let mut guard = self.guard_of(ctx, &input.secret_id)?;
        if let Some(version) = &input.version_id {
            guard = guard.with("secretsmanager:versionid", vec![version.clone()]);
        }
        let stage = input.version_stage.as_deref().unwrap_or(crate::secret::CURRENT);
        Ok(guard.with("secretsmanager:versionstage", vec![stage.to_owned()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetSecretValueInput,
    ) -> Result<GetSecretValueOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let named = (input.version_id.as_deref(), input.version_stage.as_deref());
        let entry = self.read(ctx, &id, named).await?;
        Ok(GetSecretValueOutput {
            arn: entry.arn,
            name: entry.name,
            version_id: entry.version_id,
            secret_binary: entry.secret_binary,
            secret_string: entry.secret_string,
            version_stages: entry.version_stages,
            created_date: entry.created_date,
        })
    }
}

impl SecretsManager {
    /// Reads a value, and notes the day if it is the first read of the day.
    async fn read(
        self: &Arc<Self>,
        ctx: &Ctx,
        id: &SecretId,
        named: (Option<&str>, Option<&str>),
    ) -> Result<SecretValueEntry, ApiError> {
        let secret = self.secret(id)?;
        let entry = self.read_value(ctx, id, &secret, named).await?;
        let today = Timestamp::from_seconds(ctx.now().seconds() / DAY_SECONDS * DAY_SECONDS);
        if secret.accessed.is_none_or(|day| day + Duration::from_secs(DAY_SECONDS.unsigned_abs()) <= today) {
            self.change(id, move |_, secret| {
                secret.accessed = Some(today);
                Ok(())
            })
            .await?;
        }
        Ok(entry)
    }
}

impl Handle<BatchGetSecretValue> for SecretsManager {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: BatchGetSecretValueInput,
    ) -> Result<BatchGetSecretValueOutput, ApiError> {
        let (ids, next_token) = match (input.secret_id_list, input.filters) {
            (Some(ids), None) => (ids, None),
            (None, Some(filters)) => {
                let matches = Matches::parse(&filters)?;
                let limit = input.max_results.unwrap_or(20);
                let (secrets, next) = page(ctx, limit, input.next_token, |secret| {
                    secret.deletion.is_none() && matches.all(secret)
                })?;
                (secrets.into_iter().map(|secret| secret.arn).collect(), next)
            }
            _ => {
                let message = "Either 'SecretIdList' or 'Filters' must be provided, but not both.";
                return Err(errors::invalid_parameter(message));
            }
        };
        let (mut values, mut failed) = (Vec::new(), Vec::new());
        for text in ids {
            match self.read_allowed(ctx, &text).await {
                Ok(value) => values.push(value),
                Err(error) => failed.push(APIErrorType {
                    secret_id: Some(text),
                    error_code: Some(error.name().to_owned()),
                    message: Some(error.message().to_owned()),
                }),
            }
        }
        Ok(BatchGetSecretValueOutput { secret_values: Some(values), next_token, errors: Some(failed) })
    }
}

impl SecretsManager {
    async fn read_allowed(self: &Arc<Self>, ctx: &Ctx, text: &str) -> Result<SecretValueEntry, ApiError> {
        let guard = self.guard_of(ctx, text)?.action("secretsmanager:GetSecretValue");
        ctx.authorize(&secretsmanager_api::SERVICE, &guard)?;
        self.read(ctx, &SecretId::parse(ctx, text)?, (None, None)).await
    }
}
