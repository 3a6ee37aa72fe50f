//! Every error API Gateway's control plane returns, in AWS's words.

use shapes::ApiError;

fn not_found(message: &str) -> ApiError {
    ApiError::with_status(404, "NotFoundException", message)
}

pub(crate) fn no_such_api() -> ApiError {
    not_found("Invalid API identifier specified")
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

pub(crate) fn stage_exists() -> ApiError {
    ApiError::with_status(409, "ConflictException", "Stage already exists")
}

pub(crate) fn resource_exists(part: &str) -> ApiError {
    let message = format!("Another resource with the same parent already has this name: {part}");
    ApiError::with_status(409, "ConflictException", message)
}

pub(crate) fn method_exists() -> ApiError {
    ApiError::with_status(409, "ConflictException", "Method already exists for this resource")
}

pub(crate) fn too_many_resources() -> ApiError {
    ApiError::with_status(429, "LimitExceededException", "Maximum number of Resources for this API reached")
}

pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::sender("BadRequestException", message)
}

pub(crate) fn no_methods() -> ApiError {
    bad_request("The REST API doesn't contain any methods")
}

pub(crate) fn no_integration() -> ApiError {
    bad_request("No integration defined for method")
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
