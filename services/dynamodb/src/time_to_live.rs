//! Time to live: when items end, and the job that ends them as the region's clock passes.
//!
//! Beside the items of a table with a time to live lies one entry per item that has an end, in the order of the ends.
//! One job per table waits for the first of them, rounded up so that a flood of ends is not a flood of jobs.

use clock::{Jobs, NewJob};
use cloud::Ctx;
use shapes::{ApiError, Timestamp};
use store::{Tail, Tx};

use crate::definitions::Table;
use crate::item::Item;
use crate::jobs;
use crate::tables::{EXPIRIES, EXPIRY_JOBS, ExpiryJob, TimeToLive};
use crate::value::Value;

/// Ends of one minute are one job's work. AWS deletes "within a few days of their expiration time".
const ROUNDED_TO: i64 = 60;
/// Ends longer ago than this are taken for mistakes (Developer Guide, "Using time to live (TTL) in DynamoDB").
const LONGEST_AGO: i64 = 5 * 365 * 86_400;

impl TimeToLive {
    /// The second in which an item ends; `None` when it does not.
    pub(crate) fn end(&self, item: &Item, now: Timestamp) -> Option<i64> {
        let Some(Value::N(end)) = item.get(&self.attribute) else { return None };
        let text = end.to_string();
        let whole = text.split('.').next()?;
        let end: i64 = whole.parse().ok()?;
        (end > now.seconds() - LONGEST_AGO && end < i64::MAX / 2000).then_some(end)
    }
}

/// Keeps the entry of a changed item up to date.
pub(crate) fn follow(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    place: &Tail,
    old: Option<&Item>,
    new: Option<&Item>,
) -> Result<(), ApiError> {
    let Some(settings) = &table.row.time_to_live else { return Ok(()) };
    let now = ctx.now();
    let end = |item: Option<&Item>| item.and_then(|item| settings.end(item, now));
    let (before, after) = (end(old), end(new));
    if before == after {
        return Ok(());
    }
    if let Some(before) = before {
        EXPIRIES.delete(tx, &(settings.id, before, place.clone()));
    }
    if let Some(after) = after {
        enter(ctx, tx, table, settings, place, after)?;
    }
    Ok(())
}

/// Notes when an item ends, and that somebody must be there then.
pub(crate) fn enter(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    settings: &TimeToLive,
    place: &Tail,
    end: i64,
) -> Result<(), ApiError> {
    EXPIRIES.put(tx, &(settings.id, end, place.clone()), &());
    let due = due_for(end).max(ctx.now());
    match EXPIRY_JOBS.find(tx, &settings.id)? {
        Some(waiting) if waiting.job.due <= due => {
            if end < waiting.from {
                EXPIRY_JOBS.put(tx, &settings.id, &ExpiryJob { from: end, ..waiting });
            }
        }
        Some(waiting) => {
            Jobs::cancel(tx, waiting.job);
            await_end(ctx, tx, table, settings.id, due, end.min(waiting.from));
        }
        None => await_end(ctx, tx, table, settings.id, due, end),
    }
    Ok(())
}

/// Puts the table's job at `due`; no entry is of a second before `from`.
pub(crate) fn await_end(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table, id: u64, due: Timestamp, from: i64) {
    let payload = jobs::payload(table, &jobs::Work::Expire { settings: id });
    let job = NewJob { kind: jobs::EXPIRY, subject: table.arn.clone(), payload, due };
    let job = Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
    EXPIRY_JOBS.put(tx, &id, &ExpiryJob { job, from });
}

/// When the entries of a second are worked off.
pub(crate) fn due_for(end: i64) -> Timestamp {
    Timestamp::from_seconds((end.div_euclid(ROUNDED_TO) + 1) * ROUNDED_TO)
}
