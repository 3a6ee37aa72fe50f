//! Takes away what streams and journals have kept long enough.

use std::ops::ControlFlow;
use std::time::Duration;

use clock::{JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Tx};

use super::{ROWS_AT_ONCE, Running, TRIMMING, Work, encode};
use crate::streams::shard::Shard;
use crate::streams::{self, KEPT_FOR};
use crate::tables::{
    JOURNAL, JOURNAL_ENDS, JournalEnd, RECORDS, SHARDS, STREAM_ENDS, STREAMS, ShardRow, StreamEnd, StreamRow,
};
use crate::target::Target;

impl Running {
    pub(super) async fn trim_stream(&self, label: String) -> Result<JobOutcome, ApiError> {
        loop {
            let label = label.clone();
            let is_done = self.step(move |_, ctx, tx, target| trim_stream(ctx, tx, target, &label)).await?;
            if is_done {
                return Ok(JobOutcome::Done);
            }
        }
    }

    pub(super) async fn trim_journal(&self, journal: u64) -> Result<JobOutcome, ApiError> {
        loop {
            let is_done = self
                .step(move |service, ctx, tx, target| {
                    let table = service.definitions.within(tx, target)?;
                    let current = table.as_ref().and_then(|table| table.row.journal.as_ref());
                    match current.filter(|current| current.id == journal) {
                        Some(current) => {
                            let kept_for = Duration::from_secs(u64::from(current.days) * 86_400);
                            trim_journal(ctx, tx, target, journal, kept_for)
                        }
                        // It was disabled or deleted: a job of its own clears the journal away.
                        None => Ok(true),
                    }
                })
                .await?;
            if is_done {
                return Ok(JobOutcome::Done);
            }
        }
    }
}

/// One step; whether it was the last.
fn trim_stream(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, label: &str) -> Result<bool, ApiError> {
    let key = (target.name.clone(), label.to_owned());
    let Some(stream) = STREAMS.find(tx, &key)? else { return Ok(true) };
    let now = ctx.now();
    let (mut next, mut is_all) = (None, true);
    let mut has_shards = false;
    let shards = streams::shard::shards(tx, &stream, None, usize::MAX)?;
    for shard in shards {
        let (due, is_rest) = trim_shard(tx, &stream, shard, now)?;
        has_shards |= due.is_some() || is_rest;
        next = [next, due].into_iter().flatten().min();
        is_all &= !is_rest;
    }
    if !is_all {
        return Ok(false);
    }
    let end = STREAM_ENDS.find(tx, &stream.id)?.unwrap_or_default();
    STREAM_ENDS.put(tx, &stream.id, &StreamEnd { has_trimming: next.is_some(), ..end });
    match next {
        Some(next) => again(ctx, tx, target, &Work::TrimStream { label: label.to_owned() }, next),
        None if stream.ended.is_some_and(|ended| ended + KEPT_FOR <= now) && !has_shards => {
            STREAMS.delete(tx, &key);
            STREAM_ENDS.delete(tx, &stream.id);
        }
        None => {}
    }
    Ok(true)
}

/// Takes the old records of one shard, and the shard once it is closed and has none: when there is more to do, and whether
/// that is at once.
fn trim_shard(
    tx: &mut Tx<'_>,
    stream: &StreamRow,
    shard: Shard,
    now: Timestamp,
) -> Result<(Option<Timestamp>, bool), ApiError> {
    let (place, trimmed) = (shard.row.place, shard.row.trimmed);
    let kept = Range::prefix(&place).starting_at(&(place, trimmed + 1));
    let (mut old, mut next) = (Vec::new(), None);
    RECORDS.visit(tx, &kept, Order::Ascending, |key, row| {
        if row.time + KEPT_FOR > now || old.len() == ROWS_AT_ONCE {
            next = Some(row.time + KEPT_FOR);
            return ControlFlow::Break(());
        }
        old.push(key);
        ControlFlow::Continue(())
    })?;
    old.iter().for_each(|key| RECORDS.delete(tx, key));
    let ends = next.or(shard.row.closed.map(|closed| closed.at + KEPT_FOR));
    if next.is_none() && ends.is_some_and(|ends| ends <= now) {
        SHARDS.delete(tx, &shard.key(stream.id));
        return Ok((None, false));
    }
    if let Some((_, trimmed)) = old.last() {
        SHARDS.put(tx, &shard.key(stream.id), &ShardRow { trimmed: *trimmed, ..shard.row.clone() });
    }
    Ok((ends, next.is_some_and(|next| next <= now)))
}

fn trim_journal(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    journal: u64,
    kept_for: Duration,
) -> Result<bool, ApiError> {
    let now = ctx.now();
    let (mut old, mut next) = (Vec::new(), None);
    JOURNAL.visit(tx, &Range::prefix(&journal), Order::Ascending, |key, _| {
        if key.1 + kept_for > now || old.len() == ROWS_AT_ONCE {
            next = Some(key.1 + kept_for);
            return ControlFlow::Break(());
        }
        old.push(key);
        ControlFlow::Continue(())
    })?;
    old.iter().for_each(|key| JOURNAL.delete(tx, key));
    match next {
        Some(next) if next <= now => return Ok(false),
        Some(next) => again(ctx, tx, target, &Work::TrimJournal { journal }, next),
        None => {
            let end = JOURNAL_ENDS.find(tx, &journal)?.unwrap_or_default();
            JOURNAL_ENDS.put(tx, &journal, &JournalEnd { has_trimming: false, ..end });
        }
    }
    Ok(true)
}

fn again(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, work: &Work, due: Timestamp) {
    let payload = encode(target.account, target.region, &target.name, work);
    let job = NewJob { kind: TRIMMING, subject: target.arn(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}
