//! What a request that cannot be read is answered with, per family of protocols.

use shapes::{ApiError, StructShape};

/// A JSON or CBOR body that does not fit the operation.
pub(crate) fn serialization(message: impl Into<String>) -> ApiError {
    ApiError::sender("SerializationException", message)
}

/// A form parameter whose value does not fit its type.
pub(crate) fn malformed_input(message: impl Into<String>) -> ApiError {
    ApiError::sender("MalformedInput", message)
}

/// An XML body that does not fit the operation.
pub(crate) fn malformed_xml(message: impl Into<String>) -> ApiError {
    ApiError::sender("MalformedXML", message)
}

/// A label, query parameter or header of a REST request that does not fit its type.
pub(crate) fn invalid_binding(place: &str, name: &str, reason: &str) -> ApiError {
    ApiError::sender("SerializationException", format!("Invalid value in {place} {name}: {reason}"))
}

/// A union of which several members are set. The wording is DynamoDB's, with the shape's name in place.
pub(crate) fn union_with_several(shape: &StructShape) -> ApiError {
    let message = format!(
        "Supplied {} has more than one datatypes set, must contain exactly one of the supported datatypes",
        shape.name
    );
    ApiError::sender("ValidationException", message)
}

/// A union of which no member is set.
pub(crate) fn union_without_any(shape: &StructShape) -> ApiError {
    let message =
        format!("Supplied {} is empty, must contain exactly one of the supported datatypes", shape.name);
    ApiError::sender("ValidationException", message)
}

/// An answer that a client cannot make sense of.
pub(crate) fn unreadable_response(reason: impl std::fmt::Display) -> ApiError {
    ApiError::with_status(502, "UnreadableResponse", format!("the response cannot be read: {reason}"))
}
