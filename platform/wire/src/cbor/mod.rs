//! CBOR (RFC 8949) as far as rpc-v2-cbor uses it.

mod lexer;
mod read;
mod write;

pub(crate) use read::{body_into, error_fields};
pub(crate) use write::Writer;
