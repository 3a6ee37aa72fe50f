//! Conditions: their grammar, their checks, and whether an item meets them.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ast::{Comparator, Condition, Operand};
use super::error::{ExpressionError, Fault, Kind};
use super::lexer::TokenKind;
use super::parser::{Parsed, Parser};
use super::placeholders::Placeholders;
use super::{MAX_IN_OPERANDS, Path};
use crate::item::Item;
use crate::number::Number;
use crate::value::{Value, ValueType};

impl<'a> Condition<'a> {
    /// Parses a ConditionExpression or (with [`Kind::Filter`]) a FilterExpression.
    pub fn parse(
        kind: Kind,
        text: &'a str,
        placeholders: &Placeholders<'a>,
    ) -> Result<Self, ExpressionError> {
        Parser::run(kind, text, placeholders, |parser| {
            let node = parser.or()?;
            parser.condition(node)
        })
    }

    /// Whether an item meets the condition; an item that does not exist is an empty one.
    pub fn is_met_by(&self, item: &Item) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|condition| condition.is_met_by(item)),
            Self::Or(conditions) => conditions.iter().any(|condition| condition.is_met_by(item)),
            Self::Not(condition) => !condition.is_met_by(item),
            Self::Compare { comparator, left, right } => {
                compare(*comparator, left.value(item), right.value(item))
            }
            Self::Between { operand, low, high } => {
                let (operand, low, high) = (operand.value(item), low.value(item), high.value(item));
                compare(Comparator::GreaterOrEqual, operand.clone(), low)
                    && compare(Comparator::LessOrEqual, operand, high)
            }
            Self::In { operand, choices } => operand.value(item).is_some_and(|value| {
                choices.iter().any(|choice| choice.value(item).is_some_and(|c| *c == *value))
            }),
            Self::AttributeExists(path) => path.resolve(item).is_some(),
            Self::AttributeNotExists(path) => path.resolve(item).is_none(),
            Self::AttributeType { operand, value_type } => {
                operand.value(item).is_some_and(|value| value.value_type() == *value_type)
            }
            Self::BeginsWith { operand, prefix } => match (operand.value(item), prefix.value(item)) {
                (Some(value), Some(prefix)) => begins_with(&value, &prefix),
                _ => false,
            },
            Self::Contains { operand, member } => match (operand.value(item), member.value(item)) {
                (Some(value), Some(member)) => contains(&value, &member),
                _ => false,
            },
        }
    }

    /// Calls `visit` with every path of the condition.
    pub fn visit_paths(&self, visit: &mut dyn FnMut(&Path<'a>)) {
        match self {
            Self::And(conditions) | Self::Or(conditions) => {
                conditions.iter().for_each(|condition| condition.visit_paths(visit));
            }
            Self::Not(condition) => condition.visit_paths(visit),
            Self::AttributeExists(path) | Self::AttributeNotExists(path) => visit(path),
            Self::AttributeType { operand, .. } => operand.visit_paths(visit),
            Self::Compare { left: a, right: b, .. }
            | Self::BeginsWith { operand: a, prefix: b }
            | Self::Contains { operand: a, member: b } => {
                a.visit_paths(visit);
                b.visit_paths(visit);
            }
            Self::Between { operand, low, high } => {
                [operand, low, high].into_iter().for_each(|operand| operand.visit_paths(visit));
            }
            Self::In { operand, choices } => {
                operand.visit_paths(visit);
                choices.iter().for_each(|choice| choice.visit_paths(visit));
            }
        }
    }
}

impl<'a> Operand<'a> {
    fn value<'i>(&'i self, item: &'i Item) -> Option<Cow<'i, Value>> {
        match self {
            Self::Path(path) => path.resolve(item).map(Cow::Borrowed),
            Self::Value(value) => Some(Cow::Borrowed(*value)),
            Self::Size(operand) => size(&*operand.value(item)?).map(Cow::Owned),
        }
    }

