//! Fills slots from CBOR.

use std::collections::BTreeMap;

use bytes::Bytes;
use shapes::{
    ApiError, Document, Kind, MapNode, Member, Node, SequenceNode, Slot, Struct, StructShape, Timestamp,
    TimestampFormat, Union,
};

use super::lexer::{Head, Lexer};
use crate::missing::{Missing, Seen, Step};
use crate::{Side, errors, timestamp};

/// Reads a whole body into `target`; an empty body is an empty structure.
pub(crate) fn body_into(body: &[u8], target: &mut dyn Struct, side: Side) -> Result<Missing, ApiError> {
    let mut reader = Reader { lexer: Lexer::new(body), side, missing: Missing::default() };
    if body.is_empty() {
        reader.missing.note(target.shape(), &Seen::default());
        return Ok(reader.missing);
    }
    match reader.lexer.head()? {
        Head::Map(length) => reader.structure(length, target)?,
        _ => return Err(reader.lexer.malformed("a map is expected")),
    }
    if reader.lexer.is_at_end() {
        Ok(reader.missing)
    } else {
        Err(reader.lexer.malformed("more than one item"))
    }
}

/// The code and message of an error's body, where it has them.
pub(crate) fn error_fields(body: &[u8]) -> (Option<String>, Option<String>) {
    let (mut code, mut message) = (None, None);
    let Ok(Document::Map(fields)) = document(&mut Lexer::new(body)) else { return (code, message) };
    for (name, value) in fields {
        let Document::String(value) = value else { continue };
        match name.as_str() {
            "__type" => code = Some(value),
            "message" | "Message" => message = Some(value),
            _ => {}
        }
    }
    (code, message)
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    side: Side,
    missing: Missing,
}

impl Reader<'_> {
    fn take_null(&mut self) -> Result<bool, ApiError> {
        let is_null = self.lexer.peek()? == Head::Null;
        if is_null {
            self.lexer.head()?;
        }
        Ok(is_null)
    }

    fn value(&mut self, slot: Slot<'_>, member: &'static Member) -> Result<(), ApiError> {
        let slot = match slot {
            Slot::Document(target) => {
                *target = document(&mut self.lexer)?;
                return Ok(());
            }
            Slot::Timestamp(target) => {
                *target = self.timestamp(member)?;
                return Ok(());
            }
            slot => slot,
        };
        let mut head = self.lexer.head()?;
        // Tags other than the timestamp's say nothing that the schema does not.
        for _ in 0..4 {
            if let Head::Tag(_) = head {
                head = self.lexer.head()?;
            }
        }
        match (slot, head) {
            (Slot::String(target), Head::Text(length)) => *target = self.lexer.text_of(length)?.into_owned(),
            (Slot::Blob(target), Head::Bytes(length)) => *target = Bytes::from(self.lexer.bytes_of(length)?),
            (Slot::Boolean(target), Head::Boolean(value)) => *target = value,
            (Slot::Integer(target), head) => {
                let value = integer(head).and_then(|value| i32::try_from(value).ok());
                *target = value.ok_or_else(|| mismatch(head, member, "a 32-bit integer"))?;
            }
            (Slot::Long(target), head) => {
                *target = integer(head).ok_or_else(|| mismatch(head, member, "a 64-bit integer"))?;
            }
            (Slot::Float(target), head) => {
                *target = number(head).ok_or_else(|| mismatch(head, member, "a number"))? as f32;
            }
            (Slot::Double(target), head) => {
                *target = number(head).ok_or_else(|| mismatch(head, member, "a number"))?;
            }
            (Slot::Struct(target), Head::Map(length)) => self.structure(length, target)?,
            (Slot::Union(target), Head::Map(length)) => self.union(length, target)?,
            (Slot::List(target), Head::Array(length)) => self.list(length, target, member)?,
            (Slot::Map(target), Head::Map(length)) => self.map(length, target, member)?,
            (_, head) => return Err(mismatch(head, member, member.shape.name)),
        }
        Ok(())
    }

    fn timestamp(&mut self, member: &'static Member) -> Result<Timestamp, ApiError> {
        let mut head = self.lexer.head()?;
        if let Head::Tag(1) = head {
            head = self.lexer.head()?;
        }
        let time = match head {
            Head::Text(length) => {
                let text = self.lexer.text_of(length)?;
                timestamp::parse(&text, TimestampFormat::Iso8601)
            }
            head => number(head).and_then(timestamp::from_epoch_seconds),
        };
        time.ok_or_else(|| mismatch(head, member, "a timestamp"))
    }

    fn structure(&mut self, length: Option<usize>, target: &mut dyn Struct) -> Result<(), ApiError> {
        let shape = target.shape();
        let mut seen = Seen::default();
        let mut remaining = self.lexer.enter(length)?;
        while self.lexer.next(&mut remaining)? {
            let key = self.lexer.text()?;
            let Some(index) = find(shape, &key) else {
                self.lexer.skip()?;
                continue;
            };
            if self.take_null()? {
                continue;
            }
            if !seen.add(index) {
                return Err(errors::serialization(format!("Duplicate field {key:?}")));
            }
            self.member(target.member_mut(index), &shape.members[index])?;
        }
        self.missing.note(shape, &seen);
        Ok(())
    }

    fn member(&mut self, node: &mut dyn Node, member: &'static Member) -> Result<(), ApiError> {
        let mark = self.missing.mark();
        self.value(node.slot(), member)?;
        self.missing.leave(mark, || Step::Member(member.name));
        Ok(())
    }

    fn union(&mut self, length: Option<usize>, target: &mut dyn Union) -> Result<(), ApiError> {
        let shape = target.shape();
        let mut is_set = false;
        let mut remaining = self.lexer.enter(length)?;
        while self.lexer.next(&mut remaining)? {
            let key = self.lexer.text()?;
            match find(shape, &key) {
                None => self.lexer.skip()?,
                Some(_) if self.take_null()? => {}
                Some(_) if is_set => return Err(errors::union_with_several(shape)),
                Some(index) => {
                    is_set = true;
                    self.member(target.select(index), &shape.members[index])?;
                }
            }
        }
        if !is_set && self.side == Side::Server {
            return Err(errors::union_without_any(shape));
        }
        Ok(())
    }

    fn list(
        &mut self,
        length: Option<usize>,
        target: &mut dyn SequenceNode,
        member: &'static Member,
    ) -> Result<(), ApiError> {
        let Kind::List(item) = member.shape.kind else {
            return Err(mismatch(Head::Array(length), member, member.shape.name));
        };
        let mut remaining = self.lexer.enter(length)?;
        while self.lexer.next(&mut remaining)? {
            if self.take_null()? {
                continue;
            }
            let index = target.len();
            let mark = self.missing.mark();
            self.value(target.push().slot(), item)?;
            self.missing.leave(mark, || Step::Item(index));
        }
        Ok(())
    }

    fn map(
        &mut self,
        length: Option<usize>,
        target: &mut dyn MapNode,
        member: &'static Member,
    ) -> Result<(), ApiError> {
        let Kind::Map(_, item) = member.shape.kind else {
            return Err(mismatch(Head::Map(length), member, member.shape.name));
        };
        let mut remaining = self.lexer.enter(length)?;
        while self.lexer.next(&mut remaining)? {
            let key = self.lexer.text()?.into_owned();
            if self.take_null()? {
                continue;
            }
            let mark = self.missing.mark();
            self.value(target.insert(key.clone()).slot(), item)?;
            self.missing.leave(mark, || Step::Value(key.clone().into()));
        }
        Ok(())
    }
}

