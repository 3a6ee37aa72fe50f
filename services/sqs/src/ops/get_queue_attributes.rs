//! GetQueueAttributes: what is set of a queue, and how many messages wait in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::GetQueueAttributes;
use sqs_api::{GetQueueAttributesInput, GetQueueAttributesOutput};

use super::Target;
use super::receive_message::expired_below;
use crate::queue::Queue;
use crate::timeline::Counts;
use crate::{Sqs, errors};

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
        let queue = target.find(&mut ctx.store().read(&target.scope)?)?;
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
            let counts = self.counts(ctx, &target, &queue)?;
            let values = [counts.visible, counts.in_flight, counts.delayed];
            attributes.extend(
                COUNTS.iter().zip(values).map(|(name, count)| ((*name).to_owned(), count.to_string())),
            );
        }
        attributes.retain(|name, _| is_wanted(name));
        Ok(GetQueueAttributesOutput { attributes: (!attributes.is_empty()).then_some(attributes) })
    }
}

impl Sqs {
    /// How many messages there are by now, without those that have outlived the retention period.
    fn counts(&self, ctx: &Ctx, target: &Target, queue: &Queue) -> Result<Counts, ApiError> {
        let timeline = self.timeline(target, queue)?;
        timeline.expire_below(ctx.store(), expired_below(queue, ctx.now()))?;
        Ok(timeline.change(|state| {
            state.promote(ctx.now());
            state.counts()
        }))
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
