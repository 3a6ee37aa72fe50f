//! GetShardIterator.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_streams_api::op::GetShardIterator;
use dynamodb_streams_api::{GetShardIteratorInput, GetShardIteratorOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::errors::{shard_not_found, trimmed, validation};
use crate::streams::{Extent, Iterator, StreamArn, parse_sequence, shard};
use crate::tables::STREAM_ENDS;

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
        let shard = shard::find(&mut snapshot, &stream, &input.shard_id)?;
        let shard = shard.ok_or_else(|| shard_not_found(&input.stream_arn, &input.shard_id))?;
        let extent = Extent::of(&mut snapshot, &shard, ctx.now())?;
        let sequence = || match &input.sequence_number {
            Some(text) => parse_sequence(text),
            None => Err(validation("The parameter SequenceNumber must be given for this ShardIteratorType")),
        };
        let next = match input.shard_iterator_type.as_str() {
            "TRIM_HORIZON" => extent.first,
            "LATEST" => match extent.closed_at {
                Some(last) => last + 1,
                None => STREAM_ENDS.find(&mut snapshot, &stream.id)?.unwrap_or_default().last + 1,
            },
            "AT_SEQUENCE_NUMBER" => sequence()?,
            _ => sequence()?.saturating_add(1),
        };
        if next <= extent.gone {
            return Err(trimmed());
        }
        if extent.closed_at.is_some_and(|last| next > last + 1) {
            return Err(validation(format!(
                "Invalid SequenceNumber: it is past the end of the shard {}",
                input.shard_id
            )));
        }
        let token =
            Iterator { stream: input.stream_arn, shard: input.shard_id, next, made: ctx.now() }.token();
        Ok(GetShardIteratorOutput { shard_iterator: Some(token) })
    }
}
