//! Shards of a stream: which one a change goes to, when they close, and what follows them (Developer Guide, "Change data
//! capture for DynamoDB Streams", "Reading and processing a stream").
//!
//! Open shards divide the tokens of partitions among themselves, so all changes of an item are in one line of parents
//! and children. A shard closes with the first change that comes after its four hours, and one child takes its place; one
//! that is written to faster than a partition can be is followed by two.

use std::time::Duration;

use cloud::Ctx;
use shapes::{ApiError, Timestamp};
use store::{Range, Reader, Tx};

use crate::tables::{ClosedShard, OpenShard, SHARDS, ShardRow, StreamEnd, StreamRow};

/// How long a shard is written to.
const OPEN_FOR: Duration = Duration::from_secs(4 * 3600);
/// Write units in a [`WINDOW`] past which a shard splits: what one partition takes in that time (Developer Guide,
/// "Throttling diagnosis": 1,000 write units a second).
const MOST_UNITS: u64 = 60_000;
const WINDOW: Duration = Duration::from_secs(60);
/// Shards that are open at once; past it none splits.
const MOST_OPEN: usize = 16;

impl OpenShard {
    pub(super) fn new(created: Timestamp, place: u64, from: u16) -> Self {
        Self { created, place, from, last: 0, window: created, units: 0 }
    }

    fn key(&self, stream: u64) -> (u64, Timestamp, u64) {
        (stream, self.created, u64::from(self.place as u32))
    }

    fn count(&mut self, units: u64, now: Timestamp) {
        if self.window + WINDOW <= now {
            (self.window, self.units) = (now, 0);
        }
        self.units += units;
    }
}

/// Opens the first shard of a stream.
pub(super) fn open_first(tx: &mut Tx<'_>, stream: u64, created: Timestamp, end: &mut StreamEnd) {
    let shard = OpenShard::new(created, stream, 0);
    let row = ShardRow { place: stream, parent: None, first: end.last + 1, trimmed: 0, closed: None };
    SHARDS.put(tx, &shard.key(stream), &row);
    end.open.push(shard);
}

/// The place of the next change of a partition, after what is due to the shard it falls in: an end and a beginning.
/// `units` are the write units of the change.
pub(super) fn place_for(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    stream: u64,
    end: &mut StreamEnd,
    token: u16,
    units: u64,
) -> Result<u64, ApiError> {
    let now = ctx.now();
    let at = index_of(&end.open, token);
    let shard = end.open[at];
    let is_old = shard.created + OPEN_FOR <= now;
    let is_busy = shard.units >= MOST_UNITS && now < shard.window + WINDOW;
    let middle = middle(&end.open, at).filter(|_| is_busy && end.open.len() < MOST_OPEN);
    if is_old || middle.is_some() {
        close(tx, stream, &shard, end.last, now)?;
        let parent = shard_id(shard.created, shard.place);
        // Later than its parent also when the clock stands still, since shards are told in the order of their creation.
        let created = now.max(shard.created + Duration::from_millis(1));
        let froms = std::iter::once(shard.from).chain(middle);
        let children: Vec<_> =
            froms.map(|from| OpenShard::new(created, u64::from_le_bytes(ctx.ids().bytes()), from)).collect();
        for child in &children {
            let (place, parent) = (child.place, Some(parent.clone()));
            let row = ShardRow { place, parent, first: end.last + 1, trimmed: 0, closed: None };
            SHARDS.put(tx, &child.key(stream), &row);
        }
        end.open.splice(at..=at, children);
    }
    end.last += 1;
    let at = index_of(&end.open, token);
    let shard = &mut end.open[at];
    shard.count(units, now);
    shard.last = end.last;
    Ok(shard.place)
}

/// Closes all shards of a stream that nothing is written to any more.
pub(super) fn close_all(
    tx: &mut Tx<'_>,
    stream: u64,
    end: &mut StreamEnd,
    now: Timestamp,
) -> Result<(), ApiError> {
    for shard in std::mem::take(&mut end.open) {
        close(tx, stream, &shard, end.last, now)?;
    }
    Ok(())
}

fn close(tx: &mut Tx<'_>, stream: u64, shard: &OpenShard, last: u64, at: Timestamp) -> Result<(), ApiError> {
    let key = shard.key(stream);
    if let Some(row) = SHARDS.find(tx, &key)? {
        // A shard that held nothing ends where it began, or where the stream was when it closed.
        let last = if shard.last == 0 { last } else { shard.last };
        SHARDS.put(tx, &key, &ShardRow { closed: Some(ClosedShard { last, at }), ..row });
    }
    Ok(())
}

