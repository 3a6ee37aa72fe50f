//! ReplicateKey and UpdatePrimaryRegion.

use std::sync::Arc;

use clock::Jobs;
use cloud::{Ctx, Guard, Handle, Transact, tenant};
use identity::Region;
use kms_api::op::{ReplicateKey, UpdatePrimaryRegion};
use kms_api::{
    ReplicateKeyInput, ReplicateKeyOutput, Tag, UpdatePrimaryRegionInput, UpdatePrimaryRegionOutput,
};
use shapes::ApiError;
use store::{Range, Tx};

use crate::jobs::{self, Event};
use crate::key::{Key, Located, MultiRegion};
use crate::key_id::KeyId;
use crate::spec::Origin;
use crate::{Kms, errors, lookup, multi_region, policy, tables, tags};

/// Materials of a key copied to its replica, which are those of its rotations.
const MOST_MATERIALS: usize = 10_000;

impl Handle<ReplicateKey> for Kms {
    fn guard(&self, ctx: &Ctx, input: &ReplicateKeyInput) -> Result<Guard, ApiError> {
        let guard = self.id_guard(ctx, &input.key_id)?;
        let tags = input.tags.as_deref().unwrap_or_default();
        let create = tags::asked(Guard::any().action("kms:CreateKey"), tags)
            .with("kms:replicaregion", vec![input.replica_region.clone()]);
        Ok(guard.with("kms:replicaregion", vec![input.replica_region.clone()]).and(create))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ReplicateKeyInput,
    ) -> Result<ReplicateKeyOutput, ApiError> {
        let id = KeyId::parse_id(ctx, &input.key_id)?;
        let located = self.locate(ctx, &id)?;
        let region = Region::parse(&input.replica_region).filter(Region::is_known);
        let region =
            region.ok_or_else(|| errors::validation(format!("{} is not a Region", input.replica_region)))?;
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        let policy = input.policy.unwrap_or_else(|| policy::default(located.account));
        let there = ctx.in_tenant(located.account, region);
        self.check_policy(&there, (located.account, &located.key.id), &policy, bypass)?;
        let description = input.description.unwrap_or_default();
        let tags = tags::parse(input.tags.unwrap_or_default())?;
        let (owned, scope) = (ctx.clone(), id.scope(ctx));
        let replica = ctx
            .store()
            .write(&scope, move |tx| {
                let located = lookup::find(&owned, tx, &id)?;
                let template = Key {
                    policy: policy.clone(),
                    description: description.clone(),
                    tags: tags.clone(),
                    ..new_replica(&owned, &located)?
                };
                replicate(tx, &located, region, template)
            })
            .await?;
        let tags = replica.key.tags.iter();
        let tags = tags.map(|(name, value)| Tag { tag_key: name.clone(), tag_value: value.clone() });
        Ok(ReplicateKeyOutput {
            replica_policy: Some(replica.key.policy.clone()),
            replica_tags: Some(tags.collect()),
            replica_key_metadata: Some(replica.metadata()),
        })
    }
}

/// A replica of the key as it is made: with its material, and nothing that is each region's own.
fn new_replica(ctx: &Ctx, primary: &Located) -> Result<Key, ApiError> {
    primary.check_enabled()?;
    regions_of_primary(primary)?;
    let is_imported = primary.key.origin == Origin::External;
    Ok(Key {
        created: ctx.now(),
        is_enabled: true,
        deletion: None,
        aliases: Vec::new(),
        material: primary.key.material.clone().filter(|_| !is_imported),
        rotation: None,
        expires: None,
        ..(*primary.key).clone()
    })
}

fn replicate(
    tx: &mut Tx<'_>,
    primary: &Located,
    region: Region,
    mut replica: Key,
) -> Result<Located, ApiError> {
    let mut regions = regions_of_primary(primary)?.clone();
    let id = primary.key.id.clone();
    if regions.all().any(|taken| taken == region) {
        return Err(errors::replica_exists(&id, region.as_str()));
    }
    regions.replicas.push(region.to_string());
    let materials = match primary.key.origin {
        Origin::Kms => tables::MATERIALS.list(tx, &Range::prefix(&id), MOST_MATERIALS)?,
        Origin::External => Vec::new(),
    };
    replica.multi_region = Some(regions.clone());
    tx.with_scope(&tenant(primary.account, region), |tx| {
        for (place, material) in &materials {
            tables::MATERIALS.put(tx, place, material);
        }
        tables::KEYS.put(tx, &id, &replica);
    });
    let others: Vec<Region> = regions.all().filter(|other| *other != region).collect();
    multi_region::change_all(tx, primary.account, &id, &others, |_, _, key| {
        key.multi_region = Some(regions.clone());
    })?;
    Ok(Located { account: primary.account, region, key: Arc::new(replica) })
}

fn regions_of_primary(located: &Located) -> Result<&MultiRegion, ApiError> {
    let regions = located.key.multi_region.as_ref();
    let regions = regions.filter(|regions| regions.is_primary(located.region));
    regions
        .ok_or_else(|| errors::unsupported(format!("{} is not a multi-Region primary key.", located.arn())))
}

impl Transact<UpdatePrimaryRegion> for Kms {
    type Draft = (KeyId, Region);

    fn guard(&self, ctx: &Ctx, input: &UpdatePrimaryRegionInput) -> Result<Guard, ApiError> {
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(guard.with("kms:primaryregion", vec![input.primary_region.clone()]))
    }

    fn prepare(&self, ctx: &Ctx, input: UpdatePrimaryRegionInput) -> Result<Self::Draft, ApiError> {
        let region = Region::parse(&input.primary_region);
        let region =
            region.ok_or_else(|| errors::validation(format!("{} is not a Region", input.primary_region)))?;
        Ok((KeyId::parse_id(ctx, &input.key_id)?, region))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, region): &Self::Draft,
    ) -> Result<UpdatePrimaryRegionOutput, ApiError> {
        tx.with_scope(&id.scope(ctx), |tx| {
            let located = lookup::find(ctx, tx, id)?;
            located.check_not_going()?;
            let mut regions = regions_of_primary(&located)?.clone();
            let place = regions.replicas.iter().position(|replica| replica == region.as_str());
            let place = place.ok_or_else(|| {
                errors::no_such_key(&format!(
                    "arn:aws:kms:{region}:{}:key/{}",
                    located.account, located.key.id
                ))
            })?;
            regions.replicas[place] = std::mem::replace(&mut regions.primary, region.to_string());
            // The new primary takes the rotation over, on its date.
            let rotation = located.key.rotation;
            if let Some(rotation) = rotation {
                Jobs::cancel(tx, rotation.job);
            }
            let all: Vec<Region> = regions.all().collect();
            multi_region::change_all(tx, located.account, &located.key.id, &all, |tx, place, key| {
                key.multi_region = Some(regions.clone());
                key.rotation = None;
                if place == *region
                    && let Some(mut rotation) = rotation
                {
                    let at = (located.account, place);
                    rotation.job = jobs::schedule(ctx, tx, at, &key.id, Event::Rotation, rotation.job.due);
                    key.rotation = Some(rotation);
                }
            })?;
            Ok(UpdatePrimaryRegionOutput {})
        })
    }
}