fn find(shape: &'static StructShape, name: &str) -> Option<usize> {
    shape.members.iter().position(|member| member.wire_name() == name)
}

fn integer(head: Head) -> Option<i64> {
    match head {
        Head::Unsigned(value) => i64::try_from(value).ok(),
        Head::Negative(value) => i64::try_from(value).ok().map(|value| -1 - value),
        Head::Float(value) if value.fract() == 0.0 && value.abs() < 9.2e18 => Some(value as i64),
        _ => None,
    }
}

fn number(head: Head) -> Option<f64> {
    match head {
        Head::Float(value) => Some(value),
        Head::Unsigned(value) => Some(value as f64),
        Head::Negative(value) => Some(-1.0 - value as f64),
        _ => None,
    }
}

fn document(lexer: &mut Lexer<'_>) -> Result<Document, ApiError> {
    Ok(match lexer.head()? {
        Head::Null => Document::Null,
        Head::Boolean(value) => Document::Bool(value),
        Head::Float(value) => Document::Float(value),
        head @ (Head::Unsigned(_) | Head::Negative(_)) => match (integer(head), number(head)) {
            (Some(value), _) => Document::Integer(value),
            (None, value) => Document::Float(value.unwrap_or_default()),
        },
        Head::Text(length) => Document::String(lexer.text_of(length)?.into_owned()),
        Head::Array(length) => {
            let mut list = Vec::new();
            let mut remaining = lexer.enter(length)?;
            while lexer.next(&mut remaining)? {
                list.push(document(lexer)?);
            }
            Document::List(list)
        }
        Head::Map(length) => {
            let mut map = BTreeMap::new();
            let mut remaining = lexer.enter(length)?;
            while lexer.next(&mut remaining)? {
                let key = lexer.text()?.into_owned();
                map.insert(key, document(lexer)?);
            }
            Document::Map(map)
        }
        Head::Bytes(length) => Document::String(crate::text::base64(&lexer.bytes_of(length)?)),
        Head::Tag(_) => {
            let mut remaining = lexer.enter(Some(1))?;
            let mut inner = Document::Null;
            while lexer.next(&mut remaining)? {
                inner = document(lexer)?;
            }
            inner
        }
        Head::Break => return Err(lexer.malformed("a break outside of anything")),
    })
}

#[cold]
fn mismatch(found: Head, member: &Member, wanted: &str) -> ApiError {
    let found = match found {
        Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => "a number",
        Head::Bytes(_) => "a byte string",
        Head::Text(_) => "a text",
        Head::Array(_) => "an array",
        Head::Map(_) => "a map",
        Head::Boolean(_) => "a boolean",
        Head::Tag(_) | Head::Null | Head::Break => "something else",
    };
    errors::serialization(format!("{}: {found} can not be converted to {wanted}", member.name))
}
