//! Every error EventBridge returns, in AWS's words (Amazon EventBridge API Reference, the operations' "Errors").

use event_pattern::InvalidPattern;
use events_api::error;
use shapes::ApiError;

/// What breaks a rule of the service that the model cannot tell.
pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::sender("ValidationException", message)
}

pub(crate) fn invalid_parameter(parameter: &str, reason: impl std::fmt::Display) -> ApiError {
    validation(format!("Parameter {parameter} is not valid. Reason: {reason}"))
}

pub(crate) fn invalid_arn(parameter: &str, arn: &str) -> ApiError {
    invalid_parameter(parameter, format!("Provided Arn {arn} is not in correct format."))
}

pub(crate) fn bus_does_not_exist(name: &str) -> ApiError {
    error::resource_not_found_exception(format!("Event bus {name} does not exist."))
}

pub(crate) fn bus_exists(name: &str) -> ApiError {
    error::resource_already_exists_exception(format!("Event bus {name} already exists."))
}

pub(crate) fn bus_has_rules(name: &str) -> ApiError {
    validation(format!("Event bus {name} can't be deleted since it has rules."))
}

pub(crate) fn rule_does_not_exist(name: &str, bus: &str) -> ApiError {
    error::resource_not_found_exception(format!("Rule {name} does not exist on EventBus {bus}."))
}

pub(crate) fn rule_has_targets() -> ApiError {
    validation("Rule can't be deleted since it has targets.")
}

pub(crate) fn resource_does_not_exist(what: &str, name: &str) -> ApiError {
    error::resource_not_found_exception(format!("{what} {name} does not exist."))
}

pub(crate) fn resource_exists(what: &str, name: &str) -> ApiError {
    error::resource_already_exists_exception(format!("{what} {name} already exists."))
}

pub(crate) fn statement_does_not_exist(id: &str) -> ApiError {
    error::resource_not_found_exception(format!("Statement with the provided id {id} does not exist."))
}

pub(crate) fn bus_has_no_policy() -> ApiError {
    error::resource_not_found_exception("EventBus does not have a policy.")
}

pub(crate) fn policy_too_long(limit: usize) -> ApiError {
    error::policy_length_exceeded_exception(format!(
        "The policy of an event bus has at most {limit} characters."
    ))
}

pub(crate) fn limit_exceeded() -> ApiError {
    error::limit_exceeded_exception("The requested resource exceeds the maximum number allowed.")
}

pub(crate) fn too_many_tags(limit: usize) -> ApiError {
    validation(format!("A resource has at most {limit} tags."))
}

pub(crate) fn invalid_pattern(invalid: &InvalidPattern) -> ApiError {
    error::invalid_event_pattern_exception(format!("Event pattern is not valid. Reason: {invalid}"))
}

pub(crate) fn pattern_too_long(limit: usize) -> ApiError {
    error::invalid_event_pattern_exception(format!(
        "Event pattern is not valid. Reason: it has more than {limit} characters"
    ))
}

pub(crate) fn is_not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} not implemented in Brume yet."))
}
