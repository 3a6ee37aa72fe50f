//! Every error Secrets Manager returns, in AWS's words (AWS Secrets Manager API Reference).

use secretsmanager_api::error;
use shapes::ApiError;

pub(crate) fn not_found() -> ApiError {
    error::resource_not_found_exception("Secrets Manager can't find the specified secret.")
}

pub(crate) fn no_such_stage(stage: &str) -> ApiError {
    error::resource_not_found_exception(format!(
        "Secrets Manager can't find the specified secret value for staging label: {stage}"
    ))
}

pub(crate) fn no_such_version(id: &str) -> ApiError {
    error::resource_not_found_exception(format!(
        "Secrets Manager can't find the specified secret value for VersionId: {id}"
    ))
}

pub(crate) fn exists(name: &str) -> ApiError {
    error::resource_exists_exception(format!(
        "The operation failed because the secret {name} already exists."
    ))
}

pub(crate) fn version_exists(id: &str) -> ApiError {
    error::resource_exists_exception(format!(
        "You can't use ClientRequestToken {id} because that value is already in use for a version with other data."
    ))
}

pub(crate) fn name_is_being_deleted() -> ApiError {
    invalid_request(
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
}

pub(crate) fn is_deleted() -> ApiError {
    invalid_request("You can't perform this operation on the secret because it was marked for deletion.")
}

pub(crate) fn invalid_request(message: impl Into<String>) -> ApiError {
    error::invalid_request_exception(message.into())
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    error::invalid_parameter_exception(message.into())
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    error::limit_exceeded_exception(message.into())
}

pub(crate) fn malformed_policy(message: impl Into<String>) -> ApiError {
    error::malformed_policy_document_exception(message.into())
}

pub(crate) fn public_policy() -> ApiError {
    error::public_policy_exception(
        "You can't attach a resource policy that allows broad access to the secret.",
    )
}

pub(crate) fn cannot_invoke() -> ApiError {
    ApiError::sender(
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to \
         the principal secretsmanager.amazonaws.com.",
    )
}

/// What KMS has against sealing a value.
pub(crate) fn of_encrypting(cause: ApiError) -> ApiError {
    match cause.name() {
        "AccessDeniedException" => access_to_kms(&cause),
        _ if cause.status() >= 500 => cause,
        _ => error::encryption_failure(format!(
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. {}",
            cause.message()
        )),
    }
}

/// What KMS has against opening a value.
pub(crate) fn of_decrypting(cause: ApiError) -> ApiError {
    match cause.name() {
        "AccessDeniedException" => access_to_kms(&cause),
        _ if cause.status() >= 500 => cause,
        _ => error::decryption_failure(format!(
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key. {}",
            cause.message()
        )),
    }
}

fn access_to_kms(cause: &ApiError) -> ApiError {
    ApiError::sender("AccessDeniedException", format!("Access to KMS is not allowed. {}", cause.message()))
}

/// What AWS has and we have not.
pub(crate) fn is_not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
