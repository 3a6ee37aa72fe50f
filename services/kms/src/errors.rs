//! Every error KMS returns, in AWS's words (AWS KMS API Reference, the operations' "Errors").

use kms_api::error;
use shapes::ApiError;

use crate::key::State;

pub(crate) fn no_such_key(arn: &str) -> ApiError {
    error::not_found_exception(format!("Key '{arn}' does not exist"))
}

pub(crate) fn no_such_alias(arn: &str) -> ApiError {
    error::not_found_exception(format!("Alias {arn} is not found."))
}

pub(crate) fn invalid_key_id(id: &str) -> ApiError {
    error::not_found_exception(format!("Invalid keyId '{id}'"))
}

/// A key of another region: KMS looks in its own alone.
pub(crate) fn other_region(region: &str) -> ApiError {
    error::not_found_exception(format!("Invalid arn {region}"))
}

pub(crate) fn invalid_arn(arn: &str) -> ApiError {
    error::invalid_arn_exception(format!("Invalid arn {arn}"))
}

/// What callers of another account learn of a key that is not there.
pub(crate) fn not_for_strangers() -> ApiError {
    ApiError::sender(
        "AccessDeniedException",
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are \
         not allowed to access.",
    )
}

pub(crate) fn disabled(arn: &str) -> ApiError {
    error::disabled_exception(format!("{arn} is disabled."))
}

pub(crate) fn invalid_state(arn: &str, state: State) -> ApiError {
    let state = match state {
        State::Enabled => "enabled",
        State::Disabled => "disabled",
        State::PendingImport => "pending import",
        State::PendingDeletion => "pending deletion",
        State::PendingReplicaDeletion => "pending replica deletion",
    };
    error::kms_invalid_state_exception(format!("{arn} is {state}."))
}

pub(crate) fn not_pending_deletion(arn: &str) -> ApiError {
    error::kms_invalid_state_exception(format!("{arn} is not pending deletion."))
}

pub(crate) fn wrong_usage(arn: &str, usage: &str, operation: &str) -> ApiError {
    error::invalid_key_usage_exception(format!(
        "{arn} key usage is {usage} which is not valid for {operation}."
    ))
}

pub(crate) fn wrong_algorithm(algorithm: &str, spec: &str) -> ApiError {
    error::invalid_key_usage_exception(format!("Algorithm {algorithm} and key spec {spec} are incompatible."))
}

pub(crate) fn not_symmetric(arn: &str, spec: &str, operation: &str) -> ApiError {
    error::invalid_key_usage_exception(format!(
        "{arn} key spec is {spec} which is not valid for {operation}."
    ))
}

/// KMS does not say what is wrong with a ciphertext.
pub(crate) fn invalid_ciphertext() -> ApiError {
    error::invalid_ciphertext_exception(String::new())
}

pub(crate) fn incorrect_key() -> ApiError {
    error::incorrect_key_exception(
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )
}

pub(crate) fn dry_run() -> ApiError {
    error::dry_run_operation_exception("The request would have succeeded, but the DryRun option is set.")
}

/// The model declares no such error for every operation that raises it, so it is made by its name.
pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::sender("ValidationException", message)
}

pub(crate) fn alias_exists(arn: &str) -> ApiError {
    error::already_exists_exception(format!("An alias with the name {arn} already exists"))
}

pub(crate) fn reserved_alias() -> ApiError {
    ApiError::sender("NotAuthorizedException", "")
}

pub(crate) fn invalid_alias_name(name: &str) -> ApiError {
    validation(format!(
        "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html, not {name}"
    ))
}

pub(crate) fn alias_to_alias() -> ApiError {
    validation("Aliases must refer to keys. Not aliases")
}

pub(crate) fn alias_to_other_kind() -> ApiError {
    validation("Alias cannot be changed to a key of another type or usage")
}

pub(crate) fn malformed_policy(message: impl Into<String>) -> ApiError {
    error::malformed_policy_document_exception(message.into())
}

pub(crate) fn locked_out() -> ApiError {
    malformed_policy("The new key policy will not allow you to update the key policy in the future.")
}

pub(crate) fn no_such_policy() -> ApiError {
    error::not_found_exception("No such policy exists")
}

pub(crate) fn unsupported(message: impl Into<String>) -> ApiError {
    error::unsupported_operation_exception(message.into())
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    error::limit_exceeded_exception(message.into())
}

pub(crate) fn invalid_tag(message: impl Into<String>) -> ApiError {
    error::tag_exception(message.into())
}

pub(crate) fn no_such_grant(id: &str) -> ApiError {
    error::not_found_exception(format!("Grant ID {id} not found"))
}

pub(crate) fn invalid_grant_token() -> ApiError {
    error::invalid_grant_token_exception("Invalid grant token.")
}

pub(crate) fn invalid_signature() -> ApiError {
    error::kms_invalid_signature_exception(String::new())
}

pub(crate) fn invalid_mac() -> ApiError {
    error::kms_invalid_mac_exception(String::new())
}

pub(crate) fn invalid_import_token() -> ApiError {
    error::invalid_import_token_exception(String::new())
}

pub(crate) fn expired_import_token() -> ApiError {
    error::expired_import_token_exception(String::new())
}

pub(crate) fn incorrect_material() -> ApiError {
    error::incorrect_key_material_exception(String::new())
}

pub(crate) fn no_such_material(id: &str) -> ApiError {
    error::not_found_exception(format!("Key material {id} does not exist"))
}

pub(crate) fn no_pending_material(arn: &str) -> ApiError {
    error::kms_invalid_state_exception(format!("{arn} has no key material that is pending rotation."))
}

pub(crate) fn replica_exists(id: &str, region: &str) -> ApiError {
    error::already_exists_exception(format!("Key {id} already exists in Region {region}"))
}

/// What AWS has and we have not.
pub(crate) fn is_not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}
