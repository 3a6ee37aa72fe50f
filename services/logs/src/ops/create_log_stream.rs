//! CreateLogStream.

use cloud::{Ctx, Guard, Transact};
use logs_api::op::CreateLogStream;
use logs_api::{CreateLogStreamInput, CreateLogStreamOutput};
use shapes::ApiError;
use store::Tx;

use super::{new_id, stream_guard};
use crate::group::{self, Group};
use crate::stream::{self, Stream};
use crate::{Logs, errors, tables};

impl Transact<CreateLogStream> for Logs {
    type Draft = (String, Stream);

    fn guard(&self, ctx: &Ctx, input: &CreateLogStreamInput) -> Result<Guard, ApiError> {
        Ok(stream_guard(ctx, &input.log_group_name, &input.log_stream_name))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateLogStreamInput) -> Result<Self::Draft, ApiError> {
        group::check_name(&input.log_group_name, "logGroupName")?;
        stream::check_name(&input.log_stream_name)?;
        Ok((input.log_group_name, Stream::new(input.log_stream_name, new_id(ctx), ctx.now())))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (group, stream): &Self::Draft,
    ) -> Result<CreateLogStreamOutput, ApiError> {
        let key = (Group::find(tx, group)?.id, stream.name.clone());
        if tables::STREAMS.contains(tx, &key)? {
            return Err(errors::stream_already_exists());
        }
        tables::STREAMS.put(tx, &key, stream);
        Ok(CreateLogStreamOutput {})
    }
}
