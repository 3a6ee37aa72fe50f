//! Rules that fall due by a schedule.

use std::time::Duration;

use events_api::PutRuleInput;
use events_api::op::{DeleteRule, DisableRule, PutRule, RemoveTargets};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::kit::{Region, target};

async fn schedule(region: &Region, bus: Option<&str>, expression: &str) -> Result<(), ApiError> {
    let input = PutRuleInput {
        name: "tick".to_owned(),
        schedule_expression: Some(expression.to_owned()),
        event_bus_name: bus.map(str::to_owned),
        ..Default::default()
    };
    region.region.call::<PutRule>(input).await.map(|_| ())
}

#[tokio::test]
async fn a_rate_sends_events_like_aws_s() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    schedule(&region, None, "rate(5 minutes)").await.unwrap();
    region.put_target("default", "tick", target("t", &queue)).await.unwrap();
    region.region.advance(Duration::from_secs(299)).await;
    assert!(region.bodies("q").await.is_empty());
    region.region.advance(Duration::from_secs(1)).await;
    let bodies = region.bodies("q").await;
    assert_eq!(bodies.len(), 1);
    let mut event: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert!(event.as_object_mut().unwrap().remove("id").is_some_and(|id| id.is_string()));
    assert_eq!(
        event,
        json!({
            "version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": "000000000000",
            "time": "2026-01-01T00:05:00Z", "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:000000000000:rule/tick"], "detail": {},
        })
    );
    for _ in 0..3 {
        region.region.advance(Duration::from_secs(300)).await;
    }
    assert_eq!(region.bodies("q").await.len(), 3);
    // What was missed comes once, and the rhythm stays.
    region.region.advance(Duration::from_secs(3600)).await;
    assert_eq!(region.bodies("q").await.len(), 1);
    region.region.advance(Duration::from_secs(300)).await;
    assert_eq!(region.bodies("q").await.len(), 1);
}

#[tokio::test]
async fn a_cron_rule_follows_its_changes() {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    schedule(&region, None, "cron(0 12 * * ? *)").await.unwrap();
    region.put_target("default", "tick", target("t", &queue)).await.unwrap();
    region.region.advance(Duration::from_secs(12 * 3600)).await;
    assert_eq!(region.bodies("q").await.len(), 1);
    schedule(&region, None, "cron(0 13 * * ? *)").await.unwrap();
    region.region.advance(Duration::from_secs(3600)).await;
    assert_eq!(region.bodies("q").await.len(), 1);
    let input = events_api::DisableRuleInput { name: "tick".to_owned(), ..Default::default() };
    region.region.call::<DisableRule>(input).await.unwrap();
    region.region.advance(Duration::from_secs(7 * 86_400)).await;
    assert!(region.bodies("q").await.is_empty());
    let jobs = clock::Jobs::new(region.region.cloud.store().clone());
    let is_timer = |kind: &str| kind == "events/schedule";
    assert!(!jobs.list(100).unwrap().iter().any(|(_, job)| is_timer(&job.kind)));
    schedule(&region, None, "rate(1 hour)").await.unwrap();
    let input = events_api::RemoveTargetsInput {
        rule: "tick".to_owned(),
        ids: vec!["t".to_owned()],
        ..Default::default()
    };
    region.region.call::<RemoveTargets>(input).await.unwrap();
    let input = events_api::DeleteRuleInput { name: "tick".to_owned(), ..Default::default() };
    region.region.call::<DeleteRule>(input).await.unwrap();
    assert!(!jobs.list(100).unwrap().iter().any(|(_, job)| is_timer(&job.kind)));
}

#[tokio::test]
async fn wrong_schedules_are_refused() {
    let region = Region::start();
    for expression in
        ["rate(1 minutes)", "rate(5 minute)", "cron(0 12 * * * *)", "at(2026-01-01T00:00:00)", "daily"]
    {
        let error = schedule(&region, None, expression).await.unwrap_err();
        assert_eq!(error.message(), "Parameter ScheduleExpression is not valid.", "{expression}");
    }
    let input = events_api::CreateEventBusInput { name: "b".to_owned(), ..Default::default() };
    region.region.call::<events_api::op::CreateEventBus>(input).await.unwrap();
    let error = schedule(&region, Some("b"), "rate(5 minutes)").await.unwrap_err();
    assert_eq!(error.message(), "ScheduleExpression is supported only on the default event bus.");
}
