//! How often throughput was lowered today, and where throughput runs out how often it may be (Developer Guide, "Service, account, and table
//! quotas", "Decreasing throughput"): four times a day, and once more in each hour in which it was not.

use std::time::Duration;

use cloud::Ctx;
use dynamodb_api::error;
use shapes::{ApiError, Timestamp};
use store::{Reader, Tx};

use crate::DynamoDb;
use crate::table::{TableDefinition, Throughput};
use crate::tables::{DECREASES, DecreaseRow, TableRow};

const AT_ANY_TIME: u32 = 4;
/// Four, and one for each hour of the rest of the day.
const MOST: u32 = 27;
const APART: Duration = Duration::from_secs(3600);

/// Counts what an update lowers, of the table and of each of its global indexes.
pub(super) fn count(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    before: &TableDefinition,
    after: &TableRow,
) -> Result<(), ApiError> {
    let definition = &after.definition;
    if is_lower(before.throughput, definition.throughput) {
        one_more(service, ctx, tx, after.id)?;
    }
    for index in &definition.global_indexes {
        let old = before
            .global_indexes
            .iter()
            .find(|old| old.name == index.name)
            .and_then(|index| index.throughput);
        if let Some(id) = after.index_ids.get(&index.name).filter(|_| is_lower(old, index.throughput)) {
            one_more(service, ctx, tx, *id)?;
        }
    }
    Ok(())
}

/// Decreases of the day that `now` is in.
pub(super) fn today(reader: &mut dyn Reader, id: u64, now: Timestamp) -> Result<u32, ApiError> {
    let row = DECREASES.find(reader, &id)?;
    Ok(row.filter(|row| row.last.date() == now.date()).map_or(0, |row| row.count))
}

fn one_more(service: &DynamoDb, ctx: &Ctx, tx: &mut Tx<'_>, id: u64) -> Result<(), ApiError> {
    let now = ctx.now();
    let count = today(tx, id, now)?;
    let last = DECREASES.find(tx, &id)?.map(|row| row.last);
    let is_soon = last.is_some_and(|last| last + APART > now);
    let is_refused = count >= MOST || (count >= AT_ANY_TIME && is_soon);
    if service.throttle.is_some() && is_refused {
        return Err(error::limit_exceeded_exception(format!(
            "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the \
             first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 \
             seconds. Number of decreases today: {count}."
        )));
    }
    DECREASES.put(tx, &id, &DecreaseRow { count: count + 1, last: now });
    Ok(())
}

fn is_lower(old: Option<Throughput>, new: Option<Throughput>) -> bool {
    old.zip(new)
        .is_some_and(|(old, new)| new.read_units < old.read_units || new.write_units < old.write_units)
}
