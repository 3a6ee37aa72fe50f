//! From words to the tree of a statement.

use std::collections::BTreeMap;

use shapes::ApiError;

use super::lexer::{Token, tokens};
use super::syntax::{Change, Condition, Operand, Path, Select, Source, Statement, Step};
use super::{MAX_NESTING, malformed};
use crate::errors::validation;
use crate::item::Item;
use crate::value::Value;
use crate::write::Returns;

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    parameters: std::vec::IntoIter<Value>,
    nesting: usize,
}

impl Parser {
    pub(super) fn new(text: &str, parameters: Vec<Value>) -> Result<Self, ApiError> {
        Ok(Self { tokens: tokens(text)?, at: 0, parameters: parameters.into_iter(), nesting: 0 })
    }

    pub(super) fn statement(mut self) -> Result<Statement, ApiError> {
        let statement = if self.take_keyword("SELECT") {
            Statement::Select(self.select()?)
        } else if self.take_keyword("INSERT") {
            self.insert()?
        } else if self.take_keyword("UPDATE") {
            self.update()?
        } else if self.take_keyword("DELETE") {
            self.delete()?
        } else if self.take_keyword("EXISTS") {
            self.expect("(")?;
            self.expect_keyword("SELECT")?;
            let select = self.select()?;
            self.expect(")")?;
            Statement::Exists(select)
        } else {
            return Err(self.unexpected());
        };
        if *self.peek() != Token::End {
            return Err(self.unexpected());
        }
        if self.parameters.next().is_some() {
            return Err(validation("Number of parameters in request and statement don't match."));
        }
        Ok(statement)
    }

    fn select(&mut self) -> Result<Select, ApiError> {
        let paths = if self.take("*") { None } else { Some(self.list(Self::path)?) };
        self.expect_keyword("FROM")?;
        let table = self.name()?;
        let index = if self.take(".") { Some(self.name()?) } else { None };
        let condition = if self.take_keyword("WHERE") { Some(self.condition()?) } else { None };
        let mut order = None;
        if self.take_keyword("ORDER") {
            self.expect_keyword("BY")?;
            // The hash key may come first; it orders nothing, for it is the same in all of them.
            for (attribute, is_descending) in self.list(Self::order_term)? {
                order = Some((attribute, is_descending));
            }
        }
        Ok(Select { table, index, paths, condition, order })
    }

    fn order_term(&mut self) -> Result<(String, bool), ApiError> {
        let attribute = self.name()?;
        let is_descending = self.take_keyword("DESC");
        if !is_descending {
            self.take_keyword("ASC");
        }
        Ok((attribute, is_descending))
    }

    fn insert(&mut self) -> Result<Statement, ApiError> {
        self.expect_keyword("INTO")?;
        let table = self.name()?;
        self.expect_keyword("VALUE")?;
        match self.value()? {
            Value::M(attributes) => Ok(Statement::Insert { table, item: Item::from(attributes) }),
            _ => Err(malformed("the VALUE of an INSERT must be a map of attributes")),
        }
    }

    fn update(&mut self) -> Result<Statement, ApiError> {
        let table = self.name()?;
        let mut changes = Vec::new();
        loop {
            if self.take_keyword("SET") {
                changes.extend(self.list(Self::set)?);
            } else if self.take_keyword("REMOVE") {
                changes.extend(self.list(|parser| parser.path().map(Change::Remove))?);
            } else if changes.is_empty() {
                return Err(self.unexpected());
            } else {
                break;
            }
        }
        self.expect_keyword("WHERE")?;
        let condition = self.condition()?;
        let returns = self.returning()?;
        Ok(Statement::Update { table, changes, condition, returns })
    }

    fn delete(&mut self) -> Result<Statement, ApiError> {
        self.expect_keyword("FROM")?;
        let table = self.name()?;
        self.expect_keyword("WHERE")?;
        let condition = self.condition()?;
        let returns = self.returning()?;
        if !matches!(returns, Returns::None | Returns::AllOld) {
            return Err(malformed("a DELETE can only return ALL OLD *"));
        }
        Ok(Statement::Delete { table, condition, returns })
    }

    fn returning(&mut self) -> Result<Returns, ApiError> {
        if !self.take_keyword("RETURNING") {
            return Ok(Returns::None);
        }
        let is_whole = self.take_keyword("ALL");
        if !is_whole {
            self.expect_keyword("MODIFIED")?;
        }
        let is_old = self.take_keyword("OLD");
        if !is_old {
            self.expect_keyword("NEW")?;
        }
        self.expect("*")?;
        Ok(match (is_whole, is_old) {
            (true, true) => Returns::AllOld,
            (true, false) => Returns::AllNew,
            (false, true) => Returns::UpdatedOld,
            (false, false) => Returns::UpdatedNew,
        })
    }

