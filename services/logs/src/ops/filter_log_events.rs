//! FilterLogEvents: searches the streams of a group, merged in the order of time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use logs_api::op::FilterLogEvents;
use logs_api::{FilterLogEventsInput, FilterLogEventsOutput, FilteredLogEvent};
use shapes::ApiError;
use store::{Order, Range, Reader};

use super::group_guard;
use crate::event::{Event, Place};
use crate::filter_pattern::FilterPattern;
use crate::group::{self, Group, within};
use crate::stream::Stream;
use crate::{Logs, errors, tables};

/// API Reference, FilterLogEvents: a page has at most 10,000 events and 1 MB.
const MOST_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1_048_576;
/// What one call looks at before it answers with what it has and a token.
const SCANNED_EVENTS: usize = 50_000;
const SCANNED_BYTES: usize = 16 << 20;
/// Events read ahead: of all streams together, and of one.
const READ_AHEAD: usize = 2_000;
const READ_AHEAD_BYTES: usize = 256 << 10;

struct Search {
    group: u64,
    from: i64,
    /// Not included.
    to: i64,
    behind: Option<Place>,
    pattern: FilterPattern,
    limit: usize,
}

/// The events of one stream that are still to be looked at.
struct Cursor {
    stream: u64,
    name: String,
    /// Where the next reading begins; `None` when the stream has no more.
    next: Option<(i64, u64)>,
    ahead: VecDeque<(i64, u64, Event)>,
}

