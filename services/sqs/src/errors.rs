//! Every error SQS returns, in AWS's words (Amazon SQS API Reference, the operations' "Errors").

use shapes::ApiError;
use sqs_api::error;

pub(crate) fn queue_does_not_exist() -> ApiError {
    error::queue_does_not_exist("The specified queue does not exist.")
}

/// The model declares no such error, and clients match on this code.
pub(crate) fn queue_exists_with_other_attributes(attribute: &str) -> ApiError {
    error::queue_name_exists(format!(
        "A queue already exists with the same name and a different value for attribute {attribute}"
    ))
}

pub(crate) fn invalid_queue_name() -> ApiError {
    invalid_parameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    ApiError::sender("InvalidParameterValue", message)
}

pub(crate) fn out_of_range(name: &str, value: i64, least: i64, most: i64) -> ApiError {
    invalid_parameter(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
    ))
}

pub(crate) fn missing_parameter(name: &str) -> ApiError {
    ApiError::sender("MissingParameter", format!("The request must contain the parameter {name}."))
}

pub(crate) fn unknown_attribute(name: &str) -> ApiError {
    error::invalid_attribute_name(format!("Unknown Attribute {name}."))
}

pub(crate) fn invalid_attribute_value(name: &str) -> ApiError {
    error::invalid_attribute_value(format!("Invalid value for the parameter {name}."))
}

pub(crate) fn message_too_long(limit: usize) -> ApiError {
    invalid_parameter(format!(
        "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
    ))
}

pub(crate) fn invalid_characters() -> ApiError {
    error::invalid_message_contents("Invalid binary character was found in the message body.")
}

pub(crate) fn invalid_receipt_handle(handle: &str) -> ApiError {
    error::receipt_handle_is_invalid(format!(
        "The input receipt handle \"{handle}\" is not a valid receipt handle."
    ))
}

pub(crate) fn message_not_in_flight(handle: &str) -> ApiError {
    invalid_parameter(format!(
        "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available \
         for visibility timeout change."
    ))
}

pub(crate) fn purge_in_progress(name: &str) -> ApiError {
    error::purge_queue_in_progress(format!(
        "Only one PurgeQueue operation on {name} is allowed every 60 seconds."
    ))
}

pub(crate) fn empty_batch(entry: &str) -> ApiError {
    error::empty_batch_request(format!("There should be at least one {entry} in the request."))
}

pub(crate) fn too_many_entries(count: usize) -> ApiError {
    error::too_many_entries_in_batch_request(format!(
        "Maximum number of entries per request are 10. You have sent {count}."
    ))
}

pub(crate) fn entry_ids_not_distinct(id: &str) -> ApiError {
    error::batch_entry_ids_not_distinct(format!("Id {id} repeated."))
}

pub(crate) fn invalid_entry_id() -> ApiError {
    error::invalid_batch_entry_id(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
         letters long.",
    )
}

pub(crate) fn batch_too_long(size: usize, limit: usize) -> ApiError {
    error::batch_request_too_long(format!(
        "Batch requests cannot be longer than {limit} bytes. You have sent {size} bytes."
    ))
}

/// Developer Guide, "Encryption at rest in Amazon SQS".
pub(crate) fn one_encryption_at_a_time() -> ApiError {
    error::invalid_attribute_value(
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
    )
}

/// What KMS refused, as SQS words it (API Reference, SendMessage, "Errors").
pub(crate) fn of_kms(refused: &ApiError) -> ApiError {
    let message = refused.message().to_owned();
    match refused.name() {
        "AccessDeniedException" => error::kms_access_denied(message),
        "DisabledException" => error::kms_disabled(message),
        "NotFoundException" | "InvalidArnException" => error::kms_not_found(message),
        "InvalidKeyUsageException" => error::kms_invalid_key_usage(message),
        "KMSInvalidStateException" | "KeyUnavailableException" => error::kms_invalid_state(message),
        "ThrottlingException" | "LimitExceededException" => error::kms_throttled(message),
        _ => refused.clone(),
    }
}

pub(crate) fn invalid_fifo_queue_name() -> ApiError {
    invalid_parameter(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
         .fifo suffix and be 1 to 80 in length",
    )
}

