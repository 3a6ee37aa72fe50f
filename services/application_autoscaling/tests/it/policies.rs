//! Target tracking: capacity follows what is consumed.

use application_autoscaling_api as api;
use application_autoscaling_api::op::{DeleteScalingPolicy, DescribeScalingPolicies, PutScalingPolicy};

use super::kit::{Region, WRITES, policy};

#[tokio::test]
async fn capacity_grows_after_two_busy_minutes_and_shrinks_after_fifteen_quiet_ones() {
    let region = Region::start().await;
    region.register(5, 40).await.unwrap();
    let output = region.track(50.0, |_| ()).await.unwrap();
    let alarms: Vec<_> = output.alarms.unwrap().into_iter().map(|alarm| alarm.alarm_name).collect();
    assert!(alarms[0].starts_with("TargetTracking-table/orders-AlarmHigh-"), "{alarms:?}");
    region.minute_of(600).await;
    assert_eq!(region.writes().await, 5, "one minute is not two");
    region.minute_of(600).await;
    assert_eq!(region.writes().await, 20, "10 units a second are half of it");
    let activity = region.activities().await.remove(0);
    assert_eq!(activity.cause, format!("monitor alarm {} in state ALARM triggered policy steady", alarms[0]));
    let message = "Successfully set write capacity units to 20. Change successfully fulfilled by dynamodb.";
    assert_eq!(activity.status_message.as_deref(), Some(message));

    for minute in 0..15 {
        assert_eq!(region.writes().await, 20, "after {minute} quiet minutes");
        region.minute_of(180).await;
    }
    assert_eq!(region.writes().await, 6, "3 units a second are half of it");
    for _ in 0..20 {
        region.minute_of(0).await;
    }
    assert_eq!(region.writes().await, 6, "minutes without data are not below the target");
}

#[tokio::test]
async fn capacity_stays_within_the_bounds() {
    let region = Region::start().await;
    region.register(5, 12).await.unwrap();
    region.track(50.0, |_| ()).await.unwrap();
    for _ in 0..3 {
        region.minute_of(3000).await;
    }
    assert_eq!(region.writes().await, 12);
    assert_eq!(region.activities().await.len(), 1);
}

#[tokio::test]
async fn nothing_more_happens_while_it_cools_down() {
    let region = Region::start().await;
    region.register(5, 1000).await.unwrap();
    region.track(50.0, |tracking| tracking.scale_out_cooldown = Some(300)).await.unwrap();
    region.minute_of(600).await;
    region.minute_of(600).await;
    assert_eq!(region.writes().await, 20);
    for _ in 0..4 {
        region.minute_of(1200).await;
        assert_eq!(region.writes().await, 20);
    }
    region.minute_of(1200).await;
    assert_eq!(region.writes().await, 40);
}

#[tokio::test]
async fn a_way_that_is_suspended_or_disabled_is_not_taken() {
    let region = Region::start().await;
    region.register(2, 1000).await.unwrap();
    region.track(50.0, |tracking| tracking.disable_scale_in = Some(true)).await.unwrap();
    for _ in 0..16 {
        region.minute_of(6).await;
    }
    assert_eq!(region.writes().await, 5, "it is not to shrink");
    let suspend = |is_suspended: bool| {
        move |input: &mut api::RegisterScalableTargetInput| {
            input.suspended_state = Some(api::SuspendedState {
                dynamic_scaling_out_suspended: Some(is_suspended),
                ..Default::default()
            });
        }
    };
    region.register_with(suspend(true)).await.unwrap();
    assert_eq!(
        region.targets().await[0]
            .suspended_state
            .as_ref()
            .and_then(|state| state.dynamic_scaling_out_suspended),
        Some(true)
    );
    for _ in 0..3 {
        region.minute_of(600).await;
    }
    assert_eq!(region.writes().await, 5, "it is not to grow");
    region.register_with(suspend(false)).await.unwrap();
    region.minute_of(600).await;
    assert_eq!(region.writes().await, 20);
}

#[tokio::test]
async fn tracking_goes_on_after_a_restart() {
    let region = Region::start().await;
    region.register(5, 40).await.unwrap();
    region.track(50.0, |_| ()).await.unwrap();
    let region = region.restarted();
    region.minute_of(600).await;
    region.minute_of(600).await;
    assert_eq!(region.writes().await, 20);
}

#[tokio::test]
async fn a_policy_is_described_replaced_and_deleted() {
    let region = Region::start().await;
    let error = region.track(70.0, |_| ()).await.unwrap_err();
    assert_eq!(error.code(), "ObjectNotFoundException", "no target yet");
    region.register(5, 40).await.unwrap();
    let first = region.track(70.0, |_| ()).await.unwrap();
    let again = region.track(50.0, |tracking| tracking.scale_in_cooldown = Some(60)).await.unwrap();
    assert_eq!(first.policy_arn, again.policy_arn);
    let describe = || api::DescribeScalingPoliciesInput {
        service_namespace: "dynamodb".to_owned(),
        ..Default::default()
    };
    let found = region.0.call::<DescribeScalingPolicies>(describe()).await.unwrap().scaling_policies.unwrap();
    let tracking = found[0].target_tracking_scaling_policy_configuration.as_ref().unwrap();
    assert_eq!((found.len(), tracking.target_value, tracking.scale_in_cooldown), (1, 50.0, Some(60)));
    let second = api::PutScalingPolicyInput {
        policy_type: Some("TargetTrackingScaling".to_owned()),
        target_tracking_scaling_policy_configuration: Some(tracking.clone()),
        ..policy()
    };
    let error = region.0.call::<PutScalingPolicy>(second).await.unwrap_err();
    assert!(error.message().starts_with("Only one TargetTrackingScaling policy"), "{error}");
    let delete = || api::DeleteScalingPolicyInput {
        policy_name: "steady".to_owned(),
        service_namespace: "dynamodb".to_owned(),
        resource_id: "table/orders".to_owned(),
        scalable_dimension: WRITES.to_owned(),
    };
    region.0.call::<DeleteScalingPolicy>(delete()).await.unwrap();
    for _ in 0..3 {
        region.minute_of(600).await;
    }
    assert_eq!(region.writes().await, 5, "nothing tracks any more");
    let error = region.0.call::<DeleteScalingPolicy>(delete()).await.unwrap_err();
    assert_eq!(error.code(), "ObjectNotFoundException");
}

#[tokio::test]
async fn policies_that_are_not_for_dynamodb_are_refused() {
    let region = Region::start().await;
    region.register(5, 40).await.unwrap();
    let step = api::PutScalingPolicyInput { policy_type: Some("StepScaling".to_owned()), ..policy() };
    let error = region.0.call::<PutScalingPolicy>(step).await.unwrap_err();
    assert_eq!(error.code(), "ValidationException");
    for percent in [19.0, 91.0] {
        assert_eq!(region.track(percent, |_| ()).await.unwrap_err().code(), "ValidationException");
    }
    let other_metric = region.track(50.0, |tracking| {
        let metric = tracking.predefined_metric_specification.as_mut().unwrap();
        metric.predefined_metric_type = "DynamoDBReadCapacityUtilization".to_owned();
    });
    assert_eq!(other_metric.await.unwrap_err().code(), "ValidationException");
}
