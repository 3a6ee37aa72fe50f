//! GetLogEvents: a stream's events, page by page in either direction.
//!
//! Tokens point between events. A page that finds nothing answers with the place it was asked for, which is how
//! clients see that they are at an end.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use logs_api::op::GetLogEvents;
use logs_api::{GetLogEventsInput, GetLogEventsOutput, OutputLogEvent};
use shapes::ApiError;
use store::{Order, Range};

use super::stream_guard;
use crate::event::{Boundary, Direction};
use crate::group::{self, Group, within};
use crate::stream::Stream;
use crate::{Logs, errors, tables};

/// API Reference, GetLogEvents: a page has at most 10,000 events and 1 MB.
const MOST_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1_048_576;

impl Handle<GetLogEvents> for Logs {
    fn guard(&self, ctx: &Ctx, input: &GetLogEventsInput) -> Result<Guard, ApiError> {
        let name =
            group::name_of(ctx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        Ok(stream_guard(ctx, &name, &input.log_stream_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetLogEventsInput,
    ) -> Result<GetLogEventsOutput, ApiError> {
        let name =
            group::name_of(ctx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        let limit = within(input.limit, "limit", MOST_EVENTS as i32, MOST_EVENTS)?;
        let token = match input.next_token.as_deref() {
            Some(token) => Some(Boundary::parse(token).ok_or_else(errors::invalid_next_token)?),
            None => None,
        };
        let direction = match token {
            Some((direction, _)) => direction,
            None if input.start_from_head == Some(true) => Direction::Forward,
            None => Direction::Backward,
        };
        let mut snapshot = ctx.read()?;
        let group = Group::find(&mut snapshot, &name)?;
        let stream = Stream::find(&mut snapshot, group.id, &input.log_stream_name)?;

        let (group_id, stream_id) = (group.id, stream.id);
        let from = input.start_time.unwrap_or(i64::MIN).max(group.expired_before(ctx.now()));
        let mut range = Range::prefix(&(group_id, stream_id)).starting_at(&(group_id, stream_id, from));
        if let Some(to) = input.end_time {
            range = range.before(&(group_id, stream_id, to));
        }
        let order = match direction {
            Direction::Forward => Order::Ascending,
            Direction::Backward => Order::Descending,
        };
        if let Some((_, Boundary { time, sequence })) = token {
            let key = (group_id, stream_id, time, sequence);
            range = match direction {
                Direction::Forward => range.starting_at(&key),
                Direction::Backward => range.before(&key),
            };
        }

        let mut page = Vec::new();
        let mut bytes = 0;
        tables::EVENTS.visit(&mut snapshot, &range, order, |(_, _, time, sequence), event| {
            bytes += event.size();
            if page.len() == limit || (bytes > PAGE_BYTES && !page.is_empty()) {
                return ControlFlow::Break(());
            }
            page.push((Boundary { time, sequence }, event));
            ControlFlow::Continue(())
        })?;
        if direction == Direction::Backward {
            page.reverse();
        }
        let asked = token.map_or(Boundary::START, |(_, boundary)| boundary);
        let before = page.first().map_or(asked, |(boundary, _)| *boundary);
        let behind = page.last().map_or(asked, |(boundary, _)| Boundary {
            sequence: boundary.sequence.saturating_add(1),
            ..*boundary
        });
        let events = page
            .into_iter()
            .map(|(boundary, event)| OutputLogEvent {
                timestamp: Some(boundary.time),
                message: Some(event.message),
                ingestion_time: Some(event.ingested.millis()),
            })
            .collect();
        Ok(GetLogEventsOutput {
            events: Some(events),
            next_forward_token: Some(behind.token(Direction::Forward)),
            next_backward_token: Some(before.token(Direction::Backward)),
        })
    }
}
