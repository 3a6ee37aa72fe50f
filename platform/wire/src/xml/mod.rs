//! XML bodies: read through a tree of elements, written straight from views.

mod element;
mod read;
mod write;

use shapes::{Kind, Member};

pub(crate) use element::Element;
pub(crate) use read::{structure_into, value_into};
pub(crate) use write::Writer;

/// Whose names elements go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Rest,
    /// Query names, which only models of services with several protocols have, count first.
    Query,
    Ec2,
}

impl Dialect {
    /// The name that the model gives explicitly.
    fn given_name(self, member: &Member) -> Option<&'static str> {
        match self {
            Self::Query => member.query_name.or(member.location_name),
            Self::Rest | Self::Ec2 => member.location_name,
        }
    }

    /// The element of a structure's member. In query protocols, a flattened list without a name of its own goes by
    /// its items' name.
    fn member_name(self, member: &'static Member) -> &'static str {
        if let Some(name) = self.given_name(member) {
            return name;
        }
        match member.shape.kind {
            Kind::List(item) if self != Self::Rest && is_flattened(member) => {
                self.given_name(item).unwrap_or(member.name)
            }
            _ => member.name,
        }
    }
}

fn is_flattened(member: &Member) -> bool {
    member.flattened || member.shape.flattened
}
