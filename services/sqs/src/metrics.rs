//! What SQS publishes (Developer Guide, "Available CloudWatch metrics for Amazon SQS").

use std::sync::atomic::{AtomicI64, Ordering};

use cloud::Ctx;

use crate::timeline::Timeline;

const NAMESPACE: &str = "AWS/SQS";

/// The minute in which a queue's gauges were published last.
#[derive(Default)]
pub(crate) struct GaugeMinute(AtomicI64);

pub(crate) fn publish(ctx: &Ctx, queue: &str, name: &'static str, value: f64) {
    ctx.publish(NAMESPACE, name, ("QueueName", queue), value);
}

/// How many messages there are and how old the oldest is, once a minute while the queue is in use.
pub(crate) fn publish_gauges(ctx: &Ctx, timeline: &Timeline) {
    let now = ctx.now();
    let minute = now.seconds().div_euclid(60);
    if timeline.gauges.0.swap(minute, Ordering::Relaxed) == minute {
        return;
    }
    let (counts, oldest) = timeline.change(|state| (state.counts(), state.oldest()));
    let age = oldest.map_or(0, |sent| now.since(sent).as_secs());
    for (name, value) in [
        ("ApproximateNumberOfMessagesVisible", counts.visible),
        ("ApproximateNumberOfMessagesNotVisible", counts.in_flight),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed),
        ("ApproximateAgeOfOldestMessage", age),
    ] {
        publish(ctx, &timeline.name, name, value as f64);
    }
}
