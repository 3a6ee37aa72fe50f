//! Update expressions: SET, REMOVE, ADD and DELETE clauses, and what they make of an item.

use super::error::{ExpressionError, Fault, Kind};
use super::lexer::TokenKind;
use super::parser::{Parsed, Parser};
use super::path::{Element, Path, Relation, relation};
use super::placeholders::Placeholders;
use super::projection::Projection;
use crate::item::Item;
use crate::number::{Number, NumberError};
use crate::set::Set;
use crate::value::{Value, ValueType};

/// A parsed update: actions on paths that do not overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Update<'a> {
    /// In the order of the text; SET clauses sorted by path when applied.
    pub actions: Vec<Action<'a>>,
}

/// One change of one path.
#[derive(Debug, Clone, PartialEq)]
pub enum Action<'a> {
    Set(Path<'a>, SetValue<'a>),
    Remove(Path<'a>),
    /// Adds to a number, or members to a set.
    Add(Path<'a>, &'a Value),
    /// Takes members from a set.
    Delete(Path<'a>, &'a Value),
    /// Appends to a list: ADD of the legacy AttributeUpdates.
    Append(Path<'a>, &'a Value),
}

/// The right side of a SET.
#[derive(Debug, Clone, PartialEq)]
pub enum SetValue<'a> {
    Path(Path<'a>),
    Value(&'a Value),
    Plus(Box<SetValue<'a>>, Box<SetValue<'a>>),
    Minus(Box<SetValue<'a>>, Box<SetValue<'a>>),
    IfNotExists(Path<'a>, Box<SetValue<'a>>),
    ListAppend(Box<SetValue<'a>>, Box<SetValue<'a>>),
}

impl<'a> Update<'a> {
    pub fn parse(text: &'a str, placeholders: &Placeholders<'a>) -> Result<Self, ExpressionError> {
        Parser::run(Kind::Update, text, placeholders, |parser| {
            let actions = parser.update()?;
            parser.check_paths(actions.iter().map(Action::path));
            Ok(Self { actions })
        })
    }

    /// The item after the update. Every operand is read from `item` as it was before.
    pub fn apply(&self, item: &Item) -> Result<Item, ExpressionError> {
        let mut sets = Vec::new();
        let mut removals = Vec::new();
        let mut updated = item.clone();
        for action in &self.actions {
            match action {
                Action::Set(path, value) => sets.push((path, value.evaluate(item)?)),
                Action::Remove(path) => removals.push(path),
                Action::Add(path, value) => {
                    let sum = add(path.resolve(item), value)?;
                    put(&mut updated, path, sum)?;
                }
                Action::Append(path, value) => put(&mut updated, path, append(path.resolve(item), value)?)?,
                Action::Delete(path, value) => match delete(path.resolve(item), value)? {
                    Deletion::Nothing => {}
                    Deletion::Rest(rest) => put(&mut updated, path, rest)?,
                    // A set cannot be empty: its last member takes the attribute along.
                    Deletion::Everything => removals.push(path),
                },
            }
        }
        // Elements set beyond the end of a list are appended in order of their indexes, and elements are removed
        // by the index they had, so the last go first.
        sets.sort_by_key(|(path, _)| *path);
        for (path, value) in sets {
            put(&mut updated, path, value)?;
        }
        removals.sort_by_key(|path| std::cmp::Reverse(*path));
        for path in removals {
            remove(&mut updated, path)?;
        }
        Ok(updated)
    }

    /// Names of the top-level attributes that the update touches, in order of the text, without repeats.
    pub fn touched(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        for action in &self.actions {
            let name = action.path().attribute;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The parts of an item that the update touches: of the old one for UPDATED_OLD, of the new one for
    /// UPDATED_NEW.
    pub fn touched_parts(&self, item: &Item) -> Item {
        Projection { paths: self.actions.iter().map(|action| action.path().clone()).collect() }.project(item)
    }
}

impl<'a> Action<'a> {
    pub fn path(&self) -> &Path<'a> {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _)
            | Self::Append(path, _) => path,
        }
    }
}

impl<'a> SetValue<'a> {
    fn evaluate(&self, item: &Item) -> Result<Value, ExpressionError> {
        match self {
            Self::Path(path) => path.resolve(item).cloned().ok_or(ExpressionError::NoSuchAttribute),
            Self::Value(value) => Ok((*value).clone()),
            Self::Plus(left, right) => arithmetic(left, right, item, Number::checked_add),
            Self::Minus(left, right) => arithmetic(left, right, item, Number::checked_sub),
            Self::IfNotExists(path, default) => match path.resolve(item) {
                Some(value) => Ok(value.clone()),
                None => default.evaluate(item),
            },
            Self::ListAppend(first, second) => match (first.evaluate(item)?, second.evaluate(item)?) {
                (Value::L(mut list), Value::L(more)) => {
                    list.extend(more);
                    Ok(Value::L(list))
                }
                _ => Err(ExpressionError::UpdateOperandType),
            },
        }
    }

    /// The type that the text alone tells.
    fn known_type(&self) -> Option<ValueType> {
        match self {
            Self::Value(value) => Some(value.value_type()),
            Self::Plus(..) | Self::Minus(..) => Some(ValueType::N),
            Self::ListAppend(..) => Some(ValueType::L),
            Self::Path(_) | Self::IfNotExists(..) => None,
        }
    }
}

fn arithmetic(
    left: &SetValue<'_>,
    right: &SetValue<'_>,
    item: &Item,
    operate: fn(&Number, &Number) -> Result<Number, NumberError>,
) -> Result<Value, ExpressionError> {
    match (left.evaluate(item)?, right.evaluate(item)?) {
        (Value::N(left), Value::N(right)) => Ok(Value::N(operate(&left, &right)?)),
        _ => Err(ExpressionError::UpdateOperandType),
    }
}

fn add(current: Option<&Value>, added: &Value) -> Result<Value, ExpressionError> {
    Ok(match (current, added) {
        (None, added) => added.clone(),
        (Some(Value::N(current)), Value::N(added)) => Value::N(current.checked_add(added)?),
        (Some(Value::Ss(current)), Value::Ss(added)) => Value::Ss(current.union(added)),
        (Some(Value::Ns(current)), Value::Ns(added)) => Value::Ns(current.union(added)),
        (Some(Value::Bs(current)), Value::Bs(added)) => Value::Bs(current.union(added)),
        _ => return Err(ExpressionError::UpdateOperandType),
    })
}

fn append(current: Option<&Value>, added: &Value) -> Result<Value, ExpressionError> {
    match (current, added) {
        (None, added) => Ok(added.clone()),
        (Some(Value::L(current)), Value::L(added)) => Ok(Value::L([current.as_slice(), added].concat())),
        _ => Err(ExpressionError::UpdateOperandType),
    }
}

/// What DELETE leaves of a set.
enum Deletion {
    Nothing,
    Rest(Value),
    Everything,
}

fn delete(current: Option<&Value>, taken: &Value) -> Result<Deletion, ExpressionError> {
    let Some(current) = current else { return Ok(Deletion::Nothing) };
    match (current, taken) {
        (Value::Ss(current), Value::Ss(taken)) => Ok(Deletion::of(current.difference(taken), Value::Ss)),
        (Value::Ns(current), Value::Ns(taken)) => Ok(Deletion::of(current.difference(taken), Value::Ns)),
        (Value::Bs(current), Value::Bs(taken)) => Ok(Deletion::of(current.difference(taken), Value::Bs)),
        _ => Err(ExpressionError::UpdateOperandType),
    }
}

impl Deletion {
    fn of<T>(rest: Set<T>, value: fn(Set<T>) -> Value) -> Self {
        if rest.is_empty() { Self::Everything } else { Self::Rest(value(rest)) }
    }
}

/// The container that holds the last element of a path, and that element.
fn parent<'i, 'p>(
    item: &'i mut Item,
    path: &'p Path<'_>,
) -> Result<Option<(&'i mut Value, &'p Element<'p>)>, ExpressionError> {
    let Some((last, before)) = path.elements.split_last() else { return Ok(None) };
    let mut value = item.attributes_mut().get_mut(path.attribute).ok_or(ExpressionError::UpdatePath)?;
    for element in before {
        value = match (element, value) {
            (Element::Member(name), Value::M(map)) => map.get_mut(*name),
            (Element::Index(index), Value::L(list)) => list.get_mut(*index),
            _ => None,
        }
        .ok_or(ExpressionError::UpdatePath)?;
    }
    Ok(Some((value, last)))
}

fn put(item: &mut Item, path: &Path<'_>, value: Value) -> Result<(), ExpressionError> {
    match parent(item, path)? {
        None => drop(item.insert(path.attribute, value)),
        Some((Value::M(map), Element::Member(name))) => drop(map.insert((*name).to_owned(), value)),
        Some((Value::L(list), Element::Index(index))) => match list.get_mut(*index) {
            Some(element) => *element = value,
            None => list.push(value),
        },
        Some(_) => return Err(ExpressionError::UpdatePath),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path<'_>) -> Result<(), ExpressionError> {
    match parent(item, path)? {
        None => drop(item.remove(path.attribute)),
        Some((Value::M(map), Element::Member(name))) => drop(map.remove(*name)),
        Some((Value::L(list), Element::Index(index))) => {
            if *index < list.len() {
                list.remove(*index);
            }
        }
        Some(_) => return Err(ExpressionError::UpdatePath),
    }
    Ok(())
}

impl<'a> Parser<'a, '_> {
    fn update(&mut self) -> Parsed<Vec<Action<'a>>> {
        let mut actions = Vec::new();
        let mut seen = [false; 4];
        loop {
            let (section, index) = if self.take_keyword("SET") {
                actions.extend(self.list(Self::set_action)?);
                ("SET", 0)
            } else if self.take_keyword("REMOVE") {
                actions.extend(self.list(|parser| Ok(Action::Remove(parser.path()?)))?);
                ("REMOVE", 1)
            } else if self.take_keyword("ADD") {
                actions.extend(self.list(Self::add_action)?);
                ("ADD", 2)
            } else if self.take_keyword("DELETE") {
                actions.extend(self.list(Self::delete_action)?);
                ("DELETE", 3)
            } else if self.peek() == TokenKind::End && !actions.is_empty() {
                return Ok(actions);
            } else {
                return Err(self.unexpected());
            };
            if std::mem::replace(&mut seen[index], true) {
                self.record(Fault::SectionTwice(section));
            }
        }
    }

    fn set_action(&mut self) -> Parsed<Action<'a>> {
        let path = self.path()?;
        self.expect("=")?;
        let value = self.set_value()?;
        Ok(Action::Set(path, value))
    }

    fn add_action(&mut self) -> Parsed<Action<'a>> {
        let path = self.path()?;
        let value = self.clause_value("ADD", |known| known.is_set() || known == ValueType::N)?;
        Ok(Action::Add(path, value))
    }

    fn delete_action(&mut self) -> Parsed<Action<'a>> {
        let path = self.path()?;
        let value = self.clause_value("DELETE", ValueType::is_set)?;
        Ok(Action::Delete(path, value))
    }

    fn clause_value(&mut self, operator: &'static str, accepts: fn(ValueType) -> bool) -> Parsed<&'a Value> {
        let TokenKind::Value(key) = self.peek() else { return Err(self.unexpected()) };
        let value = self.value(key);
        let known = value.value_type();
        if !accepts(known) {
            self.record(Fault::ClauseOperandType { operator, operand_type: known.word() });
        }
        Ok(value)
    }

    fn set_value(&mut self) -> Parsed<SetValue<'a>> {
        let left = self.set_operand()?;
        let (name, join): (_, fn(_, _) -> _) = if self.take("+") {
            ("+", SetValue::Plus)
        } else if self.take("-") {
            ("-", SetValue::Minus)
        } else {
            return Ok(left);
        };
        self.count_operator();
        let right = self.set_operand()?;
        self.check_types(name, ValueType::N, [&left, &right]);
        Ok(join(Box::new(left), Box::new(right)))
    }

    fn set_operand(&mut self) -> Parsed<SetValue<'a>> {
        match self.peek() {
            TokenKind::Symbol("(") => {
                self.advance();
                let value = self.nested(Self::set_value)?;
                self.expect(")")?;
                Ok(value)
            }
            TokenKind::Value(key) => Ok(SetValue::Value(self.value(key))),
            TokenKind::Word(name) if self.peek_second() == TokenKind::Symbol("(") => self.set_function(name),
            _ => Ok(SetValue::Path(self.path()?)),
        }
    }

    fn set_function(&mut self, name: &'a str) -> Parsed<SetValue<'a>> {
        self.count_operator();
        self.advance();
        self.advance();
        let arguments = self.nested(|parser| parser.list(Self::set_operand))?;
        self.expect(")")?;
        if !matches!(name, "if_not_exists" | "list_append") {
            self.record(Fault::UnknownFunction(name.to_owned()));
            return Ok(SetValue::Path(Path::top("")));
        }
        let count = arguments.len();
        let mut arguments = arguments.into_iter();
        let (Some(first), Some(second), None) = (arguments.next(), arguments.next(), arguments.next()) else {
            self.record(Fault::OperandCount { name: name.to_owned(), count });
            return Ok(SetValue::Path(Path::top("")));
        };
        if name == "list_append" {
            self.check_types(name, ValueType::L, [&first, &second]);
            return Ok(SetValue::ListAppend(Box::new(first), Box::new(second)));
        }
        let SetValue::Path(path) = first else {
            self.record(Fault::NeedsPath(name.to_owned()));
            return Ok(second);
        };
        Ok(SetValue::IfNotExists(path, Box::new(second)))
    }

    fn check_types(&mut self, name: &str, wanted: ValueType, operands: [&SetValue<'a>; 2]) {
        if let Some(known) =
            operands.iter().filter_map(|operand| operand.known_type()).find(|known| *known != wanted)
        {
            self.record_operand_type(name, known);
        }
    }

    /// Refuses paths of which one leads into another.
    pub(super) fn check_paths<'x>(&mut self, paths: impl Iterator<Item = &'x Path<'a>>)
    where
        'a: 'x,
    {
        let mut earlier: Vec<&Path<'a>> = Vec::new();
        for path in paths {
            for other in earlier.iter().filter(|other| other.attribute == path.attribute) {
                match relation(other, path) {
                    Relation::Apart => {}
                    Relation::Overlap => {
                        self.record(Fault::PathsOverlap(other.to_string(), path.to_string()));
                    }
                    Relation::Conflict => {
                        self.record(Fault::PathsConflict(other.to_string(), path.to_string()));
                    }
                }
            }
            earlier.push(path);
        }
    }
}
