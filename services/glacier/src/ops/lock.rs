//! InitiateVaultLock, CompleteVaultLock, AbortVaultLock, GetVaultLock.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{AbortVaultLock, CompleteVaultLock, GetVaultLock, InitiateVaultLock};
use glacier_api::{
    AbortVaultLockInput, AbortVaultLockOutput, CompleteVaultLockInput, CompleteVaultLockOutput,
    GetVaultLockInput, GetVaultLockOutput, InitiateVaultLockInput, InitiateVaultLockOutput,
};
use shapes::{ApiError, Timestamp};

use super::id;
use crate::lock::{Lock, no_lock};
use crate::place::Place;
use crate::{Glacier, guards, vault};

impl Handle<InitiateVaultLock> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &InitiateVaultLockInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: InitiateVaultLockInput,
    ) -> Result<InitiateVaultLockOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let policy = guards::policy(input.policy.and_then(|policy| policy.policy))?;
        let lock = Lock { id: id(ctx, 16), policy, created: ctx.now(), is_locked: false };
        let (lock_id, arn) = (lock.id.clone(), place.arn());
        self.change(place, move |vault| vault.initiate_lock(lock.clone(), &arn)).await?;
        Ok(InitiateVaultLockOutput { lock_id: Some(lock_id) })
    }
}

impl Handle<CompleteVaultLock> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &CompleteVaultLockInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CompleteVaultLockInput,
    ) -> Result<CompleteVaultLockOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let (now, arn) = (ctx.now(), place.arn());
        self.change(place, move |vault| vault.complete_lock(&input.lock_id, now, &arn)).await?;
        Ok(CompleteVaultLockOutput {})
    }
}

impl Handle<AbortVaultLock> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &AbortVaultLockInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: AbortVaultLockInput,
    ) -> Result<AbortVaultLockOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let (now, arn) = (ctx.now(), place.arn());
        self.change(place, move |vault| vault.abort_lock(now, &arn)).await?;
        Ok(AbortVaultLockOutput {})
    }
}

impl Handle<GetVaultLock> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &GetVaultLockInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetVaultLockInput,
    ) -> Result<GetVaultLockOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let vault = vault::find(&mut ctx.store().read(&place.scope())?, &place)?;
        let lock = vault.lock_at(ctx.now()).ok_or_else(|| no_lock(&place.arn()))?;
        Ok(GetVaultLockOutput {
            policy: Some(lock.policy.clone()),
            state: Some(if lock.is_locked { "Locked" } else { "InProgress" }.to_owned()),
            expiration_date: lock.expires().map(Timestamp::iso8601_millis),
            creation_date: Some(lock.created.iso8601_millis()),
        })
    }
}
