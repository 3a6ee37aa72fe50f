//! GetParameterHistory.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use ssm_api::op::GetParameterHistory;
use ssm_api::{GetParameterHistoryInput, GetParameterHistoryOutput};
use store::Range;

use super::limit;
use crate::name::Named;
use crate::{Ssm, errors, tables};

impl Handle<GetParameterHistory> for Ssm {
    fn guard(&self, ctx: &Ctx, input: &GetParameterHistoryInput) -> Result<Guard, ApiError> {
        self.tagged_guard(ctx, &input.name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetParameterHistoryInput,
    ) -> Result<GetParameterHistoryOutput, ApiError> {
        let name = Named::parse(ctx, &input.name)?.name;
        let parameter = tables::PARAMETERS.find(&mut ctx.read()?, &name)?;
        let parameter = parameter.ok_or_else(|| errors::not_found(&name))?;
        let limit = limit(input.max_results, 50, 50);
        let mut range = Range::prefix(&name);
        if let Some(token) = input.next_token {
            let last: u64 = token.parse().map_err(|_| errors::validation("The NextToken is not valid."))?;
            range = range.after(&(name.clone(), last));
        }
        let mut rows = tables::VERSIONS.list(&mut ctx.read()?, &range, limit + 1)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_token = rows.last().filter(|_| has_more).map(|((_, number), _)| number.to_string());
        let mut history = Vec::with_capacity(rows.len());
        for ((_, number), version) in rows {
            let value = version.value.read(ctx, &name, input.with_decryption == Some(true)).await?;
            history.push(parameter.history(ctx, number, &version.head, value));
        }
        Ok(GetParameterHistoryOutput { parameters: Some(history), next_token })
    }
}
