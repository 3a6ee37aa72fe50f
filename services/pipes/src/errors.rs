//! Every error the service returns, in AWS's words.

use pipes_api::error;
use shapes::ApiError;

pub(crate) fn no_such_pipe(name: &str) -> ApiError {
    error::not_found_exception(format!("Pipe {name} does not exist."))
}

pub(crate) fn pipe_exists(name: &str) -> ApiError {
    error::conflict_exception(format!("Pipe {name} already exists."))
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    error::validation_exception(message)
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
