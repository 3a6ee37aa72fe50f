//! Reading items from Ion text.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{BINARY_SET, NUMBER_SET, STRING_SET, VERSION_MARKER};
use crate::item::Item;
use crate::value::{MAX_DEPTH, Value};

/// The item in a line of an import: `$ion_1_0 {Item:{...}}`. The error tells people what is wrong with it.
pub(crate) fn read_line(line: &str) -> Result<Item, String> {
    let mut reader = Reader { rest: line, depth: 0 };
    reader.skip();
    if let Some(rest) = reader.rest.strip_prefix(VERSION_MARKER) {
        reader.rest = rest;
    }
    let value = reader.value()?;
    reader.skip();
    if !reader.rest.is_empty() {
        return Err(unexpected(reader.rest));
    }
    let no_item = || "Expected 'Item' top level container".to_owned();
    let Value::M(mut top) = value else { return Err(no_item()) };
    match top.remove("Item") {
        Some(Value::M(attributes)) => Ok(attributes.into()),
        _ => Err(no_item()),
    }
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

fn unexpected(rest: &str) -> String {
    match rest.chars().next() {
        Some(character) => format!("Unexpected token '{character}'"),
        None => "Unexpected end of the item".to_owned(),
    }
}

impl<'t> Reader<'t> {
    /// Passes over spaces and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("//") {
                self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }

    fn takes(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.takes(token) { Ok(()) } else { Err(unexpected(self.rest)) }
    }

    fn value(&mut self) -> Result<Value, String> {
        self.skip();
        // An item and its container are two levels around the deepest attribute.
        if self.depth > MAX_DEPTH + 2 {
            return Err("Nesting Levels have exceeded supported limits".to_owned());
        }
        self.depth += 1;
        let value = self.value_within();
        self.depth -= 1;
        value
    }

    fn value_within(&mut self) -> Result<Value, String> {
        match self.rest.as_bytes().first() {
            Some(b'{') if self.rest.starts_with("{{") => self.blob(),
            Some(b'{') => self.structure(),
            Some(b'[') => Ok(Value::L(self.list()?)),
            Some(b'"') => self.quoted('"').map(Value::S),
            Some(b'\'') if self.rest.starts_with("'''") => self.long_string().map(Value::S),
            Some(b'\'') => {
                let symbol = self.quoted('\'')?;
                if self.takes("::") { self.annotated(&symbol) } else { Ok(Value::S(symbol)) }
            }
            Some(b'0'..=b'9' | b'-') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') => self.word(),
            _ => Err(unexpected(self.rest)),
        }
    }

    fn structure(&mut self) -> Result<Value, String> {
        self.expect("{")?;
        let mut members = BTreeMap::new();
        while !self.takes("}") {
            let name = self.name()?;
            self.expect(":")?;
            let value = self.value()?;
            members.insert(name, value);
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Value::M(members))
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        self.expect("[")?;
        let mut members = Vec::new();
        while !self.takes("]") {
            members.push(self.value()?);
            if !self.takes(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(members)
    }

    fn name(&mut self) -> Result<String, String> {
        self.skip();
        match self.rest.as_bytes().first() {
            Some(b'"') => self.quoted('"'),
            Some(b'\'') if self.rest.starts_with("'''") => self.long_string(),
            Some(b'\'') => self.quoted('\''),
            _ => match self.identifier() {
                "" => Err(unexpected(self.rest)),
                name => Ok(name.to_owned()),
            },
        }
    }

    fn identifier(&mut self) -> &'t str {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
        let length = self.rest.bytes().take_while(is_part).count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        word
    }

    /// A keyword, an annotation or a symbol, which is text.
    fn word(&mut self) -> Result<Value, String> {
        let word = self.identifier();
        match word {
            "true" => return Ok(Value::Bool(true)),
            "false" => return Ok(Value::Bool(false)),
            "null" => {
                // A null may name its type.
                if let Some(rest) = self.rest.strip_prefix('.') {
                    self.rest = rest;
                    self.identifier();
                }
                return Ok(Value::Null);
            }
            "nan" => return Err("Not a number is no value of DynamoDB".to_owned()),
            _ => {}
        }
        if self.takes("::") { self.annotated(word) } else { Ok(Value::S(word.to_owned())) }
    }

    fn annotated(&mut self, annotation: &str) -> Result<Value, String> {
        self.skip();
        let members = match annotation {
            STRING_SET | NUMBER_SET | BINARY_SET => self.list()?,
            other => return Err(format!("Unexpected annotation '{other}'")),
        };
        let wrong = |value: &Value| format!("Unexpected {} in a set", value.value_type().name());
        let set = match annotation {
            STRING_SET => {
                let texts = members.into_iter().map(|member| match member {
                    Value::S(text) => Ok(text),
                    other => Err(wrong(&other)),
                });
                Value::string_set(texts.collect::<Result<_, _>>()?)
            }
            NUMBER_SET => {
                let texts = members.into_iter().map(|member| match member {
                    Value::N(number) => Ok(number.to_string()),
                    other => Err(wrong(&other)),
                });
                Value::number_set(&texts.collect::<Result<Vec<_>, _>>()?)
            }
            _ => {
                let binaries = members.into_iter().map(|member| match member {
                    Value::B(bytes) => Ok(bytes),
                    other => Err(wrong(&other)),
                });
                Value::binary_set(binaries.collect::<Result<_, _>>()?)
            }
        };
        set.map_err(|error| error.to_string())
    }

    /// An int, a decimal or a float; all are numbers to DynamoDB.
    fn number(&mut self) -> Result<Value, String> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_');
        let length = self.rest.bytes().take_while(is_part).count();
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        let text = word.replace('_', "").replace(['d', 'D'], "e");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('.');
        Value::number(&format!("{digits}e{exponent}"))
            .map_err(|_| format!("The parameter cannot be converted to a numeric value: {word}"))
    }

    fn blob(&mut self) -> Result<Value, String> {
        self.expect("{{")?;
        let (text, rest) = self.rest.split_once("}}").ok_or_else(|| unexpected(""))?;
        self.rest = rest;
        let text: String = text.split_whitespace().collect();
        let bytes = BASE64.decode(text).map_err(|_| "Binary values must be base64 encoded".to_owned())?;
        Ok(Value::B(bytes.into()))
    }

    /// Texts in three single quotes, one behind the other, are one.
    fn long_string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        while self.takes("'''") {
            loop {
                if let Some(rest) = self.rest.strip_prefix("'''") {
                    self.rest = rest;
                    break;
                }
                self.character(&mut text)?;
            }
        }
        Ok(text)
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        self.rest = self.rest.strip_prefix(quote).ok_or_else(|| unexpected(self.rest))?;
        let mut text = String::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                self.rest = rest;
                return Ok(text);
            }
            self.character(&mut text)?;
        }
    }

    /// One character of a text, or one escape.
    fn character(&mut self, text: &mut String) -> Result<(), String> {
        let mut characters = self.rest.chars();
        let character = characters.next().ok_or_else(|| unexpected(""))?;
        if character != '\\' {
            text.push(character);
            self.rest = characters.as_str();
            return Ok(());
        }
        let escape = characters.next().ok_or_else(|| unexpected(""))?;
        self.rest = characters.as_str();
        match escape {
            '0' => text.push('\0'),
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            't' => text.push('\t'),
            'n' => text.push('\n'),
            'f' => text.push('\u{c}'),
            'r' => text.push('\r'),
            'v' => text.push('\u{b}'),
            '"' | '\'' | '?' | '\\' | '/' => text.push(escape),
            '\n' => {}
            'x' => text.push(self.code_point(2)?),
            'u' => text.push(self.unicode()?),
            'U' => text.push(self.code_point(8)?),
            other => return Err(unexpected(&other.to_string())),
        }
        Ok(())
    }

    /// `\u`, whose larger characters come as two surrogates.
    fn unicode(&mut self) -> Result<char, String> {
        let high = self.hexadecimal(4)?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| unexpected("\\"));
        }
        self.rest = self.rest.strip_prefix("\\u").ok_or_else(|| unexpected(self.rest))?;
        let low = self.hexadecimal(4)?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(unexpected("\\"));
        }
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(|| unexpected("\\"))
    }

    fn code_point(&mut self, digits: usize) -> Result<char, String> {
        char::from_u32(self.hexadecimal(digits)?).ok_or_else(|| unexpected("\\"))
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u32, String> {
        let text = self.rest.get(..digits).ok_or_else(|| unexpected(self.rest))?;
        self.rest = &self.rest[digits..];
        u32::from_str_radix(text, 16).map_err(|_| unexpected(text))
    }
}
