//! DynamoDB: tables of schemaless items, addressed by a hash key and an optional range key.
//!
//! The modules here are the domain: values, numbers, keys, items, expressions, indexes and the record
//! of a change. They are plain code without I/O and without a clock; operations and storage stand on them.
//! It is not a query engine: a read names a key or a contiguous range of keys, or walks everything.

pub mod capacity;
pub mod expression;
pub mod index;
pub mod item;
pub mod key_encoding;
pub mod key_schema;
pub mod legacy;
pub mod number;
pub mod set;
pub mod stream_record;
pub mod table;
pub mod value;
