//! The one path of every write: condition, item, stream record, in one transaction.

use cloud::Ctx;
use shapes::ApiError;
use store::{Tail, Tx};

use crate::errors::{condition_failed, table_not_found, validation};
use crate::expression::{Condition, Kind, Placeholders};
use crate::item::Item;
use crate::stream_record::StreamRecord;
use crate::streams;
use crate::tables::{ITEMS, LAST_RECORD, LastRecord, RECORDS, RecordRow, StoredItem, TABLES, TableRow};

/// A write's condition with what its placeholders stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expressions {
    pub condition: Option<String>,
    pub update: Option<String>,
    pub names: Option<shapes::Map<String>>,
    pub values: Option<Item>,
}

impl Expressions {
    pub(crate) fn placeholders(&self) -> Result<Placeholders<'_>, ApiError> {
        let names = self.names.as_ref();
        let names = names.map(|names| names.iter().map(|(key, name)| (key.as_str(), name.as_str())));
        Placeholders::new(names, self.values.as_ref().map(Item::iter)).map_err(validation)
    }
}

/// An item before and after a write.
pub(crate) struct Change {
    pub old: Option<Item>,
    pub new: Option<Item>,
}

/// The table of a name, as `tx` sees it.
pub(crate) fn table(tx: &mut Tx<'_>, name: &str) -> Result<TableRow, ApiError> {
    TABLES.find(tx, &name.to_owned())?.ok_or_else(table_not_found)
}

/// Writes what `decide` makes of the item under `key`, if the condition holds for what is there.
pub(crate) fn change(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &TableRow,
    key: Vec<u8>,
    expressions: &Expressions,
    decide: impl FnOnce(Option<&Item>, &Placeholders<'_>) -> Result<Option<Item>, ApiError>,
) -> Result<Change, ApiError> {
    let key = (table.id, Tail(key));
    let old = ITEMS.find(tx, &key)?.map(|stored| stored.0);
    let placeholders = expressions.placeholders()?;
    let condition = expressions.condition.as_ref();
    let condition = condition.map(|text| Condition::parse(Kind::Condition, text, &placeholders));
    let condition = condition.transpose().map_err(validation)?;
    let nothing = Item::new();
    let new = decide(old.as_ref(), &placeholders)?;
    placeholders.check_used().map_err(validation)?;
    if condition.is_some_and(|condition| !condition.is_met_by(old.as_ref().unwrap_or(&nothing))) {
        return Err(condition_failed());
    }
    match &new {
        Some(item) => ITEMS.put(tx, &key, &StoredItem(item.clone())),
        None => ITEMS.delete(tx, &key),
    }
    record(ctx, tx, table, old.as_ref(), new.as_ref())?;
    Ok(Change { old, new })
}

/// Adds a change to the table's stream.
fn record(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &TableRow,
    old: Option<&Item>,
    new: Option<&Item>,
) -> Result<(), ApiError> {
    let (Some(view), Some(arn)) = (table.definition.stream, streams::arn_of(ctx, table)) else {
        return Ok(());
    };
    let Some(record) = StreamRecord::of_change(&table.definition.keys, view, old, new) else { return Ok(()) };
    let number = LAST_RECORD.find(tx, &table.id)?.unwrap_or_default().0 + 1;
    LAST_RECORD.put(tx, &table.id, &LastRecord(number));
    let row = RecordRow {
        event: record.event.name().to_owned(),
        size: record.size() as u64,
        keys: record.keys.encode(),
        old_image: record.old_image.map(|item| item.encode()),
        new_image: record.new_image.map(|item| item.encode()),
        time: ctx.now(),
    };
    RECORDS.put(tx, &(table.id, number), &row);
    tx.announce(&streams::topic(&arn));
    Ok(())
}
