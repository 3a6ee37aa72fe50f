//! A change with all that hangs on it, in one transaction: the item, its index entries, the stream's record, the journal
//! of point-in-time recovery, the time to live.

use cloud::Ctx;
use shapes::ApiError;
use store::{Tail, Tx};

use super::collection;
use crate::attribute::into_api;
use crate::capacity::{ReadMode, read_units, write_units};
use crate::definitions::Table;
use crate::errors::validation;
use crate::index::{Entry, IndexChange};
use crate::item::Item;
use crate::tables::ITEMS;
use crate::{journal, replication, streams, time_to_live};

/// An item before and after. `old` is only right where [`needs_old`] asks for it.
pub(crate) struct Change<'a> {
    /// The key's attributes, whatever else is there.
    pub key: &'a Item,
    pub old: Option<&'a Item>,
    pub new: Option<&'a Item>,
    pub cause: Cause,
}

/// Who changed an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    User,
    TimeToLive,
    /// A write of another region arrives.
    Replication,
}

/// Units that a write consumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Costs {
    pub table: f64,
    /// By index, in the order of the table's.
    pub indexes: Vec<(String, bool, f64)>,
}

impl Costs {
    /// A condition check costs as much as a transactional write of what is there.
    pub(super) fn of_check(old: Option<&Item>) -> Self {
        Self { table: write_units(old.map_or(0, Item::size), 0, true), indexes: Vec::new() }
    }

    /// What is the table's: also that of its local indexes.
    pub(crate) fn of_table(&self) -> f64 {
        let local = self.indexes.iter().filter(|(_, is_global, _)| !is_global);
        self.table + local.map(|(.., units)| units).sum::<f64>()
    }

    /// A write whose condition is not met consumes what it looked at.
    pub(super) fn of_failed(old: Option<&Item>) -> Self {
        Self { table: write_units(old.map_or(0, Item::size), 0, false), indexes: Vec::new() }
    }

    pub(super) fn doubled(mut self) -> Self {
        self.table *= 2.0;
        self.indexes.iter_mut().for_each(|(_, _, units)| *units *= 2.0);
        self
    }

    /// As the second call of a transaction with the same token: what it reads to find that nothing is to be done.
    pub(crate) fn of_replay(item: &Item) -> Self {
        Self { table: read_units(item.size(), ReadMode::Transactional), indexes: Vec::new() }
    }
}

/// Whether a change of the table must know what was there.
pub(super) fn needs_old(table: &Table) -> bool {
    let row = &table.row;
    !table.indexes.is_empty()
        || row.stream.is_some()
        || row.time_to_live.is_some()
        || row.journal.is_some()
        || row.replica.is_some()
}

/// What a change comes to, before anything of it is stored.
pub(crate) struct Decided<'a> {
    pub(super) change: &'a Change<'a>,
    /// By the places of the indexes among the table's.
    pub(super) differences: Vec<(usize, IndexChange)>,
    pub costs: Costs,
}

/// Stores a change of the item at `place` (see [`crate::definitions::place`]).
pub(crate) fn store_change(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    place: Vec<u8>,
    change: &Change<'_>,
) -> Result<Costs, ApiError> {
    let decided = Decided::of(table, change)?;
    decided.store(ctx, tx, table, place)?;
    Ok(decided.costs)
}

impl<'a> Decided<'a> {
    pub(super) fn of(table: &Table, change: &'a Change<'a>) -> Result<Self, ApiError> {
        let Change { old, new, .. } = *change;
        // What another region accepted is accepted here; an index leaves out what does not fit it.
        if let Some(new) = new.filter(|_| change.cause != Cause::Replication) {
            for index in &table.indexes {
                index.keys.check_index_key(&index.name, new).map_err(validation)?;
            }
        }
        let own = write_units(old.map_or(0, Item::size), new.map_or(0, Item::size), false);
        let mut decided =
            Self { change, differences: Vec::new(), costs: Costs { table: own, indexes: Vec::new() } };
        if decided.is_idle() {
            return Ok(decided);
        }
        for (place, index) in table.indexes.iter().enumerate() {
            let difference = index.change(table.keys(), old, new);
            if !difference.is_empty() {
                let units = index_units(&difference, old);
                decided.costs.indexes.push((index.name.clone(), index.is_global, units));
                decided.differences.push((place, difference));
            }
        }
        Ok(decided)
    }

    /// The keys of the entries that change, by the ids of their indexes.
    pub(super) fn index_keys(&self, table: &Table) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.differences.iter().filter_map(|(index, difference)| {
            let put = difference.put.as_ref().map(|entry| &entry.key);
            Some((table.indexes[*index].id, put.or(difference.removed.as_ref())?.clone()))
        })
    }

    /// What was there is known and the same: nothing is to be written, and no stream tells of it.
    fn is_idle(&self) -> bool {
        self.change.old.is_some() && self.change.old == self.change.new
    }

    pub(super) fn store(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        table: &Table,
        place: Vec<u8>,
    ) -> Result<(), ApiError> {
        let Change { key, old, new, cause } = *self.change;
        if table.has_local_indexes() {
            collection::grow(tx, table, &place, self)?;
        }
        outdate_copies(ctx, tx, table, key);
        if table.row.replica.is_some() && cause != Cause::Replication && (old.is_some() || new.is_some()) {
            replication::note(ctx, tx, table, &Tail(place.clone()), new.is_none())?;
        }
        if self.is_idle() {
            return Ok(());
        }
        let key = (table.row.id, Tail(place));
        let sealer = table.sealer(tx)?;
        match new {
            Some(item) => sealer.put(tx, &key, item)?,
            None => ITEMS.delete(tx, &key),
        }
        for (index, difference) in &self.differences {
            let index = &table.indexes[*index];
            if let Some(removed) = &difference.removed {
                ITEMS.delete(tx, &(index.id, Tail(index.place(removed))));
            }
            if let Some(Entry { key, item }) = &difference.put {
                sealer.put(tx, &(index.id, Tail(index.place(key))), item)?;
            }
        }
        if needs_old(table) {
            streams::record(ctx, tx, (table, &sealer), &key.1.0, self.change)?;
            journal::record(ctx, tx, (table, &sealer), &key.1, old)?;
            time_to_live::follow(ctx, tx, table, &key.1, old, new)?;
        }
        Ok(())
    }
}

/// Tells whoever keeps a copy of the item, or of what it is a part of, once the change is there. A write that changes
/// nothing tells so as well: whoever made it counts on its one step.
fn outdate_copies(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table, key: &Item) {
    let keys = table.keys();
    let Some(hash) = key.get(&keys.hash.name) else { return };
    let range = keys.range.as_ref().and_then(|range| key.get(&range.name));
    let (hash, range) = (into_api(hash.clone()), range.cloned().map(into_api));
    let outdated = dynamodb_changes::of_change(&table.arn, &hash, range.as_ref());
    let copies = ctx.cloud().copies().clone();
    tx.after_commit(move || copies.outdate(outdated));
}

/// An entry that moves is deleted and put, each a write.
fn index_units(change: &IndexChange, old: Option<&Item>) -> f64 {
    let removed = change.removed.as_ref().map_or(0.0, |_| write_units(old.map_or(0, Item::size), 0, false));
    let put = change.put.as_ref().map_or(0.0, |entry| write_units(0, entry.item.size(), false));
    removed + put
}
