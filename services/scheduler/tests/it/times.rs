//! When schedules come: rates, cron expressions and single times, in time zones, between a start and an end.

use scheduler_api::UpdateScheduleInput;
use scheduler_api::op::UpdateSchedule;

use crate::kit::{DAY, HOUR, MINUTE, Region, after, exact, queue, target};

#[tokio::test]
async fn a_rate_comes_again_and_again_over_restarts_as_well() {
    let region = Region::start().await;
    region.create("s", "rate(5 minutes)", |_| {}).await.unwrap();
    region.step(MINUTE, 4).await;
    assert!(region.times().await.is_empty());
    region.step(MINUTE, 6).await;
    assert_eq!(region.times().await, ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"]);
    let region = region.restarted();
    region.step(MINUTE, 5).await;
    assert_eq!(region.times().await, ["2026-01-01T00:15:00Z"]);
    region.delete("s").await;
    region.step(MINUTE, 20).await;
    assert!(region.times().await.is_empty());
}

#[tokio::test]
async fn times_that_were_missed_come_once_together() {
    let region = Region::start().await;
    region.create("s", "rate(1 hour)", |_| {}).await.unwrap();
    region.step(HOUR * 5 + MINUTE, 1).await;
    assert_eq!(region.times().await.len(), 1);
    region.step(HOUR, 1).await;
    assert_eq!(region.times().await, ["2026-01-01T06:00:00Z"]);
}

#[tokio::test]
async fn cron_follows_its_time_zone_over_the_begin_of_summer_time() {
    let region = Region::start().await;
    region.region.advance(DAY * 86).await;
    let zone = |input: &mut scheduler_api::CreateScheduleInput| {
        input.schedule_expression_timezone = Some("Europe/Berlin".to_owned());
    };
    region.create("morning", "cron(30 8 * * ? *)", zone).await.unwrap();
    region.create("night", "cron(30 2 * * ? *)", zone).await.unwrap();
    region.step(MINUTE * 30, 2 * 72).await;
    assert_eq!(
        region.times().await,
        [
            "2026-03-28T01:30:00Z",
            "2026-03-28T07:30:00Z",
            // Half past two does not exist on the day after.
            "2026-03-29T06:30:00Z",
            "2026-03-30T00:30:00Z",
            "2026-03-30T06:30:00Z",
        ]
    );
}

#[tokio::test]
async fn an_hour_that_comes_twice_counts_once() {
    let region = Region::start().await;
    region.region.advance(DAY * 303).await;
    let zone = |input: &mut scheduler_api::CreateScheduleInput| {
        input.schedule_expression_timezone = Some("America/New_York".to_owned());
    };
    region.create("night", "cron(30 1 * * ? *)", zone).await.unwrap();
    region.step(MINUTE * 30, 2 * 48).await;
    assert_eq!(region.times().await, ["2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z"]);
}

#[tokio::test]
async fn a_single_time_is_in_its_zone_and_leaves_the_schedule_unless_it_is_to_go() {
    let region = Region::start().await;
    for (name, action) in [("kept", "NONE"), ("gone", "DELETE")] {
        let change = |input: &mut scheduler_api::CreateScheduleInput| {
            input.schedule_expression_timezone = Some("America/New_York".to_owned());
            input.action_after_completion = Some(action.to_owned());
        };
        region.create(name, "at(2026-01-01T10:00:00)", change).await.unwrap();
    }
    region.step(MINUTE, 14 * 60 + 59).await;
    assert!(region.times().await.is_empty());
    region.step(MINUTE, 1).await;
    assert_eq!(region.times().await, ["2026-01-01T15:00:00Z", "2026-01-01T15:00:00Z"]);
    assert_eq!(region.find("kept").await.unwrap().state.as_deref(), Some("ENABLED"));
    assert_eq!(region.find("gone").await.unwrap_err().name(), "ResourceNotFoundException");
    region.step(DAY, 3).await;
    assert!(region.times().await.is_empty());
}

#[tokio::test]
async fn recurring_schedules_keep_within_their_start_and_end_and_go_after_it() {
    let region = Region::start().await;
    let change = |input: &mut scheduler_api::CreateScheduleInput| {
        input.start_date = Some(after(HOUR * 3));
        input.end_date = Some(after(HOUR * 5));
        input.action_after_completion = Some("DELETE".to_owned());
    };
    region.create("s", "rate(1 hour)", change).await.unwrap();
    region.step(MINUTE * 30, 16).await;
    assert_eq!(
        region.times().await,
        ["2026-01-01T03:00:00Z", "2026-01-01T04:00:00Z", "2026-01-01T05:00:00Z"]
    );
    assert_eq!(region.find("s").await.unwrap_err().name(), "ResourceNotFoundException");
    let swapped = |input: &mut scheduler_api::CreateScheduleInput| {
        input.start_date = Some(after(DAY * 2));
        input.end_date = Some(after(DAY));
    };
    let refused = region.create("s", "rate(1 hour)", swapped).await.unwrap_err();
    assert_eq!(refused.name(), "ValidationException");
}

#[tokio::test]
async fn an_update_replaces_the_times_and_a_disabled_schedule_has_none() {
    let region = Region::start().await;
    region.create("s", "rate(5 minutes)", |_| {}).await.unwrap();
    let update = async |expression: &str, state: &str| {
        let input = UpdateScheduleInput {
            name: "s".to_owned(),
            schedule_expression: expression.to_owned(),
            flexible_time_window: exact(),
            state: Some(state.to_owned()),
            target: target(&queue("inbox")),
            ..Default::default()
        };
        region.region.call::<UpdateSchedule>(input).await.unwrap();
    };
    update("rate(1 hour)", "ENABLED").await;
    region.step(MINUTE, 59).await;
    assert!(region.times().await.is_empty());
    region.step(MINUTE, 1).await;
    assert_eq!(region.times().await.len(), 1);
    update("rate(1 hour)", "DISABLED").await;
    region.step(HOUR, 5).await;
    assert!(region.times().await.is_empty());
}

#[tokio::test]
async fn what_is_no_time_is_refused() {
    let region = Region::start().await;
    for expression in ["rate(0 minutes)", "cron(* *)", "at(tomorrow)", "rate(5 fortnights)"] {
        let refused = region.create("s", expression, |_| {}).await.unwrap_err();
        assert_eq!(refused.name(), "ValidationException", "{expression}");
    }
    let nowhere = |input: &mut scheduler_api::CreateScheduleInput| {
        input.schedule_expression_timezone = Some("Mars/Base".to_owned());
    };
    assert_eq!(region.create("s", "rate(1 hour)", nowhere).await.unwrap_err().name(), "ValidationException");
    region.create("s", "rate(1 hour)", |_| {}).await.unwrap();
    let again = region.create("s", "rate(1 hour)", |_| {}).await.unwrap_err();
    assert_eq!(again.name(), "ConflictException");
}
