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
use crate::streams::{StreamArn, sequence_text, shard_id};

impl Handle<DescribeStream> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &DescribeStreamInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.stream_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeStreamInput,
    ) -> Result<DescribeStreamOutput, ApiError> {
        let stream = StreamArn::parse(&input.stream_arn)?;
        let table = stream.table(&mut ctx.store().read(&stream.scope())?, &input.stream_arn)?;
        let shard = Shard {
            shard_id: Some(shard_id(&table)),
            sequence_number_range: Some(SequenceNumberRange {
                starting_sequence_number: Some(sequence_text(1)),
                ending_sequence_number: None,
            }),
            parent_shard_id: None,
        };
        let keys = &table.definition.keys;
        let element = |name: &str, role: &str| KeySchemaElement {
            attribute_name: name.to_owned(),
            key_type: role.to_owned(),
        };
        let mut key_schema = vec![element(&keys.hash.name, "HASH")];
        key_schema.extend(keys.range.as_ref().map(|range| element(&range.name, "RANGE")));
        let is_behind = input.exclusive_start_shard_id.is_none_or(|last| last != shard_id(&table));
        Ok(DescribeStreamOutput {
            stream_description: Some(StreamDescription {
                stream_arn: Some(input.stream_arn),
                stream_label: table.stream_label.clone(),
                stream_status: Some("ENABLED".to_owned()),
                stream_view_type: table.definition.stream.map(|view| view.name().to_owned()),
                creation_request_date_time: Some(table.created),
                table_name: Some(table.definition.name.clone()),
                key_schema: Some(key_schema),
                shards: Some(if is_behind { vec![shard] } else { Vec::new() }),
                last_evaluated_shard_id: None,
            }),
        })
    }
}
