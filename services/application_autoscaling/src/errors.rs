//! Every error the service returns, in AWS's words where they are known.

use application_autoscaling_api::error;
use shapes::ApiError;

use crate::dimension::Place;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    error::validation_exception(message)
}

pub(crate) fn no_such_target(place: &Place) -> ApiError {
    error::object_not_found_exception(format!("No scalable target registered for {place}"))
}

pub(crate) fn no_such_policy(place: &Place, name: &str) -> ApiError {
    error::object_not_found_exception(format!("No scaling policy found for {place}, policy name: {name}"))
}

pub(crate) fn no_such_action(place: &Place, name: &str) -> ApiError {
    error::object_not_found_exception(format!(
        "No scheduled action found for {place}, scheduled action name: {name}"
    ))
}

pub(crate) fn no_such_resource(arn: &str) -> ApiError {
    error::resource_not_found_exception(format!("No scalable target has the ARN {arn}"))
}

pub(crate) fn too_many(what: &str, most: usize) -> ApiError {
    error::limit_exceeded_exception(format!("A scalable target has at most {most} {what}."))
}

pub(crate) fn too_many_tags(most: usize) -> ApiError {
    error::too_many_tags_exception(format!("A scalable target has at most {most} tags."))
}

pub(crate) fn invalid_token() -> ApiError {
    error::invalid_next_token_exception("The next token is not valid.")
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
