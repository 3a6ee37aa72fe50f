//! DynamoDB Streams: the changes of a table, in order, for a day, in shards that follow one another ([`shard`]).

pub(crate) mod ops;
pub(crate) mod shard;

use std::ops::ControlFlow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::{Jobs, NewJob};
use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, Scope, Tx};

use crate::capacity::write_units;
use crate::definitions::Table;
use crate::errors::{stream_not_found, validation};
use crate::item::Item;
use crate::jobs;
use crate::sealing::{Part, Sealer};
use crate::stream_record::{StreamRecord, StreamViewType};
use crate::tables::{
    RECORDS, RecordRow, STREAM_ENDS, STREAMS, ShardRow, StreamEnd, StreamRow, TableRow, TableStream,
};
use crate::write::{Cause, Change};
use shard::Shard;

/// Developer Guide, "Data retention limit for DynamoDB Streams".
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// API Reference, GetShardIterator.
const ITERATOR_LIFE: Duration = Duration::from_secs(15 * 60);

/// The topic announced when a stream has new records, in the scope of its table.
pub(crate) fn topic(stream_arn: &str) -> String {
    format!("dynamodbstreams/{stream_arn}")
}

/// Adds the change of the item at `place` to the table's stream, if it has one.
pub(crate) fn record(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (table, sealer): (&Table, &Sealer),
    place: &[u8],
    change: &Change<'_>,
) -> Result<(), ApiError> {
    let (Some(view), Some(stream), Some(arn)) =
        (table.row.definition.stream, &table.row.stream, &table.stream_arn)
    else {
        return Ok(());
    };
    let record = StreamRecord::of_change(table.keys(), view, change.old, change.new);
    let Some(record) = record else { return Ok(()) };
    let mut end = STREAM_ENDS.find(tx, &stream.id)?.unwrap_or_default();
    if end.open.is_empty() {
        // The stream is from before there were shards.
        let row = STREAMS.find(tx, &(table.name().to_owned(), stream.label.clone()))?;
        let row = row.ok_or_else(|| ApiError::internal("a table's stream is missing"))?;
        shard::open_first(tx, stream.id, row.created, &mut end);
    }
    let size = |item: Option<&Item>| item.map_or(0, Item::size);
    let units = write_units(size(change.old), size(change.new), false) as u64;
    let token = place.first_chunk().map_or(0, |token| u16::from_be_bytes(*token));
    let shard = shard::place_for(ctx, tx, stream.id, &mut end, token, units)?;
    let has_trimming = std::mem::replace(&mut end.has_trimming, true);
    let (now, trace) = (ctx.now(), ctx.trace());
    STREAM_ENDS.put(tx, &stream.id, &end);
    let key = (shard, end.last);
    let image = |part, item: Option<&Item>| item.map(|item| sealer.part(part, &key, item)).transpose();
    let row = RecordRow {
        event: record.event.name().to_owned(),
        size: record.size() as u64,
        keys: record.keys.encode(),
        old_image: image(Part::OldImage, record.old_image.as_ref())?,
        new_image: image(Part::NewImage, record.new_image.as_ref())?,
        time: now,
        is_expiry: change.cause == Cause::TimeToLive,
        trace: (trace.trace, trace.parent),
    };
    RECORDS.put(tx, &key, &row);
    if !has_trimming {
        await_trimming(ctx, tx, table, &stream.label, now + KEPT_FOR);
    }
    tx.announce(&topic(arn));
    Ok(())
}

