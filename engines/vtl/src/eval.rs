//! Expressions, references and assignment.

use crate::ast::{Expr, Operator, Reference, Step};
use crate::error::VtlError;
use crate::methods;
use crate::ordered::Entries;
use crate::render::Rendering;
use crate::value::{Map, Value};

impl Rendering<'_> {
    pub(crate) fn evaluate(&mut self, expr: &Expr) -> Result<Value, VtlError> {
        if let Expr::Constant(value) = expr {
            return Ok(value.clone());
        }
        self.deeper()?;
        let value = match expr {
            Expr::Constant(value) => value.clone(),
            Expr::Reference(reference) => self.resolve(reference)?.unwrap_or_default(),
            Expr::Interpolated(block) => Value::from(self.block_text(block)?),
            Expr::Not(inner) => Value::Bool(!self.holds(inner)?),
            Expr::Range(ends) => self.range(&ends.0, &ends.1)?,
            Expr::Chain(first, rest, position) => {
                self.here = *position;
                self.chain(first, rest)?
            }
            Expr::List(items) => {
                self.charge(items.len() * size_of::<Value>())?;
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.evaluate(item)?);
                }
                Value::list(values)
            }
            Expr::Map(pairs) => {
                self.charge(pairs.len() * size_of::<Value>())?;
                let mut entries = Entries::default();
                for (key, value) in pairs {
                    let key = self.evaluate(key)?;
                    let key = self.text_of(&key)?;
                    entries.put(key, self.evaluate(value)?);
                }
                Value::Map(Map::new(entries))
            }
        };
        self.shallower();
        Ok(value)
    }

    /// Whether a condition holds. A literal other than `true` never does in Velocity 1.7, although the same
    /// value behind a reference would.
    pub(crate) fn holds(&mut self, condition: &Expr) -> Result<bool, VtlError> {
        match condition {
            Expr::Constant(value) => Ok(matches!(value, Value::Bool(true))),
            Expr::List(_) | Expr::Map(_) | Expr::Range(_) | Expr::Interpolated(_) => Ok(false),
            other => Ok(self.evaluate(other)?.is_true()),
        }
    }

    /// How a value prints, within what may still be built.
    pub(crate) fn text_of(&mut self, value: &Value) -> Result<String, VtlError> {
        match value.text(self.built_bytes_left()) {
            Some(text) => self.charge(text.len()).map(|()| text),
            None => Err(self
                .error(format!("the template built more than {} bytes of values", self.limits.built_bytes))),
        }
    }

    fn range(&mut self, first: &Expr, last: &Expr) -> Result<Value, VtlError> {
        let (Value::Int(first), Value::Int(last)) = (self.evaluate(first)?, self.evaluate(last)?) else {
            return Ok(Value::Null);
        };
        let length = usize::try_from(first.abs_diff(last)).unwrap_or(usize::MAX).saturating_add(1);
        self.charge(length.saturating_mul(size_of::<Value>()))?;
        let up = (first..=last).map(Value::Int);
        let down = (last..=first).rev().map(Value::Int);
        Ok(Value::list(if first <= last { up.collect() } else { down.collect() }))
    }

    fn chain(&mut self, first: &Expr, rest: &[(Operator, Expr)]) -> Result<Value, VtlError> {
        let is_logical =
            rest.first().is_some_and(|(operator, _)| matches!(operator, Operator::Or | Operator::And));
        let mut left = if is_logical { Value::Bool(self.holds(first)?) } else { self.evaluate(first)? };
        let mut left_name = reference_literal(first);
        for (operator, right) in rest {
            self.step()?;
            left = match operator {
                Operator::Or => Value::Bool(left.is_true() || self.holds(right)?),
                Operator::And => Value::Bool(left.is_true() && self.holds(right)?),
                Operator::Add => {
                    let value = self.evaluate(right)?;
                    self.add(&left, left_name, &value, reference_literal(right))?
                }
                _ => {
                    let value = self.evaluate(right)?;
                    self.go_through(&value)?;
                    binary(*operator, &left, &value)
                }
            };
            left_name = None;
        }
        Ok(left)
    }

    /// Adds numbers or joins texts; next to a text, a reference that does not resolve joins as written.
    fn add(
        &mut self,
        left: &Value,
        left_name: Option<&str>,
        right: &Value,
        right_name: Option<&str>,
    ) -> Result<Value, VtlError> {
        if !matches!(left, Value::String(_)) && !matches!(right, Value::String(_)) {
            return Ok(binary(Operator::Add, left, right));
        }
        let mut joined = String::new();
        for (value, name) in [(left, left_name), (right, right_name)] {
            match (value, name) {
                (Value::Null, Some(name)) => joined.push_str(name),
                _ => joined.push_str(&self.text_of(value)?),
            }
        }
        self.charge(joined.len())?;
        Ok(Value::from(joined))
    }

    /// The value of a reference, `None` where it does not resolve or is null.
    pub(crate) fn resolve(&mut self, reference: &Reference) -> Result<Option<Value>, VtlError> {
        self.here = reference.position;
        let root = match self.variables.get(&reference.root) {
            Some(value) => value.clone(),
            None => match self.blocks.get(&reference.root).cloned() {
                Some(block) => Value::from(self.block_text(&block)?),
                None => return Ok(None),
            },
        };
        self.follow(root, &reference.steps, reference)
    }

    fn follow(&mut self, root: Value, steps: &[Step], whole: &Reference) -> Result<Option<Value>, VtlError> {
        let mut value = root;
        for step in steps {
            self.step()?;
            let next = match step {
                Step::Property(name) => methods::property(&value, name),
                Step::Index(index) => {
                    let index = self.evaluate(index)?;
                    self.here = whole.position;
                    self.index(&value, &index)?
                }
                Step::Method(name, arguments) => {
                    let mut values = Vec::with_capacity(arguments.len());
                    for argument in arguments {
                        values.push(self.evaluate(argument)?);
                    }
                    self.here = whole.position;
                    self.call_method(&value, name, &values)?
                }
            };
            match next {
                None | Some(Value::Null) => return Ok(None),
                Some(next) => value = next,
            }
        }
        Ok(Some(value).filter(|value| !value.is_null()))
    }

    fn call_method(&mut self, on: &Value, name: &str, args: &[Value]) -> Result<Option<Value>, VtlError> {
        self.go_through(on)?;
        let room = self.built_bytes_left();
        let result = methods::call(on, name, args, room)
            .map_err(|reason| self.error(format!("{name}(): {reason}")))?;
        match &result {
            Some(Value::String(text)) => self.charge(text.len())?,
            Some(Value::List(list)) => {
                let bytes = list.lock().len() * size_of::<Value>();
                self.charge(bytes)?;
            }
            _ => {}
        }
        if matches!(name, "add" | "addAll" | "put" | "putAll") {
            let bytes = args.iter().map(methods::growth).sum();
            self.charge(bytes)?;
        }
        Ok(result)
    }

    fn index(&mut self, on: &Value, index: &Value) -> Result<Option<Value>, VtlError> {
        match (on, index) {
            (Value::List(list), Value::Int(at)) => {
                let values = list.lock();
                let place = place_in(values.len(), *at).ok_or_else(|| {
                    self.error(format!("index {at} is out of bounds, the list has {} items", values.len()))
                })?;
                Ok(values.get(place).cloned())
            }
            (Value::Map(map), key) => {
                let key = self.text_of(key)?;
                Ok(map.lock().get(&key).cloned())
            }
            (Value::Object(object), Value::String(name)) => Ok(object.property(name)),
            _ => Ok(None),
        }
    }

    /// `#set`: null on the right leaves things as they were, as Velocity 1.7 does unless told otherwise.
    pub(crate) fn assign(&mut self, target: &Reference, value: Value) -> Result<(), VtlError> {
        if value.is_null() {
            return Ok(());
        }
        self.here = target.position;
        let Some((last, path)) = target.steps.split_last() else {
            self.assign_variable(&target.root, Some(value));
            return Ok(());
        };
        let Some(root) = self.variables.get(&target.root).cloned() else { return Ok(()) };
        let Some(owner) = self.follow(root, path, target)? else { return Ok(()) };
        if value.reaches(&owner) {
            return Err(self.error("cannot put a value inside itself"));
        }
        self.charge(methods::growth(&value))?;
        let key = match last {
            Step::Property(name) => Value::from(name.as_str()),
            Step::Index(index) => self.evaluate(index)?,
            Step::Method(..) => return Ok(()),
        };
        match (&owner, &key) {
            (Value::Map(map), key) => {
                let key = self.text_of(key)?;
                map.lock().put(key, value);
            }
            (Value::Object(object), Value::String(name)) => {
                object.set_property(name, value);
            }
            (Value::List(list), Value::Int(at)) => {
                let mut values = list.lock();
                let length = values.len();
                match place_in(length, *at).and_then(|place| values.get_mut(place)) {
                    Some(slot) => *slot = value,
                    None => {
                        return Err(
                            self.error(format!("index {at} is out of bounds, the list has {length} items"))
                        );
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Where an index points; negative ones count from the end.
fn place_in(length: usize, at: i64) -> Option<usize> {
    let place = if at < 0 { i64::try_from(length).ok()?.checked_add(at)? } else { at };
    usize::try_from(place).ok().filter(|place| *place < length)
}

fn reference_literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Reference(reference) => Some(&reference.literal),
        _ => None,
    }
}

fn binary(operator: Operator, left: &Value, right: &Value) -> Value {
    match operator {
        Operator::Equal => return Value::Bool(left.equals(right)),
        Operator::NotEqual => return Value::Bool(!left.equals(right)),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            return Value::Bool(compares(operator, left, right));
        }
        _ => {}
    }
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        let exact = match operator {
            Operator::Add => a.checked_add(*b),
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            // Velocity logs a division by zero and answers null.
            _ if *b == 0 => return Value::Null,
            Operator::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        };
        if let Some(exact) = exact {
            return Value::Int(exact);
        }
    }
    let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else { return Value::Null };
    match operator {
        Operator::Add => Value::Float(a + b),
        Operator::Subtract => Value::Float(a - b),
        Operator::Multiply => Value::Float(a * b),
        _ if b == 0.0 => Value::Null,
        Operator::Divide => Value::Float(a / b),
        _ => Value::Float(a % b),
    }
}

/// Only numbers have an order; anything else compares as false.
fn compares(operator: Operator, left: &Value, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => left.as_number().zip(right.as_number()).and_then(|(a, b)| a.partial_cmp(&b)),
    };
    order.is_some_and(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}
