//! The stored form of an item: a version byte, the item's size, then attributes in order of their names.
//!
//! ```text
//! row        = 01 size:u32 count:varint attribute*
//! attribute  = name:text value
//! value      = tag:u8 payload
//! text       = length:varint bytes
//! S B        = text            N = number (see `number::row`)      true false null = nothing
//! SS NS BS L = length:u32 count:varint element*      M = length:u32 count:varint (name:text value)*
//! ```
//! `u32`s are little-endian. The length of a container is that of all that follows it, so that one step
//! skips it: a projection or a filter reads the attributes it names and passes over the others.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Item;
use crate::number::Number;
use crate::set::Set;
use crate::value::{MAX_DEPTH, Value};

const VERSION: u8 = 1;

const S: u8 = 1;
const N: u8 = 2;
const B: u8 = 3;
const SS: u8 = 4;
const NS: u8 = 5;
const BS: u8 = 6;
const M: u8 = 7;
const L: u8 = 8;
const NULL: u8 = 9;
const FALSE: u8 = 10;
const TRUE: u8 = 11;

/// What a stored value is read into: the domain's value, or the form in which an answer gives it. `None` from a set means
/// that the row is damaged.
pub(crate) trait FromRow: Sized {
    fn string(text: String) -> Self;
    fn number(number: Number) -> Self;
    fn binary(bytes: Bytes) -> Self;
    fn strings(members: Vec<String>) -> Option<Self>;
    fn numbers(members: Vec<Number>) -> Option<Self>;
    fn binaries(members: Vec<Bytes>) -> Option<Self>;
    fn list(members: Vec<Self>) -> Self;
    fn map(members: BTreeMap<String, Self>) -> Self;
    fn null() -> Self;
    fn boolean(value: bool) -> Self;
}

impl FromRow for Value {
    fn string(text: String) -> Self {
        Self::S(text)
    }
    fn number(number: Number) -> Self {
        Self::N(number)
    }
    fn binary(bytes: Bytes) -> Self {
        Self::B(bytes)
    }
    fn strings(members: Vec<String>) -> Option<Self> {
        Set::new(members).ok().map(Self::Ss)
    }
    fn numbers(members: Vec<Number>) -> Option<Self> {
        Set::new(members).ok().map(Self::Ns)
    }
    fn binaries(members: Vec<Bytes>) -> Option<Self> {
        Set::new(members).ok().map(Self::Bs)
    }
    fn list(members: Vec<Self>) -> Self {
        Self::L(members)
    }
    fn map(members: BTreeMap<String, Self>) -> Self {
        Self::M(members)
    }
    fn null() -> Self {
        Self::Null
    }
    fn boolean(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// Why stored bytes are not an item: the row is damaged or of a later version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    #[error("item row has version {0}, this build reads up to {VERSION}")]
    UnknownVersion(u8),
    #[error("item row is damaged")]
    Damaged,
}

impl Item {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the stored form.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let size = self.size();
        out.reserve(size + 16 + 4 * self.len());
        out.push(VERSION);
        self.encode_content(size, out);
    }

    /// Appends the stored form without its version, for those who seal it. `size` is the item's.
    pub(crate) fn encode_content(&self, size: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&(size as u32).to_le_bytes());
        put_varint(out, self.attributes.len());
        for (name, value) in &self.attributes {
            put_text(out, name.as_bytes());
            put_value(out, value);
        }
    }

    /// Reads what [`Item::encode`] wrote.
    pub fn decode(row: &[u8]) -> Result<Self, RowError> {
        ItemRow::new(row)?.item()
    }
}

/// A stored item, read attribute by attribute.
#[derive(Debug, Clone, Copy)]
pub struct ItemRow<'a> {
    size: usize,
    count: usize,
    attributes: &'a [u8],
}

impl<'a> ItemRow<'a> {
    pub fn new(row: &'a [u8]) -> Result<Self, RowError> {
        let (&version, rest) = row.split_first().ok_or(RowError::Damaged)?;
        if version != VERSION {
            return Err(RowError::UnknownVersion(version));
        }
        Self::of_content(rest)
    }

    /// As [`Self::new`], of a row without its version.
    pub(crate) fn of_content(content: &'a [u8]) -> Result<Self, RowError> {
        Self::read_head(content).ok_or(RowError::Damaged)
    }

    fn read_head(rest: &'a [u8]) -> Option<Self> {
        let (size, rest) = take_u32(rest)?;
        let (count, attributes) = take_varint(rest)?;
        Some(Self { size, count, attributes })
    }

    /// The item's size in bytes as AWS counts it.
    pub fn size(&self) -> usize {
        self.size
    }

    /// One attribute, passing over the others.
    pub fn get(&self, name: &str) -> Result<Option<Value>, RowError> {
        self.find(name).ok_or(RowError::Damaged)
    }

    fn find(&self, wanted: &str) -> Option<Option<Value>> {
        let mut rest = self.attributes;
        for _ in 0..self.count {
            let (name, value) = take_text(rest)?;
            match name.cmp(wanted.as_bytes()) {
                std::cmp::Ordering::Less => rest = skip_value(value)?,
                std::cmp::Ordering::Equal => return Some(Some(take_value::<Value>(value, MAX_DEPTH)?.0)),
                std::cmp::Ordering::Greater => return Some(None),
            }
        }
        Some(None)
    }

    /// The whole item.
    pub fn item(&self) -> Result<Item, RowError> {
        self.collect(|_| true).ok_or(RowError::Damaged)
    }

