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

pub(crate) fn message_not_in_flight() -> ApiError {
    invalid_parameter(
        "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for \
         visibility timeout change.",
    )
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

pub(crate) fn fifo_is_not_here_yet() -> ApiError {
    ApiError::with_status(
        501,
        "NotImplemented",
        "FIFO queues are not implemented in Brume yet; leave out FifoQueue and the .fifo suffix.",
    )
}

pub(crate) fn is_for_fifo_only(parameter: &str) -> ApiError {
    invalid_parameter(format!(
        "The request include parameter that is not valid for this queue type. Reason: {parameter} is only valid for \
         FIFO queues."
    ))
}
