//! EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand and ListKeyRotations.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact, tenant};
use identity::Region;
use kms_api::op::{
    DisableKeyRotation, EnableKeyRotation, GetKeyRotationStatus, ListKeyRotations, RotateKeyOnDemand,
};
use kms_api::{
    DisableKeyRotationInput, DisableKeyRotationOutput, EnableKeyRotationInput, EnableKeyRotationOutput,
    GetKeyRotationStatusInput, GetKeyRotationStatusOutput, ListKeyRotationsInput, ListKeyRotationsOutput,
    RotateKeyOnDemandInput, RotateKeyOnDemandOutput, RotationsListEntry,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{Page, limit};
use crate::key::{Key, Located};
use crate::key_id::KeyId;
use crate::material::{Cause, Material};
use crate::spec::Origin;
use crate::{Kms, errors, import, lookup, rotation, tables};

/// Developer Guide, "On-demand key rotation": how often in a key's life.
const MOST_ON_DEMAND: u32 = 25;
/// Materials of a key listed in one go; it can have no more than a rotation each 90 days makes in centuries.
const MOST_MATERIALS: usize = 10_000;

impl Transact<EnableKeyRotation> for Kms {
    type Draft = (KeyId, u32);

    fn guard(&self, ctx: &Ctx, input: &EnableKeyRotationInput) -> Result<Guard, ApiError> {
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(match input.rotation_period_in_days {
            Some(days) => guard.with("kms:rotationperiodindays", vec![days.to_string()]),
            None => guard,
        })
    }

    fn prepare(&self, ctx: &Ctx, input: EnableKeyRotationInput) -> Result<Self::Draft, ApiError> {
        let days = input.rotation_period_in_days.and_then(|days| u32::try_from(days).ok());
        Ok((KeyId::parse_id(ctx, &input.key_id)?, days.unwrap_or(rotation::YEAR_DAYS)))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, days): &Self::Draft,
    ) -> Result<EnableKeyRotationOutput, ApiError> {
        lookup::change(ctx, tx, id, |tx, located, key| {
            located.check_enabled()?;
            rotation::check_rotatable(located)?;
            // Asked for again with the same period, the date stays.
            if key.rotation.is_none_or(|rotation| rotation.period_days != *days) {
                rotation::schedule(ctx, tx, (located.account, located.region), key, *days);
            }
            Ok(EnableKeyRotationOutput {})
        })
    }
}

impl Transact<DisableKeyRotation> for Kms {
    type Draft = KeyId;

    fn guard(&self, ctx: &Ctx, input: &DisableKeyRotationInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    fn prepare(&self, ctx: &Ctx, input: DisableKeyRotationInput) -> Result<KeyId, ApiError> {
        KeyId::parse_id(ctx, &input.key_id)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, id: &KeyId) -> Result<DisableKeyRotationOutput, ApiError> {
        lookup::change(ctx, tx, id, |tx, located, key| {
            located.check_enabled()?;
            rotation::check_rotatable(located)?;
            rotation::cancel(tx, key);
            Ok(DisableKeyRotationOutput {})
        })
    }
}

impl Handle<GetKeyRotationStatus> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GetKeyRotationStatusInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetKeyRotationStatusInput,
    ) -> Result<GetKeyRotationStatusOutput, ApiError> {
        let located = self.locate_by_id(ctx, &input.key_id)?;
        let arn = located.arn();
        let located = self.primary(ctx, located)?;
        let rotation = located.key.rotation.filter(|_| located.key.deletion.is_none());
        Ok(GetKeyRotationStatusOutput {
            key_rotation_enabled: Some(rotation.is_some()),
            key_id: Some(arn),
            rotation_period_in_days: rotation.and_then(|rotation| i32::try_from(rotation.period_days).ok()),
            next_rotation_date: rotation.map(|rotation| rotation.job.due),
            on_demand_rotation_start_date: None,
        })
    }
}

impl Kms {
    /// The key that rotates: of a multi-Region key, the primary.
    fn primary(&self, ctx: &Ctx, located: Located) -> Result<Located, ApiError> {
        let primary = located.key.multi_region.as_ref().and_then(|regions| Region::parse(&regions.primary));
        let Some(region) = primary.filter(|region| *region != located.region) else { return Ok(located) };
        let mut reader = ctx.store().read(&tenant(located.account, region))?;
        Ok(lookup::stored(&mut reader, (located.account, region), &located.key.id)?.unwrap_or(located))
    }
}

