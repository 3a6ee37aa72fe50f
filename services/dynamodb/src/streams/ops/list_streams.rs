//! ListStreams.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use dynamodb_streams_api::op::ListStreams;
use dynamodb_streams_api::{ListStreamsInput, ListStreamsOutput, Stream};
use shapes::ApiError;
use store::Range;

use crate::DynamoDb;
use crate::streams::StreamArn;
use crate::tables::STREAMS;
use crate::target::Target;

/// Streams in one answer.
const MOST: usize = 100;

impl Handle<ListStreams> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListStreamsInput,
    ) -> Result<ListStreamsOutput, ApiError> {
        let limit = input.limit.map_or(MOST, |limit| (limit.max(1) as usize).min(MOST));
        let mut range = input.table_name.as_ref().map_or(Range::all(), Range::prefix);
        if let Some(last) = &input.exclusive_start_stream_arn {
            let last = StreamArn::parse(last)?;
            range = range.after(&(last.table, last.label));
        }
        let rows = STREAMS.list(&mut ctx.read()?, &range, limit + 1)?;
        let has_more = rows.len() > limit;
        let streams: Vec<_> = rows
            .into_iter()
            .take(limit)
            .map(|((table, label), _)| Stream {
                stream_arn: Some(format!("{}/stream/{label}", Target::own(ctx, table.clone()).arn())),
                table_name: Some(table),
                stream_label: Some(label),
            })
            .collect();
        let last = streams.last().and_then(|stream| stream.stream_arn.clone()).filter(|_| has_more);
        Ok(ListStreamsOutput { streams: Some(streams), last_evaluated_stream_arn: last })
    }
}