    fn set(&mut self) -> Result<Change, ApiError> {
        let path = self.path()?;
        self.expect("=")?;
        for (function, change) in
            [("set_add", Change::SetAdd as fn(Path, Value) -> Change), ("set_delete", Change::SetDelete)]
        {
            if self.take_call(function) {
                let of = self.path()?;
                self.expect(",")?;
                let members = self.value()?;
                self.expect(")")?;
                if of != path || !members.value_type().is_set() {
                    return Err(malformed(format!(
                        "{function} takes the attribute that it changes and a set"
                    )));
                }
                return Ok(change(path, members));
            }
        }
        if self.take_call("list_append") {
            let (first, second) = self.two(Self::operand)?;
            return Ok(Change::Set(path, Source::ListAppend(first, second)));
        }
        if self.take_call("if_not_exists") {
            let of = self.path()?;
            self.expect(",")?;
            let default = self.operand()?;
            self.expect(")")?;
            return Ok(Change::Set(path, Source::IfNotExists(of, default)));
        }
        let left = self.operand()?;
        let operator = if self.take("+") {
            "+"
        } else if self.take("-") {
            "-"
        } else {
            return Ok(Change::Set(path, Source::Operand(left)));
        };
        let right = self.operand()?;
        Ok(Change::Set(path, Source::Sum { left, operator, right }))
    }

    fn condition(&mut self) -> Result<Condition, ApiError> {
        self.chain("OR", |parser| parser.chain("AND", Self::negation, Condition::And), Condition::Or)
    }

