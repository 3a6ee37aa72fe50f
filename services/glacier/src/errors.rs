//! Every error that Glacier returns (Glacier API, "Error Responses"): each with its code and whose mistake it is in the body.

use glacier_api::{
    InvalidParameterValueException, LimitExceededException, MissingParameterValueException,
    PolicyEnforcedException, ResourceNotFoundException, error,
};
use shapes::ApiError;

macro_rules! raise {
    ($constructor:ident, $shape:ident, $message:expr) => {{
        let detail = $shape {
            r#type: Some("Client".to_owned()),
            code: Some(stringify!($shape).to_owned()),
            ..Default::default()
        };
        error::$constructor($message).with_detail(detail)
    }};
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    raise!(invalid_parameter_value_exception, InvalidParameterValueException, message)
}

pub(crate) fn missing(name: &str) -> ApiError {
    let message = format!("Required parameter missing: {name}");
    raise!(missing_parameter_value_exception, MissingParameterValueException, message)
}

pub(crate) fn not_found(message: impl Into<String>) -> ApiError {
    raise!(resource_not_found_exception, ResourceNotFoundException, message)
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    raise!(limit_exceeded_exception, LimitExceededException, message)
}

pub(crate) fn policy_enforced() -> ApiError {
    let message = "InitiateJob request denied by current data retrieval policy.";
    raise!(policy_enforced_exception, PolicyEnforcedException, message)
}

/// The model declares no such error.
pub(crate) fn access_denied(message: impl Into<String>) -> ApiError {
    ApiError::with_status(403, "AccessDeniedException", message)
}

pub(crate) fn vault_not_found(arn: &str) -> ApiError {
    not_found(format!("Vault not found for ARN: {arn}"))
}

pub(crate) fn archive_not_found(id: &str) -> ApiError {
    not_found(format!("The archive ID was not found: {id}"))
}

pub(crate) fn upload_not_found(id: &str) -> ApiError {
    not_found(format!("The upload ID was not found: {id}"))
}

pub(crate) fn job_not_found(id: &str) -> ApiError {
    not_found(format!("The job ID was not found: {id}"))
}

pub(crate) fn tree_hash_mismatch(expected: &str, found: &str) -> ApiError {
    invalid(format!("Checksum mismatch: expected {expected} but the tree hash of the data is {found}"))
}

/// A blob that cannot be read is a fault of ours.
pub(crate) fn storage(cause: blobs::BlobError) -> ApiError {
    ApiError::internal(cause)
}
