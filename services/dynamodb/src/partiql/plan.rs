//! From a statement to a read or a write.

use cloud::Ctx;
use shapes::ApiError;

use super::render::Rendering;
use super::syntax::{Condition, Operand, Path, Select, Statement};
use crate::DynamoDb;
use crate::consumed::Wants;
use crate::definitions::Table;
use crate::errors::{no_such_index, validation};
use crate::item::Item;
use crate::key_schema::KeySchema;
use crate::read::{FilterSource, KeysSource, ProjectionSource, ReadDraft, Select as Selection};
use crate::target::Target;
use crate::value::Value;
use crate::write::{Action, ConditionSource, Returns, UpdateSource, WriteDraft};

impl Statement {
    /// What the caller must be allowed to do, on which table or index.
    pub(crate) fn action(&self) -> (&'static str, &str, Option<&str>) {
        match self {
            Self::Select(select) => ("dynamodb:PartiQLSelect", &select.table, select.index.as_deref()),
            Self::Exists(select) => ("dynamodb:ConditionCheckItem", &select.table, None),
            Self::Insert { table, .. } => ("dynamodb:PartiQLInsert", table, None),
            Self::Update { table, .. } => ("dynamodb:PartiQLUpdate", table, None),
            Self::Delete { table, .. } => ("dynamodb:PartiQLDelete", table, None),
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Self::Select(_))
    }

    /// The write that the statement is; `None` for a SELECT.
    pub(crate) fn write(&self, service: &DynamoDb, ctx: &Ctx) -> Result<Option<WriteDraft>, ApiError> {
        let (_, table, _) = self.action();
        let target = Target::parse(ctx, table)?;
        let table = service.definitions.for_read(ctx.store(), &target)?;
        let keys = table.keys();
        Ok(Some(match self {
            Self::Select(_) => return Ok(None),
            Self::Insert { item, .. } => insert(target, keys, item)?,
            Self::Update { changes, condition, returns, .. } => {
                let (key, rest) = split_key(condition, keys)?;
                let mut rendering = Rendering::default();
                let update = rendering.update(changes);
                // An UPDATE makes no item.
                let mut conditions = vec![exists(keys)];
                conditions.extend(rest);
                let condition = rendering.condition(&Condition::And(conditions));
                WriteDraft {
                    condition: ConditionSource::Text(condition),
                    returns: *returns,
                    names: rendering.names(),
                    values: rendering.values(),
                    ..WriteDraft::plain(target, Action::Update { key, update: UpdateSource::Text(update) })
                }
            }
            Self::Delete { condition, returns, .. } => {
                let (key, rest) = split_key(condition, keys)?;
                conditional(WriteDraft::plain(target, Action::Delete(key)), &rest, *returns)
            }
            Self::Exists(select) => {
                let condition = select.condition.as_ref().ok_or_else(no_key)?;
                let (key, rest) = split_key(condition, keys)?;
                let rest = if rest.is_empty() { vec![exists(keys)] } else { rest };
                conditional(WriteDraft::plain(target, Action::Check(key)), &rest, Returns::None)
            }
        }))
    }
}

fn conditional(write: WriteDraft, conditions: &[Condition], returns: Returns) -> WriteDraft {
    if conditions.is_empty() {
        return WriteDraft { returns, ..write };
    }
    let mut rendering = Rendering::default();
    let condition = rendering.condition(&Condition::And(conditions.to_vec()));
    WriteDraft {
        condition: ConditionSource::Text(condition),
        returns,
        names: rendering.names(),
        values: rendering.values(),
        ..write
    }
}

/// An INSERT puts what is not there yet.
fn insert(target: Target, keys: &KeySchema, item: &Item) -> Result<WriteDraft, ApiError> {
    item.check().map_err(validation)?;
    let missing = Condition::Missing(hash_path(keys));
    Ok(conditional(WriteDraft::plain(target, Action::Put(item.clone())), &[missing], Returns::None))
}

