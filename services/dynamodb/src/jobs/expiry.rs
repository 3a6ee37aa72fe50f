//! Ends items whose time to live is over, and enters the ends of items that were there before the time to live was.

use std::ops::ControlFlow;

use clock::JobOutcome;
use cloud::Ctx;
use shapes::ApiError;
use store::{Order, Range, Tail, Tx};

use super::{BYTES_AT_ONCE, ROWS_AT_ONCE, Running};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::tables::{EXPIRIES, EXPIRY_JOBS, ExpiryJob, TABLES};
use crate::target::Target;
use crate::time_to_live::{await_end, due_for, enter};
use crate::write::{Cause, Change, store_change};

impl Running {
    pub(super) async fn expire(&self, settings: u64) -> Result<JobOutcome, ApiError> {
        let own = self.id;
        loop {
            let has_more = self
                .step(move |service, ctx, tx, target| {
                    // Another job took over: this one was cancelled, or its last step was its end.
                    let waiting = EXPIRY_JOBS.find(tx, &settings)?;
                    let Some(waiting) = waiting.filter(|waiting| waiting.job == own) else {
                        return Ok(false);
                    };
                    let table = service.definitions.within(tx, target)?;
                    let table = table.filter(|table| {
                        table.row.time_to_live.as_ref().is_some_and(|current| current.id == settings)
                    });
                    match table {
                        Some(table) => expire_some(ctx, tx, &table, settings, waiting),
                        None => {
                            EXPIRY_JOBS.delete(tx, &settings);
                            Ok(false)
                        }
                    }
                })
                .await?;
            if !has_more {
                return Ok(JobOutcome::Done);
            }
        }
    }

    pub(super) async fn enter_ends(&self, settings: u64) -> Result<JobOutcome, ApiError> {
        let mut after = None;
        loop {
            let from = after.clone();
            after = self
                .step(move |service, ctx, tx, target| {
                    enter_some(service, ctx, tx, target, settings, from.clone())
                })
                .await?;
            if after.is_none() {
                self.service.definitions.forget(&self.target);
                return Ok(JobOutcome::Done);
            }
        }
    }
}

/// Ends some items; whether there are more whose time has come. With the last, the next job is put in place.
fn expire_some(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    settings: u64,
    waiting: ExpiryJob,
) -> Result<bool, ApiError> {
    let now = ctx.now();
    let mut due = Vec::new();
    let mut next = None;
    let left = Range::prefix(&settings).starting_at(&(settings, waiting.from));
    EXPIRIES.visit(tx, &left, Order::Ascending, |(_, end, place), ()| {
        if end > now.seconds() || due.len() == ROWS_AT_ONCE {
            next = Some(end);
            return ControlFlow::Break(());
        }
        due.push((end, place));
        ControlFlow::Continue(())
    })?;
    for (end, place) in due {
        let item = table.row_keys.item(tx, &(table.row.id, place.clone()))?;
        EXPIRIES.delete(tx, &(settings, end, place.clone()));
        let ends_now = |item: &_| {
            let current = table.row.time_to_live.as_ref();
            current.and_then(|current| current.end(item, now)).is_some_and(|end| end <= now.seconds())
        };
        if let Some(item) = item.filter(ends_now) {
            let change = Change { key: &item, old: Some(&item), new: None, cause: Cause::TimeToLive };
            store_change(ctx, tx, table, place.0, &change)?;
            ctx.publish("AWS/DynamoDB", "TimeToLiveDeletedItemCount", ("TableName", table.name()), 1.0);
        }
    }
    match next {
        Some(end) if end <= now.seconds() => {
            EXPIRY_JOBS.put(tx, &settings, &ExpiryJob { from: end, ..waiting });
            Ok(true)
        }
        Some(end) => {
            await_end(ctx, tx, table, settings, due_for(end), end);
            Ok(false)
        }
        None => {
            EXPIRY_JOBS.delete(tx, &settings);
            Ok(false)
        }
    }
}

/// Enters the ends of some items behind `after`; where to go on, until all are entered.
fn enter_some(
    service: &DynamoDb,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    settings: u64,
    after: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(table) = service.definitions.within(tx, target)? else { return Ok(None) };
    let Some(current) = table.row.time_to_live.clone().filter(|current| current.id == settings) else {
        return Ok(None);
    };
    let mut range = Range::prefix(&table.row.id);
    if let Some(after) = after {
        range = range.after(&(table.row.id, Tail(after)));
    }
    let (mut ends, mut last, mut count, mut bytes) = (Vec::new(), None, 0, 0);
    table.row_keys.visit_items(tx, &range, |place, item| {
        count += 1;
        bytes += item.size();
        if let Some(end) = current.end(&item, ctx.now()) {
            ends.push((end, place.clone()));
        }
        if count < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
            return ControlFlow::Continue(());
        }
        last = Some(place.0);
        ControlFlow::Break(())
    })?;
    for (end, place) in ends {
        enter(ctx, tx, &table, &current, &place, end)?;
    }
    if last.is_none() {
        let mut row = table.row.clone();
        if let Some(current) = &mut row.time_to_live {
            current.is_enabling = false;
        }
        TABLES.put(tx, &target.name, &row);
    }
    Ok(last)
}
