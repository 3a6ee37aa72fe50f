//! Every error API Gateway's control plane returns, in AWS's words.

use apigateway_api::error;
use shapes::ApiError;

fn not_found(message: impl Into<String>) -> ApiError {
    error::not_found_exception(message)
}

pub(crate) fn no_such_api() -> ApiError {
    not_found("Invalid API identifier specified")
}

/// With the account, as AWS tells it.
pub(crate) fn no_such_api_of(account: identity::AccountId, id: &str) -> ApiError {
    not_found(format!("Invalid API identifier specified {account}:{id}"))
}

pub(crate) fn no_such_resource() -> ApiError {
    not_found("Invalid Resource identifier specified")
}

pub(crate) fn no_such_method() -> ApiError {
    not_found("Invalid Method identifier specified")
}

pub(crate) fn no_such_integration() -> ApiError {
    not_found("Invalid Integration identifier specified")
}

pub(crate) fn no_such_response() -> ApiError {
    not_found("Invalid Response status code specified")
}

pub(crate) fn no_such_deployment() -> ApiError {
    not_found("Invalid Deployment identifier specified")
}

pub(crate) fn no_such_stage() -> ApiError {
    not_found("Invalid stage identifier specified")
}

pub(crate) fn no_such_model(name: &str) -> ApiError {
    not_found(format!("Invalid model name specified: {name}"))
}

pub(crate) fn no_such_validator() -> ApiError {
    not_found("Invalid Request Validator identifier specified")
}

pub(crate) fn no_such_authorizer() -> ApiError {
    not_found("Invalid Authorizer identifier specified")
}

pub(crate) fn no_such_gateway_response() -> ApiError {
    not_found("Invalid Gateway Response type specified")
}

pub(crate) fn no_such_documentation_part() -> ApiError {
    not_found("Invalid Documentation part identifier specified")
}

pub(crate) fn no_such_documentation_version() -> ApiError {
    not_found("Invalid Documentation version specified")
}

pub(crate) fn no_such_key() -> ApiError {
    not_found("Invalid API Key identifier specified")
}

pub(crate) fn no_such_plan() -> ApiError {
    not_found("Invalid Usage Plan ID specified")
}

pub(crate) fn no_such_plan_key() -> ApiError {
    not_found("Invalid Usage Plan Key identifier specified")
}

fn conflict(message: impl Into<String>) -> ApiError {
    error::conflict_exception(message)
}

pub(crate) fn stage_exists() -> ApiError {
    conflict("Stage already exists")
}

pub(crate) fn resource_exists(part: &str) -> ApiError {
    conflict(format!("Another resource with the same parent already has this name: {part}"))
}

pub(crate) fn method_exists() -> ApiError {
    conflict("Method already exists for this resource")
}

pub(crate) fn response_exists() -> ApiError {
    conflict("Response already exists for this resource")
}

pub(crate) fn model_exists(name: &str) -> ApiError {
    conflict(format!("Model name already exists for this REST API: {name}"))
}

pub(crate) fn model_in_use(name: &str) -> ApiError {
    conflict(format!("Cannot delete model '{name}', is referenced in method request"))
}

pub(crate) fn authorizer_exists(name: &str) -> ApiError {
    conflict(format!("Authorizer name must be unique. Authorizer {name} already exists in this RestApi."))
}

pub(crate) fn authorizer_in_use() -> ApiError {
    conflict("Cannot delete authorizer, is referenced in method")
}

pub(crate) fn key_exists() -> ApiError {
    conflict("API Key already exists")
}

pub(crate) fn key_is_in_plan() -> ApiError {
    conflict("This Usage Plan Key already exists for this Usage Plan")
}

pub(crate) fn key_is_in_other_plan(plan: &str) -> ApiError {
    conflict(format!("Usage Plan {plan} with the same API stage already has this API key"))
}

pub(crate) fn documentation_version_exists() -> ApiError {
    conflict("A documentation version with this name already exists")
}

pub(crate) fn too_many(what: &str, of: &str) -> ApiError {
    error::limit_exceeded_exception(format!("Maximum number of {what} for this {of} has been reached"))
}

pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
    error::bad_request_exception(message)
}

pub(crate) fn no_methods() -> ApiError {
    bad_request("The REST API doesn't contain any methods")
}

pub(crate) fn no_integration() -> ApiError {
    bad_request("No integration defined for method")
}

pub(crate) fn deployment_in_use() -> ApiError {
    bad_request("Active stages pointing to this deployment must be moved or deleted")
}

pub(crate) fn plan_in_use() -> ApiError {
    bad_request(
        "Cannot delete Usage Plan: there are API stages associated with it, which must be removed first",
    )
}

pub(crate) fn invalid_path_part() -> ApiError {
    bad_request(
        "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning \
         and the end.",
    )
}

pub(crate) fn below_greedy(path: &str) -> ApiError {
    bad_request(format!("Cannot create a child of a resource with a greedy path variable: {path}"))
}

pub(crate) fn second_variable(part: &str, other: &str) -> ApiError {
    bad_request(format!(
        "A sibling ({other}) of this resource already has a variable path part -- only one is allowed: {part}"
    ))
}

/// The doubled space is AWS's.
pub(crate) fn invalid_patch_path<'a>(
    path: &str,
    op: &str,
    offered: impl Iterator<Item = &'a str>,
) -> ApiError {
    let offered: Vec<&str> = offered.collect();
    bad_request(format!(
        "Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{}]",
        offered.join(", ")
    ))
}

pub(crate) fn invalid_enum(name: &str, value: &str, allowed: &[&str]) -> ApiError {
    bad_request(format!("Invalid value '{value}' for {name}. Must be one of: [{}]", allowed.join(", ")))
}

pub(crate) fn invalid_arn(arn: &str) -> ApiError {
    bad_request(format!("Invalid ARN specified in the request: {arn}"))
}

pub(crate) fn no_logging_role() -> ApiError {
    bad_request("CloudWatch Logs role ARN must be set in account settings to enable logging")
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
