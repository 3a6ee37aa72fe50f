//! The form encoding of the query protocols: `Entries.member.1.Name=value`.

mod form;
mod read;
mod write;

use shapes::Member;

pub(crate) use form::Form;
pub(crate) use read::form_into;
pub(crate) use write::form_of;

/// Which of the two query protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    Aws,
    Ec2,
}

/// The name of a structure's member in a request, before the exception for flattened lists.
fn request_name(member: &Member, flavour: Flavour) -> String {
    match (member.query_name, flavour) {
        (Some(name), _) => name.to_owned(),
        (None, Flavour::Aws) => member.wire_name().to_owned(),
        (None, Flavour::Ec2) => {
            let name = member.wire_name();
            let mut characters = name.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters).collect()
        }
    }
}

/// The explicit name of a list's items, or a map's keys or values.
fn inner_name(member: &Member) -> Option<&'static str> {
    member.query_name.or(member.location_name)
}
