//! Fills slots from a form.

use shapes::{
    ApiError, Kind, MapNode, Member, Node, SequenceNode, Slot, Struct, StructShape, TimestampFormat, Union,
};

use super::{Flavour, Form, inner_name, request_name};
use crate::missing::{Missing, Seen, Step};
use crate::{errors, text};

/// Fills `target` from the parameters of a request.
pub(crate) fn form_into(
    form: &Form<'_>,
    target: &mut dyn Struct,
    flavour: Flavour,
) -> Result<Missing, ApiError> {
    let mut reader = Reader { flavour, missing: Missing::default() };
    reader.structure(form, target)?;
    Ok(reader.missing)
}

struct Reader {
    flavour: Flavour,
    missing: Missing,
}

impl Reader {
    fn structure(&mut self, form: &Form<'_>, target: &mut dyn Struct) -> Result<(), ApiError> {
        let shape = target.shape();
        let mut seen = Seen::default();
        for (index, member) in shape.members.iter().enumerate() {
            if let Some(part) = self.find(form, member) {
                seen.add(index);
                self.member(part, target.member_mut(index), member)?;
            }
        }
        self.missing.note(shape, &seen);
        Ok(())
    }

    fn member(
        &mut self,
        part: &Form<'_>,
        node: &mut dyn Node,
        member: &'static Member,
    ) -> Result<(), ApiError> {
        let mark = self.missing.mark();
        self.value(part, node.slot(), member)?;
        self.missing.leave(mark, || Step::Member(member.name));
        Ok(())
    }

    /// The parameters of a member: under its own name or, for a flattened list, under its items' name.
    fn find<'f>(&self, form: &'f Form<'f>, member: &'static Member) -> Option<&'f Form<'f>> {
        let own = form.part(&request_name(member, self.flavour));
        own.or_else(|| match member.shape.kind {
            Kind::List(item) if is_flattened(member) => form.part(inner_name(item)?),
            _ => None,
        })
    }

    fn value(&mut self, form: &Form<'_>, slot: Slot<'_>, member: &'static Member) -> Result<(), ApiError> {
        match slot {
            Slot::List(list) => self.list(form, list, member),
            Slot::Map(map) => self.map(form, map, member),
            Slot::Struct(target) => self.structure(form, target),
            Slot::Union(target) => self.union(form, target),
            Slot::Document(_) => Err(wrong(member, "documents cannot be sent in a form")),
            slot => {
                let Some(value) = &form.value else {
                    return Err(wrong(member, "a single value is expected"));
                };
                text::read(value, slot, member, TimestampFormat::Iso8601)
                    .map_err(|reason| wrong(member, &reason))
            }
        }
    }

    fn union(&mut self, form: &Form<'_>, target: &mut dyn Union) -> Result<(), ApiError> {
        let shape: &'static StructShape = target.shape();
        let mut is_set = false;
        for (index, member) in shape.members.iter().enumerate() {
            let Some(part) = self.find(form, member) else { continue };
            if is_set {
                return Err(errors::union_with_several(shape));
            }
            is_set = true;
            self.member(part, target.select(index), member)?;
        }
        if is_set { Ok(()) } else { Err(errors::union_without_any(shape)) }
    }

    fn list(
        &mut self,
        form: &Form<'_>,
        target: &mut dyn SequenceNode,
        member: &'static Member,
    ) -> Result<(), ApiError> {
        let Kind::List(item) = member.shape.kind else { return Err(wrong(member, "a list is expected")) };
        // Clients and old documentation disagree on `member`, so the numbers are looked for with and without.
        let wrapped = form.part(inner_name(item).unwrap_or("member")).or_else(|| form.part("member"));
        let holder = wrapped.filter(|wrapped| wrapped.has_parts()).unwrap_or(form);
        for part in holder.numbered() {
            let index = target.len();
            let mark = self.missing.mark();
            self.value(part, target.push().slot(), item)?;
            self.missing.leave(mark, || Step::Item(index));
        }
        Ok(())
    }

    fn map(
        &mut self,
        form: &Form<'_>,
        target: &mut dyn MapNode,
        member: &'static Member,
    ) -> Result<(), ApiError> {
        let Kind::Map(key, value) = member.shape.kind else { return Err(wrong(member, "a map is expected")) };
        let holder = form.part("entry").unwrap_or(form);
        for entry in holder.numbered() {
            let key_name = inner_name(key).unwrap_or("key");
            let Some(name) = entry.parameter(key_name) else {
                return Err(wrong(member, &format!("an entry has no {key_name}")));
            };
            let Some(part) = entry.part(inner_name(value).unwrap_or("value")) else { continue };
            let mark = self.missing.mark();
            self.value(part, target.insert(name.to_owned()).slot(), value)?;
            self.missing.leave(mark, || Step::Value(name.to_owned().into()));
        }
        Ok(())
    }
}

fn is_flattened(member: &Member) -> bool {
    member.flattened || member.shape.flattened
}

fn wrong(member: &Member, reason: &str) -> ApiError {
    errors::malformed_input(format!("Invalid value for parameter {}: {reason}", member.name))
}
