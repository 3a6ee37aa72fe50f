//! Every error DynamoDB returns, in AWS's words.

use dynamodb_api::error;
use shapes::ApiError;

/// The model does not declare it; the domain's errors are its whole message.
pub(crate) fn validation(message: impl std::fmt::Display) -> ApiError {
    ApiError::sender("ValidationException", message.to_string())
}

pub(crate) fn table_not_found() -> ApiError {
    error::resource_not_found_exception("Requested resource not found")
}

pub(crate) fn named_table_not_found(name: &str) -> ApiError {
    error::resource_not_found_exception(format!("Requested resource not found: Table: {name} not found"))
}

pub(crate) fn table_exists(name: &str) -> ApiError {
    error::resource_in_use_exception(format!("Table already exists: {name}"))
}

pub(crate) fn condition_failed() -> ApiError {
    error::conditional_check_failed_exception("The conditional request failed")
}

pub(crate) fn stream_not_found(arn: &str) -> ApiError {
    let message = format!("Requested resource not found: Stream: {arn} not found");
    dynamodb_streams_api::error::resource_not_found_exception(message)
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
