//! CreateDeployment, GetDeployment, GetDeployments, UpdateDeployment, DeleteDeployment.

use apigateway_api as api;
use shapes::ApiError;
use store::Range;

use super::{change, change_api, find_api, new_id, page_size, tell};
use crate::rows::{Deployment, Stage};
use crate::tables::DEPLOYMENTS;
use crate::{errors, patch, rules};

change!(CreateDeployment, |ctx, tx, input| {
    if input.canary_settings.is_some() {
        return Err(errors::not_here_yet("The parameter canarySettings of CreateDeployment"));
    }
    let (id, now) = (new_id(ctx, 6), ctx.now());
    let definition = change_api(ctx, tx, &input.rest_api_id, |row| {
        let methods =
            || row.definition.resources.values().flat_map(|resource| resource.resource_methods.values());
        if methods().next().is_none() {
            return Err(errors::no_methods());
        }
        if methods().any(|method| method.method_integration.is_none()) {
            return Err(errors::no_integration());
        }
        if let Some(name) = input.stage_name.as_ref().filter(|name| !name.is_empty()) {
            let stage = row.stages.entry(name.clone()).or_insert_with(|| Stage {
                stage_name: name.clone(),
                created_date: now,
                ..Stage::default()
            });
            stage.deployment_id.clone_from(&id);
            stage.last_updated_date = now;
            if let Some(variables) = &input.variables {
                stage.variables.clone_from(variables);
            }
            if input.stage_description.is_some() {
                stage.description.clone_from(&input.stage_description);
            }
            stage.tracing_enabled = input.tracing_enabled.unwrap_or(stage.tracing_enabled);
            stage.cache_cluster_enabled = input.cache_cluster_enabled.unwrap_or(stage.cache_cluster_enabled);
            rules::check_stage(stage)?;
        }
        Ok(row.definition.clone())
    })?;
    let description = input.description.clone();
    let deployment = Deployment { id: id.clone(), description, created_date: now, definition };
    DEPLOYMENTS.put(tx, &(input.rest_api_id.clone(), id), &deployment);
    described(&deployment, false)
});

tell!(GetDeployment, |ctx, input| {
    let embeds = input.embed.iter().flatten().any(|what| what == "apisummary");
    let key = (input.rest_api_id, input.deployment_id);
    find_api(ctx, &key.0)?;
    let mut found = DEPLOYMENTS.find(&mut ctx.read()?, &key)?.ok_or_else(errors::no_such_deployment)?;
    found.id = key.1;
    described(&found, embeds)
});

tell!(GetDeployments, |ctx, input| {
    let id = input.rest_api_id;
    find_api(ctx, &id)?;
    let limit = page_size(input.limit);
    let mut range = Range::prefix(&id);
    if let Some(last) = &input.position {
        range = range.after(&(id.clone(), last.clone()));
    }
    let mut rows = DEPLOYMENTS.list(&mut ctx.read()?, &range, limit + 1)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let position = rows.last().filter(|_| has_more).map(|((_, id), _)| id.clone());
    let items = rows.into_iter().map(|((_, id), row)| described(&Deployment { id, ..row }, false));
    Ok(api::GetDeploymentsOutput { items: Some(items.collect::<Result<_, _>>()?), position })
});

change!(UpdateDeployment, |ctx, tx, input| {
    let key = (input.rest_api_id.clone(), input.deployment_id.clone());
    change_api(ctx, tx, &key.0, |_| Ok(()))?;
    let mut known = DEPLOYMENTS.find(tx, &key)?.ok_or_else(errors::no_such_deployment)?;
    known.id.clone_from(&key.1);
    let changed = patch::patched(&known, input.patch_operations.as_deref(), patch::fields::DEPLOYMENT)?;
    DEPLOYMENTS.put(tx, &key, &changed);
    described(&changed, false)
});

change!(DeleteDeployment, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let is_used = row.stages.values().any(|stage| stage.deployment_id == input.deployment_id);
        if is_used { Err(errors::deployment_in_use()) } else { Ok(()) }
    })?;
    let key = (input.rest_api_id.clone(), input.deployment_id.clone());
    DEPLOYMENTS.find(tx, &key)?.ok_or_else(errors::no_such_deployment)?;
    DEPLOYMENTS.delete(tx, &key);
    Ok(api::DeleteDeploymentOutput::default())
});

fn described(row: &Deployment, embeds_summary: bool) -> Result<api::Deployment, ApiError> {
    let mut told = api::Deployment {
        id: Some(row.id.clone()),
        description: row.description.clone(),
        created_date: Some(row.created_date),
        api_summary: None,
    };
    if embeds_summary {
        let summary = row.definition.resources.values().map(|resource| {
            let methods = resource.resource_methods.iter().map(|(verb, method)| {
                let snapshot = api::MethodSnapshot {
                    authorization_type: Some(method.authorization_type.clone()),
                    api_key_required: Some(method.api_key_required),
                };
                (verb.clone(), snapshot)
            });
            (resource.path.clone(), methods.collect())
        });
        told.api_summary = Some(summary.collect());
    }
    Ok(told)
}
