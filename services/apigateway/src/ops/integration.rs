//! PutIntegration, GetIntegration, UpdateIntegration, DeleteIntegration, and the same for their responses.

use apigateway_api as api;
use shapes::ApiError;

use super::{change, change_api, find_api, tell};
use crate::rows::{Integration, IntegrationResponse, Method};
use crate::{document, errors, patch, rules};

change!(PutIntegration, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let known = row.method(&input.resource_id, &input.http_method)?.method_integration.as_ref();
        let responses = known.map(|known| known.integration_responses.clone()).unwrap_or_default();
        let mut asked = document::of_input(input);
        // The method's own verb has the name that is the integration's in what is stored.
        asked["httpMethod"] = input.integration_http_method.clone().into();
        if asked["httpMethod"].is_null()
            && let Some(members) = asked.as_object_mut()
        {
            members.remove("httpMethod");
        }
        let mut integration: Integration = document::row(asked)?;
        integration.integration_responses = responses;
        if integration.passthrough_behavior.is_empty() {
            "WHEN_NO_MATCH".clone_into(&mut integration.passthrough_behavior);
        }
        integration.timeout_in_millis.get_or_insert(29_000);
        integration.cache_namespace.get_or_insert_with(|| input.resource_id.clone());
        rules::check_integration(&integration)?;
        let told = document::told(&integration)?;
        row.method_mut(&input.resource_id, &input.http_method)?.method_integration = Some(integration);
        Ok(told)
    })
});

tell!(GetIntegration, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    document::told(of(row.method(&input.resource_id, &input.http_method)?)?)
});

change!(UpdateIntegration, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        let integration: Integration =
            patch::patched(of(method)?, input.patch_operations.as_deref(), patch::fields::INTEGRATION)?;
        rules::check_integration(&integration)?;
        let told = document::told(&integration)?;
        method.method_integration = Some(integration);
        Ok(told)
    })
});

change!(DeleteIntegration, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        method.method_integration.take().ok_or_else(errors::no_such_integration)
    })?;
    Ok(api::DeleteIntegrationOutput::default())
});

change!(PutIntegrationResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        let response: IntegrationResponse = document::row(document::of_input(input))?;
        put_response(method, response)
    })
});

tell!(GetIntegrationResponse, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    document::told(response_of(row.method(&input.resource_id, &input.http_method)?, &input.status_code)?)
});

change!(UpdateIntegrationResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        let known = response_of(method, &input.status_code)?;
        let operations = input.patch_operations.as_deref();
        put_response(method, patch::patched(known, operations, patch::fields::INTEGRATION_RESPONSE)?)
    })
});

change!(DeleteIntegrationResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        let integration = method.method_integration.as_mut().ok_or_else(errors::no_such_integration)?;
        integration.integration_responses.remove(&input.status_code).ok_or_else(errors::no_such_response)
    })?;
    Ok(api::DeleteIntegrationResponseOutput::default())
});

fn of(method: &Method) -> Result<&Integration, ApiError> {
    method.method_integration.as_ref().ok_or_else(errors::no_such_integration)
}

fn response_of<'a>(method: &'a Method, status: &str) -> Result<&'a IntegrationResponse, ApiError> {
    of(method)?.integration_responses.get(status).ok_or_else(errors::no_such_response)
}

fn put_response(
    method: &mut Method,
    mut response: IntegrationResponse,
) -> Result<api::IntegrationResponse, ApiError> {
    // An empty pattern selects what no other does, as none does.
    response.selection_pattern = response.selection_pattern.filter(|pattern| !pattern.is_empty());
    rules::check_integration_response(&response, method)?;
    let told = document::told(&response)?;
    let integration = method.method_integration.as_mut().ok_or_else(errors::no_such_integration)?;
    integration.integration_responses.insert(response.status_code.clone(), response);
    Ok(told)
}