    /// All attributes, as `T`.
    pub(crate) fn attributes<T: FromRow>(&self) -> Result<BTreeMap<String, T>, RowError> {
        self.collect_as(|_| true).ok_or(RowError::Damaged)
    }

    /// The attributes whose name `wanted` accepts.
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Result<Item, RowError> {
        self.collect(wanted).ok_or(RowError::Damaged)
    }

    fn collect(&self, wanted: impl Fn(&str) -> bool) -> Option<Item> {
        self.collect_as(wanted).map(|attributes| Item { attributes })
    }

    fn collect_as<T: FromRow>(&self, wanted: impl Fn(&str) -> bool) -> Option<BTreeMap<String, T>> {
        let mut rest = self.attributes;
        let mut attributes = BTreeMap::new();
        for _ in 0..self.count {
            let (name, value) = take_text(rest)?;
            let name = std::str::from_utf8(name).ok()?;
            rest = if wanted(name) {
                let (value, after) = take_value(value, MAX_DEPTH)?;
                attributes.insert(name.to_owned(), value);
                after
            } else {
                skip_value(value)?
            };
        }
        rest.is_empty().then_some(attributes)
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_varint(out, text.len());
    out.extend_from_slice(text);
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::S(text) => {
            out.push(S);
            put_text(out, text.as_bytes());
        }
        Value::N(number) => {
            out.push(N);
            number.encode_row(out);
        }
        Value::B(bytes) => {
            out.push(B);
            put_text(out, bytes);
        }
        Value::Ss(set) => put_all(out, SS, set, |out, member| put_text(out, member.as_bytes())),
        Value::Ns(set) => put_all(out, NS, set, |out, member| member.encode_row(out)),
        Value::Bs(set) => put_all(out, BS, set, |out, member| put_text(out, member)),
        Value::L(list) => put_all(out, L, list, put_value),
        Value::M(map) => put_all(out, M, map, |out, (name, value)| {
            put_text(out, name.as_bytes());
            put_value(out, value);
        }),
        Value::Null => out.push(NULL),
        Value::Bool(false) => out.push(FALSE),
        Value::Bool(true) => out.push(TRUE),
    }
}

fn put_all<T>(
    out: &mut Vec<u8>,
    tag: u8,
    members: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    put: impl Fn(&mut Vec<u8>, T),
) {
    out.push(tag);
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let members = members.into_iter();
    put_varint(out, members.len());
    for member in members {
        put(out, member);
    }
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

fn take_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*value) as usize, rest))
}

fn take_varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0usize;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

fn take_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = take_varint(bytes)?;
    rest.split_at_checked(length)
}

fn take_string(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (text, rest) = take_text(bytes)?;
    Some((std::str::from_utf8(text).ok()?.to_owned(), rest))
}

fn take_bytes(bytes: &[u8]) -> Option<(Bytes, &[u8])> {
    let (content, rest) = take_text(bytes)?;
    Some((Bytes::copy_from_slice(content), rest))
}

/// `levels` bounds the recursion: a damaged row must not exhaust the stack.
fn take_value<T: FromRow>(bytes: &[u8], levels: usize) -> Option<(T, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    Some(match tag {
        S => {
            let (text, rest) = take_string(rest)?;
            (T::string(text), rest)
        }
        N => {
            let (number, rest) = Number::decode_row(rest)?;
            (T::number(number), rest)
        }
        B => {
            let (content, rest) = take_bytes(rest)?;
            (T::binary(content), rest)
        }
        SS => {
            let (members, rest) = take_all(rest, take_string)?;
            (T::strings(members)?, rest)
        }
        NS => {
            let (members, rest) = take_all(rest, Number::decode_row)?;
            (T::numbers(members)?, rest)
        }
        BS => {
            let (members, rest) = take_all(rest, take_bytes)?;
            (T::binaries(members)?, rest)
        }
        L => {
            let levels = levels.checked_sub(1)?;
            let (members, rest) = take_all::<_, Vec<_>>(rest, |bytes| take_value(bytes, levels))?;
            (T::list(members), rest)
        }
        M => {
            let levels = levels.checked_sub(1)?;
            let (members, rest) = take_all(rest, |bytes| {
                let (name, rest) = take_string(bytes)?;
                let (value, rest) = take_value(rest, levels)?;
                Some(((name, value), rest))
            })?;
            (T::map(members), rest)
        }
        NULL => (T::null(), rest),
        FALSE => (T::boolean(false), rest),
        TRUE => (T::boolean(true), rest),
        _ => return None,
    })
}

fn take_all<'a, T, C: FromIterator<T>>(
    bytes: &'a [u8],
    take: impl Fn(&'a [u8]) -> Option<(T, &'a [u8])>,
) -> Option<(C, &'a [u8])> {
    let (length, rest) = take_u32(bytes)?;
    let (content, after) = rest.split_at_checked(length)?;
    let (count, mut content) = take_varint(content)?;
    let members = (0..count)
        .map(|_| {
            let (member, rest) = take(content)?;
            content = rest;
            Some(member)
        })
        .collect::<Option<C>>()?;
    content.is_empty().then_some((members, after))
}

fn skip_value(bytes: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = bytes.split_first()?;
    match tag {
        S | B => take_text(rest).map(|(_, rest)| rest),
        N => Number::skip_row(rest),
        SS | NS | BS | L | M => {
            let (length, rest) = take_u32(rest)?;
            rest.get(length..)
        }
        NULL | FALSE | TRUE => Some(rest),
        _ => None,
    }
}
