//! PutScalingPolicy, DescribeScalingPolicies and DeleteScalingPolicy.

use std::sync::Arc;

use application_autoscaling_api as api;
use application_autoscaling_api::op::{DeleteScalingPolicy, DescribeScalingPolicies, PutScalingPolicy};
use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use store::{Range, Tx};

use super::{Filter, guard, page};
use crate::dimension::Place;
use crate::policy::{self, PolicyRow};
use crate::tables::{POLICIES, TARGETS};
use crate::{AutoScaling, errors, target, watch};

pub(crate) struct PolicyDraft {
    place: Place,
    name: String,
    policy: PolicyRow,
}

impl Transact<PutScalingPolicy> for AutoScaling {
    type Draft = PolicyDraft;

    fn guard(&self, _: &Ctx, input: &api::PutScalingPolicyInput) -> Result<Guard, ApiError> {
        Ok(guard(&input.service_namespace, &input.scalable_dimension))
    }

    fn prepare(&self, ctx: &Ctx, input: api::PutScalingPolicyInput) -> Result<PolicyDraft, ApiError> {
        let place = Place::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        let policy = policy::of(ctx, &place, &input)?;
        Ok(PolicyDraft { place, name: input.policy_name, policy })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &PolicyDraft,
    ) -> Result<api::PutScalingPolicyOutput, ApiError> {
        let PolicyDraft { place, name, policy } = draft;
        let mut row = target::find(tx, place)?;
        let known = POLICIES.list(tx, &Range::prefix(&place.key()), policy::MOST + 1)?;
        let mut policy = policy.clone();
        match known.iter().find(|((_, other), _)| other == name) {
            Some((_, same)) => (policy.id, policy.created) = (same.id.clone(), same.created),
            None if !known.is_empty() => {
                return Err(errors::validation(
                    "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
                ));
            }
            None => {}
        }
        POLICIES.put(tx, &(place.key(), name.clone()), &policy);
        watch::set(ctx, tx, place, &mut row);
        TARGETS.put(tx, &place.key(), &row);
        let (policy_arn, alarms) = (policy.arn(ctx, place, name), Some(policy.alarms(ctx, place)));
        Ok(api::PutScalingPolicyOutput { policy_arn, alarms })
    }
}

impl Transact<DeleteScalingPolicy> for AutoScaling {
    type Draft = (Place, String);

    fn guard(&self, _: &Ctx, input: &api::DeleteScalingPolicyInput) -> Result<Guard, ApiError> {
        Ok(guard(&input.service_namespace, &input.scalable_dimension))
    }

    fn prepare(&self, _: &Ctx, input: api::DeleteScalingPolicyInput) -> Result<Self::Draft, ApiError> {
        let place = Place::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        Ok((place, input.policy_name))
    }

    /// The target's job finds no policy the next time, and is its last.
    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (place, name): &Self::Draft,
    ) -> Result<api::DeleteScalingPolicyOutput, ApiError> {
        let key = (place.key(), name.clone());
        POLICIES.find(tx, &key)?.ok_or_else(|| errors::no_such_policy(place, name))?;
        POLICIES.delete(tx, &key);
        Ok(api::DeleteScalingPolicyOutput::default())
    }
}

impl Handle<DescribeScalingPolicies> for AutoScaling {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeScalingPoliciesInput,
    ) -> Result<api::DescribeScalingPoliciesOutput, ApiError> {
        let resources = input.resource_id.map(|id| vec![id]);
        let filter = Filter::new(&input.service_namespace, resources, input.scalable_dimension)?;
        let rows = POLICIES.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
        let is_asked = |name: &String| input.policy_names.as_ref().is_none_or(|names| names.contains(name));
        let all = rows
            .into_iter()
            .filter(|((_, name), _)| is_asked(name))
            .filter_map(|((place, name), row)| Some((Place::of_key(&place)?, name, row)))
            .filter(|(place, ..)| filter.admits(place))
            .map(|(place, name, row)| (format!("{}|{name}", place.key()), row.to_api(ctx, &place, &name)));
        let (policies, next_token) = page(all.collect(), input.next_token.as_deref(), input.max_results)?;
        Ok(api::DescribeScalingPoliciesOutput { scaling_policies: Some(policies), next_token })
    }
}
