//! GetQueueUrl: the URL of a queue known by name.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, tenant};
use identity::AccountId;
use shapes::ApiError;
use sqs_api::op::GetQueueUrl;
use sqs_api::{GetQueueUrlInput, GetQueueUrlOutput};

use crate::{Sqs, errors, tables};

impl Handle<GetQueueUrl> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &GetQueueUrlInput) -> Result<Guard, ApiError> {
        if input.queue_name.is_empty() {
            return Err(errors::missing_parameter("QueueName"));
        }
        let owner = owner(ctx, input)?;
        self.queue_guard(ctx, &self.queue_url(owner, &input.queue_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetQueueUrlInput,
    ) -> Result<GetQueueUrlOutput, ApiError> {
        let owner = owner(ctx, &input)?;
        let mut snapshot = ctx.store().read(&tenant(owner, ctx.region()))?;
        if !tables::QUEUES.contains(&mut snapshot, &input.queue_name)? {
            return Err(errors::queue_does_not_exist());
        }
        Ok(GetQueueUrlOutput { queue_url: Some(self.queue_url(owner, &input.queue_name)) })
    }
}

fn owner(ctx: &Ctx, input: &GetQueueUrlInput) -> Result<AccountId, ApiError> {
    match &input.queue_owner_aws_account_id {
        Some(owner) => AccountId::parse(owner).ok_or_else(errors::queue_does_not_exist),
        None => Ok(ctx.account()),
    }
}
