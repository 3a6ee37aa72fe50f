//! PutMethod and PutMethodResponse.

use std::collections::BTreeMap;

use apigateway_api::op::{PutMethod, PutMethodResponse};
use apigateway_api::{PutMethodInput, PutMethodOutput, PutMethodResponseInput, PutMethodResponseOutput};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use store::Tx;

use super::{change, guard};
use crate::api::Method;
use crate::{ApiGateway, errors};

impl Transact<PutMethod> for ApiGateway {
    type Draft = PutMethodInput;

    fn guard(&self, ctx: &Ctx, input: &PutMethodInput) -> Result<Guard, ApiError> {
        let path = format!("/restapis/{}/resources/{}/methods", input.rest_api_id, input.resource_id);
        Ok(guard(ctx, "PUT", &path))
    }

    fn prepare(&self, _: &Ctx, input: PutMethodInput) -> Result<PutMethodInput, ApiError> {
        if input.authorization_type != "NONE" {
            return Err(errors::not_here_yet(&format!(
                "The authorization type {}",
                input.authorization_type
            )));
        }
        let unsupported = [
            ("apiKeyRequired", input.api_key_required == Some(true)),
            ("requestValidatorId", input.request_validator_id.is_some()),
            ("requestModels", input.request_models.is_some()),
        ];
        match unsupported.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(errors::not_here_yet(&format!("The parameter {name} of PutMethod"))),
            None => Ok(input),
        }
    }

    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, input: &PutMethodInput) -> Result<PutMethodOutput, ApiError> {
        change(tx, &input.rest_api_id, |api| {
            let resource = api.resource_mut(&input.resource_id)?;
            if resource.methods.contains_key(&input.http_method) {
                return Err(errors::method_exists());
            }
            let method = Method { responses: BTreeMap::new(), integration: None };
            let output = method.to_api(&input.http_method);
            resource.methods.insert(input.http_method.clone(), method);
            Ok(output)
        })
    }
}

impl Transact<PutMethodResponse> for ApiGateway {
    type Draft = PutMethodResponseInput;

    fn guard(&self, ctx: &Ctx, input: &PutMethodResponseInput) -> Result<Guard, ApiError> {
        let path = format!("/restapis/{}/resources/{}/methods", input.rest_api_id, input.resource_id);
        Ok(guard(ctx, "PUT", &path))
    }

    fn prepare(&self, _: &Ctx, input: PutMethodResponseInput) -> Result<PutMethodResponseInput, ApiError> {
        match input.response_parameters {
            Some(_) => Err(errors::not_here_yet("The parameter responseParameters of PutMethodResponse")),
            None => Ok(input),
        }
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &PutMethodResponseInput,
    ) -> Result<PutMethodResponseOutput, ApiError> {
        change(tx, &input.rest_api_id, |api| {
            let method = api.method_mut(&input.resource_id, &input.http_method)?;
            method.responses.insert(input.status_code.clone(), ());
            Ok(PutMethodResponseOutput {
                status_code: Some(input.status_code.clone()),
                response_models: input.response_models.clone(),
                ..Default::default()
            })
        })
    }
}
