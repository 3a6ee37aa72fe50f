//! RegisterScalableTarget, DescribeScalableTargets and DeregisterScalableTarget.

use std::sync::Arc;

use application_autoscaling_api as api;
use application_autoscaling_api::op::{
    DeregisterScalableTarget, DescribeScalableTargets, RegisterScalableTarget,
};
use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use store::{Range, Tx};

use super::{Filter, guard, page, tags};
use crate::dimension::Place;
use crate::tables::{ACTIONS, POLICIES, TARGET_IDS, TARGETS, TargetId};
use crate::target::{self, Suspended, TargetRow};
use crate::{AutoScaling, capacity, errors, scheduled_action, watch};

impl Handle<RegisterScalableTarget> for AutoScaling {
    fn guard(&self, _: &Ctx, input: &api::RegisterScalableTargetInput) -> Result<Guard, ApiError> {
        Ok(guard(&input.service_namespace, &input.scalable_dimension))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::RegisterScalableTargetInput,
    ) -> Result<api::RegisterScalableTargetOutput, ApiError> {
        let place = Place::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        // The role of a request is ignored for DynamoDB, on AWS as well: the service-linked one is used.
        let acting = capacity::acting_at_first(ctx, &place.resource()).await?;
        if capacity::provisioned(&acting, &place).await?.is_none() {
            let kind = if place.index.is_some() { "index" } else { "table" };
            let message = format!("DynamoDB {kind} does not exist: {}", place.resource());
            return Err(errors::validation(message));
        }
        let own = ctx.clone();
        let id = ctx.write(move |tx| register(&own, tx, &place, &input)).await?;
        Ok(api::RegisterScalableTargetOutput { scalable_target_arn: Some(target::arn(ctx, &id)) })
    }
}

/// The id of the target, new or as it was.
fn register(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    place: &Place,
    input: &api::RegisterScalableTargetInput,
) -> Result<String, ApiError> {
    let known = TARGETS.find(tx, &place.key())?;
    let is_new = known.is_none();
    let mut row = match (known, input.min_capacity, input.max_capacity) {
        (Some(known), ..) => known,
        (None, Some(min), Some(max)) => TargetRow {
            id: new_id(ctx),
            min,
            max,
            created: ctx.now(),
            suspended: Suspended::default(),
            tags: tags::checked(input.tags.iter().flatten())?,
            unfit: Some(String::new()),
            last_out: None,
            last_in: None,
            timer: None,
        },
        _ => {
            let message = "MinCapacity and MaxCapacity are required when registering a new scalable target";
            return Err(errors::validation(message));
        }
    };
    if !is_new && input.tags.is_some() {
        return Err(errors::validation("Tags can only be given when a scalable target is registered first"));
    }
    row.set_bounds(input.min_capacity, input.max_capacity, None);
    target::check_bounds(row.min, row.max)?;
    if let Some(suspended) = &input.suspended_state {
        row.suspended = Suspended::of(suspended);
    }
    if row.unfit.is_some() {
        watch::set(ctx, tx, place, &mut row);
    }
    TARGET_IDS.put(tx, &row.id, &TargetId(place.key()));
    TARGETS.put(tx, &place.key(), &row);
    Ok(row.id)
}

/// Letters and digits, as in AWS's ARNs.
fn new_id(ctx: &Ctx) -> String {
    ctx.ids().uuid().replace('-', "")
}

impl Transact<DeregisterScalableTarget> for AutoScaling {
    type Draft = Place;

    fn guard(&self, _: &Ctx, input: &api::DeregisterScalableTargetInput) -> Result<Guard, ApiError> {
        Ok(guard(&input.service_namespace, &input.scalable_dimension))
    }

    fn prepare(&self, _: &Ctx, input: api::DeregisterScalableTargetInput) -> Result<Place, ApiError> {
        Place::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)
    }

    /// Its policies and scheduled actions go with it.
    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        place: &Place,
    ) -> Result<api::DeregisterScalableTargetOutput, ApiError> {
        let mut row = target::find(tx, place)?;
        watch::stop(tx, &mut row);
        let own = Range::prefix(&place.key());
        for (key, _) in POLICIES.list(tx, &own, usize::MAX)? {
            POLICIES.delete(tx, &key);
        }
        for (key, mut action) in ACTIONS.list(tx, &Range::prefix(&place.key()), usize::MAX)? {
            scheduled_action::stop(tx, &mut action);
            ACTIONS.delete(tx, &key);
        }
        TARGET_IDS.delete(tx, &row.id);
        TARGETS.delete(tx, &place.key());
        Ok(api::DeregisterScalableTargetOutput::default())
    }
}

impl Handle<DescribeScalableTargets> for AutoScaling {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeScalableTargetsInput,
    ) -> Result<api::DescribeScalableTargetsOutput, ApiError> {
        let filter = Filter::new(&input.service_namespace, input.resource_ids, input.scalable_dimension)?;
        let rows = TARGETS.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
        let all = rows
            .into_iter()
            .filter_map(|(key, row)| Some((Place::of_key(&key)?, row)))
            .filter(|(place, _)| filter.admits(place))
            .map(|(place, row)| (place.key(), row.to_api(ctx, &place)));
        let (targets, next_token) = page(all.collect(), input.next_token.as_deref(), input.max_results)?;
        Ok(api::DescribeScalableTargetsOutput { scalable_targets: Some(targets), next_token })
    }
}
