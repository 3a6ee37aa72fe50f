//! SetVaultAccessPolicy, GetVaultAccessPolicy, DeleteVaultAccessPolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{DeleteVaultAccessPolicy, GetVaultAccessPolicy, SetVaultAccessPolicy};
use glacier_api::{
    DeleteVaultAccessPolicyInput, DeleteVaultAccessPolicyOutput, GetVaultAccessPolicyInput,
    GetVaultAccessPolicyOutput, SetVaultAccessPolicyInput, SetVaultAccessPolicyOutput, VaultAccessPolicy,
};
use shapes::ApiError;

use crate::place::Place;
use crate::{Glacier, errors, guards, vault};

impl Handle<SetVaultAccessPolicy> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &SetVaultAccessPolicyInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: SetVaultAccessPolicyInput,
    ) -> Result<SetVaultAccessPolicyOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let policy = guards::policy(input.policy.and_then(|policy| policy.policy))?;
        self.change(place, move |vault| {
            vault.policy = Some(policy.clone());
            Ok(())
        })
        .await?;
        Ok(SetVaultAccessPolicyOutput {})
    }
}

impl Handle<GetVaultAccessPolicy> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &GetVaultAccessPolicyInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetVaultAccessPolicyInput,
    ) -> Result<GetVaultAccessPolicyOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let found = vault::find(&mut ctx.store().read(&place.scope())?, &place)?.policy;
        match found {
            Some(policy) => {
                Ok(GetVaultAccessPolicyOutput { policy: Some(VaultAccessPolicy { policy: Some(policy) }) })
            }
            None => Err(errors::not_found(format!("No vault access policy is set for: {}", place.arn()))),
        }
    }
}

impl Handle<DeleteVaultAccessPolicy> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &DeleteVaultAccessPolicyInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteVaultAccessPolicyInput,
    ) -> Result<DeleteVaultAccessPolicyOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        self.change(place, |vault| {
            vault.policy = None;
            Ok(())
        })
        .await?;
        Ok(DeleteVaultAccessPolicyOutput {})
    }
}
