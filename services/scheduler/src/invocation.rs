//! What a schedule sends.

use cloud::Ctx;
use identity::arn;
use serde_json::json;
use shapes::Timestamp;
use targets::{DeadLetter, Delivery, EventFields, Origin, Outcome, QueueFields, Target};

use crate::schedule::TargetRow;

pub(crate) const KIND: &str = "scheduler/delivery";

/// Counts what became of an invocation, under AWS's names (User Guide, "Monitoring Amazon EventBridge Scheduler with
/// Amazon CloudWatch").
pub(crate) fn count(ctx: &Ctx, delivery: &Delivery, outcome: Outcome) {
    let group = arn::split(&delivery.origin.arn).and_then(|parts| parts.resource.split('/').nth(1));
    let names: &[&'static str] = match outcome {
        Outcome::Delivered => &["InvocationAttemptCount"],
        Outcome::TriedInVain => &["InvocationAttemptCount", "TargetErrorCount"],
        Outcome::Failed => &["InvocationAttemptCount", "TargetErrorCount", "InvocationDroppedCount"],
        Outcome::SentToDeadLetterQueue => &["InvocationsSentToDeadLetterCount"],
        Outcome::RefusedByDeadLetterQueue => &["InvocationsFailedToBeSentToDeadLetterCount"],
    };
    for name in names {
        ctx.publish("AWS/Scheduler", name, ("ScheduleGroup", group.unwrap_or_default()), 1.0);
    }
}

/// The delivery that the schedule `schedule` makes for its time `time`.
pub(crate) fn delivery(ctx: &Ctx, schedule: &str, target: &TargetRow, time: Timestamp) -> Delivery {
    let (execution, time) = (ctx.ids().uuid(), time.iso8601());
    let usual = || {
        json!({
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ctx.account().to_string(),
            "time": time,
            "region": ctx.region().as_str(),
            "resources": [schedule],
            "detail": "{}",
        })
        .to_string()
    };
    // User Guide, "Adding context attributes".
    let attributes = [
        ("<aws.scheduler.schedule-arn>", schedule),
        ("<aws.scheduler.scheduled-time>", time.as_str()),
        ("<aws.scheduler.execution-id>", execution.as_str()),
        ("<aws.scheduler.attempt-number>", "1"),
    ];
    let filled = |input: &String| {
        attributes.iter().fold(input.clone(), |text, (name, value)| text.replace(name, value))
    };
    let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let dead_letter = target.dead_letter_queue.clone().map(|queue| DeadLetter {
        queue,
        body: None,
        attributes: vec![
            attribute("SCHEDULE_ARN", schedule),
            attribute("TARGET_ARN", &target.arn),
            attribute("EXECUTION_ID", &execution),
            attribute("SCHEDULED_TIME", &time),
        ],
        has_target_codes: true,
    });
    Delivery {
        origin: Origin { arn: schedule.to_owned(), account: ctx.account(), region: ctx.region() },
        target: Target {
            arn: target.arn.clone(),
            role_arn: Some(target.role_arn.clone()),
            queue: QueueFields { message_group_id: target.message_group_id.clone(), deduplication_id: None },
            event: EventFields {
                source: target.source.clone().unwrap_or_default(),
                detail_type: target.detail_type.clone().unwrap_or_default(),
                ..EventFields::default()
            },
            ..Target::default()
        },
        payload: target.input.as_ref().map_or_else(usual, filled),
        trace: ctx.trace().to_string(),
        retry: target.retry(),
        dead_letter,
        began: ctx.now(),
    }
}
