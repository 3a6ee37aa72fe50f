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
use crate::streams::{StreamArn, extent, sequence_text, shard_id};

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
        let (first, last) = extent(&mut snapshot, &stream, ctx.now())?;
        let shard = Shard {
            shard_id: Some(shard_id(&stream)),
            sequence_number_range: Some(SequenceNumberRange {
                starting_sequence_number: Some(sequence_text(first)),
                ending_sequence_number: stream.ended.map(|_| sequence_text(last.max(first))),
            }),
            parent_shard_id: None,
        };
        let element = |name: &str, role: &str| KeySchemaElement {
            attribute_name: name.to_owned(),
            key_type: role.to_owned(),
        };
        let mut key_schema = vec![element(&stream.keys.hash.name, "HASH")];
        key_schema.extend(stream.keys.range.as_ref().map(|range| element(&range.name, "RANGE")));
        let is_behind = input.exclusive_start_shard_id.is_none_or(|last| last != shard_id(&stream));
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
                shards: Some(if is_behind { vec![shard] } else { Vec::new() }),
                last_evaluated_shard_id: None,
            }),
        })
    }
}
