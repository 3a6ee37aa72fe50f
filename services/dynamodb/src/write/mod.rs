//! The one path of every change of an item: look at what is there, check the condition, decide, store.
//!
//! PutItem, UpdateItem, DeleteItem, batches, transactions, PartiQL and time to live all end here; what a change brings
//! with it (index entries, the stream's record, the journal, the time to live) is in [`store`].

mod collection;
mod draft;
mod store;

pub(crate) use collection::{Collections, WantsMetrics, collection_metrics};
pub(crate) use draft::{Action, ConditionSource, Returns, UpdateSource, WriteDraft};
pub(crate) use store::{Cause, Change, Costs, store_change};

use store::Decided;

use std::borrow::Cow;
use std::sync::Arc;

use ::store::{Tail, Tx};
use cloud::Ctx;
use shapes::ApiError;

use crate::DynamoDb;
use crate::capacity::write_units;
use crate::definitions::{Table, place};
use crate::errors::{condition_failed, validation};
use crate::expression::{Condition, Kind, Placeholders, Update};
use crate::item::Item;
use crate::key_schema::EncodedKey;
use crate::tables::ITEMS;
use crate::throttle::{Refusal, Taken};
use crate::usage::WrittenKeys;

/// What became of a write.
pub(crate) struct Written {
    pub table: Arc<Table>,
    /// As ReturnValues asks for.
    pub attributes: Option<Item>,
    pub costs: Costs,
}

/// A write whose expressions are understood.
pub(crate) struct Bound<'d> {
    draft: &'d WriteDraft,
    condition: Option<Condition<'d>>,
    update: Option<Update<'d>>,
}

impl WriteDraft {
    /// The whole write, in a transaction of one.
    pub(crate) fn perform(&self, service: &DynamoDb, ctx: &Ctx, tx: &mut Tx<'_>) -> Result<Written, Refusal> {
        let bound = self.bind()?;
        tx.with_scope(&self.target.scope, |tx| {
            let table = service.definitions.for_write(tx, &self.target)?;
            bound.run(service, ctx, tx, table)
        })
    }

    /// Understands the expressions, which needs no table.
    pub(crate) fn bind(&self) -> Result<Bound<'_>, ApiError> {
        let names = self.names.as_ref();
        let names = names.map(|names| names.iter().map(|(key, name)| (key.as_str(), name.as_str())));
        let placeholders =
            Placeholders::new(names, self.values.as_ref().map(Item::iter)).map_err(validation)?;
        let update = match &self.action {
            Action::Update { update, .. } => update.bind(&placeholders)?,
            _ => None,
        };
        let condition = match &self.condition {
            ConditionSource::None => None,
            ConditionSource::Text(text) => {
                Some(Condition::parse(Kind::Condition, text, &placeholders).map_err(validation)?)
            }
            ConditionSource::Expected(expected) => Some(expected.condition()?),
        };
        placeholders.check_used().map_err(validation)?;
        Ok(Bound { draft: self, condition, update })
    }
}

