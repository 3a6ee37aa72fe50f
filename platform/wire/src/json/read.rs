//! Fills slots from JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use shapes::{
    ApiError, Document, Kind, MapNode, Member, Node, SequenceNode, Slot, Struct, StructShape, Timestamp,
    TimestampFormat, Union,
};

use super::lexer::{Lexer, Start};
use crate::missing::{Missing, Seen, Step};
use crate::rest::BodyOf;
use crate::{Side, errors, text, timestamp};

/// Reads a whole body into `target`; an empty body is an empty structure. Of a REST message, for which `bound` has
/// the members that were elsewhere, only the members that travel in the body are filled.
pub(crate) fn body_into(
    body: &[u8],
    target: &mut dyn Struct,
    side: Side,
    bound: Option<Seen>,
) -> Result<Missing, ApiError> {
    let mut reader = Reader::new(body, side)?;
    if reader.lexer.is_at_end() {
        reader.missing.note(target.shape(), &bound.unwrap_or_default());
        return Ok(reader.missing);
    }
    reader.expect_object()?;
    reader.structure(target, bound)?;
    reader.finish()
}

/// Reads a whole text into `target` by the model's names of its members, wherever these travel in messages, and whichever
/// their letters' case; what is a message's body is read as it stands.
pub(crate) fn named_into(text: &[u8], target: &mut dyn Struct) -> Result<Missing, ApiError> {
    let mut reader = Reader { is_named: true, ..Reader::new(text, Side::Server)? };
    reader.expect_object()?;
    reader.structure(target, None)?;
    reader.finish()
}

/// Reads a whole body as a union.
pub(crate) fn union_into(body: &[u8], target: &mut dyn Union, side: Side) -> Result<(), ApiError> {
    let mut reader = Reader::new(body, side)?;
    reader.expect_object()?;
    reader.union(target)?;
    reader.finish().map(drop)
}

/// Reads a whole text as one document.
pub(crate) fn document_into(body: &[u8], target: &mut Document) -> Result<(), ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| errors::serialization("Invalid UTF-8"))?;
    let mut lexer = Lexer::new(text);
    if lexer.is_at_end() {
        return Ok(());
    }
    *target = document(&mut lexer)?;
    if lexer.is_at_end() { Ok(()) } else { Err(lexer.unexpected("the end of the body")) }
}

/// The code and message of an error's body, where it has them.
pub(crate) fn error_fields(body: &[u8]) -> (Option<String>, Option<String>) {
    let mut fields = Document::Null;
    let (mut code, mut message) = (None, None);
    if document_into(body, &mut fields).is_err() {
        return (code, message);
    }
    let Document::Map(fields) = fields else { return (code, message) };
    for (name, value) in fields {
        let Document::String(value) = value else { continue };
        match name.as_str() {
            "__type" => code = Some(value),
            "code" | "Code" => code = code.or(Some(value)),
            "message" | "Message" | "errorMessage" => message = Some(value),
            _ => {}
        }
    }
    (code, message)
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    side: Side,
    /// Members go by the model's names instead of those on the wire.
    is_named: bool,
    missing: Missing,
}

