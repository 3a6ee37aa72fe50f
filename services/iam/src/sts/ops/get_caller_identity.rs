//! GetCallerIdentity: whose credentials a request carries.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sts_api::op::GetCallerIdentity;
use sts_api::{GetCallerIdentityInput, GetCallerIdentityOutput};

use crate::Iam;

impl Handle<GetCallerIdentity> for Iam {
    /// Nobody is refused (STS API Reference: "No permissions are required").
    fn guard(&self, _: &Ctx, _: &GetCallerIdentityInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        _: GetCallerIdentityInput,
    ) -> Result<GetCallerIdentityOutput, ApiError> {
        let principal = ctx.principal();
        Ok(GetCallerIdentityOutput {
            user_id: Some(principal.userid()),
            account: Some(ctx.account().to_string()),
            arn: Some(principal.arn()),
        })
    }
}
