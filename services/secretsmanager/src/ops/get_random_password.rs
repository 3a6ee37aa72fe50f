//! GetRandomPassword.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use secretsmanager_api::op::GetRandomPassword;
use secretsmanager_api::{GetRandomPasswordInput, GetRandomPasswordOutput};
use shapes::ApiError;

use crate::{SecretsManager, password};

impl Handle<GetRandomPassword> for SecretsManager {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetRandomPasswordInput,
    ) -> Result<GetRandomPasswordOutput, ApiError> {
        Ok(GetRandomPasswordOutput { random_password: Some(password::random(ctx.ids(), &input)?) })
    }
}
