//! Rotation: new material for a key, on a date or on demand. Old material stays and decrypts (Developer Guide, "Rotate
//! AWS KMS keys").

use std::sync::Arc;
use std::time::Duration;

use clock::{JobOutcome, Jobs};
use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::Tx;

use crate::jobs::{self, Event};
use crate::key::{Key, Located, Rotation};
use crate::material::{Cause, Material, Secret};
use crate::spec::{KeySpec, Origin};
use crate::{Kms, errors, lookup, multi_region, tables};

/// How often keys are rotated when nobody says otherwise.
pub(crate) const YEAR_DAYS: u32 = 365;
const DAY: Duration = Duration::from_secs(86_400);

/// Turns automatic rotation on, from now.
pub(crate) fn schedule(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    place: (AccountId, Region),
    key: &mut Key,
    period_days: u32,
) {
    cancel(tx, key);
    let due = ctx.now() + DAY * period_days;
    let job = jobs::schedule(ctx, tx, place, &key.id, Event::Rotation, due);
    key.rotation = Some(Rotation { period_days, job });
}

/// Turns automatic rotation off.
pub(crate) fn cancel(tx: &mut Tx<'_>, key: &mut Key) {
    if let Some(rotation) = key.rotation.take() {
        Jobs::cancel(tx, rotation.job);
    }
}

/// Whether the key is of a kind whose material KMS makes anew.
pub(crate) fn check_rotatable(located: &Located) -> Result<(), ApiError> {
    if located.key.spec != KeySpec::Symmetric || located.key.origin != Origin::Kms {
        return Err(errors::unsupported(format!(
            "{} origin is {} and key spec is {}, which is not valid for this operation.",
            located.arn(),
            located.key.origin.as_str(),
            located.key.spec.as_str()
        )));
    }
    let is_replica =
        located.key.multi_region.as_ref().is_some_and(|regions| !regions.is_primary(located.region));
    if is_replica {
        return Err(errors::unsupported(format!("{} is a replica key.", located.arn())));
    }
    Ok(())
}

/// Fresh material for a key, sealed.
pub(crate) async fn fresh(
    kms: &Kms,
    ctx: &Ctx,
    id: &str,
    cause: Cause,
) -> Result<(String, Material), ApiError> {
    let root = kms.cloud.root_key().await?;
    let secret = Secret::generate(ctx.ids(), KeySpec::Symmetric)?;
    Material::seal(&root, ctx, id, &secret, (ctx.now(), cause))
}

/// Puts the material in the place of the one that encrypts, in all regions of the key.
pub(crate) fn replace(
    tx: &mut Tx<'_>,
    located: &Located,
    key: &mut Key,
    (material_id, material): &(String, Material),
) -> Result<(), ApiError> {
    let place = (key.id.clone(), material_id.clone());
    tables::MATERIALS.put(tx, &place, material);
    key.material = Some(material_id.clone());
    let Some(regions) = &key.multi_region else { return Ok(()) };
    let others: Vec<Region> = regions.all().filter(|region| *region != located.region).collect();
    multi_region::change_all(tx, located.account, &key.id, &others, |tx, _, replica| {
        tables::MATERIALS.put(tx, &place, material);
        replica.material = Some(material_id.clone());
    })
}

/// The job of a rotation: rotates what is due and schedules the next. A key that is disabled at the time is rotated
/// when it is due next.
pub(crate) async fn rotate_when_due(kms: &Arc<Kms>, ctx: &Ctx, id: &str) -> Result<JobOutcome, ApiError> {
    let material = fresh(kms, ctx, id, Cause::Rotation).await?;
    let (owned, id) = (ctx.clone(), id.to_owned());
    let place = (ctx.account(), ctx.region());
    ctx.store()
        .write(&tenant(place.0, place.1), move |tx| {
            let Some(located) = lookup::stored(tx, place, &id)? else { return Ok(JobOutcome::Done) };
            let mut key = (*located.key).clone();
            let Some(rotation) = key.rotation.filter(|rotation| rotation.job.due <= owned.now()) else {
                return Ok(JobOutcome::Done);
            };
            if located.check_enabled().is_ok() {
                replace(tx, &located, &mut key, &material)?;
            }
            key.rotation = None;
            schedule(&owned, tx, place, &mut key, rotation.period_days);
            tables::KEYS.put(tx, &id, &key);
            Ok::<_, ApiError>(JobOutcome::Done)
        })
        .await
}
