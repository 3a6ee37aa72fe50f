//! GetKeyPolicy, PutKeyPolicy and ListKeyPolicies.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use kms_api::op::{GetKeyPolicy, ListKeyPolicies, PutKeyPolicy};
use kms_api::{
    GetKeyPolicyInput, GetKeyPolicyOutput, ListKeyPoliciesInput, ListKeyPoliciesOutput, PutKeyPolicyInput,
    PutKeyPolicyOutput,
};
use shapes::ApiError;
use store::Tx;

use crate::key_id::KeyId;
use crate::{Kms, errors, lookup, policy};

impl Handle<GetKeyPolicy> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GetKeyPolicyInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetKeyPolicyInput,
    ) -> Result<GetKeyPolicyOutput, ApiError> {
        check_name(input.policy_name.as_deref())?;
        let located = self.locate_by_id(ctx, &input.key_id)?;
        Ok(GetKeyPolicyOutput {
            policy: Some(located.key.policy.clone()),
            policy_name: Some(policy::NAME.to_owned()),
        })
    }
}

impl Transact<PutKeyPolicy> for Kms {
    type Draft = (KeyId, String);

    fn guard(&self, ctx: &Ctx, input: &PutKeyPolicyInput) -> Result<Guard, ApiError> {
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(guard.with("kms:bypasspolicylockoutsafetycheck", vec![bypass.to_string()]))
    }

    fn prepare(&self, ctx: &Ctx, input: PutKeyPolicyInput) -> Result<Self::Draft, ApiError> {
        check_name(input.policy_name.as_deref())?;
        let id = KeyId::parse_id(ctx, &input.key_id)?;
        let located = self.locate(ctx, &id)?;
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        self.check_policy(ctx, (located.account, &located.key.id), &input.policy, bypass)?;
        Ok((id, input.policy))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, policy): &Self::Draft,
    ) -> Result<PutKeyPolicyOutput, ApiError> {
        lookup::change(ctx, tx, id, |_, _, key| {
            key.policy.clone_from(policy);
            Ok(PutKeyPolicyOutput {})
        })
    }
}

impl Handle<ListKeyPolicies> for Kms {
    fn guard(&self, ctx: &Ctx, input: &ListKeyPoliciesInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListKeyPoliciesInput,
    ) -> Result<ListKeyPoliciesOutput, ApiError> {
        self.locate_by_id(ctx, &input.key_id)?;
        Ok(ListKeyPoliciesOutput {
            policy_names: Some(vec![policy::NAME.to_owned()]),
            next_marker: None,
            truncated: Some(false),
        })
    }
}

fn check_name(name: Option<&str>) -> Result<(), ApiError> {
    match name {
        None | Some(policy::NAME) => Ok(()),
        Some(_) => Err(errors::no_such_policy()),
    }
}
