//! Retries, and what becomes of that which nobody takes.

use std::collections::BTreeMap;

use scheduler_api::{CreateScheduleInput, DeadLetterConfig, RetryPolicy};
use shapes::ApiError;
use sqs_api::Message;

use crate::kit::{DAY, FUNCTION, HOUR, MINUTE, Region, queue, target};

fn attributes(message: &Message) -> BTreeMap<String, String> {
    let all = message.message_attributes.iter().flatten();
    all.map(|(name, value)| (name.clone(), value.string_value.clone().unwrap_or_default())).collect()
}

/// A function as the target, with a dead-letter queue.
fn function(attempts: i32, age_seconds: i32) -> impl FnOnce(&mut CreateScheduleInput) {
    move |input| {
        input.target = target(FUNCTION);
        input.target.dead_letter_config = Some(DeadLetterConfig { arn: Some(queue("dead")) });
        input.target.retry_policy = Some(RetryPolicy {
            maximum_retry_attempts: Some(attempts),
            maximum_event_age_in_seconds: Some(age_seconds),
        });
    }
}

fn refuse(region: &Region, error: Option<ApiError>) {
    *region.functions.refusal.lock().expect("no test panicked with it") = error;
}

fn unavailable() -> ApiError {
    ApiError::with_status(500, "ServiceException", "come again")
}

fn attempts(region: &Region) -> usize {
    region.functions.payloads.lock().expect("no test panicked with it").len()
}

#[tokio::test]
async fn an_attempt_that_fails_is_repeated_until_it_succeeds() {
    let region = Region::start().await;
    region.create_queue("dead").await;
    refuse(&region, Some(unavailable()));
    region.create("s", "at(2026-01-01T00:01:00)", function(10, 86_400)).await.unwrap();
    region.step(MINUTE, 3).await;
    let in_vain = attempts(&region);
    assert!(in_vain >= 2, "{in_vain} attempts");
    refuse(&region, None);
    region.step(MINUTE, 30).await;
    assert_eq!(attempts(&region), in_vain + 1);
    assert!(region.drain("dead").await.is_empty());
}

#[tokio::test]
async fn after_the_last_attempt_the_payload_goes_to_the_dead_letter_queue() {
    let region = Region::start().await;
    region.create_queue("dead").await;
    refuse(&region, Some(unavailable()));
    region.create("s", "at(2026-01-01T00:01:00)", function(2, 86_400)).await.unwrap();
    region.step(HOUR, 24).await;
    assert_eq!(attempts(&region), 3, "the first one and two more");
    let dead = region.drain("dead").await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].body.as_deref(), Some("2026-01-01T00:01:00Z"));
    let attributes = attributes(&dead[0]);
    for (name, value) in [
        ("SCHEDULE_ARN", "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s"),
        ("TARGET_ARN", FUNCTION),
        ("SCHEDULED_TIME", "2026-01-01T00:01:00Z"),
        ("RETRY_ATTEMPTS", "2"),
        ("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
    ] {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name} in {attributes:?}");
    }
    assert!(attributes.contains_key("ERROR_CODE") && attributes.contains_key("EXECUTION_ID"));
}

#[tokio::test]
async fn an_event_that_is_too_old_is_tried_no_more() {
    let region = Region::start().await;
    region.create_queue("dead").await;
    refuse(&region, Some(unavailable()));
    region.create("s", "at(2026-01-01T00:01:00)", function(185, 600)).await.unwrap();
    region.step(MINUTE, 60).await;
    let tried = attempts(&region);
    let dead = region.drain("dead").await;
    assert_eq!(
        attributes(&dead[0]).get("EXHAUSTED_RETRY_CONDITION").map(String::as_str),
        Some("MaximumEventAgeInSeconds")
    );
    region.step(DAY, 1).await;
    assert_eq!(attempts(&region), tried);
}

#[tokio::test]
async fn a_target_that_is_not_there_is_not_tried_again() {
    let region = Region::start().await;
    region.create_queue("dead").await;
    let change = |input: &mut CreateScheduleInput| {
        input.target = target(&queue("nobody"));
        input.target.dead_letter_config = Some(DeadLetterConfig { arn: Some(queue("dead")) });
    };
    region.create("s", "rate(1 minute)", change).await.unwrap();
    region.step(MINUTE, 1).await;
    let dead = region.drain("dead").await;
    assert_eq!(dead.len(), 1);
    assert_eq!(attributes(&dead[0]).get("RETRY_ATTEMPTS").map(String::as_str), Some("0"));
}
