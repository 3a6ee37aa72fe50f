//! Every error IAM and STS return, in AWS's words.

use shapes::ApiError;

/// `noun` is `user`, `group`, `role`, ...
pub(crate) fn not_found(noun: &str, name: &str) -> ApiError {
    let noun = capital(noun);
    no_such_entity(format!("The {} with name {name} cannot be found.", noun.to_lowercase()))
}

pub(crate) fn no_such_entity(message: impl Into<String>) -> ApiError {
    ApiError::with_status(404, "NoSuchEntity", message)
}

pub(crate) fn exists(noun: &str, name: &str) -> ApiError {
    let message = format!("{} with name {name} already exists.", capital(noun));
    ApiError::with_status(409, "EntityAlreadyExists", message)
}

pub(crate) fn policy_exists(name: &str) -> ApiError {
    let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
    ApiError::with_status(409, "EntityAlreadyExists", message)
}

pub(crate) fn profile_exists(name: &str) -> ApiError {
    ApiError::with_status(409, "EntityAlreadyExists", format!("Instance Profile {name} already exists."))
}

pub(crate) fn already_there(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "EntityAlreadyExists", message)
}

fn capital(noun: &str) -> String {
    let mut characters = noun.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

pub(crate) fn no_such_policy(arn: &str) -> ApiError {
    no_such_entity(format!("Policy {arn} was not found."))
}

pub(crate) fn not_attachable(arn: &str) -> ApiError {
    no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

pub(crate) fn delete_conflict(message: &str) -> ApiError {
    ApiError::with_status(409, "DeleteConflict", message)
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::with_status(409, "LimitExceeded", message)
}

pub(crate) fn malformed_policy(reason: impl std::fmt::Display) -> ApiError {
    ApiError::sender("MalformedPolicyDocument", reason.to_string())
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::sender("ValidationError", message)
}

pub(crate) fn invalid_input(message: impl Into<String>) -> ApiError {
    ApiError::sender("InvalidInput", message)
}

/// For sessions that may not do what they ask for, as long as no second factor stands behind them.
pub(crate) fn invalid_token() -> ApiError {
    ApiError::with_status(
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
    )
}

/// A role that a service keeps for itself.
pub(crate) fn unmodifiable(name: &str) -> ApiError {
    let message = format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    );
    ApiError::sender("UnmodifiableEntity", message)
}

pub(crate) fn may_not(principal: &str, action: &str, resource: &str) -> ApiError {
    let message = format!("User: {principal} is not authorized to perform: {action} on resource: {resource}");
    ApiError::with_status(403, "AccessDenied", message)
}

pub(crate) fn may_not_federate(action: &str) -> ApiError {
    ApiError::with_status(403, "AccessDenied", format!("Not authorized to perform {action}"))
}

pub(crate) fn password_refused(message: impl Into<String>) -> ApiError {
    ApiError::sender("PasswordPolicyViolation", message)
}

pub(crate) fn temporarily_unmodifiable(user: &str) -> ApiError {
    let message =
        format!("Login Profile for User {user} cannot be modified while login profile is being created.");
    ApiError::with_status(409, "EntityTemporarilyUnmodifiable", message)
}
