//! Every error IAM and STS return, in AWS's words.

use shapes::ApiError;

pub(crate) fn no_such_role(name: &str) -> ApiError {
    ApiError::with_status(404, "NoSuchEntity", format!("The role with name {name} cannot be found."))
}

pub(crate) fn no_such_role_policy(name: &str) -> ApiError {
    ApiError::with_status(404, "NoSuchEntity", format!("The role policy with name {name} cannot be found."))
}

pub(crate) fn role_exists(name: &str) -> ApiError {
    ApiError::with_status(409, "EntityAlreadyExists", format!("Role with name {name} already exists."))
}

pub(crate) fn role_has_policies() -> ApiError {
    ApiError::with_status(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
}

pub(crate) fn malformed_policy(reason: impl std::fmt::Display) -> ApiError {
    ApiError::sender("MalformedPolicyDocument", reason.to_string())
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::sender("ValidationError", message)
}

pub(crate) fn may_not_assume(principal: &str, role: &str) -> ApiError {
    let message =
        format!("User: {principal} is not authorized to perform: sts:AssumeRole on resource: {role}");
    ApiError::with_status(403, "AccessDenied", message)
}
