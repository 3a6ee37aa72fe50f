//! The data items of a CBOR text.

use std::borrow::Cow;

use shapes::ApiError;

use crate::errors;

const MOST_DEPTH: usize = 128;

/// The head of a data item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Head {
    Unsigned(u64),
    /// The value is `-1 - n`.
    Negative(u64),
    /// `None` for lengths that are not known beforehand.
    Bytes(Option<usize>),
    Text(Option<usize>),
    Array(Option<usize>),
    Map(Option<usize>),
    Tag(u64),
    Boolean(bool),
    /// Null and undefined.
    Null,
    Float(f64),
    /// The end of an array, map or string of unknown length.
    Break,
}

/// A place in a CBOR text.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

/// How many items of an array or map are still to come.
#[derive(Clone, Copy)]
pub(super) enum Remaining {
    Known(usize),
    UntilBreak,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[cold]
    pub(super) fn malformed(&self, what: &str) -> ApiError {
        errors::serialization(format!("Malformed CBOR at offset {}: {what}", self.at))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ApiError> {
        let rest = &self.bytes[self.at..];
        let Some(taken) = rest.get(..length) else { return Err(self.malformed("unexpected end of input")) };
        self.at += length;
        Ok(taken)
    }

    pub(super) fn peek(&mut self) -> Result<Head, ApiError> {
        let at = self.at;
        let head = self.head();
        self.at = at;
        head
    }

    pub(super) fn head(&mut self) -> Result<Head, ApiError> {
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 31);
        if major == 7 {
            return self.simple(info);
        }
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => Some(self.unsigned(1 << (info - 24))?),
            31 if (2..=5).contains(&major) => None,
            _ => return Err(self.malformed("a reserved length")),
        };
        let too_long = || self.malformed("a length that cannot be");
        let length = || argument.map(usize::try_from).transpose().map_err(|_| too_long());
        Ok(match (major, argument) {
            (0, Some(value)) => Head::Unsigned(value),
            (1, Some(value)) => Head::Negative(value),
            (2, _) => Head::Bytes(length()?),
            (3, _) => Head::Text(length()?),
            (4, _) => Head::Array(length()?),
            (5, _) => Head::Map(length()?),
            (6, Some(tag)) => Head::Tag(tag),
            _ => return Err(self.malformed("a head of no known kind")),
        })
    }

    fn simple(&mut self, info: u8) -> Result<Head, ApiError> {
        Ok(match info {
            20 => Head::Boolean(false),
            21 => Head::Boolean(true),
            22 | 23 => Head::Null,
            25 => Head::Float(half(self.unsigned(2)? as u16)),
            26 => Head::Float(f64::from(f32::from_bits(self.unsigned(4)? as u32))),
            27 => Head::Float(f64::from_bits(self.unsigned(8)?)),
            31 => Head::Break,
            _ => return Err(self.malformed("a simple value of no known kind")),
        })
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, ApiError> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Enters an array or map.
    pub(super) fn enter(&mut self, length: Option<usize>) -> Result<Remaining, ApiError> {
        if self.depth == MOST_DEPTH {
            return Err(self.malformed("nesting is too deep"));
        }
        self.depth += 1;
        Ok(length.map_or(Remaining::UntilBreak, Remaining::Known))
    }

    /// Whether another item follows; leaves the array or map when none does.
    pub(super) fn next(&mut self, remaining: &mut Remaining) -> Result<bool, ApiError> {
        let has_more = match remaining {
            Remaining::Known(0) => false,
            Remaining::Known(count) => {
                *count -= 1;
                true
            }
            Remaining::UntilBreak if self.peek()? == Head::Break => {
                self.at += 1;
                false
            }
            Remaining::UntilBreak => true,
        };
        if !has_more {
            self.depth -= 1;
        }
        Ok(has_more)
    }

    /// A text, the head of which is next.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, ApiError> {
        match self.head()? {
            Head::Text(length) => self.text_of(length),
            _ => Err(self.malformed("a text is expected")),
        }
    }

    /// A text after its head.
    pub(super) fn text_of(&mut self, length: Option<usize>) -> Result<Cow<'a, str>, ApiError> {
        if let Some(length) = length {
            return self.utf8(length).map(Cow::Borrowed);
        }
        let mut text = String::new();
        loop {
            match self.head()? {
                Head::Text(Some(length)) => text.push_str(self.utf8(length)?),
                Head::Break => return Ok(Cow::Owned(text)),
                _ => return Err(self.malformed("a chunk of text is expected")),
            }
        }
    }

    fn utf8(&mut self, length: usize) -> Result<&'a str, ApiError> {
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("a text is not UTF-8"))
    }

    /// Bytes after their head.
    pub(super) fn bytes_of(&mut self, length: Option<usize>) -> Result<Vec<u8>, ApiError> {
        if let Some(length) = length {
            return self.take(length).map(<[u8]>::to_vec);
        }
        let mut bytes = Vec::new();
        loop {
            match self.head()? {
                Head::Bytes(Some(length)) => bytes.extend_from_slice(self.take(length)?),
                Head::Break => return Ok(bytes),
                _ => return Err(self.malformed("a chunk of bytes is expected")),
            }
        }
    }

    /// Passes over a data item of any kind.
    pub(super) fn skip(&mut self) -> Result<(), ApiError> {
        match self.head()? {
            Head::Bytes(length) => self.bytes_of(length).map(drop),
            Head::Text(length) => self.text_of(length).map(drop),
            Head::Array(length) => {
                let mut remaining = self.enter(length)?;
                while self.next(&mut remaining)? {
                    self.skip()?;
                }
                Ok(())
            }
            Head::Map(length) => {
                let mut remaining = self.enter(length)?;
                while self.next(&mut remaining)? {
                    self.skip()?;
                    self.skip()?;
                }
                Ok(())
            }
            Head::Tag(_) => {
                let mut remaining = self.enter(Some(1))?;
                while self.next(&mut remaining)? {
                    self.skip()?;
                }
                Ok(())
            }
            Head::Break => Err(self.malformed("a break outside of anything")),
            _ => Ok(()),
        }
    }
}

/// The value of a half-precision float (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_floats() {
        assert_eq!(half(0x3C00), 1.0);
        assert_eq!(half(0xC500), -5.0);
        assert_eq!(half(0x0050), 4.76837158203125e-6);
        assert_eq!(half(0xFC00), f64::NEG_INFINITY);
        assert!(half(0x7C01).is_nan());
    }
}