impl<'a> Reader<'a> {
    fn new(body: &'a [u8], side: Side) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            errors::serialization(format!("Invalid UTF-8 at offset {}", error.valid_up_to()))
        })?;
        Ok(Self { lexer: Lexer::new(text), side, is_named: false, missing: Missing::default() })
    }

    fn expect_object(&mut self) -> Result<(), ApiError> {
        match self.lexer.start()? {
            Start::Object => Ok(()),
            _ => Err(errors::serialization("Unexpected value type in payload")),
        }
    }

    fn finish(mut self) -> Result<Missing, ApiError> {
        if self.lexer.is_at_end() {
            Ok(self.missing)
        } else {
            Err(self.lexer.unexpected("the end of the body"))
        }
    }

    /// Fills a value. It is not `null`, which the caller has seen to.
    fn value(&mut self, slot: Slot<'_>, member: &'static Member) -> Result<(), ApiError> {
        let start = self.lexer.start()?;
        match (slot, start) {
            (Slot::String(target), Start::String) => self.string_into(target)?,
            (Slot::Struct(target), Start::Object) => self.structure(target, None)?,
            (Slot::Union(target), Start::Object) => self.union(target)?,
            (Slot::Map(target), Start::Object) => self.map(target, member)?,
            (Slot::List(target), Start::Array) => self.list(target, member)?,
            (Slot::Boolean(target), Start::True) => {
                self.lexer.word("true")?;
                *target = true;
            }
            (Slot::Boolean(target), Start::False) => {
                self.lexer.word("false")?;
                *target = false;
            }
            (Slot::Integer(target), Start::Number) => {
                let number = self.integer("an Integer")?;
                *target = i32::try_from(number).map_err(|_| mismatch(start, "an Integer"))?;
            }
            (Slot::Long(target), Start::Number) => *target = self.integer("a Long")?,
            (Slot::Float(target), Start::Number | Start::String) => *target = self.double("a Float")? as f32,
            (Slot::Double(target), Start::Number | Start::String) => *target = self.double("a Double")?,
            (Slot::Blob(target), Start::String) => {
                let text = self.lexer.string()?;
                *target = text::from_base64(&text).map_err(errors::serialization)?;
            }
            (Slot::Timestamp(target), Start::Number | Start::String) => *target = self.timestamp(member)?,
            (Slot::Document(target), _) => *target = document(&mut self.lexer)?,
            (slot, start) => return Err(mismatched(&slot, start)),
        }
        Ok(())
    }

    fn string_into(&mut self, target: &mut String) -> Result<(), ApiError> {
        match self.lexer.string()? {
            Cow::Borrowed(string) => string.clone_into(target),
            Cow::Owned(string) => *target = string,
        }
        Ok(())
    }

    /// A whole number. AWS cuts off fractions.
    fn integer(&mut self, wanted: &str) -> Result<i64, ApiError> {
        let number = self.lexer.number()?;
        if let Ok(number) = number.parse() {
            return Ok(number);
        }
        match number.parse::<f64>() {
            Ok(number) if number > -9.2e18 && number < 9.2e18 => Ok(number as i64),
            _ => Err(mismatch(Start::Number, wanted)),
        }
    }

    fn double(&mut self, wanted: &str) -> Result<f64, ApiError> {
        if self.lexer.start()? == Start::String {
            let name = self.lexer.string()?;
            return text::from_special(&name).ok_or_else(|| mismatch(Start::String, wanted));
        }
        let number = self.lexer.number()?.parse::<f64>();
        number.ok().filter(|number| number.is_finite()).ok_or_else(|| mismatch(Start::Number, wanted))
    }

    fn timestamp(&mut self, member: &'static Member) -> Result<Timestamp, ApiError> {
        let start = self.lexer.start()?;
        let time = if start == Start::Number {
            self.lexer.number()?.parse().ok().and_then(timestamp::from_epoch_seconds)
        } else {
            let format = timestamp::format_of(member, TimestampFormat::EpochSeconds);
            timestamp::parse(&self.lexer.string()?, format)
        };
        time.ok_or_else(|| mismatch(start, "a Timestamp"))
    }

    fn structure(&mut self, target: &mut dyn Struct, bound: Option<Seen>) -> Result<(), ApiError> {
        let shape = target.shape();
        let body = bound.as_ref().map_or(BodyOf::Rpc, |_| BodyOf::read_by(self.side));
        let mut seen = bound.unwrap_or_default();
        let mut guess = 0;
        let mut has_more = !self.lexer.enter(b'}')?;
        while has_more {
            let key = self.lexer.key()?;
            let index = self.find(shape, &key, guess);
            match index {
                Some(index) if body.has(&shape.members[index]) => {
                    guess = index + 1;
                    if !self.lexer.take_null()? {
                        if !seen.add(index) {
                            return Err(errors::serialization(format!("Duplicate field {key:?}")));
                        }
                        let (node, member) = (target.member_mut(index), &shape.members[index]);
                        match self.is_named && shape.payload == Some(index) {
                            true => self.payload(node, member)?,
                            false => self.member(node, member)?,
                        }
                    }
                }
                _ => self.lexer.skip()?,
            }
            has_more = self.lexer.next(b'}')?;
        }
        self.missing.note(shape, &seen);
        Ok(())
    }

    /// The bytes of a message's body: a text as it is, anything else as it is written.
    fn payload(&mut self, node: &mut dyn Node, member: &'static Member) -> Result<(), ApiError> {
        match node.slot() {
            Slot::Blob(target) => *target = self.raw()?.into(),
            Slot::Stream(target) => *target = self.raw()?.into(),
            _ => self.member(node, member)?,
        }
        Ok(())
    }

    fn raw(&mut self) -> Result<Vec<u8>, ApiError> {
        if self.lexer.start()? == Start::String {
            return Ok(self.lexer.string()?.into_owned().into_bytes());
        }
        let value = document(&mut self.lexer)?;
        let mut bytes = Vec::new();
        super::document(&mut bytes, &value);
        Ok(bytes)
    }

    fn find(&self, shape: &'static StructShape, name: &str, guess: usize) -> Option<usize> {
        match self.is_named {
            true => shape.members.iter().position(|member| member.name.eq_ignore_ascii_case(name)),
            false => find(shape, name, guess),
        }
    }

    fn member(&mut self, node: &mut dyn Node, member: &'static Member) -> Result<(), ApiError> {
        let mark = self.missing.mark();
        self.value(node.slot(), member)?;
        self.missing.leave(mark, || Step::Member(member.name));
        Ok(())
    }

    fn union(&mut self, target: &mut dyn Union) -> Result<(), ApiError> {
        let shape = target.shape();
        let mut is_set = false;
        let mut has_more = !self.lexer.enter(b'}')?;
        while has_more {
            let key = self.lexer.key()?;
            match self.find(shape, &key, 0) {
                Some(_) if self.lexer.take_null()? => {}
                Some(_) if is_set => return Err(errors::union_with_several(shape)),
                Some(index) => {
                    is_set = true;
                    self.member(target.select(index), &shape.members[index])?;
                }
                None => self.lexer.skip()?,
            }
            has_more = self.lexer.next(b'}')?;
        }
        if !is_set && self.side == Side::Server {
            return Err(errors::union_without_any(shape));
        }
        Ok(())
    }

    fn list(&mut self, target: &mut dyn SequenceNode, member: &'static Member) -> Result<(), ApiError> {
        let Kind::List(item) = member.shape.kind else {
            return Err(mismatch(Start::Array, member.shape.name));
        };
        let mut has_more = !self.lexer.enter(b']')?;
        while has_more {
            if !self.lexer.take_null()? {
                let index = target.len();
                let mark = self.missing.mark();
                self.value(target.push().slot(), item)?;
                self.missing.leave(mark, || Step::Item(index));
            }
            has_more = self.lexer.next(b']')?;
        }
        Ok(())
    }

    fn map(&mut self, target: &mut dyn MapNode, member: &'static Member) -> Result<(), ApiError> {
        let Kind::Map(_, value) = member.shape.kind else {
            return Err(mismatch(Start::Object, member.shape.name));
        };
        let mut has_more = !self.lexer.enter(b'}')?;
        while has_more {
            let key = self.lexer.key()?;
            if !self.lexer.take_null()? {
                let mark = self.missing.mark();
                self.value(target.insert(key.to_string()).slot(), value)?;
                self.missing.leave(mark, || Step::Value(key.to_string().into()));
            }
            has_more = self.lexer.next(b'}')?;
        }
        Ok(())
    }
}