    fn chain(
        &mut self,
        keyword: &str,
        part: fn(&mut Self) -> Result<Condition, ApiError>,
        join: fn(Vec<Condition>) -> Condition,
    ) -> Result<Condition, ApiError> {
        let first = part(self)?;
        if !self.is_keyword(keyword) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_keyword(keyword) {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn negation(&mut self) -> Result<Condition, ApiError> {
        if self.take_keyword("NOT") {
            let inner = self.nested(Self::negation)?;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.nested(Self::condition)?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Condition, ApiError> {
        for function in ["begins_with", "contains", "attribute_type"] {
            if self.take_call(function) {
                let path = self.path()?;
                self.expect(",")?;
                let argument = self.value()?;
                self.expect(")")?;
                return Ok(Condition::Call { function, path, argument });
            }
        }
        let operand = self.operand()?;
        if self.take_keyword("IS") {
            return self.is(operand);
        }
        let is_negated = self.take_keyword("NOT");
        let condition = if self.take_keyword("BETWEEN") {
            let low = self.operand()?;
            self.expect_keyword("AND")?;
            Condition::Between { operand, low, high: self.operand()? }
        } else if self.take_keyword("IN") {
            let close = if self.take("[") {
                "]"
            } else {
                self.expect("(")?;
                ")"
            };
            let choices = self.list(Self::operand)?;
            self.expect(close)?;
            Condition::In { operand, choices }
        } else if is_negated {
            return Err(self.unexpected());
        } else {
            let Token::Symbol(symbol) = self.peek() else { return Err(self.unexpected()) };
            let comparator = match *symbol {
                symbol @ ("=" | "<" | "<=" | ">" | ">=" | "<>") => symbol,
                "!=" => "<>",
                _ => return Err(self.unexpected()),
            };
            self.advance();
            Condition::Compare { comparator, left: operand, right: self.operand()? }
        };
        Ok(if is_negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn is(&mut self, operand: Operand) -> Result<Condition, ApiError> {
        let Operand::Path(path) = operand else { return Err(self.unexpected()) };
        let is_negated = self.take_keyword("NOT");
        let condition = if self.take_keyword("MISSING") {
            Condition::Missing(path)
        } else {
            self.expect_keyword("NULL")?;
            Condition::Null(path)
        };
        Ok(if is_negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn operand(&mut self) -> Result<Operand, ApiError> {
        if self.take_call("size") {
            let path = self.path()?;
            self.expect(")")?;
            return Ok(Operand::Size(path));
        }
        if self.is_path() { self.path().map(Operand::Path) } else { self.value().map(Operand::Value) }
    }

    fn is_path(&self) -> bool {
        match self.peek() {
            Token::Quoted(_) => true,
            Token::Word(word) => {
                !["TRUE", "FALSE", "NULL"].iter().any(|literal| literal.eq_ignore_ascii_case(word))
            }
            _ => false,
        }
    }

    fn path(&mut self) -> Result<Path, ApiError> {
        let attribute = self.name()?;
        let mut steps = Vec::new();
        loop {
            if self.take(".") {
                steps.push(Step::Member(self.name()?));
            } else if *self.peek() == Token::Symbol("[") {
                self.advance();
                let Token::Number(number) = self.peek() else { return Err(self.unexpected()) };
                let index = number.parse().map_err(|_| malformed("an index must be a whole number"))?;
                self.advance();
                self.expect("]")?;
                steps.push(Step::Index(index));
            } else {
                return Ok(Path { attribute, steps });
            }
        }
    }

    /// A literal or a parameter.
    fn value(&mut self) -> Result<Value, ApiError> {
        self.nested(Self::value_within)
    }

    fn value_within(&mut self) -> Result<Value, ApiError> {
        let token = self.peek().clone();
        self.advance();
        match token {
            Token::Text(text) => Ok(Value::S(text)),
            Token::Number(number) => Value::number(&number).map_err(validation),
            Token::Symbol("-") => match self.peek().clone() {
                Token::Number(number) => {
                    self.advance();
                    Value::number(&format!("-{number}")).map_err(validation)
                }
                _ => Err(self.unexpected()),
            },
            Token::Symbol("?") => self
                .parameters
                .next()
                .ok_or_else(|| validation("Number of parameters in request and statement don't match.")),
            Token::Symbol("[") => Ok(Value::L(self.list_until("]")?)),
            Token::Symbol("<<") => set_of(self.list_until(">>")?),
            Token::Symbol("{") => self.map(),
            Token::Word(word) if word.eq_ignore_ascii_case("TRUE") => Ok(Value::Bool(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("FALSE") => Ok(Value::Bool(false)),
            Token::Word(word) if word.eq_ignore_ascii_case("NULL") => Ok(Value::Null),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn list_until(&mut self, close: &str) -> Result<Vec<Value>, ApiError> {
        if self.take(close) {
            return Ok(Vec::new());
        }
        let values = self.list(Self::value)?;
        self.expect(close)?;
        Ok(values)
    }

    fn map(&mut self) -> Result<Value, ApiError> {
        let mut members = BTreeMap::new();
        if self.take("}") {
            return Ok(Value::M(members));
        }
        loop {
            let name = match self.peek().clone() {
                Token::Text(name) | Token::Quoted(name) => name,
                _ => return Err(self.unexpected()),
            };
            self.advance();
            self.expect(":")?;
            let value = self.value()?;
            members.insert(name, value);
            if self.take("}") {
                return Ok(Value::M(members));
            }
            self.expect(",")?;
        }
    }

    fn two<T>(&mut self, part: fn(&mut Self) -> Result<T, ApiError>) -> Result<(T, T), ApiError> {
        let first = part(self)?;
        self.expect(",")?;
        let second = part(self)?;
        self.expect(")")?;
        Ok((first, second))
    }

    fn list<T>(&mut self, part: impl Fn(&mut Self) -> Result<T, ApiError>) -> Result<Vec<T>, ApiError> {
        let mut parts = vec![part(self)?];
        while self.take(",") {
            parts.push(part(self)?);
        }
        Ok(parts)
    }

    fn nested<T>(&mut self, inner: fn(&mut Self) -> Result<T, ApiError>) -> Result<T, ApiError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(malformed("the statement is nested too deeply"));
        }
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    fn name(&mut self) -> Result<String, ApiError> {
        let name = match self.peek() {
            Token::Word(name) | Token::Quoted(name) => name.clone(),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(name)
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn take(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        if is_next {
            self.advance();
        }
        is_next
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ApiError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let is_next = self.is_keyword(keyword);
        if is_next {
            self.advance();
        }
        is_next
    }

    fn expect_keyword(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes a function's name with its parenthesis.
    fn take_call(&mut self, function: &str) -> bool {
        let is_next = self.is_keyword(function) && self.tokens.get(self.at + 1) == Some(&Token::Symbol("("));
        if is_next {
            self.at += 2;
        }
        is_next
    }

    fn unexpected(&self) -> ApiError {
        let what = match self.peek() {
            Token::Word(word) | Token::Number(word) => word.clone(),
            Token::Quoted(name) => format!("\"{name}\""),
            Token::Text(text) => format!("'{text}'"),
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::End => "end of statement".to_owned(),
        };
        malformed(format!("Unexpected term: {what}"))
    }
}

/// `<<...>>`: members of one scalar type.
fn set_of(members: Vec<Value>) -> Result<Value, ApiError> {
    let mixed = || malformed("a set must have members, all of them strings, numbers or binaries");
    match members.first() {
        Some(Value::S(_)) => {
            let texts = members.into_iter().map(|member| match member {
                Value::S(text) => Ok(text),
                _ => Err(mixed()),
            });
            Value::string_set(texts.collect::<Result<_, _>>()?).map_err(validation)
        }
        Some(Value::N(_)) => {
            let numbers = members.into_iter().map(|member| match member {
                Value::N(number) => Ok(number.to_string()),
                _ => Err(mixed()),
            });
            Value::number_set(&numbers.collect::<Result<Vec<_>, _>>()?).map_err(validation)
        }
        Some(Value::B(_)) => {
            let binaries = members.into_iter().map(|member| match member {
                Value::B(bytes) => Ok(bytes),
                _ => Err(mixed()),
            });
            Value::binary_set(binaries.collect::<Result<_, _>>()?).map_err(validation)
        }
        _ => Err(mixed()),
    }
}