fn hash_path(keys: &KeySchema) -> Path {
    Path { attribute: keys.hash.name.clone(), steps: Vec::new() }
}

fn exists(keys: &KeySchema) -> Condition {
    Condition::Not(Box::new(Condition::Missing(hash_path(keys))))
}

fn no_key() -> ApiError {
    validation("Where clause does not contain a mandatory equality on all key attributes")
}

/// Takes a condition apart into the key that it fixes and what else it asks for.
fn split_key(condition: &Condition, keys: &KeySchema) -> Result<(Item, Vec<Condition>), ApiError> {
    let mut rest = conjuncts(condition);
    let mut key = Item::new();
    for attribute in keys.attributes() {
        let place = rest.iter().position(|part| equality(part, &attribute.name).is_some());
        let part = rest.remove(place.ok_or_else(no_key)?);
        if let Some(value) = equality(&part, &attribute.name) {
            key.insert(attribute.name.clone(), value.clone());
        }
    }
    Ok((key, rest))
}

/// The conditions that must all hold.
fn conjuncts(condition: &Condition) -> Vec<Condition> {
    match condition {
        Condition::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        other => vec![other.clone()],
    }
}

/// The value that a condition fixes an attribute to.
fn equality<'c>(condition: &'c Condition, attribute: &str) -> Option<&'c Value> {
    match condition {
        Condition::Compare { comparator: "=", left: Operand::Path(path), right: Operand::Value(value) }
        | Condition::Compare { comparator: "=", left: Operand::Value(value), right: Operand::Path(path) }
            if path.is(attribute) =>
        {
            Some(value)
        }
        _ => None,
    }
}

