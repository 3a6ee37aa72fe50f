//! As much of CBOR (RFC 8949) as DAX's clients use: reading from a slice, writing to a vector.

use crate::WireError;
use crate::WireError::{Incomplete, Malformed};

pub(crate) const POSITIVE: u8 = 0;
pub(crate) const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const TAG: u8 = 6;
pub(crate) const SIMPLE: u8 = 7;

const FALSE: u8 = 0xF4;
const TRUE: u8 = 0xF5;
const NULL: u8 = 0xF6;
pub(crate) const BREAK: u8 = 0xFF;

/// How deep values may lie in each other: DynamoDB's 32 levels, and the trees of expressions.
pub(crate) const MAXIMUM_DEPTH: usize = 512;

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// How many entries an array or a map has; `None` when a break ends it.
pub(crate) type Length = Option<usize>;

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// What was not read yet.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    pub(crate) fn peek(&self) -> Result<u8, WireError> {
        self.bytes.get(self.at).copied().ok_or(Incomplete)
    }

    pub(crate) fn major(&self) -> Result<u8, WireError> {
        Ok(self.peek()? >> 5)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count).ok_or(Malformed("a length is out of bounds"))?;
        let taken = self.bytes.get(self.at..end).ok_or(Incomplete)?;
        self.at = end;
        Ok(taken)
    }

    fn big_endian(&mut self, count: usize) -> Result<u64, WireError> {
        Ok(self.take(count)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// The head of a value: its major type, and its argument unless it goes on until a break.
    pub(crate) fn head(&mut self) -> Result<(u8, Option<u64>), WireError> {
        let first = self.take(1)?[0];
        let argument = match first & 31 {
            small @ 0..=23 => Some(u64::from(small)),
            24 => Some(self.big_endian(1)?),
            25 => Some(self.big_endian(2)?),
            26 => Some(self.big_endian(4)?),
            27 => Some(self.big_endian(8)?),
            31 => None,
            _ => return Err(Malformed("a reserved length")),
        };
        Ok((first >> 5, argument))
    }

    fn head_of(&mut self, major: u8, what: &'static str) -> Result<Length, WireError> {
        if self.major()? != major {
            return Err(Malformed(what));
        }
        match self.head()?.1 {
            None => Ok(None),
            Some(length) => {
                usize::try_from(length).map(Some).map_err(|_| Malformed("a length is out of bounds"))
            }
        }
    }

    /// The entries of an array that comes next.
    pub(crate) fn array(&mut self) -> Result<Length, WireError> {
        self.head_of(ARRAY, "an array was expected")
    }

    /// The pairs of a map that comes next.
    pub(crate) fn map(&mut self) -> Result<Length, WireError> {
        self.head_of(MAP, "a map was expected")
    }

    /// Whether another entry follows, of which `seen` were read.
    pub(crate) fn has_more(&mut self, length: Length, seen: usize) -> Result<bool, WireError> {
        match length {
            Some(length) => Ok(seen < length),
            None if self.peek()? == BREAK => {
                self.at += 1;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// An array of exactly `length` entries.
    pub(crate) fn array_of(&mut self, length: usize) -> Result<(), WireError> {
        if self.array()? == Some(length) { Ok(()) } else { Err(Malformed("an array of another length")) }
    }

    pub(crate) fn null(&mut self) -> Result<bool, WireError> {
        let is_null = self.peek()? == NULL;
        self.at += usize::from(is_null);
        Ok(is_null)
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, WireError> {
        match self.take(1)?[0] {
            TRUE => Ok(true),
            FALSE => Ok(false),
            _ => Err(Malformed("a boolean was expected")),
        }
    }

    /// A truth value, which some requests send as a number.
    pub(crate) fn flag(&mut self) -> Result<bool, WireError> {
        if self.major()? == SIMPLE { self.boolean() } else { Ok(self.integer()? != 0) }
    }

    pub fn integer(&mut self) -> Result<i64, WireError> {
        let value = match self.head()? {
            (POSITIVE, Some(value)) => i64::try_from(value).ok(),
            (NEGATIVE, Some(value)) => i64::try_from(value).ok().map(|value| -1 - value),
            _ => return Err(Malformed("an integer was expected")),
        };
        value.ok_or(Malformed("an integer is out of bounds"))
    }

    /// The sign and the size of an integer of any width: `(true, n)` is `-1 - n`.
    pub(crate) fn wide_integer(&mut self) -> Result<(bool, u64), WireError> {
        match self.head()? {
            (POSITIVE, Some(value)) => Ok((false, value)),
            (NEGATIVE, Some(value)) => Ok((true, value)),
            _ => Err(Malformed("an integer was expected")),
        }
    }

    pub(crate) fn tag(&mut self) -> Result<u64, WireError> {
        match self.head()? {
            (TAG, Some(tag)) => Ok(tag),
            _ => Err(Malformed("a tag was expected")),
        }
    }

    pub(crate) fn double(&mut self) -> Result<f64, WireError> {
        match self.peek()? {
            0xFA => {
                self.at += 1;
                Ok(f64::from(f32::from_bits(self.big_endian(4)? as u32)))
            }
            0xFB => {
                self.at += 1;
                Ok(f64::from_bits(self.big_endian(8)?))
            }
            _ => Err(Malformed("a floating point number was expected")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.head_of(BYTES, "bytes were expected")?;
        self.take(length.ok_or(Malformed("bytes in pieces are not supported"))?)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, WireError> {
        let length = self.head_of(TEXT, "text was expected")?;
        let bytes = self.take(length.ok_or(Malformed("text in pieces is not supported"))?)?;
        std::str::from_utf8(bytes).map_err(|_| Malformed("text that is not UTF-8"))
    }

    /// Text, which many places send as bytes.
    pub(crate) fn name(&mut self) -> Result<&'a str, WireError> {
        if self.major()? == TEXT {
            return self.text();
        }
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("text that is not UTF-8"))
    }

    /// As [`Self::bytes`], or nothing.
    pub(crate) fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        if self.null()? { Ok(None) } else { self.bytes().map(Some) }
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<&'a str>, WireError> {
        if self.null()? { Ok(None) } else { self.name().map(Some) }
    }

    /// Steps over a value, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), WireError> {
        self.skip_within(0)
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), WireError> {
        if depth > MAXIMUM_DEPTH {
            return Err(Malformed("values lie too deep in each other"));
        }
        let (major, argument) = self.head()?;
        match (major, argument) {
            (BYTES | TEXT, Some(length)) => {
                let length = usize::try_from(length).map_err(|_| Malformed("a length is out of bounds"))?;
                self.take(length).map(drop)
            }
            (ARRAY | MAP, Some(length)) => {
                let per_entry = if major == MAP { 2 } else { 1 };
                for _ in 0..length.saturating_mul(per_entry) {
                    self.skip_within(depth + 1)?;
                }
                Ok(())
            }
            (ARRAY | MAP | BYTES | TEXT, None) => {
                while self.has_more(None, 0)? {
                    self.skip_within(depth + 1)?;
                }
                Ok(())
            }
            (TAG, Some(_)) => self.skip_within(depth + 1),
            (POSITIVE | NEGATIVE | SIMPLE, Some(_)) => Ok(()),
            _ => Err(Malformed("a value that goes on without end")),
        }
    }
}

/// Writes values one after the other.
#[derive(Clone, Debug, Default)]
pub struct Encoder(pub Vec<u8>);

impl Encoder {
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match argument {
            0..=23 => self.0.push(major | argument as u8),
            24..=0xFF => self.0.extend_from_slice(&[major | 24, argument as u8]),
            0x100..=0xFFFF => {
                self.0.push(major | 25);
                self.0.extend_from_slice(&(argument as u16).to_be_bytes());
            }
            0x1_0000..=0xFFFF_FFFF => {
                self.0.push(major | 26);
                self.0.extend_from_slice(&(argument as u32).to_be_bytes());
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend_from_slice(&argument.to_be_bytes());
            }
        }
    }

    pub fn integer(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(POSITIVE, value),
            Err(_) => self.head(NEGATIVE, value.unsigned_abs() - 1),
        }
    }

    /// `-1 - size` when it is negative.
    pub(crate) fn wide_integer(&mut self, is_negative: bool, size: u64) {
        self.head(if is_negative { NEGATIVE } else { POSITIVE }, size);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub fn array(&mut self, length: usize) {
        self.head(ARRAY, length as u64);
    }

    pub fn map(&mut self, pairs: usize) {
        self.head(MAP, pairs as u64);
    }

    /// A map whose pairs go on until [`Self::end`]: the client for Java takes no other where DAX has them.
    pub fn open_map(&mut self) {
        self.0.push(MAP << 5 | 31);
    }

    pub fn end(&mut self) {
        self.0.push(BREAK);
    }

    pub(crate) fn tag(&mut self, tag: u64) {
        self.head(TAG, tag);
    }

    pub fn boolean(&mut self, value: bool) {
        self.0.push(if value { TRUE } else { FALSE });
    }

    pub fn null(&mut self) {
        self.0.push(NULL);
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.0.push(0xFB);
        self.0.extend_from_slice(&value.to_bits().to_be_bytes());
    }

    /// A value that is encoded already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}
