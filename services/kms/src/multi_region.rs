//! Multi-Region keys: one key in several regions, of which one is the primary (Developer Guide, "Multi-Region keys in
//! AWS KMS").
//!
//! Every one of them knows all of them. A change to the list is one transaction on the state of all their regions.

use std::time::Duration;

use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::Tx;

use crate::jobs::{self, Event};
use crate::key::{Key, Located, MultiRegion};
use crate::tables;

const DAY: Duration = Duration::from_secs(86_400);

impl MultiRegion {
    /// All regions, the primary first.
    pub(crate) fn all(&self) -> impl Iterator<Item = Region> + '_ {
        std::iter::once(&self.primary).chain(&self.replicas).filter_map(|name| Region::parse(name))
    }
}

/// Changes the key in each of `regions`, where it is there.
pub(crate) fn change_all(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: &str,
    regions: &[Region],
    mut change: impl FnMut(&mut Tx<'_>, Region, &mut Key),
) -> Result<(), ApiError> {
    for region in regions {
        tx.with_scope(&tenant(account, *region), |tx| {
            let Some(mut key) = tables::KEYS.find(tx, &id.to_owned())? else { return Ok(()) };
            change(tx, *region, &mut key);
            tables::KEYS.put(tx, &key.id, &key);
            Ok::<_, ApiError>(())
        })?;
    }
    Ok(())
}

/// Takes a deleted replica off the lists of those that stay. A primary that waited for its last replica begins to
/// count its own days.
pub(crate) fn leave(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    gone: &Located,
    regions: &MultiRegion,
) -> Result<(), ApiError> {
    let staying: Vec<Region> = regions.all().filter(|region| *region != gone.region).collect();
    let id = &gone.key.id;
    change_all(tx, gone.account, id, &staying, |tx, region, key| {
        let Some(regions) = &mut key.multi_region else { return };
        regions.replicas.retain(|name| *name != gone.region.as_str());
        let is_last = regions.replicas.is_empty() && regions.is_primary(region);
        if let Some(deletion) =
            key.deletion.as_mut().filter(|deletion| is_last && deletion.waits_for_replicas)
        {
            let due = ctx.now() + DAY * deletion.days;
            deletion.waits_for_replicas = false;
            deletion.job = jobs::schedule(ctx, tx, (gone.account, region), id, Event::Deletion, due);
        }
    })
}
