//! Path text to segments.

use regex::RegexBuilder;

use super::filter::{Comparison, Filter, Operand};
use super::{Function, MAX_PATH_BYTES, Path, PathError, Segment};
use crate::value::Value;

/// Depth of parentheses and paths in a filter.
const MAX_FILTER_DEPTH: usize = 20;

struct Reader<'p> {
    text: &'p str,
    at: usize,
    depth: usize,
}

pub(super) fn path(text: &str) -> Result<Path, PathError> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    if text.len() > MAX_PATH_BYTES {
        return Err(reader.error(&format!("longer than {MAX_PATH_BYTES} bytes, expected less")));
    }
    reader.skip_space();
    let has_root = reader.eat("$");
    if !has_root && !reader.rest().starts_with(['.', '[']) {
        let name = reader.name()?;
        let mut path = reader.segments()?;
        path.segments.insert(0, Segment::Names(vec![name]));
        return reader.finish(path);
    }
    let path = reader.segments()?;
    reader.finish(path)
}

impl<'p> Reader<'p> {
    fn error(&self, message: &str) -> PathError {
        PathError { at: self.at + 1, message: String::from(message) }
    }

    fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        self.at += if is_next { token.len() } else { 0 };
        is_next
    }

    fn expect(&mut self, token: &str) -> Result<(), PathError> {
        if self.eat(token) { Ok(()) } else { Err(self.error(&format!("expected '{token}'"))) }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn finish(mut self, path: Path) -> Result<Path, PathError> {
        self.skip_space();
        if self.rest().is_empty() {
            Ok(path)
        } else {
            Err(self.error("expected '.', '[' or the end of the path"))
        }
    }

    fn segments(&mut self) -> Result<Path, PathError> {
        let mut segments = Vec::new();
        loop {
            if self.eat("..") {
                segments.push(Segment::Descend);
                segments.push(if self.eat("[") { self.bracket()? } else { self.dotted()? });
            } else if self.eat(".") {
                segments.push(if self.eat("[") { self.bracket()? } else { self.dotted()? });
            } else if self.eat("[") {
                segments.push(self.bracket()?);
            } else {
                return Ok(Path { segments });
            }
        }
    }

    fn dotted(&mut self) -> Result<Segment, PathError> {
        if self.eat("*") {
            return Ok(Segment::All);
        }
        let start = self.at;
        let name = self.name()?;
        if !self.eat("()") {
            return Ok(Segment::Names(vec![name]));
        }
        let function = match name.as_str() {
            "length" | "size" => Function::Length,
            "min" => Function::Min,
            "max" => Function::Max,
            "sum" => Function::Sum,
            "avg" => Function::Average,
            _ => {
                self.at = start;
                return Err(self.error("expected one of the functions length(), min(), max(), sum(), avg()"));
            }
        };
        Ok(Segment::Function(function))
    }

    fn name(&mut self) -> Result<String, PathError> {
        let rest = self.rest();
        let is_end = |c: char| c.is_whitespace() || ".[]()=<>!&|,*".contains(c);
        let name = rest.get(..rest.find(is_end).unwrap_or(rest.len())).unwrap_or_default();
        if name.is_empty() {
            return Err(self.error("expected a name, '*' or '['"));
        }
        self.at += name.len();
        Ok(String::from(name))
    }

    /// What follows a `[`, the `]` included.
    fn bracket(&mut self) -> Result<Segment, PathError> {
        self.skip_space();
        let segment = if self.eat("*") {
            Segment::All
        } else if self.eat("?") {
            self.skip_space();
            self.expect("(")?;
            let filter = self.any_of()?;
            self.expect(")")?;
            Segment::Filter(filter)
        } else if self.rest().starts_with(['\'', '"']) {
            let mut names = vec![self.quoted()?];
            while self.comma() {
                names.push(self.quoted()?);
            }
            Segment::Names(names)
        } else {
            self.indexes()?
        };
        self.skip_space();
        self.expect("]")?;
        Ok(segment)
    }

    fn comma(&mut self) -> bool {
        self.skip_space();
        let is_next = self.eat(",");
        self.skip_space();
        is_next
    }

    fn indexes(&mut self) -> Result<Segment, PathError> {
        let first = self.whole_number();
        self.skip_space();
        if self.eat(":") {
            self.skip_space();
            return Ok(Segment::Slice(first, self.whole_number()));
        }
        let wanted = "expected an index, a slice, '*', a quoted name or '?('";
        let mut indexes = vec![first.ok_or_else(|| self.error(wanted))?];
        while self.comma() {
            indexes.push(self.whole_number().ok_or_else(|| self.error(wanted))?);
        }
        Ok(Segment::Indexes(indexes))
    }

    fn whole_number(&mut self) -> Option<i64> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest.get(sign..)?.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.get(..sign + digits)?.parse().ok()?;
        self.at += sign + digits;
        Some(number)
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let quote = if self.eat("'") {
            '\''
        } else {
            self.expect("\"")?;
            '"'
        };
        let mut out = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((offset, letter)) = letters.next() {
            if letter == quote {
                self.at += offset + 1;
                return Ok(out);
            }
            let plain = if letter == '\\' { letters.next().map(|(_, next)| next) } else { Some(letter) };
            out.extend(plain);
        }
        Err(self.error(&format!("the name is not closed, expected {quote}")))
    }

    fn any_of(&mut self) -> Result<Filter, PathError> {
        self.depth += 1;
        if self.depth > MAX_FILTER_DEPTH {
            return Err(self.error("the filter is nested too deep"));
        }
        let mut alternatives = vec![self.all_of()?];
        while self.eat("||") {
            alternatives.push(self.all_of()?);
        }
        self.depth -= 1;
        Ok(Filter::Any(alternatives))
    }

    fn all_of(&mut self) -> Result<Filter, PathError> {
        let mut conditions = vec![self.condition()?];
        while self.eat("&&") {
            conditions.push(self.condition()?);
        }
        Ok(Filter::All(conditions))
    }

    fn condition(&mut self) -> Result<Filter, PathError> {
        self.skip_space();
        let mut is_negated = false;
        while self.eat("!") {
            is_negated = !is_negated;
            self.skip_space();
        }
        let filter = if self.eat("(") {
            let inner = self.any_of()?;
            self.expect(")")?;
            inner
        } else {
            self.comparison()?
        };
        self.skip_space();
        Ok(if is_negated { Filter::Not(Box::new(filter)) } else { filter })
    }

    fn comparison(&mut self) -> Result<Filter, PathError> {
        let left = self.operand()?;
        self.skip_space();
        let spellings = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
            ("nin ", Comparison::NotIn),
            ("in ", Comparison::In),
        ];
        if self.eat("=~") {
            self.skip_space();
            return self.pattern(left);
        }
        let Some((_, comparison)) = spellings.into_iter().find(|(spelling, _)| self.eat(spelling)) else {
            return Ok(Filter::Exists(left));
        };
        self.skip_space();
        Ok(Filter::Compare(left, comparison, self.operand()?))
    }

    fn pattern(&mut self, left: Operand) -> Result<Filter, PathError> {
        self.expect("/")?;
        let rest = self.rest();
        let end = rest.find('/').ok_or_else(|| self.error("the pattern is not closed, expected '/'"))?;
        let pattern = rest.get(..end).unwrap_or_default();
        let ignores_case = rest.get(end + 1..).is_some_and(|tail| tail.starts_with('i'));
        let regex = RegexBuilder::new(&format!("^(?:{pattern})$")).case_insensitive(ignores_case).build();
        let regex = regex.map_err(|_| self.error("not a supported regular expression"))?;
        self.at += end + 1 + usize::from(ignores_case);
        Ok(Filter::Matches(left, regex))
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        self.skip_space();
        if self.eat("@") || self.rest().starts_with('$') {
            let is_root = self.eat("$");
            self.depth += 1;
            if self.depth > MAX_FILTER_DEPTH {
                return Err(self.error("the filter is nested too deep"));
            }
            let path = self.segments()?;
            self.depth -= 1;
            return Ok(if is_root { Operand::FromRoot(path) } else { Operand::FromItem(path) });
        }
        self.literal().map(Operand::Literal)
    }

    fn literal(&mut self) -> Result<Value, PathError> {
        if self.rest().starts_with(['\'', '"']) {
            return self.quoted().map(Value::from);
        }
        if self.eat("[") {
            let mut items = Vec::new();
            self.skip_space();
            while !self.eat("]") {
                if self.rest().starts_with('[') {
                    return Err(self.error("expected a plain value in the list"));
                }
                items.push(self.literal()?);
                self.comma();
            }
            return Ok(Value::list(items));
        }
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let word = rest.get(..rest.find(|c| !is_part(c)).unwrap_or(rest.len())).unwrap_or_default();
        let value = Value::from_json(word)
            .map_err(|_| self.error("expected @, $, a quoted text, a number, true, false or null"))?;
        self.at += word.len();
        Ok(value)
    }
}