/// The open shard that a partition's token falls in: they are in the order of their first tokens, and the first begins
/// with the first token there is.
fn index_of(open: &[OpenShard], token: u16) -> usize {
    open.partition_point(|shard| shard.from <= token).saturating_sub(1)
}

/// Where a shard's range of tokens is divided; nowhere when it has only one.
fn middle(open: &[OpenShard], at: usize) -> Option<u16> {
    let from = u32::from(open[at].from);
    let to = open.get(at + 1).map_or(1 << 16, |next| u32::from(next.from));
    let middle = from + (to - from) / 2;
    u16::try_from(middle).ok().filter(|_| middle > from)
}

/// A shard of a stream, open or closed.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    pub created: Timestamp,
    pub row: ShardRow,
}

impl Shard {
    pub(crate) fn id(&self) -> String {
        shard_id(self.created, self.row.place)
    }

    pub(crate) fn key(&self, stream: u64) -> (u64, Timestamp, u64) {
        (stream, self.created, u64::from(self.row.place as u32))
    }
}

/// `shardId-` with the shard's creation and eight more digits.
fn shard_id(created: Timestamp, place: u64) -> String {
    format!("shardId-{:020}-{:08x}", created.millis(), place as u32)
}

/// The creation and the last part of a shard's id.
fn parse_id(id: &str) -> Option<(Timestamp, u64)> {
    let (created, place) = id.strip_prefix("shardId-")?.split_once('-')?;
    let is_canonical = created.len() == 20 && place.len() == 8;
    let created = Timestamp::from_millis(created.parse().ok().filter(|_| is_canonical)?);
    Some((created, u64::from(u32::from_str_radix(place, 16).ok()?)))
}

/// Some of a stream's shards, from those that follow the shard `after`, in the order in which they were opened.
pub(crate) fn shards(
    reader: &mut dyn Reader,
    stream: &StreamRow,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<Shard>, ApiError> {
    let after = after.and_then(parse_id);
    let mut range = Range::prefix(&stream.id);
    if let Some((created, place)) = after {
        range = range.after(&(stream.id, created, place));
    }
    let rows = SHARDS.list(reader, &range, most)?;
    if rows.is_empty() && after.is_none() {
        // A stream from before there were shards, which nothing has been written to since.
        let row = ShardRow { place: stream.id, parent: None, first: 1, trimmed: 0, closed: None };
        return Ok(vec![Shard { created: stream.created, row }]);
    }
    Ok(rows.into_iter().map(|((_, created, _), row)| Shard { created, row }).collect())
}

/// The shard of an id.
pub(crate) fn find(reader: &mut dyn Reader, stream: &StreamRow, id: &str) -> Result<Option<Shard>, ApiError> {
    let Some((created, place)) = parse_id(id) else { return Ok(None) };
    if let Some(row) = SHARDS.find(reader, &(stream.id, created, place))? {
        return Ok(Some(Shard { created, row }));
    }
    let first = shards(reader, stream, None, 1)?.into_iter().next();
    Ok(first.filter(|shard| shard.id() == id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_fall_in_the_shard_whose_range_they_are_in() {
        let shard = |from| OpenShard::new(Timestamp::from_seconds(1), 7, from);
        let open = [shard(0), shard(100), shard(101)];
        for (token, index) in [(0, 0), (99, 0), (100, 1), (101, 2), (u16::MAX, 2)] {
            assert_eq!(index_of(&open, token), index, "{token}");
        }
        assert_eq!([middle(&open, 0), middle(&open, 1)], [Some(50), None]);
        assert_eq!(middle(&open, 2), Some(32_818));
        assert_eq!(middle(&[shard(0)], 0), Some(1 << 15));
    }

    #[test]
    fn an_id_names_its_shard() {
        let created = Timestamp::from_millis(1_767_225_600_123);
        let id = shard_id(created, 0xabcd_1234_5678_9abc);
        assert_eq!(id, "shardId-00000001767225600123-56789abc");
        assert_eq!(parse_id(&id), Some((created, 0x5678_9abc)));
        for wrong in ["", "shardId-", "shardId-1-2", "shardId-00000001767225600123-5678zabc"] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
    }
}
