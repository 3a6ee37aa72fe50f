//! CreateStage, GetStage, GetStages, UpdateStage, DeleteStage, FlushStageCache, FlushStageAuthorizersCache.

use std::time::Duration;

use apigateway_api as api;
use cloud::Ctx;
use shapes::ApiError;
use store::Tx;

use super::{change, change_api, find_api, tell};
use crate::rows::Stage;
use crate::tables::{ACCOUNTS, DEPLOYMENTS};
use crate::{document, errors, patch, rules};

change!(CreateStage, |ctx, tx, input| {
    if input.canary_settings.is_some() {
        return Err(errors::not_here_yet("The parameter canarySettings of CreateStage"));
    }
    let key = (input.rest_api_id.clone(), input.deployment_id.clone());
    let deployment = DEPLOYMENTS.find(tx, &key)?;
    let account = ACCOUNTS.find(tx, &())?.unwrap_or_default();
    change_api(ctx, tx, &input.rest_api_id, |row| {
        deployment.ok_or_else(errors::no_such_deployment)?;
        if row.stages.contains_key(&input.stage_name) {
            return Err(errors::stage_exists());
        }
        let mut stage: Stage = document::row(document::of_input(input))?;
        stage.created_date = ctx.now();
        stage.last_updated_date = ctx.now();
        rules::check_stage(&stage)?;
        rules::check_logging(&stage, &account)?;
        let told = described(&stage)?;
        row.stages.insert(input.stage_name.clone(), stage);
        Ok(told)
    })
});

tell!(GetStage, |ctx, input| described(find_api(ctx, &input.rest_api_id)?.stage(&input.stage_name)?));

tell!(GetStages, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let wanted = input.deployment_id.as_ref();
    let stages =
        row.stages.values().filter(|stage| wanted.is_none_or(|wanted| stage.deployment_id == *wanted));
    Ok(api::GetStagesOutput { item: Some(stages.map(described).collect::<Result<_, _>>()?) })
});

change!(UpdateStage, |ctx, tx, input| {
    let account = ACCOUNTS.find(tx, &())?.unwrap_or_default();
    let row = super::change_api(ctx, tx, &input.rest_api_id, |row| {
        let known = row.stage_mut(&input.stage_name)?;
        let mut stage: Stage =
            patch::patched(known, input.patch_operations.as_deref(), patch::fields::STAGE)?;
        stage.last_updated_date = ctx.now();
        rules::check_stage(&stage)?;
        rules::check_logging(&stage, &account)?;
        *known = stage.clone();
        Ok(stage)
    })?;
    let deployment = (input.rest_api_id.clone(), row.deployment_id.clone());
    if !DEPLOYMENTS.contains(tx, &deployment)? {
        return Err(errors::no_such_deployment());
    }
    described(&row)
});

change!(DeleteStage, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        row.stages.remove(&input.stage_name).ok_or_else(errors::no_such_stage)
    })?;
    Ok(api::DeleteStageOutput::default())
});

change!(FlushStageCache, |ctx, tx, input| {
    flush(ctx, tx, &input.rest_api_id, &input.stage_name)?;
    Ok(api::FlushStageCacheOutput::default())
});

change!(FlushStageAuthorizersCache, |ctx, tx, input| {
    flush(ctx, tx, &input.rest_api_id, &input.stage_name)?;
    Ok(api::FlushStageAuthorizersCacheOutput::default())
});

/// A change of an API has its stages made anew, and what they had remembered is gone with them. Only a row that differs is
/// such a change, so the stage's time moves in any case.
fn flush(ctx: &Ctx, tx: &mut Tx<'_>, api: &str, stage: &str) -> Result<(), ApiError> {
    change_api(ctx, tx, api, |row| {
        let stage = row.stage_mut(stage)?;
        let next = stage.last_updated_date + Duration::from_millis(1);
        stage.last_updated_date = ctx.now().max(next);
        Ok(())
    })
}

fn described(stage: &Stage) -> Result<api::Stage, ApiError> {
    let mut document = document::of_row(stage)?;
    // Responses are not cached here, so there is never a cluster.
    document["cacheClusterStatus"] = "NOT_AVAILABLE".into();
    Ok(document::answer(&document))
}
