//! The protocol between DAX and its clients: CBOR (RFC 8949) over a connection, requests without a length in front,
//! keys and items in forms of their own, expressions as trees.
//!
//! The protocol has no specification; it is what the published clients (`amazon-dax-client` for Python, for Node.js and for
//! Java, to which answers come in frames) send and understand. This crate turns bytes into requests and answers into
//! bytes. It knows no connection, no cache and no table.

mod answer;
mod attribute_value;
mod cbor;
mod expression;
mod failure;
mod frame;
mod item;
mod key;
mod lex_decimal;
mod number;
mod options;
mod projection;
mod request;

pub use answer::{Answer, Consumed, Page};
pub use attribute_value::{decode_value, encode_value};
pub use cbor::{Decoder, Encoder};
pub use expression::Expressions;
pub use failure::{Cancellation, Failure};
pub use frame::{Frame, Greeting, Layering, maximum_request_bytes, request_length};
pub use item::{decode_attributes, decode_item, encode_attributes};
pub use key::{
    KeyKind, KeyPart, KeySchema, decode_compound_key, decode_key, encode_compound_key, encode_key,
};
pub use options::Options;
pub use projection::{Path, PathElement, Projection};
pub use request::{
    Authorization, Request, TableKeys, TableWrites, TransactionGet, TransactionWrite, WriteKind,
};

/// Bytes that are no request of DAX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// There is more to come.
    #[error("the request is not complete")]
    Incomplete,
    #[error("{0}")]
    Malformed(&'static str),
}
