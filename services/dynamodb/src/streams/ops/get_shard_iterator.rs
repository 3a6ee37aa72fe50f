//! GetShardIterator.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_streams_api::op::GetShardIterator;
use dynamodb_streams_api::{GetShardIteratorInput, GetShardIteratorOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::errors::{shard_not_found, trimmed, validation};
use crate::streams::{Iterator, StreamArn, extent, parse_sequence, shard_id};

impl Handle<GetShardIterator> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &GetShardIteratorInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.stream_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetShardIteratorInput,
    ) -> Result<GetShardIteratorOutput, ApiError> {
        let arn = StreamArn::parse(&input.stream_arn)?;
        let mut snapshot = ctx.store().read(&arn.scope())?;
        let stream = arn.find(&mut snapshot, &input.stream_arn)?;
        if input.shard_id != shard_id(&stream) {
            return Err(shard_not_found(&input.stream_arn, &input.shard_id));
        }
        let (first, last) = extent(&mut snapshot, &stream, ctx.now())?;
        let sequence = || match &input.sequence_number {
            Some(text) => parse_sequence(text),
            None => Err(validation("The parameter SequenceNumber must be given for this ShardIteratorType")),
        };
        let next = match input.shard_iterator_type.as_str() {
            "TRIM_HORIZON" => first,
            "LATEST" => last + 1,
            "AT_SEQUENCE_NUMBER" => sequence()?,
            _ => sequence()?.saturating_add(1),
        };
        if next < first {
            return Err(trimmed());
        }
        let token = Iterator { stream: input.stream_arn, next, made: ctx.now() }.token();
        Ok(GetShardIteratorOutput { shard_iterator: Some(token) })
    }
}
