//! Every error Lambda returns, in AWS's words (AWS Lambda API Reference, the operations' "Errors").

use lambda_api::{TooManyRequestsException, error};
use shapes::ApiError;

pub(crate) fn function_not_found(arn: &str) -> ApiError {
    error::resource_not_found_exception(format!("Function not found: {arn}"))
}

pub(crate) fn alias_not_found(arn: &str) -> ApiError {
    error::resource_not_found_exception(format!("Alias not found: {arn}"))
}

pub(crate) fn no_policy() -> ApiError {
    error::resource_not_found_exception("The resource you requested does not exist.")
}

pub(crate) fn statement_not_found(id: &str) -> ApiError {
    error::resource_not_found_exception(format!("Statement {id} is not found in resource policy."))
}

pub(crate) fn statement_exists(id: &str) -> ApiError {
    error::resource_conflict_exception(format!(
        "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing \
         statement."
    ))
}

pub(crate) fn policy_too_long(length: usize) -> ApiError {
    error::policy_length_exceeded_exception(format!(
        "The final policy size ({length}) is bigger than the limit (20480)."
    ))
}

pub(crate) fn function_exists(name: &str) -> ApiError {
    error::resource_conflict_exception(format!("Function already exist: {name}"))
}

pub(crate) fn alias_exists(arn: &str) -> ApiError {
    error::resource_conflict_exception(format!("Alias already exists: {arn}"))
}

pub(crate) fn url_exists(arn: &str) -> ApiError {
    error::resource_conflict_exception(format!(
        "Failed to create function url config for [functionArn = {arn}]. Error message:  FunctionUrlConfig exists for \
         this Lambda function"
    ))
}

pub(crate) fn nothing_provisioned() -> ApiError {
    error::provisioned_concurrency_config_not_found_exception(
        "No Provisioned Concurrency Config found for this function",
    )
}

pub(crate) fn stale_revision() -> ApiError {
    error::precondition_failed_exception(
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve \
         the latest Revision Id",
    )
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    error::invalid_parameter_value_exception(message)
}

pub(crate) fn unknown_runtime(runtime: &str) -> ApiError {
    invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Brume runs python3.*, nodejs*, provided, \
         provided.al2 and provided.al2023"
    ))
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}

pub(crate) fn role_cannot_be_assumed(cause: &ApiError) -> ApiError {
    invalid(format!("The role defined for the function cannot be assumed by Lambda. ({})", cause.message()))
}

pub(crate) fn no_object(cause: &ApiError) -> ApiError {
    invalid(format!(
        "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
        cause.code(),
        cause.message()
    ))
}

pub(crate) fn empty_zip() -> ApiError {
    invalid("Uploaded file must be a non-empty zip")
}

pub(crate) fn bad_zip(why: &str) -> ApiError {
    invalid(format!(
        "Could not unzip uploaded file. Please check your file, then try to upload again. ({why})"
    ))
}

pub(crate) fn unzipped_too_large(limit: u64) -> ApiError {
    invalid(format!("Unzipped size must be smaller than {limit} bytes"))
}

pub(crate) fn zip_too_large(limit: usize, operation: &str) -> ApiError {
    entity_too_large(format!("Request must be smaller than {limit} bytes for the {operation} operation"))
}

pub(crate) fn payload_too_large(limit: usize) -> ApiError {
    entity_too_large(format!("Request must be smaller than {limit} bytes for the InvokeFunction operation"))
}

/// The code of the wire is not that of the model's shape, `RequestTooLargeException`.
fn entity_too_large(message: String) -> ApiError {
    ApiError::with_status(413, "RequestEntityTooLargeException", message)
}

pub(crate) fn payload_is_no_json(cause: &serde_json::Error) -> ApiError {
    error::invalid_request_content_exception(format!("Could not parse request body into json: {cause}"))
}

/// Why an invocation has to wait for others to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttle {
    Account,
    Reserved,
}

pub(crate) fn rate_exceeded(throttle: Throttle) -> ApiError {
    let reason = match throttle {
        Throttle::Account => "ConcurrentInvocationLimitExceeded",
        Throttle::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
    };
    let message = "Rate Exceeded.";
    let detail = TooManyRequestsException {
        reason: Some(reason.to_owned()),
        r#type: Some("User".to_owned()),
        message: Some(message.to_owned()),
        ..Default::default()
    };
    error::too_many_requests_exception(message).with_detail(detail)
}

pub(crate) fn reserved_too_high(least: u32) -> ApiError {
    invalid(format!(
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
         its minimum value of [{least}]."
    ))
}

/// The host cannot run the function: its interpreter is missing, or no process can be started.
pub(crate) fn cannot_run(why: impl Into<String>) -> ApiError {
    ApiError::with_status(502, "ServiceException", why)
}
