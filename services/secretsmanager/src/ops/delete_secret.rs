//! DeleteSecret and RestoreSecret.

use std::sync::Arc;
use std::time::Duration;

use clock::Jobs;
use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::{DeleteSecret, RestoreSecret};
use secretsmanager_api::{DeleteSecretInput, DeleteSecretOutput, RestoreSecretInput, RestoreSecretOutput};
use shapes::ApiError;

use crate::jobs::{self, Event};
use crate::secret::Deletion;
use crate::secret_id::SecretId;
use crate::{SecretsManager, errors, rotation};

const DAY: Duration = Duration::from_secs(86_400);
/// The recovery window in days: least, most, and most when none is given.
const DAYS: std::ops::RangeInclusive<i64> = 7..=30;

impl Handle<DeleteSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &DeleteSecretInput) -> Result<Guard, ApiError> {
        let is_forced = input.force_delete_without_recovery == Some(true);
        let guard = self.guard_of(ctx, &input.secret_id)?;
        let guard = guard.with("secretsmanager:forcedeletewithoutrecovery", vec![is_forced.to_string()]);
        Ok(match input.recovery_window_in_days {
            Some(days) => guard.with("secretsmanager:recoverywindowindays", vec![days.to_string()]),
            None => guard,
        })
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteSecretInput,
    ) -> Result<DeleteSecretOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let is_forced = input.force_delete_without_recovery == Some(true);
        if is_forced && input.recovery_window_in_days.is_some() {
            return Err(errors::invalid_parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        let days = input.recovery_window_in_days.unwrap_or(*DAYS.end());
        let days = u32::try_from(days).ok().filter(|days| DAYS.contains(&i64::from(*days)));
        let days = days.ok_or_else(|| {
            errors::invalid_parameter(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            )
        })?;
        let owned = ctx.clone();
        let scope = id.scope();
        ctx.store()
            .write(&scope, move |tx| {
                let now = owned.now();
                if is_forced {
                    let secret = id.found(tx)?;
                    jobs::remove(tx, &secret.name, &secret.arn)?;
                    return Ok(DeleteSecretOutput {
                        arn: Some(secret.arn),
                        name: Some(secret.name),
                        deletion_date: Some(now),
                    });
                }
                id.change(tx, |tx, secret| {
                    secret.check_not_deleted()?;
                    rotation::cancel(tx, secret);
                    let due = now + DAY * days;
                    let job = jobs::schedule(&owned, tx, &secret.arn, Event::Deletion, due);
                    secret.deletion = Some(Deletion { since: now, job });
                    Ok(DeleteSecretOutput {
                        arn: Some(secret.arn.clone()),
                        name: Some(secret.name.clone()),
                        deletion_date: Some(due),
                    })
                })
            })
            .await
    }
}

impl Handle<RestoreSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &RestoreSecretInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RestoreSecretInput,
    ) -> Result<RestoreSecretOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let owned = ctx.clone();
        self.change(&id, move |tx, secret| {
            if let Some(deletion) = secret.deletion.take() {
                Jobs::cancel(tx, deletion.job);
                rotation::schedule(&owned, tx, secret);
            }
            Ok(RestoreSecretOutput { arn: Some(secret.arn.clone()), name: Some(secret.name.clone()) })
        })
        .await
    }
}
