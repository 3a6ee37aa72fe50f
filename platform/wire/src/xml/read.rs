//! Fills slots from elements.

use shapes::{
    ApiError, Kind, MapNode, Member, Node, SequenceNode, Slot, Struct, StructShape, TimestampFormat, Union,
};

use super::{Dialect, Element, is_flattened};
use crate::missing::{Missing, Seen, Step};
use crate::rest::BodyOf;
use crate::{Side, errors, text};

/// Fills a structure from an element's attributes and children; of a REST message, for which `bound` has the
/// members that were elsewhere, only the members that travel in the body.
pub(crate) fn structure_into(
    element: &Element,
    target: &mut dyn Struct,
    dialect: Dialect,
    side: Side,
    bound: Option<Seen>,
) -> Result<Missing, ApiError> {
    let mut reader = Reader { dialect, side, missing: Missing::default() };
    reader.structure(element, target, bound)?;
    Ok(reader.missing)
}

/// Fills one member, such as a payload, from the element that is all of it.
pub(crate) fn value_into(
    element: &Element,
    slot: Slot<'_>,
    member: &'static Member,
    side: Side,
) -> Result<Missing, ApiError> {
    let mut reader = Reader { dialect: Dialect::Rest, side, missing: Missing::default() };
    reader.value(element, slot, member)?;
    reader.missing.leave(0, || Step::Member(member.name));
    Ok(reader.missing)
}

struct Reader {
    dialect: Dialect,
    side: Side,
    missing: Missing,
}

impl Reader {
    fn structure(
        &mut self,
        element: &Element,
        target: &mut dyn Struct,
        bound: Option<Seen>,
    ) -> Result<(), ApiError> {
        let shape = target.shape();
        let body = bound.as_ref().map_or(BodyOf::Rpc, |_| BodyOf::read_by(self.side));
        let mut seen = bound.unwrap_or_default();
        for (index, member) in shape.members.iter().enumerate() {
            if !body.has(member) {
                continue;
            }
            if self.member(element, member, || target.member_mut(index))? {
                seen.add(index);
            }
        }
        self.missing.note(shape, &seen);
        Ok(())
    }

    /// Fills a member from whatever of `parent` is its own; `false` when there is nothing.
    fn member<'n>(
        &mut self,
        parent: &Element,
        member: &'static Member,
        node: impl FnOnce() -> &'n mut dyn Node,
    ) -> Result<bool, ApiError> {
        let mark = self.missing.mark();
        if member.xml_attribute {
            let name = member.wire_name();
            let Some((_, value)) = parent.attributes.iter().find(|(attribute, _)| attribute == name) else {
                return Ok(false);
            };
            scalar(value, node().slot(), member)?;
            return Ok(true);
        }
        let children: Vec<&Element> = self.children(parent, member).collect();
        match children[..] {
            [] => return Ok(false),
            _ if is_flattened(member) && matches!(member.shape.kind, Kind::List(_) | Kind::Map(..)) => {
                self.flattened(&children, node().slot(), member)?;
            }
            [child, ..] => self.value(child, node().slot(), member)?,
        }
        self.missing.leave(mark, || Step::Member(member.name));
        Ok(true)
    }

    /// The elements of a member. Models of query services disagree on whether the items of a flattened list go by
    /// their own name or by the list's, so both are looked for.
    fn children<'e>(
        &self,
        parent: &'e Element,
        member: &'static Member,
    ) -> impl Iterator<Item = &'e Element> + use<'e> {
        let mut name = self.dialect.member_name(member);
        if parent.child(name).is_none() {
            name = self.dialect.given_name(member).unwrap_or(member.name);
        }
        parent.children.iter().filter(move |child| child.name == name)
    }

    fn flattened(
        &mut self,
        elements: &[&Element],
        slot: Slot<'_>,
        member: &'static Member,
    ) -> Result<(), ApiError> {
        match (slot, &member.shape.kind) {
            (Slot::List(list), Kind::List(item)) => self.items(elements.iter().copied(), list, item),
            (Slot::Map(map), Kind::Map(key, item)) => {
                self.entries(elements.iter().copied(), map, (key, item))
            }
            _ => Err(wrong(member, "a list or map is expected")),
        }
    }

    fn value(&mut self, element: &Element, slot: Slot<'_>, member: &'static Member) -> Result<(), ApiError> {
        match (slot, &member.shape.kind) {
            (Slot::List(list), Kind::List(item)) => {
                let name = self.dialect.given_name(item).unwrap_or("member");
                self.items(element.children.iter().filter(|child| child.name == name), list, item)
            }
            (Slot::Map(map), Kind::Map(key, item)) => {
                let entries = element.children.iter().filter(|child| child.name == "entry");
                self.entries(entries, map, (key, item))
            }
            (Slot::Struct(target), _) => self.structure(element, target, None),
            (Slot::Union(target), _) => self.union(element, target),
            (slot, _) => scalar(&element.text, slot, member),
        }
    }

    fn union(&mut self, element: &Element, target: &mut dyn Union) -> Result<(), ApiError> {
        let shape: &'static StructShape = target.shape();
        let mut chosen = None;
        for (index, member) in shape.members.iter().enumerate() {
            let name = self.dialect.member_name(member);
            if element.child(name).is_some() && chosen.replace(index).is_some() {
                return Err(errors::union_with_several(shape));
            }
        }
        match chosen {
            Some(index) => {
                self.member(element, &shape.members[index], || target.select(index))?;
                Ok(())
            }
            None if self.side == Side::Server => Err(errors::union_without_any(shape)),
            None => Ok(()),
        }
    }

    fn items<'e>(
        &mut self,
        elements: impl Iterator<Item = &'e Element>,
        target: &mut dyn SequenceNode,
        item: &'static Member,
    ) -> Result<(), ApiError> {
        for element in elements {
            let index = target.len();
            let mark = self.missing.mark();
            self.value(element, target.push().slot(), item)?;
            self.missing.leave(mark, || Step::Item(index));
        }
        Ok(())
    }

    fn entries<'e>(
        &mut self,
        entries: impl Iterator<Item = &'e Element>,
        target: &mut dyn MapNode,
        (key, item): (&'static Member, &'static Member),
    ) -> Result<(), ApiError> {
        let key_name = self.dialect.given_name(key).unwrap_or("key");
        let value_name = self.dialect.given_name(item).unwrap_or("value");
        for entry in entries {
            let Some(name) = entry.child_text(key_name) else {
                return Err(wrong(key, &format!("an entry has no {key_name}")));
            };
            let Some(value) = entry.child(value_name) else { continue };
            let mark = self.missing.mark();
            self.value(value, target.insert(name.to_owned()).slot(), item)?;
            self.missing.leave(mark, || Step::Value(name.to_owned().into()));
        }
        Ok(())
    }
}

fn scalar(text: &str, slot: Slot<'_>, member: &Member) -> Result<(), ApiError> {
    text::read(text, slot, member, TimestampFormat::Iso8601).map_err(|reason| wrong(member, &reason))
}

fn wrong(member: &Member, reason: &str) -> ApiError {
    errors::malformed_xml(format!("Invalid value for {}: {reason}", member.name))
}
