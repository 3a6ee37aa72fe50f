//! UpdateKeyDescription.

use cloud::{Ctx, Guard, Transact};
use kms_api::op::UpdateKeyDescription;
use kms_api::{UpdateKeyDescriptionInput, UpdateKeyDescriptionOutput};
use shapes::ApiError;
use store::Tx;

use crate::key_id::KeyId;
use crate::{Kms, lookup};

impl Transact<UpdateKeyDescription> for Kms {
    type Draft = (KeyId, String);

    fn guard(&self, ctx: &Ctx, input: &UpdateKeyDescriptionInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateKeyDescriptionInput) -> Result<Self::Draft, ApiError> {
        Ok((KeyId::parse_id(ctx, &input.key_id)?, input.description))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, description): &Self::Draft,
    ) -> Result<UpdateKeyDescriptionOutput, ApiError> {
        lookup::change(ctx, tx, id, |_, located, key| {
            located.check_not_going()?;
            key.description.clone_from(description);
            Ok(UpdateKeyDescriptionOutput {})
        })
    }
}