fn await_trimming(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table, label: &str, due: Timestamp) {
    let payload = jobs::payload(table, &jobs::Work::TrimStream { label: label.to_owned() });
    let job = NewJob { kind: jobs::TRIMMING, subject: table.arn.clone(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

/// Gives a table that is being made or changed a new stream.
pub(crate) fn begin(ctx: &Ctx, tx: &mut Tx<'_>, table: &mut TableRow, view: StreamViewType) {
    let now = ctx.now();
    let label = now.iso8601_millis().trim_end_matches('Z').to_owned();
    let id = u64::from_le_bytes(ctx.ids().bytes());
    table.definition.stream = Some(view);
    table.last_stream_label = Some(label.clone());
    let keys = table.definition.keys.clone();
    let row = StreamRow { id, view, keys, created: now, ended: None };
    STREAMS.put(tx, &(table.definition.name.clone(), label.clone()), &row);
    let mut end = StreamEnd::default();
    shard::open_first(tx, id, now, &mut end);
    STREAM_ENDS.put(tx, &id, &end);
    table.stream = Some(TableStream { id, label });
}

/// Ends the stream that a table writes to; it can be read for a day.
pub(crate) fn end(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table) -> Result<(), ApiError> {
    let Some(stream) = &table.row.stream else { return Ok(()) };
    let key = (table.name().to_owned(), stream.label.clone());
    if let Some(row) = STREAMS.find(tx, &key)? {
        let mut end = STREAM_ENDS.find(tx, &stream.id)?.unwrap_or_default();
        if end.open.is_empty() {
            shard::open_first(tx, stream.id, row.created, &mut end);
        }
        shard::close_all(tx, stream.id, &mut end, ctx.now())?;
        STREAM_ENDS.put(tx, &stream.id, &end);
        STREAMS.put(tx, &key, &StreamRow { ended: Some(ctx.now()), ..row });
    }
    await_trimming(ctx, tx, table, &stream.label, ctx.now() + KEPT_FOR);
    if let Some(arn) = &table.stream_arn {
        tx.announce(&topic(arn));
    }
    Ok(())
}

/// A stream as its ARN names it.
#[derive(Clone)]
pub(crate) struct StreamArn {
    pub region: Region,
    pub table: String,
    pub label: String,
    account: AccountId,
}

impl StreamArn {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let read = || {
            let parts = arn::split(text)?;
            let (table, label) = parts.resource.strip_prefix("table/")?.split_once("/stream/")?;
            Some(Self {
                account: parts.account_id()?,
                region: Region::parse(parts.region)?,
                table: table.to_owned(),
                label: label.to_owned(),
            })
        };
        read().ok_or_else(|| validation(format!("Invalid StreamArn: {text}")))
    }

    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader, text: &str) -> Result<StreamRow, ApiError> {
        let stream = STREAMS.find(reader, &(self.table.clone(), self.label.clone()))?;
        stream.ok_or_else(|| stream_not_found(text))
    }
}

/// What a shard still has.
pub(crate) struct Extent {
    /// The last number that is gone; nothing before the shard's own numbers.
    pub gone: u64,
    /// The first record there is, or the number that the next may have.
    pub first: u64,
    /// The last record there was, once the shard is closed.
    pub closed_at: Option<u64>,
}

impl Extent {
    pub(crate) fn of(reader: &mut dyn Reader, shard: &Shard, now: Timestamp) -> Result<Self, ApiError> {
        let ShardRow { place, first, trimmed, closed, .. } = shard.row;
        let (mut gone, mut kept_from) = (trimmed, None);
        let kept = Range::prefix(&place).starting_at(&(place, trimmed + 1));
        RECORDS.visit(reader, &kept, Order::Ascending, |(_, number), row| {
            if row.time + KEPT_FOR <= now {
                gone = number;
                return ControlFlow::Continue(());
            }
            kept_from = Some(number);
            ControlFlow::Break(())
        })?;
        let first = kept_from.unwrap_or(first.max(gone + 1));
        Ok(Self { gone, first, closed_at: closed.map(|closed| closed.last) })
    }
}

/// Sequence numbers as clients see them: 21 digits.
pub(crate) fn sequence_text(number: u64) -> String {
    format!("1{number:020}")
}

pub(crate) fn parse_sequence(text: &str) -> Result<u64, ApiError> {
    let number =
        text.strip_prefix('1').filter(|digits| digits.len() == 20).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| validation(format!("Invalid SequenceNumber: {text}")))
}

/// A place in a shard: the sequence number of the next record to be read, or a lower one.
pub(crate) struct Iterator {
    pub stream: String,
    /// The shard's id.
    pub shard: String,
    pub next: u64,
    pub made: Timestamp,
}

impl Iterator {
    pub(crate) fn token(&self) -> String {
        STANDARD.encode(format!("{}|{}|{}|{}", self.next, self.made.millis(), self.shard, self.stream))
    }

    pub(crate) fn parse(token: &str) -> Result<Self, ApiError> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            let mut parts = text.splitn(4, '|');
            let next = parts.next()?.parse().ok()?;
            let made = Timestamp::from_millis(parts.next()?.parse().ok()?);
            let shard = parts.next()?.to_owned();
            Some(Self { stream: parts.next()?.to_owned(), shard, next, made })
        };
        read().ok_or_else(|| validation("Invalid ShardIterator"))
    }

    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.made + ITERATOR_LIFE < now
    }
}