impl Bound<'_> {
    /// Everything that needs the table, in the table's scope.
    pub(crate) fn run(
        &self,
        service: &DynamoDb,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        table: Arc<Table>,
    ) -> Result<Written, Refusal> {
        let key = self.draft.key(&table)?;
        if let Some(update) = &self.update {
            table.keys().check_not_updated(update.touched()).map_err(validation)?;
        }
        let place = place(key.hash_bytes().len(), key.as_bytes());
        let old = if self.needs_old(&table) {
            table.row_keys.item(tx, &(table.row.id, Tail(place.clone())))?
        } else {
            None
        };
        // Whoever pays for units by the second counts what is replaced, also where nobody looks at it.
        let replaced = if old.is_none() && (table.is_provisioned() || service.throttle.is_some()) {
            let stored = ITEMS.find(tx, &(table.row.id, Tail(place.clone())))?;
            write_units(stored.map_or(0, |size| size.0), 0, false)
        } else {
            0.0
        };
        let watched = || WrittenKeys(vec![(table.row.id, key.as_bytes().to_vec())]);
        let mut keys = table.has_insights().then(watched);
        self.check_condition(service, ctx, &table, old.as_ref(), keys.as_ref())?;
        let new = match &self.draft.action {
            Action::Check(_) => return self.checked(service, tx, table, old.as_ref(), keys),
            Action::Put(item) => Some(Cow::Borrowed(item)),
            Action::Delete(_) => None,
            Action::Update { key, update } => self.updated(old.as_ref(), key, update)?.map(Cow::Owned),
        };
        let change = Change {
            key: self.draft.action.key_source(),
            old: old.as_ref(),
            new: new.as_deref(),
            cause: Cause::User,
        };
        let decided = Decided::of(&table, &change)?;
        if let Some(keys) = &mut keys {
            keys.0.extend(decided.index_keys(&table));
        }
        let mut costs = decided.costs.clone();
        costs.table = costs.table.max(replaced);
        let costs = if self.draft.is_transactional { costs.doubled() } else { costs };
        let taken = service.take_write(&table, &costs, keys.as_ref())?;
        decided.store(ctx, tx, &table, place)?;
        Self::count(tx, &table, costs.clone(), taken, keys);
        let attributes = self.attributes(old, new);
        Ok(Written { table, attributes, costs })
    }

    /// The top-level attributes that the condition asks about, and those that the update touches.
    pub(crate) fn paths(&self) -> (Vec<String>, Vec<String>) {
        let mut asked = Vec::new();
        if let Some(condition) = &self.condition {
            condition.visit_paths(&mut |path| asked.push(path.attribute.to_owned()));
        }
        let touched = self.update.iter().flat_map(Update::touched).map(str::to_owned).collect();
        (asked, touched)
    }

    /// Whether it matters what was there.
    fn needs_old(&self, table: &Table) -> bool {
        self.condition.is_some()
            || self.draft.returns != Returns::None
            || self.draft.counts
            || !matches!(self.draft.action, Action::Put(_) | Action::Delete(_))
            || store::needs_old(table)
    }

    fn check_condition(
        &self,
        service: &DynamoDb,
        ctx: &Ctx,
        table: &Arc<Table>,
        old: Option<&Item>,
        keys: Option<&WrittenKeys>,
    ) -> Result<(), Refusal> {
        let Some(condition) = &self.condition else { return Ok(()) };
        let nothing = Item::new();
        if condition.is_met_by(old.unwrap_or(&nothing)) {
            return Ok(());
        }
        service.spend_failed(table, &Costs::of_failed(old), keys)?;
        ctx.publish("AWS/DynamoDB", "ConditionalCheckFailedRequests", ("TableName", table.name()), 1.0);
        Err(condition_failed(old.filter(|_| self.draft.shows_item)).into())
    }

    fn checked(
        &self,
        service: &DynamoDb,
        tx: &mut Tx<'_>,
        table: Arc<Table>,
        old: Option<&Item>,
        keys: Option<WrittenKeys>,
    ) -> Result<Written, Refusal> {
        let costs = Costs::of_check(old);
        let taken = service.take_write(&table, &costs, keys.as_ref())?;
        Self::count(tx, &table, costs.clone(), taken, keys);
        Ok(Written { table, attributes: None, costs })
    }

    /// Counts what the write consumes once it has happened.
    fn count(
        tx: &mut Tx<'_>,
        table: &Arc<Table>,
        costs: Costs,
        taken: Option<Taken>,
        keys: Option<WrittenKeys>,
    ) {
        let table = Arc::clone(table);
        // A transaction that is undone drops what was taken, which gives it back.
        tx.after_commit(move || {
            if let Some(taken) = taken {
                taken.keep();
            }
            table.count_write(&costs, keys.as_ref());
        });
    }

    fn updated(
        &self,
        old: Option<&Item>,
        key: &Item,
        source: &UpdateSource,
    ) -> Result<Option<Item>, ApiError> {
        // An item that is not there begins as its key.
        let before = old.unwrap_or(key);
        let Some(update) = &self.update else { return Ok(Some(before.clone())) };
        if old.is_none() && source.only_takes_away() {
            return Ok(None);
        }
        let after = update.apply(before).map_err(validation)?;
        after.check_updated().map_err(validation)?;
        Ok(Some(after))
    }

    fn attributes(&self, old: Option<Item>, new: Option<Cow<'_, Item>>) -> Option<Item> {
        let touched =
            |item: &Item| self.update.as_ref().map_or_else(Item::new, |update| update.touched_parts(item));
        let attributes = match self.draft.returns {
            Returns::None => None,
            Returns::AllOld => old,
            Returns::AllNew => new.map(Cow::into_owned),
            Returns::UpdatedOld => old.as_ref().map(touched),
            Returns::UpdatedNew => new.as_deref().map(touched),
        };
        attributes.filter(|item| !item.is_empty())
    }
}

impl WriteDraft {
    /// The key of the item, once it fits the table.
    fn key(&self, table: &Table) -> Result<EncodedKey, ApiError> {
        let keys = table.keys();
        match &self.action {
            Action::Put(item) => keys.key_of(item).map_err(validation),
            Action::Update { key, .. } | Action::Delete(key) | Action::Check(key) => {
                keys.exact_key(key).map_err(validation)
            }
        }
    }

    /// The bytes that name the item among all of the region; `None` when its key does not fit.
    pub(crate) fn identity(&self, table: &Table) -> Option<(u64, Vec<u8>)> {
        Some((table.row.id, self.key(table).ok()?.into_bytes()))
    }
}
