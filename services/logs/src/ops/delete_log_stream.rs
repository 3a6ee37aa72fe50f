//! DeleteLogStream: the stream is gone at once, and a job takes away its events.

use cloud::{Ctx, Guard, Transact};
use logs_api::op::DeleteLogStream;
use logs_api::{DeleteLogStreamInput, DeleteLogStreamOutput};
use shapes::ApiError;
use store::Tx;

use super::stream_guard;
use crate::group::{self, Group};
use crate::jobs::purge;
use crate::stream::{self, Stream};
use crate::{Logs, tables};

impl Transact<DeleteLogStream> for Logs {
    type Draft = (String, String);

    fn guard(&self, ctx: &Ctx, input: &DeleteLogStreamInput) -> Result<Guard, ApiError> {
        Ok(stream_guard(ctx, &input.log_group_name, &input.log_stream_name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteLogStreamInput) -> Result<Self::Draft, ApiError> {
        group::check_name(&input.log_group_name, "logGroupName")?;
        stream::check_name(&input.log_stream_name)?;
        Ok((input.log_group_name, input.log_stream_name))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (group, stream): &Self::Draft,
    ) -> Result<DeleteLogStreamOutput, ApiError> {
        let group = Group::find(tx, group)?;
        let stream = Stream::find(tx, group.id, stream)?;
        purge::schedule(ctx, tx, &group.name, group.id, Some(stream.id));
        tables::STREAMS.delete(tx, &(group.id, stream.name));
        Ok(DeleteLogStreamOutput {})
    }
}
