//! What all grammars share: the walk over the tokens, paths, placeholders, and the faults met on the way.

use super::error::{ExpressionError, Fault, Kind};
use super::lexer::{self, Token, TokenKind};
use super::path::{Element, Path};
use super::placeholders::Placeholders;
use super::reserved_words::is_reserved;
use super::{MAX_LENGTH, MAX_NESTING, MAX_OPERATORS, MAX_PATH_ELEMENTS};
use crate::value::Value;

/// Stands for a value whose placeholder is not defined; the fault is recorded, the tree is thrown away.
static UNDEFINED: Value = Value::Null;

pub(super) struct Parser<'a, 'p> {
    text: &'a str,
    pub(super) kind: Kind,
    tokens: Vec<Token<'a>>,
    at: usize,
    placeholders: &'p Placeholders<'a>,
    operators: usize,
    nesting: usize,
    fault: Option<Fault>,
}

/// Syntax errors end the parse at once; other faults are recorded and judged at the end.
pub(super) type Parsed<T> = Result<T, Fault>;

impl<'a, 'p> Parser<'a, 'p> {
    /// Runs `grammar` over the whole of `text`.
    pub(super) fn run<T>(
        kind: Kind,
        text: &'a str,
        placeholders: &'p Placeholders<'a>,
        grammar: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Result<T, ExpressionError> {
        let parsed = if text.len() > MAX_LENGTH {
            Err(Fault::TooLong(text.len()))
        } else if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            Err(Fault::Empty)
        } else {
            let tokens = lexer::tokens(text);
            let mut parser =
                Self { text, kind, tokens, at: 0, placeholders, operators: 0, nesting: 0, fault: None };
            grammar(&mut parser).and_then(|tree| parser.finish(tree))
        };
        parsed.map_err(|fault| ExpressionError::Invalid { kind, fault })
    }

    fn finish<T>(mut self, tree: T) -> Parsed<T> {
        if self.peek() != TokenKind::End {
            return Err(self.unexpected());
        }
        if self.operators > MAX_OPERATORS {
            self.record(Fault::TooManyOperators(self.operators));
        }
        self.fault.map_or(Ok(tree), Err)
    }

    pub(super) fn peek(&self) -> TokenKind<'a> {
        self.tokens[self.at].kind
    }

    pub(super) fn peek_second(&self) -> TokenKind<'a> {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)].kind
    }

    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    pub(super) fn unexpected(&self) -> Fault {
        lexer::syntax_error(self.text, &self.tokens, self.at)
    }

    /// Takes the symbol if it is next.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), TokenKind::Symbol(next) if next == symbol);
        if is_next {
            self.advance();
        }
        is_next
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.is_keyword(keyword);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Counts an operator or function against the limit.
    pub(super) fn count_operator(&mut self) {
        self.operators += 1;
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Fault::TooDeep(self.nesting));
        }
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// Remembers a fault unless one of the same or an earlier pass is known.
    pub(super) fn record(&mut self, fault: Fault) {
        let is_earlier =
            self.fault.as_ref().is_none_or(|known| fault.pass(self.kind) < known.pass(self.kind));
        if is_earlier {
            self.fault = Some(fault);
        }
    }

    /// A value placeholder that is next.
    pub(super) fn value(&mut self, key: &'a str) -> &'a Value {
        self.advance();
        self.placeholders.value(key).unwrap_or_else(|| {
            self.record(Fault::UndefinedValue(key.to_owned()));
            &UNDEFINED
        })
    }

    pub(super) fn path(&mut self) -> Parsed<Path<'a>> {
        let attribute = self.attribute()?;
        let mut path = Path::top(attribute);
        loop {
            if self.take(".") {
                let member = self.attribute()?;
                path.elements.push(Element::Member(member));
            } else if self.take("[") {
                let index = self.index()?;
                path.elements.push(Element::Index(index));
            } else {
                break;
            }
        }
        if path.elements.len() > MAX_PATH_ELEMENTS {
            self.record(Fault::PathTooDeep(path.elements.len()));
        }
        Ok(path)
    }

    fn attribute(&mut self) -> Parsed<&'a str> {
        match self.peek() {
            TokenKind::Word(word) => {
                if self.is_operator_word(word) {
                    return Err(self.unexpected());
                }
                if is_reserved(word) {
                    self.record(Fault::Reserved(word.to_owned()));
                }
                self.advance();
                Ok(word)
            }
            TokenKind::Name(key) => {
                self.advance();
                Ok(self.placeholders.name(key).unwrap_or_else(|| {
                    self.record(Fault::UndefinedName(key.to_owned()));
                    ""
                }))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Words that belong to the grammar itself, so that finding them for a name is a syntax error.
    fn is_operator_word(&self, word: &str) -> bool {
        let words: &[&str] = match self.kind {
            Kind::Update => &["SET", "REMOVE", "ADD", "DELETE"],
            Kind::Projection => &[],
            _ => &["BETWEEN", "IN", "AND", "OR", "NOT"],
        };
        words.iter().any(|operator| operator.eq_ignore_ascii_case(word))
    }

    fn index(&mut self) -> Parsed<usize> {
        let TokenKind::Digits(digits) = self.peek() else { return Err(self.unexpected()) };
        self.advance();
        self.expect("]")?;
        Ok(digits.parse::<u32>().map_or_else(
            |_| {
                self.record(Fault::IndexOutOfRange(digits.to_owned()));
                0
            },
            |index| index as usize,
        ))
    }

    /// A comma-separated list of at least one element.
    pub(super) fn list<T>(&mut self, element: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut elements = vec![element(self)?];
        while self.take(",") {
            elements.push(element(self)?);
        }
        Ok(elements)
    }
}
