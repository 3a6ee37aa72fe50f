//! The tokens of a JSON text.

use std::borrow::Cow;

use shapes::ApiError;

use super::plain_length;
use crate::errors;

/// Values may stand in one another this deep. DynamoDB allows 32 levels, the deepest of AWS's limits.
pub(super) const MOST_DEPTH: usize = 128;

/// A place in a JSON text.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// What a value starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

impl Start {
    /// AWS's name of a token in its messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "START_OBJECT",
            Self::Array => "START_ARRAY",
            Self::String => "STRING_VALUE",
            Self::Number => "NUMBER_VALUE",
            Self::True => "TRUE_VALUE",
            Self::False => "FALSE_VALUE",
            Self::Null => "NULL_VALUE",
        }
    }
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    #[cold]
    pub(super) fn unexpected(&self, wanted: &str) -> ApiError {
        errors::serialization(match self.text[self.at..].chars().next() {
            Some(found) => format!("Unexpected token {found:?} at offset {}: expected {wanted}", self.at),
            None => format!("Unexpected end of input: expected {wanted}"),
        })
    }

    /// What the next value is; moves to it, not past it.
    pub(super) fn start(&mut self) -> Result<Start, ApiError> {
        self.space();
        Ok(match self.byte() {
            Some(b'{') => Start::Object,
            Some(b'[') => Start::Array,
            Some(b'"') => Start::String,
            Some(b'-' | b'0'..=b'9') => Start::Number,
            Some(b't') => Start::True,
            Some(b'f') => Start::False,
            Some(b'n') => Start::Null,
            _ => return Err(self.unexpected("a value")),
        })
    }

    /// Takes a `null` if one is next.
    pub(super) fn take_null(&mut self) -> Result<bool, ApiError> {
        self.space();
        if self.byte() != Some(b'n') {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), ApiError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Enters an object or array; `true` when it is empty and was left again.
    pub(super) fn enter(&mut self, close: u8) -> Result<bool, ApiError> {
        if self.depth == MOST_DEPTH {
            let message = format!("Nesting is deeper than {MOST_DEPTH} levels");
            return Err(errors::serialization(message));
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        let is_empty = self.byte() == Some(close);
        if is_empty {
            self.at += 1;
            self.depth -= 1;
        }
        Ok(is_empty)
    }

    /// After a value in an object or array: `true` when another follows, `false` when it was left.
    pub(super) fn next(&mut self, close: u8) -> Result<bool, ApiError> {
        self.space();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            _ => Err(self.unexpected(if close == b'}' { "',' or '}'" } else { "',' or ']'" })),
        }
    }

    /// The name of a member, with the colon after it.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, ApiError> {
        self.space();
        if self.byte() != Some(b'"') {
            return Err(self.unexpected("a field name"));
        }
        let key = self.string()?;
        self.space();
        if self.byte() != Some(b':') {
            return Err(self.unexpected("':'"));
        }
        self.at += 1;
        Ok(key)
    }

    /// A string, the quotation mark of which is next.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, ApiError> {
        self.at += 1;
        let start = self.at;
        let length = self.plain_length();
        self.at += length;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..start + length]));
        }
        self.at = start;
        self.escaped_string().map(Cow::Owned)
    }

    /// How many bytes from here on stand for themselves.
    fn plain_length(&self) -> usize {
        plain_length(&self.text.as_bytes()[self.at..])
    }

    #[cold]
    fn escaped_string(&mut self) -> Result<String, ApiError> {
        let mut string = String::new();
        loop {
            let length = self.plain_length();
            string.push_str(&self.text[self.at..self.at + length]);
            self.at += length;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                _ => return Err(self.unexpected("the rest of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ApiError> {
        self.at += 1;
        let escaped = match self.byte() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.unexpected("an escape character")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// The character of one `\uXXXX` or of a pair of surrogates; half a pair becomes the replacement character.
    fn unicode(&mut self) -> Result<char, ApiError> {
        let first = self.hex()?;
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                let combined = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(combined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, ApiError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return Err(self.unexpected("four hexadecimal digits")) };
        self.at += 4;
        Ok(digits.iter().fold(0, |code, byte| code * 16 + char::from(*byte).to_digit(16).unwrap_or(0)))
    }

    /// The text of a number, checked against JSON's grammar.
    pub(super) fn number(&mut self) -> Result<&'a str, ApiError> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let has_leading_zero = self.byte() == Some(b'0');
        let digits = self.digits()?;
        if has_leading_zero && digits > 1 {
            self.at = start;
            return Err(self.unexpected("a number without leading zeros"));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<usize, ApiError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(self.at - start) }
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), ApiError> {
        match self.start()? {
            Start::Object => {
                if self.enter(b'}')? {
                    return Ok(());
                }
                loop {
                    self.key()?;
                    self.skip()?;
                    if !self.next(b'}')? {
                        return Ok(());
                    }
                }
            }
            Start::Array => {
                if self.enter(b']')? {
                    return Ok(());
                }
                loop {
                    self.skip()?;
                    if !self.next(b']')? {
                        return Ok(());
                    }
                }
            }
            Start::String => self.string().map(drop),
            Start::Number => self.number().map(drop),
            Start::True => self.word("true"),
            Start::False => self.word("false"),
            Start::Null => self.word("null"),
        }
    }
}
