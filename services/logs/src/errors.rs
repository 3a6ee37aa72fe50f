//! Every error CloudWatch Logs returns, in AWS's words (Amazon CloudWatch Logs API Reference, the operations'
//! "Errors").

use logs_api::error;
use shapes::ApiError;

pub(crate) fn group_does_not_exist() -> ApiError {
    error::resource_not_found_exception("The specified log group does not exist.")
}

pub(crate) fn stream_does_not_exist() -> ApiError {
    error::resource_not_found_exception("The specified log stream does not exist.")
}

pub(crate) fn resource_does_not_exist() -> ApiError {
    error::resource_not_found_exception("The specified resource does not exist.")
}

pub(crate) fn group_already_exists() -> ApiError {
    error::resource_already_exists_exception("The specified log group already exists")
}

pub(crate) fn stream_already_exists() -> ApiError {
    error::resource_already_exists_exception("The specified log stream already exists")
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    error::invalid_parameter_exception(message)
}

/// A member that breaks a constraint of the model. CloudWatch Logs words it as other services do, under a code of its
/// own.
pub(crate) fn constraint(value: &str, member: &str, rule: &str) -> ApiError {
    invalid_parameter(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

pub(crate) fn invalid_next_token() -> ApiError {
    invalid_parameter("The specified nextToken is invalid.")
}

pub(crate) fn exclusive(one: &str, other: &str) -> ApiError {
    invalid_parameter(format!("{one} and {other} are mutually exclusive parameters."))
}

pub(crate) fn upload_too_large(size: usize, limit: usize) -> ApiError {
    invalid_parameter(format!("Upload too large: {size} bytes exceeds limit of {limit}"))
}

pub(crate) fn not_in_order() -> ApiError {
    invalid_parameter("Log events in a single PutLogEvents request must be in chronological order.")
}

pub(crate) fn spans_too_long() -> ApiError {
    invalid_parameter(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
    )
}

pub(crate) fn too_many_tags(limit: usize) -> ApiError {
    error::too_many_tags_exception(format!("A resource can have no more than {limit} tags."))
}

pub(crate) fn invalid_filter_pattern(reason: &str) -> ApiError {
    invalid_parameter(format!("Invalid filter pattern: {reason}"))
}

pub(crate) fn is_not_here_yet(parameter: &str) -> ApiError {
    ApiError::with_status(
        501,
        "NotImplemented",
        format!("{parameter} is not implemented in Brume yet; leave it out."),
    )
}