impl Handle<RotateKeyOnDemand> for Kms {
    fn guard(&self, ctx: &Ctx, input: &RotateKeyOnDemandInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RotateKeyOnDemandInput,
    ) -> Result<RotateKeyOnDemandOutput, ApiError> {
        let id = KeyId::parse_id(ctx, &input.key_id)?;
        let located = self.locate(ctx, &id)?;
        let material = rotation::fresh(self, ctx, &located.key.id, Cause::RotationOnDemand).await?;
        let (owned, scope) = (ctx.clone(), id.scope(ctx));
        ctx.store()
            .write(&scope, move |tx| {
                lookup::change(&owned, tx, &id, |tx, located, key| {
                    located.check_enabled()?;
                    if key.origin == Origin::Kms {
                        rotation::check_rotatable(located)?;
                    }
                    if key.rotations_on_demand >= MOST_ON_DEMAND {
                        return Err(errors::limit_exceeded(format!(
                            "{} has been rotated on demand {MOST_ON_DEMAND} times, which is the limit.",
                            located.arn()
                        )));
                    }
                    key.rotations_on_demand += 1;
                    match key.origin {
                        Origin::Kms => rotation::replace(tx, located, key, &material)?,
                        Origin::External => rotate_to_imported(&owned, tx, located, key)?,
                    }
                    Ok(RotateKeyOnDemandOutput { key_id: Some(located.arn()) })
                })
            })
            .await
    }
}

/// Puts material to use that was imported for that.
fn rotate_to_imported(ctx: &Ctx, tx: &mut Tx<'_>, located: &Located, key: &mut Key) -> Result<(), ApiError> {
    let rows = import::materials(tx, &key.id)?;
    let pending = rows.into_iter().find(|(_, material)| material.cause == Cause::PendingImport);
    let (id, mut material) = pending.ok_or_else(|| errors::no_pending_material(&located.arn()))?;
    material.cause = Cause::RotationOnDemand;
    material.since = ctx.now();
    tables::MATERIALS.put(tx, &(key.id.clone(), id), &material);
    import::settle(ctx, tx, located, key)
}

impl Handle<ListKeyRotations> for Kms {
    fn guard(&self, ctx: &Ctx, input: &ListKeyRotationsInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListKeyRotationsInput,
    ) -> Result<ListKeyRotationsOutput, ApiError> {
        let located = self.locate_by_id(ctx, &input.key_id)?;
        let with_first = input.include_key_material.as_deref() == Some("ALL_KEY_MATERIAL");
        let mut reader = ctx.store().read(&tenant(located.account, located.region))?;
        let range = Range::prefix(&located.key.id);
        let mut rows = tables::MATERIALS.list(&mut reader, &range, MOST_MATERIALS)?;
        rows.retain(|(_, material)| with_first || !is_first(material));
        rows.sort_by(|one, other| (other.1.since, &other.0).cmp(&(one.1.since, &one.0)));
        if let Some(marker) = &input.marker {
            let seen = rows.iter().position(|((_, id), _)| id == marker);
            rows.drain(..seen.map_or(0, |position| position + 1));
        }
        let page = Page::cut(rows, limit(input.limit, 100), |((_, id), _)| id.clone());
        let rotations =
            page.items.into_iter().map(|((_, id), material)| entry(&located, id, material)).collect();
        Ok(ListKeyRotationsOutput {
            rotations: Some(rotations),
            truncated: Some(page.next_marker.is_some()),
            next_marker: page.next_marker,
        })
    }
}

/// Material that came with the key, and not by a rotation.
fn is_first(material: &Material) -> bool {
    matches!(material.cause, Cause::Creation | Cause::Import | Cause::PendingImport)
}

fn entry(located: &Located, id: String, material: Material) -> RotationsListEntry {
    let key: &Key = &located.key;
    let state = match material.cause {
        Cause::PendingImport => "PENDING_ROTATION",
        _ if key.material.as_ref() == Some(&id) => "CURRENT",
        _ => "NON_CURRENT",
    };
    let rotation = match material.cause {
        Cause::Creation | Cause::Import | Cause::PendingImport => None,
        Cause::Rotation => Some("AUTOMATIC"),
        Cause::RotationOnDemand => Some("ON_DEMAND"),
    };
    let is_imported = key.origin == Origin::External;
    let import = if material.sealed.is_some() { "IMPORTED" } else { "PENDING_IMPORT" };
    let expiration =
        if material.valid_to.is_some() { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" };
    RotationsListEntry {
        key_id: Some(located.arn()),
        key_material_id: Some(id),
        key_material_description: material.description,
        import_state: is_imported.then(|| import.to_owned()),
        key_material_state: Some(state.to_owned()),
        expiration_model: is_imported.then(|| expiration.to_owned()),
        valid_to: material.valid_to,
        rotation_date: rotation.map(|_| material.since),
        rotation_type: rotation.map(str::to_owned),
    }
}
