//! Every error DynamoDB returns, in AWS's words.

use dynamodb_api::{
    CancellationReason, ConditionalCheckFailedException, TransactionCanceledException, error,
};
use shapes::ApiError;

use crate::attribute::item_to_api;
use crate::item::Item;

/// The model does not declare it; the domain's errors are its whole message.
pub(crate) fn validation(message: impl std::fmt::Display) -> ApiError {
    ApiError::sender("ValidationException", message.to_string())
}

/// The sentence that most refusals of parameters begin with.
pub(crate) fn invalid_parameter(message: impl std::fmt::Display) -> ApiError {
    validation(format!("One or more parameter values were invalid: {message}"))
}

pub(crate) fn table_not_found() -> ApiError {
    error::resource_not_found_exception("Requested resource not found")
}

/// The table's KMS key cannot be used.
pub(crate) fn key_access_denied() -> ApiError {
    ApiError::sender("AccessDeniedException", "KMS key access denied")
}

pub(crate) fn named_table_not_found(name: &str) -> ApiError {
    error::resource_not_found_exception(format!("Requested resource not found: Table: {name} not found"))
}

/// The model names another error for a missing table in operations on backups.
pub(crate) fn backed_up_table_not_found(name: &str) -> ApiError {
    error::table_not_found_exception(format!("Table not found: {name}"))
}

pub(crate) fn resource_not_found(arn: &str) -> ApiError {
    error::resource_not_found_exception(format!("Requested resource not found: ResourcArn: {arn} not found"))
}

pub(crate) fn table_exists(name: &str) -> ApiError {
    error::resource_in_use_exception(format!("Table already exists: {name}"))
}

pub(crate) fn restored_table_exists(name: &str) -> ApiError {
    error::table_already_exists_exception(format!("Table already exists: {name}"))
}

pub(crate) fn table_in_use(name: &str, what: &str) -> ApiError {
    error::resource_in_use_exception(format!(
        "Attempt to change a resource which is still in use: {what}: {name}"
    ))
}

pub(crate) fn table_is_protected(arn: &str) -> ApiError {
    validation(format!(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first. \
         Resource: {arn}"
    ))
}

/// With the item when ReturnValuesOnConditionCheckFailure asks for it.
pub(crate) fn condition_failed(item: Option<&Item>) -> ApiError {
    let error = error::conditional_check_failed_exception("The conditional request failed");
    match item {
        None => error,
        Some(item) => error.with_detail(ConditionalCheckFailedException {
            item: Some(item_to_api(item.clone())),
            ..Default::default()
        }),
    }
}

/// API Reference, TransactWriteItems, "Item Collection Size Limit Exceeded".
pub(crate) fn collection_too_large() -> ApiError {
    error::item_collection_size_limit_exceeded_exception("Collection size exceeded.")
}

pub(crate) const DUPLICATE_ITEM: &str = "Duplicate primary key exists in table";

/// What PartiQL's INSERT meets in the place of a failed condition.
pub(crate) fn duplicate_item() -> ApiError {
    error::duplicate_item_exception(DUPLICATE_ITEM)
}

/// One reason per part of the transaction, in their order.
pub(crate) fn transaction_canceled(reasons: Vec<CancellationReason>) -> ApiError {
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_deref().unwrap_or("None")).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let detail = TransactionCanceledException { cancellation_reasons: Some(reasons), ..Default::default() };
    error::transaction_canceled_exception(message).with_detail(detail)
}

pub(crate) fn other_request_with_token() -> ApiError {
    error::idempotent_parameter_mismatch_exception(
        "The request uses the same client token as a previous, but non-identical request. Do not reuse a client \
         token with different requests, unless the requests are identical",
    )
}

pub(crate) fn no_such_index(name: &str) -> ApiError {
    validation(format!("The table does not have the specified index: {name}"))
}

pub(crate) fn index_not_found(name: &str) -> ApiError {
    error::resource_not_found_exception(format!("Requested resource not found: Index: {name}"))
}

pub(crate) fn index_is_filling(name: &str) -> ApiError {
    validation(format!("Cannot read from backfilling global secondary index: {name}"))
}

pub(crate) fn backup_not_found(arn: &str) -> ApiError {
    error::backup_not_found_exception(format!("Backup not found: {arn}"))
}

pub(crate) fn backup_in_use(arn: &str) -> ApiError {
    error::backup_in_use_exception(format!("Backup is being created or restored: {arn}"))
}

pub(crate) fn export_not_found(arn: &str) -> ApiError {
    error::export_not_found_exception(format!("Export not found: {arn}"))
}

pub(crate) fn import_not_found(arn: &str) -> ApiError {
    error::import_not_found_exception(format!("Import not found: {arn}"))
}

pub(crate) fn policy_not_found(arn: &str) -> ApiError {
    error::policy_not_found_exception(format!(
        "Resource-based policy not found for the provided ResourceArn: {arn}"
    ))
}

pub(crate) fn stream_not_found(arn: &str) -> ApiError {
    let message = format!("Requested resource not found: Stream: {arn} not found");
    dynamodb_streams_api::error::resource_not_found_exception(message)
}

pub(crate) fn shard_not_found(stream: &str, shard: &str) -> ApiError {
    let message = format!("Requested resource not found: Shard: {shard} in Stream: {stream} not found");
    dynamodb_streams_api::error::resource_not_found_exception(message)
}

pub(crate) fn trimmed() -> ApiError {
    dynamodb_streams_api::error::trimmed_data_access_exception(
        "The operation attempted to read past the oldest stream record in a shard",
    )
}

pub(crate) fn iterator_expired() -> ApiError {
    dynamodb_streams_api::error::expired_iterator_exception(
        "Iterator expired. The iterator is older than 15 minutes",
    )
}
