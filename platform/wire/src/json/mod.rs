//! JSON bodies: read straight into slots, written straight from views.

mod lexer;
mod read;
mod write;

pub(crate) use read::{body_into, document_into, error_fields, union_into};
pub(crate) use write::{document, members, string, structure, union};
