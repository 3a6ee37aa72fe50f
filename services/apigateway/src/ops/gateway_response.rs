//! PutGatewayResponse, GetGatewayResponse, GetGatewayResponses, UpdateGatewayResponse, DeleteGatewayResponse.

use apigateway_api as api;
use shapes::ApiError;

use super::{change, change_api, find_api, page, tell};
use crate::gateway_response::{Cause, default_response};
use crate::rows::{GatewayResponse, RestApi};
use crate::{document, errors, patch, rules};

change!(PutGatewayResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let response: GatewayResponse = document::row(document::of_input(input))?;
        put(row, response)
    })
});

tell!(GetGatewayResponse, |ctx, input| {
    document::told(&find(&find_api(ctx, &input.rest_api_id)?, &input.response_type)?)
});

tell!(GetGatewayResponses, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let names: Vec<String> = Cause::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    let all = names.iter().map(|name| (name, find(&row, name)));
    let (items, position) = page(all, input.position.as_deref(), input.limit.or(Some(500)));
    let items = items.into_iter().map(|found| document::told(&found?)).collect::<Result<_, ApiError>>()?;
    Ok(api::GetGatewayResponsesOutput { items: Some(items), position })
});

change!(UpdateGatewayResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let known = find(row, &input.response_type)?;
        let operations = input.patch_operations.as_deref();
        put(row, patch::patched(&known, operations, patch::fields::GATEWAY_RESPONSE)?)
    })
});

change!(DeleteGatewayResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let found = row.definition.gateway_responses.remove(&input.response_type);
        found.ok_or_else(errors::no_such_gateway_response)
    })?;
    Ok(api::DeleteGatewayResponseOutput::default())
});

/// The response that was put, or the one there is by default.
fn find(row: &RestApi, name: &str) -> Result<GatewayResponse, ApiError> {
    let kind = Cause::named(name).ok_or_else(errors::no_such_gateway_response)?;
    let known = row.definition.gateway_responses.get(name).cloned();
    Ok(known.unwrap_or_else(|| default_response(kind)))
}

fn put(row: &mut RestApi, mut response: GatewayResponse) -> Result<api::GatewayResponse, ApiError> {
    response.default_response = false;
    rules::check_gateway_response(&response)?;
    let told = document::told(&response)?;
    row.definition.gateway_responses.insert(response.response_type.clone(), response);
    Ok(told)
}
