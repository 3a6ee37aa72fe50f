//! UpdateSecretVersionStage.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::UpdateSecretVersionStage;
use secretsmanager_api::{UpdateSecretVersionStageInput, UpdateSecretVersionStageOutput};
use shapes::ApiError;

use crate::secret::{CURRENT, Secret};
use crate::secret_id::SecretId;
use crate::{SecretsManager, errors};

impl Handle<UpdateSecretVersionStage> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &UpdateSecretVersionStageInput) -> Result<Guard, ApiError> {
        let guard = self.guard_of(ctx, &input.secret_id)?;
        Ok(guard.with("secretsmanager:versionstage", vec![input.version_stage.clone()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateSecretVersionStageInput,
    ) -> Result<UpdateSecretVersionStageOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let now = ctx.now();
        self.change(&id, move |_, secret| {
            secret.check_not_deleted()?;
            let (from, to) = (input.remove_from_version_id.as_deref(), input.move_to_version_id.as_deref());
            update(secret, &input.version_stage, from, to)?;
            secret.check_stages()?;
            secret.changed = now;
            Ok(UpdateSecretVersionStageOutput {
                arn: Some(secret.arn.clone()),
                name: Some(secret.name.clone()),
            })
        })
        .await
    }
}

fn update(secret: &mut Secret, stage: &str, from: Option<&str>, to: Option<&str>) -> Result<(), ApiError> {
    for id in [from, to].into_iter().flatten() {
        if !secret.versions.contains_key(id) {
            return Err(errors::no_such_version(id));
        }
    }
    let holder = secret.version_at(stage).map(str::to_owned);
    match (holder, from, to) {
        (Some(holder), None, Some(to)) if holder != to => Err(errors::invalid_parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
             {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        ))),
        (holder, Some(from), _) if holder.as_deref() != Some(from) => {
            Err(errors::invalid_parameter(format!(
                "Staging label {stage} is not attached to version {from}, which RemoveFromVersionId names."
            )))
        }
        (_, _, Some(to)) => {
            secret.move_stage(stage, to);
            Ok(())
        }
        (_, Some(_), None) if stage == CURRENT => Err(errors::invalid_parameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
        )),
        (_, Some(_), None) => {
            secret.take_stage(stage);
            Ok(())
        }
        (_, None, None) => {
            Err(errors::invalid_parameter("You must specify RemoveFromVersionId or MoveToVersionId."))
        }
    }
}
