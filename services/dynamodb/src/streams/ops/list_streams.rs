//! ListStreams.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Handle};
use dynamodb_streams_api::op::ListStreams;
use dynamodb_streams_api::{ListStreamsInput, ListStreamsOutput, Stream};
use shapes::ApiError;
use store::{Order, Range};

use crate::DynamoDb;
use crate::streams::arn_of;
use crate::tables::TABLES;

/// Streams in one answer.
const MOST: usize = 100;

impl Handle<ListStreams> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListStreamsInput,
    ) -> Result<ListStreamsOutput, ApiError> {
        let limit = input.limit.map_or(MOST, |limit| (limit.max(1) as usize).min(MOST));
        let mut streams = Vec::new();
        let mut is_behind = input.exclusive_start_stream_arn.is_none();
        TABLES.visit(&mut ctx.read()?, &Range::all(), Order::Ascending, |name, table| {
            let Some(arn) = arn_of(ctx, &table) else { return ControlFlow::Continue(()) };
            let is_wanted = input.table_name.as_ref().is_none_or(|wanted| *wanted == name);
            if is_behind && is_wanted {
                streams.push(Stream {
                    stream_arn: Some(arn.clone()),
                    table_name: Some(name),
                    stream_label: table.stream_label,
                });
            }
            is_behind |= input.exclusive_start_stream_arn.as_ref() == Some(&arn);
            if streams.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let has_more = streams.len() > limit;
        streams.truncate(limit);
        let last = streams.last().and_then(|stream| stream.stream_arn.clone()).filter(|_| has_more);
        Ok(ListStreamsOutput { streams: Some(streams), last_evaluated_stream_arn: last })
    }
}