/// The values that a condition lets an attribute have, without repeats.
fn choices(condition: &Condition, attribute: &str) -> Option<Vec<Value>> {
    let Condition::In { operand: Operand::Path(path), choices } = condition else { return None };
    let mut values: Vec<Value> = Vec::with_capacity(choices.len());
    for choice in choices {
        let Operand::Value(value) = choice else { return None };
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    path.is(attribute).then_some(values)
}

/// Whether a Query can follow the condition as the one on its range key.
fn is_range(condition: &Condition, attribute: &str) -> bool {
    match condition {
        Condition::Compare { comparator, left: Operand::Path(path), right: Operand::Value(_) } => {
            path.is(attribute) && *comparator != "<>"
        }
        Condition::Between {
            operand: Operand::Path(path),
            low: Operand::Value(_),
            high: Operand::Value(_),
        } => path.is(attribute),
        Condition::Call { function: "begins_with", path, argument } => {
            path.is(attribute) && !matches!(argument, Value::N(_))
        }
        _ => false,
    }
}

/// How a SELECT is to be read, beside what it says.
pub(crate) struct Reading {
    pub limit: Option<usize>,
    pub is_consistent: bool,
    pub wants: Wants,
}

impl Select {
    /// The reads that the statement is: a Query for each hash key that its condition names, one after another, or a Scan.
    pub(crate) fn reads(
        &self,
        service: &DynamoDb,
        ctx: &Ctx,
        reading: &Reading,
    ) -> Result<Vec<ReadDraft>, ApiError> {
        let target = Target::parse(ctx, &self.table)?;
        let table = service.definitions.for_read(ctx.store(), &target)?;
        let keys = self.keys(&table)?;
        let mut rest = self.condition.as_ref().map(conjuncts).unwrap_or_default();
        let hash = rest.iter().position(|part| equality(part, &keys.hash.name).is_some());
        let hash = hash.or_else(|| rest.iter().position(|part| choices(part, &keys.hash.name).is_some()));
        self.check_order(keys, hash.is_some())?;
        let Some(hash) = hash.map(|place| rest.remove(place)) else {
            return Ok(vec![self.draft(target, None, &rest, reading)]);
        };
        let range = keys.range.as_ref();
        let range = range.and_then(|range| rest.iter().position(|part| is_range(part, &range.name)));
        let range = range.map(|place| rest.remove(place));
        let values = match choices(&hash, &keys.hash.name) {
            Some(values) => values,
            None => equality(&hash, &keys.hash.name).into_iter().cloned().collect(),
        };
        let drafts = values.into_iter().map(|value| {
            let fixed = Condition::Compare {
                comparator: "=",
                left: Operand::Path(hash_path(keys)),
                right: Operand::Value(value),
            };
            let followed: Vec<_> = std::iter::once(fixed).chain(range.clone()).collect();
            self.draft(target.clone(), Some(&followed), &rest, reading)
        });
        Ok(drafts.collect())
    }

    /// The one read of a statement whose condition fixes the whole key.
    pub(crate) fn read(
        &self,
        service: &DynamoDb,
        ctx: &Ctx,
        reading: &Reading,
    ) -> Result<ReadDraft, ApiError> {
        self.reads(service, ctx, reading)?.into_iter().next().ok_or_else(no_key)
    }

    /// A Query of the keys that meet all of `followed`, or else a Scan, with what `rest` asks for as its filter.
    fn draft(
        &self,
        target: Target,
        followed: Option<&[Condition]>,
        rest: &[Condition],
        reading: &Reading,
    ) -> ReadDraft {
        let mut rendering = Rendering::default();
        // Not in parentheses: a key condition is a plain conjunction.
        let key_condition = followed.map(|parts| {
            parts.iter().map(|part| rendering.condition(part)).collect::<Vec<_>>().join(" AND ")
        });
        let filter = match rest {
            [] => None,
            [only] => Some(rendering.condition(only)),
            _ => Some(rendering.condition(&Condition::And(rest.to_vec()))),
        };
        let paths = self.paths.as_ref();
        let projection =
            paths.map(|paths| paths.iter().map(|path| rendering.path(path)).collect::<Vec<_>>().join(", "));
        let select = match (&projection, &self.index) {
            (Some(_), _) => Selection::SpecificAttributes,
            (None, Some(_)) => Selection::AllProjectedAttributes,
            (None, None) => Selection::AllAttributes,
        };
        ReadDraft {
            target,
            index: self.index.clone(),
            keys: key_condition.map_or(KeysSource::All, KeysSource::Text),
            filter: filter.map_or(FilterSource::None, FilterSource::Text),
            filters_keys: true,
            projection: projection.map_or(ProjectionSource::All, ProjectionSource::Text),
            names: rendering.names(),
            values: rendering.values(),
            start: None,
            limit: reading.limit,
            is_descending: self.order.as_ref().is_some_and(|(_, is_descending)| *is_descending),
            select,
            is_consistent: reading.is_consistent,
            segment: None,
            wants: reading.wants,
        }
    }

    /// Refuses a SELECT that may find more than one item, as batches and transactions do.
    pub(crate) fn check_single(&self, service: &DynamoDb, ctx: &Ctx) -> Result<(), ApiError> {
        let target = Target::parse(ctx, &self.table)?;
        let table = service.definitions.for_read(ctx.store(), &target)?;
        let condition = self.condition.as_ref().ok_or_else(no_key)?;
        split_key(condition, table.keys()).map(|_| ())
    }

    fn keys<'t>(&self, table: &'t Table) -> Result<&'t KeySchema, ApiError> {
        match &self.index {
            None => Ok(table.keys()),
            Some(name) => Ok(&table.index(name).ok_or_else(|| no_such_index(name))?.keys),
        }
    }

    fn check_order(&self, keys: &KeySchema, has_hash: bool) -> Result<(), ApiError> {
        let Some((attribute, _)) = &self.order else { return Ok(()) };
        if !has_hash {
            return Err(validation("Must have WHERE clause in the statement when using ORDER BY clause."));
        }
        if !keys.contains(attribute) {
            return Err(validation(format!(
                "Variable reference {attribute} in ORDER BY clause must be part of the primary key"
            )));
        }
        Ok(())
    }
}
