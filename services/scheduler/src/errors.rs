//! Every error the service returns, in AWS's words.

use scheduler_api::error;
use shapes::ApiError;

pub(crate) fn no_such_schedule(name: &str) -> ApiError {
    error::resource_not_found_exception(format!("Schedule {name} does not exist."))
}

pub(crate) fn no_such_group(name: &str) -> ApiError {
    error::resource_not_found_exception(format!("Schedule group {name} does not exist."))
}

pub(crate) fn schedule_exists(name: &str) -> ApiError {
    error::conflict_exception(format!("Schedule {name} already exists."))
}

pub(crate) fn group_exists(name: &str) -> ApiError {
    error::conflict_exception(format!("Schedule group {name} already exists."))
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    error::validation_exception(message)
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
