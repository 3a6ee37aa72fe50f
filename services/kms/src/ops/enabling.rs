//! EnableKey and DisableKey.

use cloud::{Ctx, Guard, Transact};
use kms_api::op::{DisableKey, EnableKey};
use kms_api::{DisableKeyInput, DisableKeyOutput, EnableKeyInput, EnableKeyOutput};
use shapes::ApiError;
use store::Tx;

use crate::key::State;
use crate::key_id::KeyId;
use crate::{Kms, errors, lookup};

impl Transact<EnableKey> for Kms {
    type Draft = KeyId;

    fn guard(&self, ctx: &Ctx, input: &EnableKeyInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    fn prepare(&self, ctx: &Ctx, input: EnableKeyInput) -> Result<KeyId, ApiError> {
        KeyId::parse_id(ctx, &input.key_id)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, id: &KeyId) -> Result<EnableKeyOutput, ApiError> {
        set(ctx, tx, id, true)?;
        Ok(EnableKeyOutput {})
    }
}

impl Transact<DisableKey> for Kms {
    type Draft = KeyId;

    fn guard(&self, ctx: &Ctx, input: &DisableKeyInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    fn prepare(&self, ctx: &Ctx, input: DisableKeyInput) -> Result<KeyId, ApiError> {
        KeyId::parse_id(ctx, &input.key_id)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, id: &KeyId) -> Result<DisableKeyOutput, ApiError> {
        set(ctx, tx, id, false)?;
        Ok(DisableKeyOutput {})
    }
}

fn set(ctx: &Ctx, tx: &mut Tx<'_>, id: &KeyId, is_enabled: bool) -> Result<(), ApiError> {
    lookup::change(ctx, tx, id, |_, located, key| {
        if !matches!(key.state(), State::Enabled | State::Disabled) {
            return Err(errors::invalid_state(&located.arn(), key.state()));
        }
        key.is_enabled = is_enabled;
        Ok(())
    })
}
