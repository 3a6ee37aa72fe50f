//! PutLogEvents: adds a batch of events to a stream.

use cloud::{Ctx, Guard, Transact};
use logs_api::op::PutLogEvents;
use logs_api::{InputLogEvent, PutLogEventsInput, PutLogEventsOutput, RejectedLogEventsInfo};
use shapes::ApiError;
use store::Tx;

use super::stream_guard;
use crate::event::{EVENT_OVERHEAD_BYTES, Event};
use crate::group::{self, Group};
use crate::jobs::retention;
use crate::stream::{self, Stream};
use crate::{Logs, errors, tables};

// API Reference, PutLogEvents.
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1_048_576;
const LONGEST_SPAN_MILLIS: i64 = 24 * HOUR_MILLIS;
const FARTHEST_AHEAD_MILLIS: i64 = 2 * HOUR_MILLIS;
const FARTHEST_BACK_MILLIS: i64 = 14 * 24 * HOUR_MILLIS;
const HOUR_MILLIS: i64 = 3_600_000;

pub(crate) struct Batch {
    group: String,
    stream: String,
    events: Vec<InputLogEvent>,
    bytes: usize,
}

impl Transact<PutLogEvents> for Logs {
    type Draft = Batch;

    fn guard(&self, ctx: &Ctx, input: &PutLogEventsInput) -> Result<Guard, ApiError> {
        Ok(stream_guard(ctx, &input.log_group_name, &input.log_stream_name))
    }

    fn prepare(&self, _: &Ctx, input: PutLogEventsInput) -> Result<Batch, ApiError> {
        group::check_name(&input.log_group_name, "logGroupName")?;
        stream::check_name(&input.log_stream_name)?;
        let bytes = check_events(&input.log_events)?;
        Ok(Batch {
            group: input.log_group_name,
            stream: input.log_stream_name,
            events: input.log_events,
            bytes,
        })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, batch: &Batch) -> Result<PutLogEventsOutput, ApiError> {
        let now = ctx.now();
        let mut group = Group::find(tx, &batch.group)?;
        let mut stream = Stream::find(tx, group.id, &batch.stream)?;
        let accepted = Accepted::of(&batch.events, now.millis(), group.expired_before(now));
        for input in &batch.events[accepted.from..accepted.to] {
            let event = Event { message: input.message.clone(), ingested: now };
            stream.stored_bytes = stream.stored_bytes.saturating_add(event.size() as u64);
            tables::EVENTS.put(tx, &(group.id, stream.id, input.timestamp, stream.next_sequence), &event);
            stream.next_sequence += 1;
        }
        if let [first, .., last] | [first @ last] = &batch.events[accepted.from..accepted.to] {
            let (first, last) = (first.timestamp, last.timestamp);
            stream.first_event = Some(stream.first_event.map_or(first, |known| known.min(first)));
            stream.last_event = Some(stream.last_event.map_or(last, |known| known.max(last)));
            stream.last_ingestion = Some(now);
            tables::STREAMS.put(tx, &(group.id, stream.name.clone()), &stream);
            retention::ensure(ctx, tx, &mut group, first);
        }
        let count = (accepted.to - accepted.from) as f64;
        ctx.publish("AWS/Logs", "IncomingLogEvents", ("LogGroupName", &group.name), count);
        ctx.publish("AWS/Logs", "IncomingBytes", ("LogGroupName", &group.name), batch.bytes as f64);
        Ok(PutLogEventsOutput {
            next_sequence_token: Some(stream.sequence_token()),
            rejected_log_events_info: accepted.rejected,
            ..Default::default()
        })
    }
}

/// Returns the batch's size.
fn check_events(events: &[InputLogEvent]) -> Result<usize, ApiError> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        let rule = "Member must have length greater than or equal to 1";
        return Err(errors::constraint("[]", "logEvents", rule));
    };
    if events.len() > MOST_EVENTS {
        let rule = format!("Member must have length less than or equal to {MOST_EVENTS}");
        return Err(errors::constraint(&format!("[{} events]", events.len()), "logEvents", &rule));
    }
    let mut bytes = 0;
    for (index, event) in events.iter().enumerate() {
        if event.message.is_empty() {
            let member = format!("logEvents.{}.member.message", index + 1);
            return Err(errors::constraint(
                "",
                &member,
                "Member must have length greater than or equal to 1",
            ));
        }
        if event.timestamp < 0 {
            let member = format!("logEvents.{}.member.timestamp", index + 1);
            let rule = "Member must have value greater than or equal to 0";
            return Err(errors::constraint(&event.timestamp.to_string(), &member, rule));
        }
        bytes += event.message.len() + EVENT_OVERHEAD_BYTES;
    }
    if bytes > MOST_BYTES {
        return Err(errors::upload_too_large(bytes, MOST_BYTES));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(errors::not_in_order());
    }
    if last.timestamp - first.timestamp > LONGEST_SPAN_MILLIS {
        return Err(errors::spans_too_long());
    }
    Ok(bytes)
}

/// Which part of a batch is neither too old nor too new.
struct Accepted {
    from: usize,
    to: usize,
    rejected: Option<RejectedLogEventsInfo>,
}

impl Accepted {
    fn of(events: &[InputLogEvent], now: i64, expired_before: i64) -> Self {
        let older_than = |time: i64| events.partition_point(|event| event.timestamp < time);
        let expired = older_than(expired_before);
        let too_old = older_than(now - FARTHEST_BACK_MILLIS);
        let to = older_than(now + FARTHEST_AHEAD_MILLIS + 1);
        let from = expired.max(too_old).min(to);
        let index = |index: usize| i32::try_from(index).unwrap_or(i32::MAX);
        let rejected = RejectedLogEventsInfo {
            expired_log_event_end_index: (expired > 0).then(|| index(expired)),
            too_old_log_event_end_index: (too_old > 0).then(|| index(too_old)),
            too_new_log_event_start_index: (to < events.len()).then(|| index(to)),
        };
        let has_rejected = from > 0 || to < events.len();
        Self { from, to, rejected: has_rejected.then_some(rejected) }
    }
}
