//! Scaling policies: DynamoDB's capacity tracks a target; step scaling is not for it, on AWS neither.

use std::time::Duration;

use application_autoscaling_api as api;
use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::dimension::{NAMESPACE, Place};
use crate::errors;

/// User Guide, "Quotas for Application Auto Scaling".
pub(crate) const MOST: usize = 50;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyRow {
    pub id: String,
    pub target_percent: f64,
    pub out_cooldown_seconds: Option<i32>,
    pub in_cooldown_seconds: Option<i32>,
    pub is_in_disabled: Option<bool>,
    pub created: Timestamp,
}

store::row!(PolicyRow, 1);

/// The policy that a request describes, created now.
pub(crate) fn of(
    ctx: &Ctx,
    place: &Place,
    input: &api::PutScalingPolicyInput,
) -> Result<PolicyRow, ApiError> {
    match input.policy_type.as_deref() {
        Some("TargetTrackingScaling") => {}
        None | Some("StepScaling") => {
            return Err(errors::validation(
                "Step scaling policies are not supported for resources of the service namespace dynamodb. Use a \
                 TargetTrackingScaling policy.",
            ));
        }
        Some("PredictiveScaling") => {
            return Err(errors::validation(
                "Predictive scaling policies are not supported for resources of the service namespace dynamodb.",
            ));
        }
        Some(other) => return Err(errors::validation(format!("Unsupported policy type {other}"))),
    }
    let tracking = input.target_tracking_scaling_policy_configuration.as_ref().ok_or_else(|| {
        errors::validation(
            "TargetTrackingScalingPolicyConfiguration is required for a TargetTrackingScaling policy",
        )
    })?;
    let metric = match (&tracking.predefined_metric_specification, &tracking.customized_metric_specification)
    {
        (Some(metric), None) => metric,
        (None, Some(_)) => return Err(errors::not_here_yet("The parameter CustomizedMetricSpecification")),
        _ => {
            return Err(errors::validation(
                "Must specify exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification",
            ));
        }
    };
    if metric.predefined_metric_type != place.metric() || metric.resource_label.is_some() {
        return Err(errors::validation(format!(
            "PredefinedMetricType {} is not supported for {}; use {} without a ResourceLabel",
            metric.predefined_metric_type,
            place.dimension(),
            place.metric()
        )));
    }
    // Developer Guide, "Managing throughput capacity automatically with DynamoDB auto scaling".
    if !(20.0..=90.0).contains(&tracking.target_value) {
        return Err(errors::validation(
            "TargetValue must be between 20 and 90 for the utilization of DynamoDB.",
        ));
    }
    for seconds in [tracking.scale_in_cooldown, tracking.scale_out_cooldown].into_iter().flatten() {
        if seconds < 0 {
            return Err(errors::validation("A cooldown must not be negative."));
        }
    }
    Ok(PolicyRow {
        id: ctx.ids().uuid(),
        target_percent: tracking.target_value,
        out_cooldown_seconds: tracking.scale_out_cooldown,
        in_cooldown_seconds: tracking.scale_in_cooldown,
        is_in_disabled: tracking.disable_scale_in,
        created: ctx.now(),
    })
}

impl PolicyRow {
    /// How long nothing more happens after it scaled. DynamoDB's default is no time at all (API Reference,
    /// TargetTrackingScalingPolicyConfiguration).
    pub(crate) fn cooldown(&self, direction: crate::tracking::Direction) -> Duration {
        let seconds = match direction {
            crate::tracking::Direction::Out => self.out_cooldown_seconds,
            crate::tracking::Direction::In => self.in_cooldown_seconds,
        };
        Duration::from_secs(u64::from(seconds.unwrap_or(0).unsigned_abs()))
    }

    /// `arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:ID:resource/dynamodb/table/orders:policyName/NAME`
    pub(crate) fn arn(&self, ctx: &Ctx, place: &Place, name: &str) -> String {
        let (region, account, resource) = (ctx.region(), ctx.account(), place.resource());
        let region = region.as_str();
        let id = &self.id;
        format!(
            "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{id}:resource/{NAMESPACE}/{resource}:policyName/{name}"
        )
    }

    /// The name of the alarm for consumption above (`High`) or below (`Low`) the target.
    pub(crate) fn alarm(&self, place: &Place, side: &str) -> String {
        format!("TargetTracking-{}-Alarm{side}-{}", place.resource(), self.id)
    }

    pub(crate) fn alarms(&self, ctx: &Ctx, place: &Place) -> Vec<api::Alarm> {
        let alarm = |side| {
            let name = self.alarm(place, side);
            let arn = format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", ctx.region().as_str(), ctx.account());
            api::Alarm { alarm_name: name, alarm_arn: arn }
        };
        vec![alarm("High"), alarm("Low")]
    }

    pub(crate) fn to_api(&self, ctx: &Ctx, place: &Place, name: &str) -> api::ScalingPolicy {
        let tracking = api::TargetTrackingScalingPolicyConfiguration {
            target_value: self.target_percent,
            predefined_metric_specification: Some(api::PredefinedMetricSpecification {
                predefined_metric_type: place.metric().to_owned(),
                resource_label: None,
            }),
            customized_metric_specification: None,
            scale_out_cooldown: self.out_cooldown_seconds,
            scale_in_cooldown: self.in_cooldown_seconds,
            disable_scale_in: self.is_in_disabled,
        };
        api::ScalingPolicy {
            policy_arn: self.arn(ctx, place, name),
            policy_name: name.to_owned(),
            service_namespace: NAMESPACE.to_owned(),
            resource_id: place.resource(),
            scalable_dimension: place.dimension().to_owned(),
            policy_type: "TargetTrackingScaling".to_owned(),
            step_scaling_policy_configuration: None,
            target_tracking_scaling_policy_configuration: Some(tracking),
            predictive_scaling_policy_configuration: None,
            alarms: Some(self.alarms(ctx, place)),
            creation_time: self.created,
        }
    }
}
