//! PutMethod, GetMethod, UpdateMethod, DeleteMethod, and the same for the responses of methods.

use apigateway_api as api;
use shapes::ApiError;

use super::{change, change_api, find_api, tell};
use crate::rows::{Method, MethodResponse};
use crate::{document, errors, patch, rules};

change!(PutMethod, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        rules::check_verb(&input.http_method)?;
        if row.resource(&input.resource_id)?.resource_methods.contains_key(&input.http_method) {
            return Err(errors::method_exists());
        }
        let method: Method = document::row(document::of_input(input))?;
        rules::check_method(&method, &row.definition)?;
        let told = described(&input.http_method, &method)?;
        row.resource_mut(&input.resource_id)?.resource_methods.insert(input.http_method.clone(), method);
        Ok(told)
    })
});

tell!(GetMethod, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    described(&input.http_method, row.method(&input.resource_id, &input.http_method)?)
});

change!(UpdateMethod, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let known = row.method(&input.resource_id, &input.http_method)?;
        let method: Method = patch::patched(known, input.patch_operations.as_deref(), patch::fields::METHOD)?;
        rules::check_method(&method, &row.definition)?;
        let told = described(&input.http_method, &method)?;
        *row.method_mut(&input.resource_id, &input.http_method)? = method;
        Ok(told)
    })
});

change!(DeleteMethod, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let resource = row.resource_mut(&input.resource_id)?;
        resource.resource_methods.remove(&input.http_method).ok_or_else(errors::no_such_method)
    })?;
    Ok(api::DeleteMethodOutput::default())
});

change!(PutMethodResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method(&input.resource_id, &input.http_method)?;
        if method.method_responses.contains_key(&input.status_code) {
            return Err(errors::response_exists());
        }
        let response: MethodResponse = document::row(document::of_input(input))?;
        rules::check_method_response(&response, &row.definition)?;
        let told = document::told(&response)?;
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        method.method_responses.insert(input.status_code.clone(), response);
        Ok(told)
    })
});

tell!(GetMethodResponse, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let method = row.method(&input.resource_id, &input.http_method)?;
    document::told(method.method_responses.get(&input.status_code).ok_or_else(errors::no_such_response)?)
});

change!(UpdateMethodResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method(&input.resource_id, &input.http_method)?;
        let known = method.method_responses.get(&input.status_code).ok_or_else(errors::no_such_response)?;
        let response: MethodResponse =
            patch::patched(known, input.patch_operations.as_deref(), patch::fields::METHOD_RESPONSE)?;
        rules::check_method_response(&response, &row.definition)?;
        let told = document::told(&response)?;
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        method.method_responses.insert(input.status_code.clone(), response);
        Ok(told)
    })
});

change!(DeleteMethodResponse, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let method = row.method_mut(&input.resource_id, &input.http_method)?;
        method.method_responses.remove(&input.status_code).ok_or_else(errors::no_such_response)
    })?;
    Ok(api::DeleteMethodResponseOutput::default())
});

/// A method as clients are told of it.
pub(super) fn described(verb: &str, method: &Method) -> Result<api::Method, ApiError> {
    let mut document = document::of_row(method)?;
    document["httpMethod"] = verb.into();
    Ok(document::answer(&document))
}
