//! DescribeLogStreams: a group's streams by their names or by the time of their latest event.

use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use logs_api::op::DescribeLogStreams;
use logs_api::{DescribeLogStreamsInput, DescribeLogStreamsOutput, LogStream};
use shapes::ApiError;
use store::{Order, Range, Reader};

use super::group_guard;
use crate::group::{self, Group, within};
use crate::stream::Stream;
use crate::{Logs, errors, tables};

const PAGE: usize = 50;

struct Request {
    group: u64,
    prefix: String,
    order: Order,
    limit: usize,
}

impl Handle<DescribeLogStreams> for Logs {
    fn guard(&self, ctx: &Ctx, input: &DescribeLogStreamsInput) -> Result<Guard, ApiError> {
        let name =
            group::name_of(ctx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        Ok(group_guard(ctx, &name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeLogStreamsInput,
    ) -> Result<DescribeLogStreamsOutput, ApiError> {
        let name =
            group::name_of(ctx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        let limit = within(input.limit, "limit", PAGE as i32, PAGE)?;
        let by_time = match input.order_by.as_deref() {
            None | Some("LogStreamName") => false,
            Some("LastEventTime") if input.log_stream_name_prefix.is_some() => {
                return Err(errors::invalid_parameter(
                    "Cannot order by LastEventTime with a logStreamNamePrefix.",
                ));
            }
            Some("LastEventTime") => true,
            Some(other) => {
                let rule = "Member must satisfy enum value set: [LogStreamName, LastEventTime]";
                return Err(errors::constraint(other, "orderBy", rule));
            }
        };
        let mut snapshot = ctx.read()?;
        let request = Request {
            group: Group::find(&mut snapshot, &name)?.id,
            prefix: input.log_stream_name_prefix.unwrap_or_default(),
            order: if input.descending == Some(true) { Order::Descending } else { Order::Ascending },
            limit,
        };
        let mut streams = if by_time {
            request.by_time(&mut snapshot, input.next_token.as_deref())?
        } else {
            request.by_name(&mut snapshot, input.next_token)?
        };
        let has_more = streams.len() > limit;
        streams.truncate(limit);
        let last = streams.last().filter(|_| has_more);
        let next_token = last.map(|last| if by_time { time_token(last) } else { last.name.clone() });
        let log_streams = streams.into_iter().map(|stream| answer(ctx, &name, stream)).collect();
        Ok(DescribeLogStreamsOutput { log_streams: Some(log_streams), next_token })
    }
}

impl Request {
    /// One more than the page holds, if there are so many.
    fn by_name(&self, reader: &mut dyn Reader, token: Option<String>) -> Result<Vec<Stream>, ApiError> {
        let mut range = Range::prefix(&self.group).starting_at(&(self.group, self.prefix.clone()));
        if let Some(last) = token {
            let last = (self.group, last);
            range = match self.order {
                Order::Ascending => range.after(&last),
                Order::Descending => range.before(&last),
            };
        }
        let mut streams = Vec::new();
        tables::STREAMS.visit(reader, &range, self.order, |_, stream| {
            if stream.name.starts_with(&self.prefix) {
                streams.push(stream);
            } else if self.order == Order::Ascending {
                return ControlFlow::Break(());
            }
            if streams.len() > self.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(streams)
    }

    /// As [`Self::by_name`]. Looks at every stream and keeps no more than a page of them.
    fn by_time(&self, reader: &mut dyn Reader, token: Option<&str>) -> Result<Vec<Stream>, ApiError> {
        let start = token.map(parse_time_token).transpose()?;
        let sign = if self.order == Order::Descending { -1 } else { 1 };
        let rank = |time: i64| time.saturating_mul(sign);
        let mut nearest: BinaryHeap<(i64, String)> = BinaryHeap::new();
        let behind = start.map(|(time, name)| (rank(time), name));
        tables::STREAMS.visit(reader, &Range::prefix(&self.group), Order::Ascending, |_, stream| {
            let place = (rank(stream.last_event.unwrap_or(0)), stream.name);
            if behind.as_ref().is_none_or(|behind| place > *behind) {
                nearest.push(place);
                if nearest.len() > self.limit + 1 {
                    nearest.pop();
                }
            }
            ControlFlow::Continue(())
        })?;
        let mut streams = Vec::new();
        for (_, name) in nearest.into_sorted_vec() {
            streams.extend(tables::STREAMS.find(reader, &(self.group, name))?);
        }
        Ok(streams)
    }
}

fn time_token(stream: &Stream) -> String {
    format!("{}/{}", stream.last_event.unwrap_or(0), stream.name)
}

fn parse_time_token(token: &str) -> Result<(i64, String), ApiError> {
    let (time, name) = token.split_once('/').ok_or_else(errors::invalid_next_token)?;
    Ok((time.parse().map_err(|_| errors::invalid_next_token())?, name.to_owned()))
}

fn answer(ctx: &Ctx, group: &str, stream: Stream) -> LogStream {
    LogStream {
        arn: Some(group::policy_arn(ctx, group, &stream.name)),
        creation_time: Some(stream.created.millis()),
        first_event_timestamp: stream.first_event,
        last_event_timestamp: stream.last_event,
        last_ingestion_time: stream.last_ingestion.map(|time| time.millis()),
        upload_sequence_token: Some(stream.sequence_token()),
        // AWS reports 0 for streams since June 2019 (API Reference, LogStream).
        stored_bytes: Some(0),
        log_stream_name: Some(stream.name),
    }
}
