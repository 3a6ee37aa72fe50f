//! Every error the Parameter Store returns, in AWS's words (AWS Systems Manager API Reference).

use shapes::ApiError;
use ssm_api::error;

pub(crate) fn not_found(name: &str) -> ApiError {
    error::parameter_not_found(format!("Parameter {name} not found."))
}

pub(crate) fn referenced_not_found(name: &str, cause: &str) -> ApiError {
    error::parameter_not_found(format!(
        "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret {name} not found. {cause}"
    ))
}

pub(crate) fn no_such_version(name: &str, version: &str) -> ApiError {
    error::parameter_version_not_found(format!(
        "Systems Manager could not find version {version} of {name}. Verify the version and try again."
    ))
}

pub(crate) fn no_such_label(name: &str, label: &str) -> ApiError {
    error::parameter_version_not_found(format!(
        "Systems Manager could not find label {label} for parameter {name}. Verify the label and try again."
    ))
}

pub(crate) fn exists() -> ApiError {
    error::parameter_already_exists(
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    )
}

/// The model declares no such error, and every operation may raise it.
pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::sender("ValidationException", message)
}

pub(crate) fn too_deep() -> ApiError {
    error::hierarchy_level_limit_exceeded_exception("A hierarchy can have a maximum of 15 levels.")
}

pub(crate) fn other_type() -> ApiError {
    error::hierarchy_type_mismatch_exception(
        "Parameter Store does not support changing the type of a parameter.",
    )
}

pub(crate) fn pattern_mismatch(pattern: &str) -> ApiError {
    error::parameter_pattern_mismatch_exception(format!(
        "Parameter value, cannot be validated against allowedPattern: {pattern}"
    ))
}

pub(crate) fn invalid_pattern(pattern: &str) -> ApiError {
    error::invalid_allowed_pattern_exception(format!(
        "The allowed pattern {pattern} is not a valid regular expression."
    ))
}

pub(crate) fn too_many_versions(name: &str, version: u64) -> ApiError {
    error::parameter_max_version_limit_exceeded(format!(
        "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. \
         Version {version}, the oldest version, can't be deleted because it has a label associated with it. Move the \
         label to another version of the parameter, and try again."
    ))
}

pub(crate) fn too_many_labels() -> ApiError {
    error::parameter_version_label_limit_exceeded(
        "An error occurred (ParameterVersionLabelLimitExceeded) when calling the LabelParameterVersion operation: A \
         parameter version can have maximum 10 labels. Move one or more labels to another version and try again.",
    )
}

pub(crate) fn invalid_policy_type(name: &str) -> ApiError {
    error::invalid_policy_type_exception(format!(
        "The policy type {name} is not supported. Parameter Store supports Expiration, ExpirationNotification, and NoChangeNotification."
    ))
}

pub(crate) fn invalid_policy(message: impl Into<String>) -> ApiError {
    error::invalid_policy_attribute_exception(message.into())
}

pub(crate) fn too_many_policies() -> ApiError {
    error::policies_limit_exceeded_exception("A parameter can have 10 policies at most.")
}

pub(crate) fn incompatible_policy(message: impl Into<String>) -> ApiError {
    error::incompatible_policy_exception(message.into())
}

pub(crate) fn invalid_filter_key() -> ApiError {
    error::invalid_filter_key("The specified filter key isn't valid.")
}

pub(crate) fn invalid_filter_option(option: &str) -> ApiError {
    error::invalid_filter_option(format!("The following filter option is not valid: {option}."))
}

pub(crate) fn invalid_filter_value(message: impl Into<String>) -> ApiError {
    error::invalid_filter_value(message.into())
}

pub(crate) fn invalid_resource_type() -> ApiError {
    error::invalid_resource_type("The resource type is not valid: only parameters are here.")
}

pub(crate) fn invalid_resource_id() -> ApiError {
    error::invalid_resource_id(
        "The resource ID is not valid. Verify that you entered the correct ID and try again.",
    )
}

pub(crate) fn too_many_tags() -> ApiError {
    error::too_many_tags_error("The Targets parameter includes too many tags: a parameter can have 50.")
}

/// What KMS has against it.
pub(crate) fn of_kms(cause: ApiError) -> ApiError {
    match cause.name() {
        "AccessDeniedException" => ApiError::sender("AccessDeniedException", cause.message()),
        name if cause.status() < 500 => error::invalid_key_id(format!(
            "{} (Service: AWSKMS; Status Code: 400; Error Code: {name})",
            cause.message()
        )),
        _ => cause,
    }
}
