//! DescribeKey: a key's attributes. An AWS managed key that is described by its alias is made if need be.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::DescribeKey;
use kms_api::{DescribeKeyInput, DescribeKeyOutput};
use shapes::ApiError;

use crate::Kms;
use crate::lookup::Use;

impl Handle<DescribeKey> for Kms {
    fn guard(&self, ctx: &Ctx, input: &DescribeKeyInput) -> Result<Guard, ApiError> {
        self.named_guard(ctx, &input.key_id, Use::of("DescribeKey"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeKeyInput,
    ) -> Result<DescribeKeyOutput, ApiError> {
        let located = self.made(ctx, &input.key_id).await?;
        Ok(DescribeKeyOutput { key_metadata: Some(located.metadata()) })
    }
}
