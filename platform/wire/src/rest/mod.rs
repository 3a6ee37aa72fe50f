//! The parts of REST messages beside the body: labels, query strings, headers, status code.

mod header;
mod uri;

pub(crate) use header::{read_headers, read_prefixed, write_headers};
pub(crate) use uri::{path_and_query, read_labels, read_query};

use shapes::{Location, StructShape};

/// Whether some member of a structure travels in the body.
pub(crate) fn has_body_members(shape: &StructShape) -> bool {
    shape.members.iter().any(|member| member.location == Location::Body)
}
