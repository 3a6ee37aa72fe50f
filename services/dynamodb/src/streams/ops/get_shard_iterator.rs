//! GetShardIterator.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_streams_api::op::GetShardIterator;
use dynamodb_streams_api::{GetShardIteratorInput, GetShardIteratorOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::errors::{stream_not_found, validation};
use crate::streams::{Iterator, StreamArn, parse_sequence, shard_id};
use crate::tables::LAST_RECORD;

impl Handle<GetShardIterator> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &GetShardIteratorInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.stream_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetShardIteratorInput,
    ) -> Result<GetShardIteratorOutput, ApiError> {
        let stream = StreamArn::parse(&input.stream_arn)?;
        let mut snapshot = ctx.store().read(&stream.scope())?;
        let table = stream.table(&mut snapshot, &input.stream_arn)?;
        if input.shard_id != shard_id(&table) {
            return Err(stream_not_found(&input.shard_id));
        }
        let sequence = || match &input.sequence_number {
            Some(text) => parse_sequence(text),
            None => Err(validation("The parameter SequenceNumber must be given for this ShardIteratorType")),
        };
        let next = match input.shard_iterator_type.as_str() {
            "TRIM_HORIZON" => 1,
            "LATEST" => LAST_RECORD.find(&mut snapshot, &table.id)?.unwrap_or_default().0 + 1,
            "AT_SEQUENCE_NUMBER" => sequence()?,
            _ => sequence()?.saturating_add(1),
        };
        let token = Iterator { stream: input.stream_arn.clone(), next }.token();
        Ok(GetShardIteratorOutput { shard_iterator: Some(token) })
    }
}
