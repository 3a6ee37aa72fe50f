//! SetDataRetrievalPolicy, GetDataRetrievalPolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{GetDataRetrievalPolicy, SetDataRetrievalPolicy};
use glacier_api::{
    DataRetrievalPolicy, DataRetrievalRule, GetDataRetrievalPolicyInput, GetDataRetrievalPolicyOutput,
    SetDataRetrievalPolicyInput, SetDataRetrievalPolicyOutput,
};
use shapes::ApiError;

use crate::retrieval_policy::Strategy;
use crate::{Glacier, errors, place, tables};

impl Handle<SetDataRetrievalPolicy> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &SetDataRetrievalPolicyInput) -> Result<Guard, ApiError> {
        self.account_guard(ctx, &input.account_id, "policies/data-retrieval")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: SetDataRetrievalPolicyInput,
    ) -> Result<SetDataRetrievalPolicyOutput, ApiError> {
        let scope = cloud::tenant(place::account_of(ctx, &input.account_id)?, ctx.region());
        let rules = input.policy.and_then(|policy| policy.rules).ok_or_else(|| errors::missing("Policy"))?;
        let [rule] = rules.as_slice() else {
            return Err(errors::invalid("A data retrieval policy has one rule"));
        };
        let strategy = Strategy::parse(rule.strategy.as_deref(), rule.bytes_per_hour)?;
        let write = ctx.store().write(&scope, move |tx| {
            tables::STRATEGY.put(tx, &0, &strategy);
            Ok::<_, ApiError>(())
        });
        write.await?;
        Ok(SetDataRetrievalPolicyOutput {})
    }
}

impl Handle<GetDataRetrievalPolicy> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &GetDataRetrievalPolicyInput) -> Result<Guard, ApiError> {
        self.account_guard(ctx, &input.account_id, "policies/data-retrieval")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetDataRetrievalPolicyInput,
    ) -> Result<GetDataRetrievalPolicyOutput, ApiError> {
        let scope = cloud::tenant(place::account_of(ctx, &input.account_id)?, ctx.region());
        let found = tables::STRATEGY.find(&mut ctx.store().read(&scope)?, &0)?;
        let strategy = found.unwrap_or(Strategy::None);
        let rule = DataRetrievalRule {
            strategy: Some(strategy.name().to_owned()),
            bytes_per_hour: match strategy {
                Strategy::BytesPerHour(bytes) => i64::try_from(bytes).ok(),
                Strategy::FreeTier | Strategy::None => None,
            },
        };
        Ok(GetDataRetrievalPolicyOutput { policy: Some(DataRetrievalPolicy { rules: Some(vec![rule]) }) })
    }
}
