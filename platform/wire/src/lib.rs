//! AWS's wire protocols (awsJson 1.0 and 1.1, awsQuery, ec2Query, rest-json, rest-xml, rpc-v2-cbor), each written
//! once against schemas, for both ends: a server reads requests and writes answers, a client the other way round.
//!
//! This crate knows no service and does no I/O. Constraints of the model are checked apart from decoding
//! ([`constraints::check`]), because some services word their own checks.

mod cbor;
pub mod constraints;
mod errors;
pub mod identify;
mod json;
mod message;
mod missing;
mod percent;
mod protocol;
mod query;
mod rest;
pub mod router;
mod text;
mod timestamp;
mod xml;

pub use message::{ClientRequest, Request, Response};
pub use missing::Missing;
pub use protocol::{
    decode_error_detail, decode_named, decode_request, decode_response, encode_bare_error, encode_error,
    encode_input, encode_output, encode_query_as_json, encode_unrouted_error,
};

/// Path labels of a REST request: the model's names and decoded values.
pub type Labels = Vec<(&'static str, String)>;

/// Who is reading. A client forgives what a newer server may send; a server does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}