pub(crate) fn throughput_needs_deduplication_per_group() -> ApiError {
    error::invalid_attribute_value(
        "The perMessageGroupId value is allowed for FifoThroughputLimit only when the value for DeduplicationScope is \
         messageGroup.",
    )
}

pub(crate) fn queue_deleted_recently() -> ApiError {
    error::queue_deleted_recently(
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    )
}

pub(crate) fn too_many_in_flight(limit: usize) -> ApiError {
    error::over_limit(format!("Too many messages are in flight: a queue can have {limit} of them at most."))
}

pub(crate) fn deduplication_id_is_missing() -> ApiError {
    invalid_parameter(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    )
}

/// Ids of message groups, deduplication and attempts (API Reference, SendMessage).
pub(crate) fn invalid_id(parameter: &str, value: &str) -> ApiError {
    invalid_parameter(format!(
        "Value {value} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric and \
         punctuation characters. 1 to 128 in length."
    ))
}

pub(crate) fn delay_is_for_standard_only(seconds: i64) -> ApiError {
    invalid_parameter(format!(
        "Value {seconds} for parameter DelaySeconds is invalid. Reason: The request include parameter that is not \
         valid for this queue type."
    ))
}

pub(crate) fn receipt_has_expired(handle: &str) -> ApiError {
    invalid_parameter(format!(
        "Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    ))
}

pub(crate) fn message_is_visible() -> ApiError {
    error::message_not_inflight("The specified message isn't in flight.")
}

pub(crate) fn visible_too_late(seconds: u64) -> ApiError {
    invalid_parameter(format!(
        "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message \
         is beyond the limit [43200 seconds]."
    ))
}

pub(crate) fn invalid_label(label: &str, reason: &str) -> ApiError {
    invalid_parameter(format!("Value {label} for parameter Label is invalid. Reason: {reason}"))
}

pub(crate) fn invalid_action(action: &str) -> ApiError {
    invalid_parameter(format!(
        "Value SQS:{action} for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke \
         this action."
    ))
}

pub(crate) fn invalid_account(account: &str) -> ApiError {
    invalid_parameter(format!(
        "Value [{account}] for parameter PrincipalId is invalid. Reason: Unable to verify."
    ))
}

pub(crate) fn too_many_actions(most: usize) -> ApiError {
    error::over_limit(format!("A permission can have {most} actions at most."))
}

pub(crate) fn no_such_source() -> ApiError {
    error::resource_not_found_exception(
        "The resource that you specified for the SourceArn parameter doesn't exist.",
    )
}

pub(crate) fn no_such_destination() -> ApiError {
    error::resource_not_found_exception(
        "The resource that you specified for the DestinationArn parameter doesn't exist.",
    )
}

pub(crate) fn not_a_dead_letter_queue() -> ApiError {
    invalid_parameter("Source queue must be configured as a Dead Letter Queue.")
}

pub(crate) fn task_is_running() -> ApiError {
    error::unsupported_operation(
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    )
}

pub(crate) fn no_such_task() -> ApiError {
    error::resource_not_found_exception("Task does not exist.")
}

pub(crate) fn task_is_over() -> ApiError {
    error::unsupported_operation("Only active tasks can be cancelled.")
}

pub(crate) fn invalid_arn(parameter: &str, arn: &str) -> ApiError {
    invalid_parameter(format!(
        "You must use this format to specify the {parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>. \
         You have sent {arn}."
    ))
}

pub(crate) fn is_for_fifo_only(parameter: &str) -> ApiError {
    invalid_parameter(format!(
        "The request include parameter that is not valid for this queue type. Reason: {parameter} is only valid for \
         FIFO queues."
    ))
}

pub(crate) fn too_many_statements(most: usize) -> ApiError {
    error::over_limit(format!("A queue's policy can have {most} statements at most."))
}

pub(crate) fn invalid_task_handle() -> ApiError {
    invalid_parameter("Value for parameter TaskHandle is invalid.")
}

pub(crate) fn invalid_destination(arn: &str) -> ApiError {
    invalid_parameter(format!(
        "Value {arn} for parameter DestinationArn is invalid. Reason: The destination must be another queue of the same \
         type, account and region."
    ))
}
