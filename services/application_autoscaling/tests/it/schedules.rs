//! Scheduled actions on the region's clock.

use std::time::Duration;

use application_autoscaling_api as api;
use application_autoscaling_api::op::{DeleteScheduledAction, DescribeScheduledActions};

use super::kit::{Region, WRITES};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn bounds_follow_the_hours_of_a_time_zone() {
    let region = Region::start().await;
    region.register(1, 10).await.unwrap();
    let berlin = |input: &mut api::PutScheduledActionInput| input.timezone = Some("Europe/Berlin".to_owned());
    // The tests begin at midnight in UTC, which is one o'clock in Berlin.
    region.schedule("day", "cron(0 8 * * ? *)", (Some(50), Some(90)), berlin).await.unwrap();
    region.schedule("night", "cron(0 20 * * ? *)", (Some(1), Some(3)), berlin).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..24 {
        region.0.advance(HOUR).await;
        seen.push(region.writes().await);
    }
    let expected: Vec<i64> = (1..=24)
        .map(|hour| {
            if hour < 7 {
                5
            } else if hour < 19 {
                50
            } else {
                3
            }
        })
        .collect();
    assert_eq!(seen, expected);
    let cause = region.activities().await.remove(0).cause;
    assert_eq!(cause, "maximum capacity was set to 3, scheduled action name night was triggered");
    let target = region.targets().await.remove(0);
    assert_eq!((target.min_capacity, target.max_capacity), (1, 3));
}

#[tokio::test]
async fn an_action_comes_once_or_within_its_dates_and_over_restarts() {
    let region = Region::start().await;
    region.register(1, 10).await.unwrap();
    region.schedule("once", "at(2026-01-01T02:30:00)", (Some(7), None), |_| ()).await.unwrap();
    let dates = |input: &mut api::PutScheduledActionInput| {
        input.start_time = Some(::kit::START + 5 * HOUR);
        input.end_time = Some(::kit::START + 6 * HOUR);
    };
    region.schedule("hourly", "rate(1 hour)", (Some(9), Some(20)), dates).await.unwrap();
    let region = region.restarted();
    region.0.advance(2 * HOUR).await;
    assert_eq!(region.writes().await, 5);
    region.0.advance(HOUR).await;
    assert_eq!(region.writes().await, 7);
    region.0.advance(2 * HOUR).await;
    assert_eq!(region.writes().await, 9, "its dates have begun");
    region.register(1, 2).await.unwrap();
    region.0.advance(20 * HOUR).await;
    assert_eq!(region.writes().await, 9, "it came once more at its end and then no more");
}

#[tokio::test]
async fn schedules_can_be_suspended_and_deleted() {
    let region = Region::start().await;
    region
        .register_with(|input| {
            (input.min_capacity, input.max_capacity) = (Some(1), Some(10));
            input.suspended_state =
                Some(api::SuspendedState { scheduled_scaling_suspended: Some(true), ..Default::default() });
        })
        .await
        .unwrap();
    region.schedule("hourly", "rate(1 hour)", (Some(9), None), |_| ()).await.unwrap();
    region.0.advance(HOUR).await;
    assert_eq!(region.writes().await, 5);
    let resume = |input: &mut api::RegisterScalableTargetInput| {
        input.suspended_state =
            Some(api::SuspendedState { scheduled_scaling_suspended: Some(false), ..Default::default() });
    };
    region.register_with(resume).await.unwrap();
    region.0.advance(HOUR).await;
    assert_eq!(region.writes().await, 9);
    let describe = || api::DescribeScheduledActionsInput {
        service_namespace: "dynamodb".to_owned(),
        ..Default::default()
    };
    let found =
        region.0.call::<DescribeScheduledActions>(describe()).await.unwrap().scheduled_actions.unwrap();
    assert_eq!(found[0].schedule, "rate(1 hour)");
    assert!(found[0].scheduled_action_arn.ends_with(":scheduledActionName/hourly"));
    let delete = || api::DeleteScheduledActionInput {
        service_namespace: "dynamodb".to_owned(),
        scheduled_action_name: "hourly".to_owned(),
        resource_id: "table/orders".to_owned(),
        scalable_dimension: WRITES.to_owned(),
    };
    region.0.call::<DeleteScheduledAction>(delete()).await.unwrap();
    let error = region.0.call::<DeleteScheduledAction>(delete()).await.unwrap_err();
    assert_eq!(error.code(), "ObjectNotFoundException");
}

#[tokio::test]
async fn actions_that_make_no_sense_are_refused() {
    let region = Region::start().await;
    let early = region.schedule("x", "rate(1 hour)", (Some(1), None), |_| ()).await.unwrap_err();
    assert_eq!(early.code(), "ObjectNotFoundException", "no target yet");
    region.register(1, 10).await.unwrap();
    for (schedule, bounds) in [
        ("sometimes", (Some(1), None)),
        ("rate(1 hour)", (None, None)),
        ("rate(1 hour)", (Some(3), Some(2))),
        ("rate(1 hour)", (Some(0), None)),
    ] {
        let error = region.schedule("x", schedule, bounds, |_| ()).await.unwrap_err();
        assert_eq!(error.code(), "ValidationException", "{schedule} {bounds:?}");
    }
    for name in ["a/b", "a|b", " a", "a\n"] {
        let error = region.schedule(name, "rate(1 hour)", (Some(1), None), |_| ()).await.unwrap_err();
        assert_eq!(error.code(), "ValidationException", "{name:?}");
    }
    let zone = |input: &mut api::PutScheduledActionInput| input.timezone = Some("Moon/Base".to_owned());
    let error = region.schedule("x", "rate(1 hour)", (Some(1), None), zone).await.unwrap_err();
    assert_eq!(error.message(), "Invalid time zone: Moon/Base");
}
