//! DynamoDB: tables of schemaless items, addressed by a hash key and an optional range key.
//!
//! The modules here are the domain: values, numbers, keys, items, expressions, indexes and the record
//! of a change. They are plain code without I/O and without a clock; operations and storage stand on them.
//! It is not a query engine: a read names a key or a contiguous range of keys, or walks everything.

mod attribute;
pub mod capacity;
mod errors;
pub mod expression;
pub mod index;
pub mod item;
pub mod key_encoding;
pub mod key_schema;
pub mod legacy;
pub mod number;
mod ops;
pub mod set;
pub mod stream_record;
mod streams;
pub mod table;
mod tables;
pub mod value;
mod write;

use std::sync::Arc;

use cloud::{Cloud, Service};

/// DynamoDB as the region's registry wants it.
pub fn service(_: Cloud) -> Service {
    Service::new(&dynamodb_api::SERVICE, Arc::new(DynamoDb), ops::OPERATIONS)
}

/// DynamoDB Streams as the region's registry wants it.
pub fn streams_service(_: Cloud) -> Service {
    Service::new(&dynamodb_streams_api::SERVICE, Arc::new(DynamoDb), streams::ops::OPERATIONS)
}

/// The handlers need nothing beyond their context: what is stored is all there is.
pub(crate) struct DynamoDb;