    fn visit_paths(&self, visit: &mut dyn FnMut(&Path<'a>)) {
        match self {
            Self::Path(path) => visit(path),
            Self::Value(_) => {}
            Self::Size(operand) => operand.visit_paths(visit),
        }
    }

    /// The type that the text alone tells.
    fn known_type(&self) -> Option<ValueType> {
        match self {
            Self::Path(_) => None,
            Self::Value(value) => Some(value.value_type()),
            Self::Size(_) => Some(ValueType::N),
        }
    }
}

/// What is missing equals nothing and has no order.
fn compare(comparator: Comparator, left: Option<Cow<'_, Value>>, right: Option<Cow<'_, Value>>) -> bool {
    let are_equal = || matches!((&left, &right), (Some(left), Some(right)) if left == right);
    let order = || left.as_ref()?.compare(right.as_ref()?);
    match comparator {
        Comparator::Equal => are_equal(),
        Comparator::NotEqual => !are_equal(),
        Comparator::Less => order() == Some(Ordering::Less),
        Comparator::LessOrEqual => order().is_some_and(Ordering::is_le),
        Comparator::Greater => order() == Some(Ordering::Greater),
        Comparator::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
    }
}

fn begins_with(value: &Value, prefix: &Value) -> bool {
    match (value, prefix) {
        (Value::S(value), Value::S(prefix)) => value.starts_with(prefix.as_str()),
        (Value::B(value), Value::B(prefix)) => value.starts_with(prefix),
        _ => false,
    }
}

fn contains(value: &Value, member: &Value) -> bool {
    match (value, member) {
        (Value::S(value), Value::S(part)) => value.contains(part.as_str()),
        (Value::B(value), Value::B(part)) => {
            part.is_empty() || value.windows(part.len()).any(|window| window == &part[..])
        }
        (Value::Ss(set), Value::S(member)) => set.contains(member),
        (Value::Ns(set), Value::N(member)) => set.contains(member),
        (Value::Bs(set), Value::B(member)) => set.contains(member),
        (Value::L(list), member) => list.contains(member),
        _ => false,
    }
}

/// Bytes of strings and binaries, members of sets, lists and maps; other types have no size.
fn size(value: &Value) -> Option<Value> {
    let size = match value {
        Value::S(text) => text.len(),
        Value::B(bytes) => bytes.len(),
        Value::Ss(set) => set.len(),
        Value::Ns(set) => set.len(),
        Value::Bs(set) => set.len(),
        Value::M(map) => map.len(),
        Value::L(list) => list.len(),
        Value::N(_) | Value::Null | Value::Bool(_) => return None,
    };
    Some(Value::N(Number::from(size)))
}

/// A piece of text that may turn out an operand or a condition: `(a` can go on either way.
pub(super) struct Node<'a> {
    content: Content<'a>,
    in_parentheses: bool,
}