/// The member called `name` on the wire. Clients tend to send members in the model's order, so the search starts
/// at a guess.
fn find(shape: &'static StructShape, name: &str, guess: usize) -> Option<usize> {
    let members = shape.members;
    if let Some(member) = members.get(guess)
        && member.wire_name() == name
    {
        return Some(guess);
    }
    members.iter().position(|member| member.wire_name() == name)
}

fn document(lexer: &mut Lexer<'_>) -> Result<Document, ApiError> {
    Ok(match lexer.start()? {
        Start::Object => {
            let mut map = BTreeMap::new();
            let mut has_more = !lexer.enter(b'}')?;
            while has_more {
                let key = lexer.key()?.into_owned();
                map.insert(key, document(lexer)?);
                has_more = lexer.next(b'}')?;
            }
            Document::Map(map)
        }
        Start::Array => {
            let mut list = Vec::new();
            let mut has_more = !lexer.enter(b']')?;
            while has_more {
                list.push(document(lexer)?);
                has_more = lexer.next(b']')?;
            }
            Document::List(list)
        }
        Start::String => Document::String(lexer.string()?.into_owned()),
        Start::Number => {
            let number = lexer.number()?;
            match (number.parse(), number.parse()) {
                (Ok(integer), _) => Document::Integer(integer),
                (_, Ok(float)) => Document::Float(float),
                _ => return Err(mismatch(Start::Number, "a Document")),
            }
        }
        Start::True => lexer.word("true").map(|()| Document::Bool(true))?,
        Start::False => lexer.word("false").map(|()| Document::Bool(false))?,
        Start::Null => lexer.word("null").map(|()| Document::Null)?,
    })
}

#[cold]
fn mismatch(found: Start, wanted: &str) -> ApiError {
    errors::serialization(format!("{} can not be converted to {wanted}", found.name()))
}

#[cold]
fn mismatched(slot: &Slot<'_>, found: Start) -> ApiError {
    let wanted = match slot {
        Slot::List(_) => return errors::serialization("Expected list or null"),
        Slot::Map(_) => return errors::serialization("Expected map or null"),
        Slot::Struct(_) | Slot::Union(_) if found == Start::Array => {
            return errors::serialization("Start of list found where not expected");
        }
        Slot::Struct(_) | Slot::Union(_) => {
            return errors::serialization("Unexpected value type in payload");
        }
        _ if found == Start::Object => {
            return errors::serialization("Start of structure or map found where not expected");
        }
        _ if found == Start::Array => {
            return errors::serialization("Start of list found where not expected");
        }
        Slot::Boolean(_) => "a Boolean",
        Slot::Integer(_) => "an Integer",
        Slot::Long(_) => "a Long",
        Slot::Float(_) => "a Float",
        Slot::Double(_) => "a Double",
        Slot::Blob(_) | Slot::Stream(_) => "a Blob",
        Slot::Timestamp(_) => "a Timestamp",
        Slot::String(_) | Slot::Document(_) => "a String",
    };
    mismatch(found, wanted)
}
