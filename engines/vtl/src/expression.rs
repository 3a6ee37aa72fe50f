//! Expressions: operators by precedence, literals, and strings with references in them.

use crate::ast::{Expr, Operator};
use crate::error::VtlError;
use crate::parser::Parser;
use crate::value::Value;

/// Operators from the loosest to the tightest; longer spellings before their prefixes.
const PRECEDENCE: &[&[(&str, Operator)]] = &[
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("eq", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("ne", Operator::NotEqual),
    ],
    &[
        ("<=", Operator::LessOrEqual),
        ("le", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("ge", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        ("lt", Operator::Less),
        (">", Operator::Greater),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

impl Parser<'_> {
    /// An expression and the space around it.
    pub(crate) fn expression(&mut self) -> Result<Expr, VtlError> {
        self.deeper()?;
        let expr = self.level(0)?;
        self.skip_space();
        self.depth -= 1;
        Ok(expr)
    }

    fn level(&mut self, level: usize) -> Result<Expr, VtlError> {
        let Some(operators) = PRECEDENCE.get(level) else { return self.unary() };
        let position = self.position();
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        loop {
            self.skip_space();
            let Some(operator) = self.operator(operators) else { break };
            rest.push((operator, self.level(level + 1)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest, position) })
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        operators.iter().find(|(spelling, _)| self.eat_operator(spelling)).map(|(_, operator)| *operator)
    }

    fn eat_operator(&mut self, spelling: &str) -> bool {
        let Some(after) = self.rest().strip_prefix(spelling) else { return false };
        let is_word = spelling.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_word && after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        self.at += spelling.len();
        true
    }

    fn unary(&mut self) -> Result<Expr, VtlError> {
        self.skip_space();
        let mut is_negated = false;
        let mut is_any = false;
        while self.eat_operator("!") || self.eat_operator("not") {
            is_negated = !is_negated;
            is_any = true;
            self.skip_space();
        }
        let expr = self.primary()?;
        if !is_any {
            return Ok(expr);
        }
        let not = Expr::Not(Box::new(expr));
        Ok(if is_negated { not } else { Expr::Not(Box::new(not)) })
    }

    /// A literal, a reference or something in parentheses.
    pub(crate) fn primary(&mut self) -> Result<Expr, VtlError> {
        self.skip_space();
        match self.peek() {
            Some(b'$') => match self.reference()? {
                Some(reference) => Ok(Expr::Reference(reference)),
                None => Err(self.error("expected a name after '$'")),
            },
            Some(b'(') => {
                self.at += 1;
                let expr = self.expression()?;
                self.expect(")", "to close the parenthesis")?;
                Ok(expr)
            }
            Some(b'[') => self.list(),
            Some(b'{') => self.map(),
            Some(b'"' | b'\'') => self.string(),
            Some(b'0'..=b'9' | b'-' | b'.') => self.number(),
            _ if self.eat_operator("true") => Ok(Expr::Constant(Value::Bool(true))),
            _ if self.eat_operator("false") => Ok(Expr::Constant(Value::Bool(false))),
            _ if self.eat_operator("null") => Ok(Expr::Constant(Value::Null)),
            found => {
                let found = found.map_or("the end of the template", |_| "something else");
                Err(self.error(format!(
                    "expected a value (reference, string, number, true, false, list, map or parenthesis), found {found}"
                )))
            }
        }
    }

    fn list(&mut self) -> Result<Expr, VtlError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.eat("]") {
            return Ok(Expr::List(items));
        }
        loop {
            items.push(self.expression()?);
            if items.len() == 1 && self.eat("..") {
                let last = self.expression()?;
                self.expect("]", "after the range")?;
                let first = items.pop().unwrap_or(Expr::Constant(Value::Null));
                return Ok(Expr::Range(Box::new((first, last))));
            }
            if self.eat("]") {
                return Ok(Expr::List(items));
            }
            self.expect(",", "or ']' after a list's item")?;
        }
    }

    fn map(&mut self) -> Result<Expr, VtlError> {
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.eat("}") {
            return Ok(Expr::Map(entries));
        }
        loop {
            let key = self.expression()?;
            self.expect(":", "after a map's key")?;
            entries.push((key, self.expression()?));
            if self.eat("}") {
                return Ok(Expr::Map(entries));
            }
            self.expect(",", "or '}' after a map's entry")?;
        }
    }

    fn number(&mut self) -> Result<Expr, VtlError> {
        let rest = self.rest();
        let digits = |from: usize| {
            rest.get(from..).map_or(0, |tail| tail.bytes().take_while(u8::is_ascii_digit).count())
        };
        let sign = usize::from(rest.starts_with('-'));
        let mut end = sign + digits(sign);
        let mut is_float = false;
        let tail = |at: usize| rest.get(at..).unwrap_or_default();
        if tail(end).starts_with('.') && !tail(end).starts_with("..") {
            is_float = true;
            end += 1 + digits(end + 1);
        }
        if tail(end).starts_with(['e', 'E']) {
            let signed = usize::from(tail(end + 1).starts_with(['+', '-']));
            let exponent = digits(end + 1 + signed);
            if exponent > 0 {
                is_float = true;
                end += 1 + signed + exponent;
            }
        }
        let text = rest.get(..end).unwrap_or_default();
        let value = match text.parse::<i64>() {
            Ok(n) if !is_float => Value::Int(n),
            _ => {
                Value::Float(text.parse().map_err(|_| self.error("expected a number such as 1, -2 or 3.5"))?)
            }
        };
        self.at += end;
        Ok(Expr::Constant(value))
    }

    /// A string; the quote doubled stands for itself, and no other escape than `\uXXXX` is known.
    fn string(&mut self) -> Result<Expr, VtlError> {
        let position = self.position();
        let quote = if self.peek() == Some(b'"') { '"' } else { '\'' };
        self.at += 1;
        let mut content = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(quote) else {
                return Err(position.error(format!("the string is not closed, expected {quote}")));
            };
            content.push_str(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if self.peek() != Some(quote as u8) {
                break;
            }
            content.push(quote);
            self.at += 1;
        }
        if quote == '\'' {
            return Ok(Expr::Constant(Value::from(content)));
        }
        let content = unicode_escapes(&content);
        if !content.contains(['$', '#']) {
            return Ok(Expr::Constant(Value::from(content)));
        }
        let mut inner = Parser::new(&content, self.limits);
        inner.depth = self.depth;
        inner.outer = Some(position);
        inner.macros = std::mem::take(&mut self.macros);
        let block = inner.template();
        self.macros = inner.macros;
        Ok(Expr::Interpolated(block?))
    }
}

fn unicode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 2..).unwrap_or_default();
        let code = tail.get(..4).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = tail.get(4..).unwrap_or_default();
            }
            None => {
                out.push_str("\\u");
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}
