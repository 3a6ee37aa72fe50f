//! GetAccountSettings.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Handle};
use lambda_api::op::GetAccountSettings;
use lambda_api::{AccountLimit, AccountUsage, GetAccountSettingsInput, GetAccountSettingsOutput};
use shapes::ApiError;
use store::{Order, Range};

use crate::code::{MOST_UNZIPPED_BYTES, MOST_ZIPPED_BYTES};
use crate::{Lambda, tables};

/// Of all packages of an account (Developer Guide, "Lambda quotas"); told and not enforced.
const ALL_CODE_BYTES: i64 = 75 << 30;

impl Handle<GetAccountSettings> for Lambda {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        _: GetAccountSettingsInput,
    ) -> Result<GetAccountSettingsOutput, ApiError> {
        let (mut functions, mut bytes, mut reserved) = (0, 0, 0);
        tables::FUNCTIONS.visit(&mut ctx.read()?, &Range::all(), Order::Ascending, |_, function| {
            functions += 1;
            bytes += function.latest.code.zipped_bytes as i64;
            reserved += function.reserved_concurrency.unwrap_or(0);
            ControlFlow::Continue(())
        })?;
        let limit = self.concurrency.limit();
        Ok(GetAccountSettingsOutput {
            account_limit: Some(AccountLimit {
                total_code_size: Some(ALL_CODE_BYTES),
                code_size_unzipped: Some(MOST_UNZIPPED_BYTES as i64),
                code_size_zipped: Some(MOST_ZIPPED_BYTES as i64),
                concurrent_executions: Some(limit as i32),
                unreserved_concurrent_executions: Some(limit.saturating_sub(reserved) as i32),
            }),
            account_usage: Some(AccountUsage {
                total_code_size: Some(bytes),
                function_count: Some(functions),
            }),
        })
    }
}
