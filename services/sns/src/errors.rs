//! Every error SNS returns, in AWS's words (Amazon SNS API Reference, the operations' "Errors").

use shapes::ApiError;
use sns_api::error;

pub(crate) fn topic_does_not_exist() -> ApiError {
    error::not_found_exception("Topic does not exist")
}

pub(crate) fn subscription_does_not_exist() -> ApiError {
    error::not_found_exception("Subscription does not exist")
}

/// Operations on tags word it differently.
pub(crate) fn resource_does_not_exist() -> ApiError {
    error::resource_not_found_exception("Resource does not exist")
}

/// `Invalid parameter: TopicArn`
pub(crate) fn invalid(parameter: &str) -> ApiError {
    error::invalid_parameter_exception(format!("Invalid parameter: {parameter}"))
}

pub(crate) fn invalid_because(parameter: &str, reason: impl std::fmt::Display) -> ApiError {
    error::invalid_parameter_exception(format!("Invalid parameter: {parameter} Reason: {reason}"))
}

pub(crate) fn invalid_arn(parameter: &str, text: &str) -> ApiError {
    let elements = text.split(':').count();
    if elements < 6 {
        return invalid_because(parameter, format!("An ARN must have at least 6 elements, not {elements}"));
    }
    invalid(parameter)
}

/// Subscribe's words for what is wrong with an attribute.
pub(crate) fn in_attributes(error: ApiError) -> ApiError {
    match error.message().strip_prefix("Invalid parameter: ") {
        Some(rest) => invalid_because("Attributes", rest.to_owned()),
        None => error,
    }
}

pub(crate) fn group_is_missing() -> ApiError {
    invalid("The MessageGroupId parameter is required for FIFO topics")
}

pub(crate) fn deduplication_is_missing() -> ApiError {
    invalid(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    )
}

pub(crate) fn invalid_token() -> ApiError {
    error::invalid_parameter_exception("Invalid token")
}

pub(crate) fn invalid_message_attribute(message: String) -> ApiError {
    error::invalid_parameter_value_exception(message)
}

pub(crate) fn too_many_subscriptions(limit: usize) -> ApiError {
    error::subscription_limit_exceeded_exception(format!(
        "Subscription limit exceeded: a topic has at most {limit} subscriptions"
    ))
}

pub(crate) fn too_many_tags(limit: usize) -> ApiError {
    error::tag_limit_exceeded_exception(format!(
        "Could not complete request: tag quota of per resource exceeded. A resource has at most {limit} tags"
    ))
}

pub(crate) fn link_needs_owner() -> ApiError {
    error::authorization_error_exception(
        "This subscription can only be deleted by the owner of the subscription or of the topic",
    )
}

pub(crate) fn empty_batch() -> ApiError {
    error::empty_batch_request_exception("The batch request doesn't contain any entries.")
}

pub(crate) fn too_many_entries() -> ApiError {
    error::too_many_entries_in_batch_request_exception(
        "The batch request contains more entries than permissible: at most 10.",
    )
}

pub(crate) fn entry_ids_not_distinct() -> ApiError {
    error::batch_entry_ids_not_distinct_exception(
        "Two or more batch entries in the request have the same Id.",
    )
}

pub(crate) fn invalid_entry_id(id: &str) -> ApiError {
    error::invalid_batch_entry_id_exception(format!(
        "The Id '{id}' of a batch entry is invalid: it has 1 to 80 letters, digits, hyphens and underscores."
    ))
}

pub(crate) fn batch_too_long() -> ApiError {
    error::batch_request_too_long_exception(
        "The length of all the messages put together is more than the limit.",
    )
}

/// Developer Guide, "Amazon SNS message archiving for FIFO topic owners".
pub(crate) fn topic_has_archive() -> ApiError {
    error::invalid_state_exception(
        "Invalid state: the topic has an active ArchivePolicy. Deactivate it before you delete the topic.",
    )
}

/// API Reference, Publish: what KMS refused, in SNS's names.
pub(crate) fn of_kms(refused: &ApiError) -> ApiError {
    let message = refused.message().to_owned();
    match refused.name() {
        "AccessDeniedException" => error::kms_access_denied_exception(message),
        "DisabledException" => error::kms_disabled_exception(message),
        "NotFoundException" | "InvalidArnException" => error::kms_not_found_exception(message),
        "KMSInvalidStateException" | "KeyUnavailableException" | "InvalidKeyUsageException" => {
            error::kms_invalid_state_exception(message)
        }
        "ThrottlingException" | "LimitExceededException" => error::kms_throttling_exception(message),
        _ => refused.clone(),
    }
}

/// Developer Guide, "Data protection policy operations": what a Deny statement for inbound messages answers. The words are
/// ours.
pub(crate) fn denied_by_data_protection(topic: impl std::fmt::Display) -> ApiError {
    error::authorization_error_exception(format!(
        "The message contains sensitive data that the data protection policy of {topic} denies."
    ))
}

pub(crate) fn is_not_here_yet(what: &str) -> ApiError {
    ApiError::with_status(501, "NotImplemented", format!("{what} not implemented in Brume yet."))
}
