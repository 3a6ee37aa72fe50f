//! Every error the service returns, in AWS's words.

use pipes_api::{ConflictException, error};
use shapes::ApiError;

use crate::pipe::Pipe;

pub(crate) fn no_such_pipe(name: &str) -> ApiError {
    error::not_found_exception(format!("Pipe {name} does not exist."))
}

pub(crate) fn pipe_exists(name: &str) -> ApiError {
    conflict(name, format!("Pipe {name} already exists."))
}

/// A pipe can be changed again once its state lasts.
pub(crate) fn pipe_is_changing(pipe: &Pipe) -> ApiError {
    conflict(&pipe.name, format!("Pipe {} is currently in state {}.", pipe.name, pipe.state.name()))
}

fn conflict(name: &str, message: String) -> ApiError {
    let detail = ConflictException {
        message: message.clone(),
        resource_id: name.to_owned(),
        resource_type: "pipe".to_owned(),
    };
    error::conflict_exception(message).with_detail(detail)
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    error::validation_exception(message)
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