impl Handle<FilterLogEvents> for Logs {
    fn guard(&self, ctx: &Ctx, input: &FilterLogEventsInput) -> Result<Guard, ApiError> {
        let name =
            group::name_of(ctx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        Ok(group_guard(ctx, &name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: FilterLogEventsInput,
    ) -> Result<FilterLogEventsOutput, ApiError> {
        let name =
            group::name_of(ctx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
            return Err(errors::exclusive("logStreamNames", "logStreamNamePrefix"));
        }
        let limit = within(input.limit, "limit", MOST_EVENTS as i32, MOST_EVENTS)?;
        let behind = match input.next_token.as_deref() {
            Some(token) => Some(Place::parse(token).ok_or_else(errors::invalid_next_token)?),
            None => None,
        };
        let mut snapshot = ctx.read()?;
        let group = Group::find(&mut snapshot, &name)?;
        let search = Search {
            group: group.id,
            from: input.start_time.unwrap_or(i64::MIN).max(group.expired_before(ctx.now())),
            to: input.end_time.map_or(i64::MAX, |end| end.saturating_add(1)),
            behind,
            pattern: FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?,
            limit,
        };
        let streams = match input.log_stream_names {
            Some(names) => named(&mut snapshot, group.id, &names)?,
            None => search.prefixed(&mut snapshot, &input.log_stream_name_prefix.unwrap_or_default())?,
        };
        let (events, next_token) = search.run(&mut snapshot, streams)?;
        Ok(FilterLogEventsOutput {
            events: Some(events),
            next_token,
            // Empty since AWS stopped telling (API Reference, FilterLogEvents).
            searched_log_streams: Some(Vec::new()),
        })
    }
}

fn named(reader: &mut dyn Reader, group: u64, names: &[String]) -> Result<Vec<Stream>, ApiError> {
    const MOST: usize = 100;
    if names.is_empty() || names.len() > MOST {
        let rule = format!("Member must have length between 1 and {MOST}");
        return Err(errors::constraint(&format!("[{} names]", names.len()), "logStreamNames", &rule));
    }
    let mut streams =
        names.iter().map(|name| Stream::find(reader, group, name)).collect::<Result<Vec<_>, _>>()?;
    streams.sort_by_key(|stream| stream.id);
    streams.dedup_by_key(|stream| stream.id);
    Ok(streams)
}

impl Search {
    fn prefixed(&self, reader: &mut dyn Reader, prefix: &str) -> Result<Vec<Stream>, ApiError> {
        let range = Range::prefix(&self.group).starting_at(&(self.group, prefix.to_owned()));
        let mut streams = Vec::new();
        tables::STREAMS.visit(reader, &range, Order::Ascending, |_, stream| {
            if !stream.name.starts_with(prefix) {
                return ControlFlow::Break(());
            }
            if stream.overlaps(self.from, self.to) {
                streams.push(stream);
            }
            ControlFlow::Continue(())
        })?;
        Ok(streams)
    }

    /// Where the search in a stream begins: behind the token's event in the order of time, then of streams.
    fn start(&self, stream: u64) -> (i64, u64) {
        let Some(behind) = self.behind.filter(|behind| behind.time >= self.from) else {
            return (self.from, 0);
        };
        match stream.cmp(&behind.stream) {
            std::cmp::Ordering::Less => (behind.time.saturating_add(1), 0),
            std::cmp::Ordering::Equal => (behind.time, behind.sequence.saturating_add(1)),
            std::cmp::Ordering::Greater => (behind.time, 0),
        }
    }

    fn run(
        &self,
        reader: &mut dyn Reader,
        streams: Vec<Stream>,
    ) -> Result<(Vec<FilteredLogEvent>, Option<String>), ApiError> {
        let read_ahead = (READ_AHEAD / streams.len().max(1)).clamp(1, MOST_EVENTS);
        let mut cursors = Vec::with_capacity(streams.len());
        let mut heads = BinaryHeap::with_capacity(streams.len());
        for stream in streams {
            let next = Some(self.start(stream.id));
            let mut cursor = Cursor { stream: stream.id, name: stream.name, next, ahead: VecDeque::new() };
            cursor.refill(reader, self, read_ahead)?;
            heads.extend(cursor.head().map(|place| Reverse((place, cursors.len()))));
            cursors.push(cursor);
        }

        let mut found = Vec::new();
        let (mut found_bytes, mut scanned, mut scanned_bytes) = (0, 0, 0);
        while let Some(Reverse((place, index))) = heads.pop() {
            let cursor = &mut cursors[index];
            let Some((_, _, event)) = cursor.ahead.pop_front() else { continue };
            if cursor.ahead.is_empty() {
                cursor.refill(reader, self, read_ahead)?;
            }
            heads.extend(cursor.head().map(|place| Reverse((place, index))));
            scanned += 1;
            scanned_bytes += event.size();
            if self.pattern.matches(&event.message) {
                found_bytes += event.size();
                found.push(answer(place, &cursor.name, event));
            }
            let is_full = found.len() == self.limit
                || found_bytes >= PAGE_BYTES
                || scanned >= SCANNED_EVENTS
                || scanned_bytes >= SCANNED_BYTES;
            if is_full {
                return Ok((found, (!heads.is_empty()).then(|| place.id())));
            }
        }
        Ok((found, None))
    }
}

impl Cursor {
    fn head(&self) -> Option<Place> {
        let (time, sequence, _) = self.ahead.front()?;
        Some(Place { time: *time, stream: self.stream, sequence: *sequence })
    }

    fn refill(&mut self, reader: &mut dyn Reader, search: &Search, count: usize) -> Result<(), ApiError> {
        let Some((time, sequence)) = self.next.take() else { return Ok(()) };
        let (group, stream) = (search.group, self.stream);
        let range = Range::prefix(&(group, stream))
            .starting_at(&(group, stream, time, sequence))
            .before(&(group, stream, search.to));
        let mut bytes = 0;
        let (ahead, next) = (&mut self.ahead, &mut self.next);
        tables::EVENTS.visit(reader, &range, Order::Ascending, |(_, _, time, sequence), event| {
            if ahead.len() == count || bytes > READ_AHEAD_BYTES {
                *next = Some((time, sequence));
                return ControlFlow::Break(());
            }
            bytes += event.size();
            ahead.push_back((time, sequence, event));
            ControlFlow::Continue(())
        })?;
        Ok(())
    }
}

fn answer(place: Place, stream: &str, event: Event) -> FilteredLogEvent {
    FilteredLogEvent {
        event_id: Some(place.id()),
        log_stream_name: Some(stream.to_owned()),
        timestamp: Some(place.time),
        ingestion_time: Some(event.ingested.millis()),
        message: Some(event.message),
    }
}
