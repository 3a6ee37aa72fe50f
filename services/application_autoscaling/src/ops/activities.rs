//! DescribeScalingActivities.

use std::sync::Arc;

use application_autoscaling_api as api;
use application_autoscaling_api::op::DescribeScalingActivities;
use cloud::{Ctx, Handle};
use shapes::ApiError;
use store::Range;

use super::{Filter, page};
use crate::AutoScaling;
use crate::dimension::Place;
use crate::tables::ACTIVITIES;

impl Handle<DescribeScalingActivities> for AutoScaling {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeScalingActivitiesInput,
    ) -> Result<api::DescribeScalingActivitiesOutput, ApiError> {
        let resources = input.resource_id.map(|id| vec![id]);
        let filter = Filter::new(&input.service_namespace, resources, input.scalable_dimension)?;
        let rows = ACTIVITIES.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
        let mut all: Vec<_> = rows
            .into_iter()
            .filter(|(_, row)| row.is_kept(ctx.now()))
            .filter_map(|((place, id), row)| Some((id, row, Place::of_key(&place)?)))
            .filter(|(_, _, place)| filter.admits(place))
            .collect();
        // The latest first.
        all.sort_by(|left, right| right.0.cmp(&left.0));
        let all = all.into_iter().map(|(id, row, place)| (id, row.to_api(&place))).collect();
        let (activities, next_token) = page(all, input.next_token.as_deref(), input.max_results)?;
        Ok(api::DescribeScalingActivitiesOutput { scaling_activities: Some(activities), next_token })
    }
}
