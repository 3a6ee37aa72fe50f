//! GetQueueAttributes: what is set of a queue, and how many messages wait in it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::GetQueueAttributes;
use sqs_api::{GetQueueAttributesInput, GetQueueAttributesOutput};
use store::{Order, Range, Reader};

use super::Target;
use crate::queue::Queue;
use crate::{Sqs, errors, tables};

impl Handle<GetQueueAttributes> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &GetQueueAttributesInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetQueueAttributesInput,
    ) -> Result<GetQueueAttributesOutput, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        let mut snapshot = ctx.store().read(&target.scope)?;
        let queue = target.find(&mut snapshot)?;
        let wanted = input.attribute_names.unwrap_or_default();
        if let Some(unknown) = wanted.iter().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(errors::unknown_attribute(unknown));
        }
        let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted == "All" || wanted == name);

        let mut attributes = BTreeMap::new();
        attributes
            .extend(queue.attributes.entries().into_iter().map(|(name, value)| (name.to_owned(), value)));
        attributes.insert("QueueArn".to_owned(), target.arn(ctx));
        attributes.insert("CreatedTimestamp".to_owned(), queue.created.seconds().to_string());
        attributes.insert("LastModifiedTimestamp".to_owned(), queue.modified.seconds().to_string());
        if COUNTS.iter().any(|count| is_wanted(count)) {
            let counts = Counts::of(ctx, &mut snapshot, &queue)?;
            let values = [counts.visible, counts.in_flight, counts.delayed];
            attributes.extend(
                COUNTS.iter().zip(values).map(|(name, count)| ((*name).to_owned(), count.to_string())),
            );
        }
        attributes.retain(|name, _| is_wanted(name));
        Ok(GetQueueAttributesOutput { attributes: (!attributes.is_empty()).then_some(attributes) })
    }
}

const COUNTS: [&str; 3] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
];

const KNOWN: &[&str] = &[
    "All",
    "Policy",
    "VisibilityTimeout",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
    "ApproximateNumberOfMessagesDelayed",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "FifoQueue",
    "ContentBasedDeduplication",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];

#[derive(Default)]
struct Counts {
    visible: u64,
    in_flight: u64,
    delayed: u64,
}

impl Counts {
    /// Counts what has not outlived the retention period.
    fn of(ctx: &Ctx, reader: &mut dyn Reader, queue: &Queue) -> Result<Self, ApiError> {
        let (now, mut counts) = (ctx.now(), Self::default());
        let oldest = now - queue.attributes.retention;
        tables::MESSAGES.visit(
            reader,
            &Range::prefix(&queue.id),
            Order::Ascending,
            |(_, visible_at, _), message| {
                match (message.sent > oldest, visible_at <= now, message.receive_count) {
                    (false, ..) => {}
                    (true, true, _) => counts.visible += 1,
                    (true, false, 0) => counts.delayed += 1,
                    (true, false, _) => counts.in_flight += 1,
                }
                ControlFlow::Continue(())
            },
        )?;
        Ok(counts)
    }
}
