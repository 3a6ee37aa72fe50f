//! The parts of REST messages beside the body: labels, query strings, headers, status code.

mod header;
mod uri;

pub(crate) use header::{read_headers, read_prefixed, write_headers};
pub(crate) use uri::{path_and_query, read_labels, read_query};

use shapes::{Location, Member, StructShape};

use crate::Side;

/// Whose body is read or written, which decides which members belong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyOf {
    /// All members.
    Rpc,
    Request,
    /// A response has neither path nor query string, so members bound to these are in its body.
    Response,
}

impl BodyOf {
    /// What `side` reads with REST protocols.
    pub(crate) fn read_by(side: Side) -> Self {
        match side {
            Side::Server => Self::Request,
            Side::Client => Self::Response,
        }
    }

    /// What `side` writes with REST protocols.
    pub(crate) fn written_by(side: Side) -> Self {
        match side {
            Side::Server => Self::Response,
            Side::Client => Self::Request,
        }
    }

    pub(crate) fn has(self, member: &Member) -> bool {
        match (self, member.location) {
            (Self::Rpc, _) | (_, Location::Body) => true,
            (Self::Request, _) => false,
            (Self::Response, location) => matches!(location, Location::QueryString | Location::Uri),
        }
    }

    /// Whether some member of a structure belongs in the body.
    pub(crate) fn has_any(self, shape: &StructShape) -> bool {
        shape.members.iter().any(|member| self.has(member))
    }
}
