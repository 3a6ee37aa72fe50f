//! Scalable targets: what follows what it consumes, and the clock.

use application_autoscaling_api::{
    DescribeScalableTargetsInput, DescribeScalingActivitiesInput, DescribeScalingPoliciesInput,
    DescribeScheduledActionsInput, op,
};
use cloud::Ctx;
use serde_json::Value;
use shapes::ApiError;

use super::arn;
use crate::admin::document::{at, items, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Section};

/// The one namespace in which there is something to scale.
fn namespace() -> String {
    "dynamodb".to_owned()
}

fn input(part: &Part) -> DescribeScalableTargetsInput {
    DescribeScalableTargetsInput {
        service_namespace: namespace(),
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
        ..Default::default()
    }
}

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let answer = look::<op::DescribeScalableTargets>(ctx, input(part)).await?;
    let columns = ["Resource", "Dimension", "Least", "Most", "Created"];
    let section = Section::new("application-autoscaling", "Scalable targets", &columns).resources(
        items(&answer, "ScalableTargets"),
        &["ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "CreationTime"],
        |target| at(target, "ScalableTargetARN"),
    );
    Ok(section.next(at(&answer, "NextToken")))
}

/// By `scalable-target/ID`.
async fn target(ctx: &Ctx, resource: &str) -> Result<Value, ApiError> {
    let (own, mut part) = (arn(ctx, "application-autoscaling", resource), Part::default());
    loop {
        let answer = look::<op::DescribeScalableTargets>(ctx, input(&part)).await?;
        let mut targets = items(&answer, "ScalableTargets").iter();
        if let Some(found) = targets.find(|target| at(target, "ScalableTargetARN") == own) {
            return Ok(found.clone());
        }
        part.after = Some(at(&answer, "NextToken")).filter(|token| !token.is_empty());
        if part.after.is_none() {
            return Err(ApiError::sender("ObjectNotFoundException", format!("there is no {own}")));
        }
    }
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let target = target(ctx, resource).await?;
    Ok(Found::titled(&at(&target, "ResourceId"))
        .facts(
            &target,
            &[
                ("Dimension", "ScalableDimension"),
                ("Least", "MinCapacity"),
                ("Most", "MaxCapacity"),
                ("Role", "RoleARN"),
                ("Created", "CreationTime"),
                ("Growing is suspended", "SuspendedState/DynamicScalingOutSuspended"),
                ("Shrinking is suspended", "SuspendedState/DynamicScalingInSuspended"),
                ("Schedules are suspended", "SuspendedState/ScheduledScalingSuspended"),
            ],
        )
        .sections(&["activities", "policies", "actions"])
        .document("Target", pretty(&target)))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, id: &str, part: &Part) -> Result<Section, ApiError> {
    let target = target(ctx, resource).await?;
    let (resource_id, dimension) = (Some(at(&target, "ResourceId")), Some(at(&target, "ScalableDimension")));
    let (most, after) = (Some(PAGE as i32), part.after.clone());
    let (answer, section) = match id {
        "policies" => {
            let input = DescribeScalingPoliciesInput {
                service_namespace: namespace(),
                resource_id,
                scalable_dimension: dimension,
                max_results: most,
                next_token: after,
                ..Default::default()
            };
            let answer = look::<op::DescribeScalingPolicies>(ctx, input).await?;
            let tracking = "TargetTrackingScalingPolicyConfiguration";
            let (percent, metric) = (
                format!("{tracking}/TargetValue"),
                format!("{tracking}/PredefinedMetricSpecification/PredefinedMetricType"),
            );
            let section = Section::new("policies", "Policies", &["Name", "Target", "Metric"])
                .documents(items(&answer, "ScalingPolicies"), &["PolicyName", &percent, &metric]);
            (answer, section)
        }
        "actions" => {
            let input = DescribeScheduledActionsInput {
                service_namespace: namespace(),
                resource_id,
                scalable_dimension: dimension,
                max_results: most,
                next_token: after,
                ..Default::default()
            };
            let answer = look::<op::DescribeScheduledActions>(ctx, input).await?;
            let bounds = ["ScalableTargetAction/MinCapacity", "ScalableTargetAction/MaxCapacity"];
            let section =
                Section::new("actions", "Scheduled actions", &["Name", "Schedule", "Least", "Most"])
                    .documents(
                        items(&answer, "ScheduledActions"),
                        &["ScheduledActionName", "Schedule", bounds[0], bounds[1]],
                    );
            (answer, section)
        }
        _ => {
            let input = DescribeScalingActivitiesInput {
                service_namespace: namespace(),
                resource_id,
                scalable_dimension: dimension,
                max_results: most,
                next_token: after,
                ..Default::default()
            };
            let answer = look::<op::DescribeScalingActivities>(ctx, input).await?;
            let section = Section::new("activities", "Activities", &["Time", "What", "Why", "Outcome"])
                .documents(
                    items(&answer, "ScalingActivities"),
                    &["StartTime", "Description", "Cause", "StatusCode"],
                );
            (answer, section)
        }
    };
    Ok(section.next(at(&answer, "NextToken")))
}
