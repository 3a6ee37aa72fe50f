//! GetResource, GetMethod, GetMethodResponse, GetIntegration, GetIntegrationResponse, GetDeployment, GetDeployments,
//! GetStage, GetStages.

use std::sync::Arc;

use apigateway_api as api;
use apigateway_api::op::{
    GetDeployment, GetDeployments, GetIntegration, GetIntegrationResponse, GetMethod, GetMethodResponse,
    GetResource, GetStage, GetStages,
};
use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use store::Range;

use super::guard;
use crate::api::{Method, RestApi, Stage};
use crate::tables::{APIS, DEPLOYMENTS};
use crate::{ApiGateway, errors};

fn find(ctx: &Ctx, id: &str) -> Result<RestApi, ApiError> {
    APIS.find(&mut ctx.read()?, &id.to_owned())?.ok_or_else(errors::no_such_api)
}

fn find_method(ctx: &Ctx, id: &str, resource: &str, method: &str) -> Result<Method, ApiError> {
    find(ctx, id)?.method_mut(resource, method).cloned()
}

fn method_path(id: &str, resource: &str, method: &str) -> String {
    format!("/restapis/{id}/resources/{resource}/methods/{method}")
}

impl Handle<GetResource> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetResourceInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", &format!("/restapis/{}/resources/{}", input.rest_api_id, input.resource_id)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetResourceInput,
    ) -> Result<api::GetResourceOutput, ApiError> {
        let mut found = find(ctx, &input.rest_api_id)?;
        Ok(found.resource_mut(&input.resource_id)?.to_api())
    }
}

impl Handle<GetMethod> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetMethodInput) -> Result<Guard, ApiError> {
        let path = method_path(&input.rest_api_id, &input.resource_id, &input.http_method);
        Ok(guard(ctx, "GET", &path))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetMethodInput,
    ) -> Result<api::GetMethodOutput, ApiError> {
        let method = find_method(ctx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
        Ok(method.to_api(&input.http_method))
    }
}

impl Handle<GetMethodResponse> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetMethodResponseInput) -> Result<Guard, ApiError> {
        let path = method_path(&input.rest_api_id, &input.resource_id, &input.http_method);
        Ok(guard(ctx, "GET", &format!("{path}/responses/{}", input.status_code)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetMethodResponseInput,
    ) -> Result<api::GetMethodResponseOutput, ApiError> {
        let method = find_method(ctx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
        if !method.responses.contains_key(&input.status_code) {
            return Err(errors::no_such_response());
        }
        Ok(api::MethodResponse { status_code: Some(input.status_code), ..Default::default() })
    }
}

impl Handle<GetIntegration> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetIntegrationInput) -> Result<Guard, ApiError> {
        let path = method_path(&input.rest_api_id, &input.resource_id, &input.http_method);
        Ok(guard(ctx, "GET", &format!("{path}/integration")))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetIntegrationInput,
    ) -> Result<api::GetIntegrationOutput, ApiError> {
        let method = find_method(ctx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
        let integration = method.integration.ok_or_else(errors::no_such_integration)?;
        Ok(integration.to_api())
    }
}

impl Handle<GetIntegrationResponse> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetIntegrationResponseInput) -> Result<Guard, ApiError> {
        let path = method_path(&input.rest_api_id, &input.resource_id, &input.http_method);
        Ok(guard(ctx, "GET", &format!("{path}/integration/responses/{}", input.status_code)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetIntegrationResponseInput,
    ) -> Result<api::GetIntegrationResponseOutput, ApiError> {
        let method = find_method(ctx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
        let integration = method.integration.ok_or_else(errors::no_such_integration)?;
        let response = integration.responses.get(&input.status_code).ok_or_else(errors::no_such_response)?;
        Ok(response.to_api(&input.status_code))
    }
}

impl Handle<GetDeployment> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetDeploymentInput) -> Result<Guard, ApiError> {
        let path = format!("/restapis/{}/deployments/{}", input.rest_api_id, input.deployment_id);
        Ok(guard(ctx, "GET", &path))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetDeploymentInput,
    ) -> Result<api::GetDeploymentOutput, ApiError> {
        find(ctx, &input.rest_api_id)?;
        let key = (input.rest_api_id, input.deployment_id);
        let found = DEPLOYMENTS.find(&mut ctx.read()?, &key)?.ok_or_else(errors::no_such_deployment)?;
        Ok(api::Deployment { id: Some(key.1), created_date: Some(found.created), ..Default::default() })
    }
}

impl Handle<GetDeployments> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetDeploymentsInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", &format!("/restapis/{}/deployments", input.rest_api_id)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetDeploymentsInput,
    ) -> Result<api::GetDeploymentsOutput, ApiError> {
        find(ctx, &input.rest_api_id)?;
        let limit = input.limit.unwrap_or(25).clamp(1, 500).unsigned_abs() as usize;
        let mut range = Range::prefix(&input.rest_api_id);
        if let Some(last) = input.position {
            range = range.after(&(input.rest_api_id.clone(), last));
        }
        let mut rows = DEPLOYMENTS.list(&mut ctx.read()?, &range, limit + 1)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let position = if has_more { rows.last().map(|((_, id), _)| id.clone()) } else { None };
        let items = rows.into_iter().map(|((_, id), deployment)| api::Deployment {
            id: Some(id),
            created_date: Some(deployment.created),
            ..Default::default()
        });
        Ok(api::Deployments { items: Some(items.collect()), position })
    }
}

fn stage_to_api(name: &str, stage: &Stage) -> api::Stage {
    api::Stage {
        stage_name: Some(name.to_owned()),
        deployment_id: Some(stage.deployment.clone()),
        variables: (!stage.variables.is_empty()).then(|| stage.variables.clone()),
        cache_cluster_enabled: Some(false),
        cache_cluster_status: Some("NOT_AVAILABLE".to_owned()),
        tracing_enabled: Some(false),
        ..Default::default()
    }
}

impl Handle<GetStage> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetStageInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", &format!("/restapis/{}/stages/{}", input.rest_api_id, input.stage_name)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetStageInput,
    ) -> Result<api::GetStageOutput, ApiError> {
        let found = find(ctx, &input.rest_api_id)?;
        let stage = found.stages.get(&input.stage_name).ok_or_else(errors::no_such_stage)?;
        Ok(stage_to_api(&input.stage_name, stage))
    }
}

impl Handle<GetStages> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &api::GetStagesInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", &format!("/restapis/{}/stages", input.rest_api_id)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetStagesInput,
    ) -> Result<api::GetStagesOutput, ApiError> {
        let found = find(ctx, &input.rest_api_id)?;
        let stages = found.stages.iter().filter(|(_, stage)| {
            input.deployment_id.as_ref().is_none_or(|deployment| stage.deployment == *deployment)
        });
        Ok(api::Stages { item: Some(stages.map(|(name, stage)| stage_to_api(name, stage)).collect()) })
    }
}