enum Content<'a> {
    Condition(Condition<'a>),
    Operand(Operand<'a>),
    /// A call of a function that is a condition, in a place where it may yet turn out misused.
    Call(&'a str, Condition<'a>),
}

impl<'a> Parser<'a, '_> {
    fn or(&mut self) -> Parsed<Node<'a>> {
        self.chain("OR", Self::and, Condition::Or)
    }

    fn and(&mut self) -> Parsed<Node<'a>> {
        self.chain("AND", Self::not, Condition::And)
    }

    fn chain(
        &mut self,
        keyword: &str,
        part: fn(&mut Self) -> Parsed<Node<'a>>,
        join: fn(Vec<Condition<'a>>) -> Condition<'a>,
    ) -> Parsed<Node<'a>> {
        let first = part(self)?;
        if !self.is_keyword(keyword) {
            return Ok(first);
        }
        let mut parts = vec![self.condition(first)?];
        while self.take_keyword(keyword) {
            let next = part(self)?;
            parts.push(self.condition(next)?);
        }
        Ok(condition_node(join(parts)))
    }

    fn not(&mut self) -> Parsed<Node<'a>> {
        if !self.take_keyword("NOT") {
            return self.predicate();
        }
        let node = self.nested(Self::not)?;
        let condition = self.condition(node)?;
        Ok(condition_node(Condition::Not(Box::new(condition))))
    }

    /// The node as a condition; an operand alone is none.
    fn condition(&mut self, node: Node<'a>) -> Parsed<Condition<'a>> {
        match node.content {
            Content::Condition(condition) | Content::Call(_, condition) => Ok(condition),
            Content::Operand(Operand::Size(operand)) => {
                self.record(Fault::MisusedFunction("size".to_owned()));
                Ok(Condition::AttributeType { operand: *operand, value_type: ValueType::Null })
            }
            Content::Operand(_) => Err(self.unexpected()),
        }
    }

    /// The node as an operand; a condition in its place is a syntax error, a function a misused one.
    fn operand(&mut self, node: Node<'a>) -> Parsed<Operand<'a>> {
        match node.content {
            Content::Operand(operand) => Ok(operand),
            Content::Call(name, _) => {
                self.record(Fault::MisusedFunction(name.to_owned()));
                Ok(Operand::Path(Path::top("")))
            }
            Content::Condition(_) => Err(self.unexpected()),
        }
    }

    fn next_operand(&mut self) -> Parsed<Operand<'a>> {
        let node = self.atom()?;
        self.operand(node)
    }

    fn predicate(&mut self) -> Parsed<Node<'a>> {
        let node = self.atom()?;
        if matches!(node.content, Content::Condition(_)) {
            return Ok(node);
        }
        if let TokenKind::Symbol(symbol) = self.peek()
            && let Some(comparator) = Comparator::from_symbol(symbol)
        {
            return self.comparison(node, comparator);
        }
        if self.take_keyword("BETWEEN") {
            return self.between(node);
        }
        if self.take_keyword("IN") {
            return self.in_list(node);
        }
        Ok(node)
    }

    fn comparison(&mut self, left: Node<'a>, comparator: Comparator) -> Parsed<Node<'a>> {
        self.count_operator();
        let left = self.operand(left)?;
        self.advance();
        let right = self.next_operand()?;
        self.check_distinct(comparator.symbol(), &left, &right);
        if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
            self.check_ordered(comparator.symbol(), &[&left, &right]);
        }
        Ok(condition_node(Condition::Compare { comparator, left, right }))
    }

    fn between(&mut self, operand: Node<'a>) -> Parsed<Node<'a>> {
        self.count_operator();
        let operand = self.operand(operand)?;
        let low = self.next_operand()?;
        if !self.take_keyword("AND") {
            return Err(self.unexpected());
        }
        let high = self.next_operand()?;
        self.check_ordered("BETWEEN", &[&operand, &low, &high]);
        if let (Operand::Value(low), Operand::Value(high)) = (&low, &high) {
            if low.value_type() != high.value_type() {
                self.record(Fault::BetweenTypes(low.describe(), high.describe()));
            } else if low.compare(high) == Some(Ordering::Greater) {
                self.record(Fault::BetweenOrder(low.describe(), high.describe()));
            }
        }
        Ok(condition_node(Condition::Between { operand, low, high }))
    }

    fn in_list(&mut self, operand: Node<'a>) -> Parsed<Node<'a>> {
        self.count_operator();
        let operand = self.operand(operand)?;
        self.expect("(")?;
        let choices = self.list(Self::next_operand)?;
        self.expect(")")?;
        if choices.len() > MAX_IN_OPERANDS {
            self.record(Fault::TooManyInOperands(choices.len()));
        }
        Ok(condition_node(Condition::In { operand, choices }))
    }

    fn atom(&mut self) -> Parsed<Node<'a>> {
        match self.peek() {
            TokenKind::Symbol("(") => self.parentheses(),
            TokenKind::Value(key) => Ok(operand_node(Operand::Value(self.value(key)))),
            TokenKind::Word(name) if self.peek_second() == TokenKind::Symbol("(") => self.function(name),
            _ => Ok(operand_node(Operand::Path(self.path()?))),
        }
    }

    fn parentheses(&mut self) -> Parsed<Node<'a>> {
        self.advance();
        let inner = self.nested(Self::or)?;
        self.expect(")")?;
        if inner.in_parentheses {
            self.record(Fault::RedundantParentheses);
        }
        // `(attribute_exists(a))` is a condition for good.
        let content = match inner.content {
            Content::Call(_, condition) => Content::Condition(condition),
            other => other,
        };
        Ok(Node { content, in_parentheses: true })
    }

    fn function(&mut self, name: &'a str) -> Parsed<Node<'a>> {
        if ["BETWEEN", "IN", "AND", "OR", "NOT"].iter().any(|word| word.eq_ignore_ascii_case(name)) {
            return Err(self.unexpected());
        }
        self.count_operator();
        self.advance();
        self.advance();
        let arguments = self.nested(|parser| parser.list(Self::next_operand))?;
        self.expect(")")?;
        Ok(self.call(name, arguments))
    }

    fn call(&mut self, name: &'a str, arguments: Vec<Operand<'a>>) -> Node<'a> {
        let expected = match name {
            "attribute_exists" | "attribute_not_exists" | "size" => 1,
            "attribute_type" | "begins_with" | "contains" => 2,
            _ => {
                self.record(Fault::UnknownFunction(name.to_owned()));
                return faulty_call(name);
            }
        };
        if arguments.len() != expected {
            self.record(Fault::OperandCount { name: name.to_owned(), count: arguments.len() });
            return faulty_call(name);
        }
        let mut arguments = arguments.into_iter();
        match (name, arguments.next(), arguments.next()) {
            ("size", Some(operand), _) => self.size_call(operand),
            ("attribute_exists", Some(Operand::Path(path)), _) => {
                call_node(name, Condition::AttributeExists(path))
            }
            ("attribute_not_exists", Some(Operand::Path(path)), _) => {
                call_node(name, Condition::AttributeNotExists(path))
            }
            ("attribute_type", Some(operand), Some(wanted)) => {
                self.attribute_type_call(name, operand, &wanted)
            }
            ("begins_with", Some(operand), Some(prefix)) => {
                self.check_distinct(name, &operand, &prefix);
                for known in [&operand, &prefix].into_iter().filter_map(|argument| argument.known_type()) {
                    if !matches!(known, ValueType::S | ValueType::B) {
                        self.record_operand_type(name, known);
                    }
                }
                call_node(name, Condition::BeginsWith { operand, prefix })
            }
            ("contains", Some(operand), Some(member)) => {
                self.check_distinct(name, &operand, &member);
                call_node(name, Condition::Contains { operand, member })
            }
            _ => {
                self.record(Fault::NeedsPath(name.to_owned()));
                faulty_call(name)
            }
        }
    }

    fn size_call(&mut self, operand: Operand<'a>) -> Node<'a> {
        if matches!(operand, Operand::Size(_)) {
            self.record(Fault::OperandType { name: "size".to_owned(), operand_type: "N".to_owned() });
        }
        if let Operand::Value(value) = &operand
            && size(value).is_none()
        {
            self.record_operand_type("size", value.value_type());
        }
        operand_node(Operand::Size(Box::new(operand)))
    }

    fn attribute_type_call(&mut self, name: &'a str, operand: Operand<'a>, wanted: &Operand<'a>) -> Node<'a> {
        self.check_distinct(name, &operand, wanted);
        let value_type = match wanted {
            Operand::Value(Value::S(type_name)) => ValueType::from_name(type_name).unwrap_or_else(|| {
                self.record(Fault::TypeName(type_name.clone()));
                ValueType::Null
            }),
            other => {
                let operand_type =
                    other.known_type().map_or("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}", ValueType::name);
                self.record(Fault::OperandType {
                    name: name.to_owned(),
                    operand_type: operand_type.to_owned(),
                });
                ValueType::Null
            }
        };
        call_node(name, Condition::AttributeType { operand, value_type })
    }

    fn check_distinct(&mut self, name: &str, first: &Operand<'a>, second: &Operand<'a>) {
        if let (Operand::Path(first), Operand::Path(second)) = (first, second)
            && first == second
        {
            self.record(Fault::NotDistinct { name: name.to_owned(), operand: first.to_string() });
        }
    }

    fn check_ordered(&mut self, name: &str, operands: &[&Operand<'a>]) {
        let unordered =
            operands.iter().filter_map(|operand| operand.known_type()).find(|known| !known.is_ordered());
        if let Some(known) = unordered {
            self.record_operand_type(name, known);
        }
    }

    pub(super) fn record_operand_type(&mut self, name: &str, known: ValueType) {
        self.record(Fault::OperandType { name: name.to_owned(), operand_type: known.name().to_owned() });
    }
}

fn condition_node(condition: Condition<'_>) -> Node<'_> {
    Node { content: Content::Condition(condition), in_parentheses: false }
}

fn operand_node(operand: Operand<'_>) -> Node<'_> {
    Node { content: Content::Operand(operand), in_parentheses: false }
}

fn call_node<'a>(name: &'a str, condition: Condition<'a>) -> Node<'a> {
    Node { content: Content::Call(name, condition), in_parentheses: false }
}

/// Stands for a call whose fault is recorded; the tree is thrown away.
fn faulty_call(name: &str) -> Node<'_> {
    call_node(name, Condition::AttributeExists(Path::top("")))
}
