//! PutIntegration and PutIntegrationResponse.

use apigateway_api::op::{PutIntegration, PutIntegrationResponse};
use apigateway_api::{
    PutIntegrationInput, PutIntegrationOutput, PutIntegrationResponseInput, PutIntegrationResponseOutput,
};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use std::collections::BTreeMap;
use store::Tx;

use super::{change, guard};
use crate::api::{Integration, IntegrationResponse};
use crate::deployed::check_template;
use crate::{ApiGateway, errors, integration, mapping};

impl Transact<PutIntegration> for ApiGateway {
    type Draft = (PutIntegrationInput, Integration);

    fn guard(&self, ctx: &Ctx, input: &PutIntegrationInput) -> Result<Guard, ApiError> {
        let path = format!("/restapis/{}/resources/{}/methods", input.rest_api_id, input.resource_id);
        Ok(guard(ctx, "PUT", &path))
    }

    fn prepare(&self, _: &Ctx, input: PutIntegrationInput) -> Result<Self::Draft, ApiError> {
        if !matches!(input.r#type.as_str(), "AWS" | "AWS_PROXY" | "MOCK") {
            return Err(errors::not_here_yet(&format!("The integration type {}", input.r#type)));
        }
        let given = Integration {
            kind: input.r#type.clone(),
            method: input.integration_http_method.clone(),
            uri: input.uri.clone(),
            credentials: input.credentials.clone(),
            request_parameters: input.request_parameters.clone().unwrap_or_default(),
            request_templates: input.request_templates.clone().unwrap_or_default(),
            passthrough: input.passthrough_behavior.clone().unwrap_or_else(|| "WHEN_NO_MATCH".to_owned()),
            responses: BTreeMap::new(),
        };
        given.request_templates.values().try_for_each(|template| check_template(template))?;
        given.request_parameters.iter().try_for_each(|(to, from)| mapping::check_parameter(to, from))?;
        if given.kind != "MOCK" {
            integration::Target::parse(given.uri.as_deref().unwrap_or_default())?;
        }
        Ok((input, given))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (input, given): &Self::Draft,
    ) -> Result<PutIntegrationOutput, ApiError> {
        change(tx, &input.rest_api_id, |api| {
            let method = api.method_mut(&input.resource_id, &input.http_method)?;
            method.integration = Some(given.clone());
            Ok(given.to_api())
        })
    }
}

impl Transact<PutIntegrationResponse> for ApiGateway {
    type Draft = PutIntegrationResponseInput;

    fn guard(&self, ctx: &Ctx, input: &PutIntegrationResponseInput) -> Result<Guard, ApiError> {
        let path = format!("/restapis/{}/resources/{}/methods", input.rest_api_id, input.resource_id);
        Ok(guard(ctx, "PUT", &path))
    }

    fn prepare(&self, _: &Ctx, input: PutIntegrationResponseInput) -> Result<Self::Draft, ApiError> {
        if input.response_parameters.is_some() {
            return Err(errors::not_here_yet("The parameter responseParameters of PutIntegrationResponse"));
        }
        if let Some(pattern) = &input.selection_pattern {
            mapping::selection(pattern)?;
        }
        let templates = input.response_templates.iter().flat_map(|templates| templates.values());
        templates.into_iter().try_for_each(|template| check_template(template))?;
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &PutIntegrationResponseInput,
    ) -> Result<PutIntegrationResponseOutput, ApiError> {
        change(tx, &input.rest_api_id, |api| {
            let method = api.method_mut(&input.resource_id, &input.http_method)?;
            let integration = method.integration.as_mut().ok_or_else(errors::no_such_integration)?;
            let response = IntegrationResponse {
                selection: input.selection_pattern.clone().filter(|pattern| !pattern.is_empty()),
                templates: input.response_templates.clone().unwrap_or_default(),
            };
            integration.responses.insert(input.status_code.clone(), response);
            Ok(PutIntegrationResponseOutput {
                status_code: Some(input.status_code.clone()),
                selection_pattern: input.selection_pattern.clone(),
                response_templates: input.response_templates.clone(),
                ..Default::default()
            })
        })
    }
}
