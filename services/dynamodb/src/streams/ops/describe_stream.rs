//! DescribeStream.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_streams_api::op::DescribeStream;
use dynamodb_streams_api::{
    DescribeStreamInput, DescribeStreamOutput, KeySchemaElement, SequenceNumberRange, Shard,
    StreamDescription,
};
use shapes::ApiError;

use crate::DynamoDb;
use crate::streams::shard::shards;
use crate::streams::{Extent, StreamArn, sequence_text};

/// API Reference, DescribeStream, "Limit".
const MOST_SHARDS: usize = 100;

impl Handle<DescribeStream> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &DescribeStreamInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.stream_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeStreamInput,
    ) -> Result<DescribeStreamOutput, ApiError> {
        let arn = StreamArn::parse(&input.stream_arn)?;
        let mut snapshot = ctx.store().read(&arn.scope())?;
        let stream = arn.find(&mut snapshot, &input.stream_arn)?;
        let most = input.limit.map_or(MOST_SHARDS, |limit| (limit.max(1) as usize).min(MOST_SHARDS));
        let after = input.exclusive_start_shard_id.as_deref();
        let mut shards = shards(&mut snapshot, &stream, after, most + 1)?;
        let has_more = shards.len() > most;
        shards.truncate(most);
        let shards = shards.into_iter().map(|shard| {
            let extent = Extent::of(&mut snapshot, &shard, ctx.now())?;
            Ok(Shard {
                shard_id: Some(shard.id()),
                sequence_number_range: Some(SequenceNumberRange {
                    starting_sequence_number: Some(sequence_text(extent.first)),
                    ending_sequence_number: extent
                        .closed_at
                        .map(|last| sequence_text(last.max(extent.first))),
                }),
                parent_shard_id: shard.row.parent,
            })
        });
        let shards = shards.collect::<Result<Vec<_>, ApiError>>()?;
        let last_evaluated_shard_id =
            shards.last().and_then(|shard| shard.shard_id.clone()).filter(|_| has_more);
        let element = |name: &str, role: &str| KeySchemaElement {
            attribute_name: name.to_owned(),
            key_type: role.to_owned(),
        };
        let mut key_schema = vec![element(&stream.keys.hash.name, "HASH")];
        key_schema.extend(stream.keys.range.as_ref().map(|range| element(&range.name, "RANGE")));
        let status = if stream.ended.is_some() { "DISABLED" } else { "ENABLED" };
        Ok(DescribeStreamOutput {
            stream_description: Some(StreamDescription {
                stream_arn: Some(input.stream_arn),
                stream_label: Some(arn.label),
                stream_status: Some(status.to_owned()),
                stream_view_type: Some(stream.view.name().to_owned()),
                creation_request_date_time: Some(stream.created),
                table_name: Some(arn.table),
                key_schema: Some(key_schema),
                shards: Some(shards),
                last_evaluated_shard_id,
            }),
        })
    }
}
