//! From a published message to its deliveries, inside the publishing transaction.
//!
//! Messages to queues, and mail where there is no mail server, are stored right here, so that they and the publish are
//! durable by one commit. Everything else becomes a job in the same transaction. A delivery that is refused does not
//! fail the publish: it goes to the subscription's dead-letter queue.

use std::ops::ControlFlow;

use cloud::Ctx;
use identity::{AccountId, Region};
use shapes::{ApiError, Map};
use sqs_api::op::SendMessage;
use sqs_api::{MessageAttributeValue, SendMessageInput};
use store::{Order, Range, Reader, Tx};

use crate::jobs::{self, Content};
use crate::message::{AttributeContent, Message};
use crate::subscription::{Protocol, Subscription, SubscriptionArn};
use crate::topic::{Topic, TopicArn};
use crate::{PRINCIPAL, Sns, envelope, mail, tables};

/// What became of one message.
#[derive(Default)]
struct Outcomes {
    delivered: usize,
    failed: usize,
    filtered_out: usize,
}

/// The subscriptions of a topic that were confirmed.
pub(crate) fn confirmed(reader: &mut dyn Reader, topic: &str) -> Result<Vec<Subscription>, ApiError> {
    let mut subscriptions = Vec::new();
    let range = Range::prefix(&topic.to_owned());
    tables::SUBSCRIPTIONS.visit(reader, &range, Order::Ascending, |_, subscription| {
        if subscription.is_confirmed() {
            subscriptions.push(subscription);
        }
        ControlFlow::Continue(())
    })?;
    Ok(subscriptions)
}

impl Sns {
    /// Delivers `message` to `subscriptions`, which lie in the scope of `tx`.
    pub(crate) fn fan_out(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &TopicArn,
        topic: &Topic,
        subscriptions: &[Subscription],
        message: &Message,
    ) -> Result<(), ApiError> {
        let mut outcomes = Outcomes::default();
        for subscription in subscriptions {
            let settings = &subscription.settings;
            let is_admitted = settings
                .filter_policy
                .as_ref()
                .is_none_or(|policy| self.filters.admits(policy, settings.filters_body, message));
            if !is_admitted {
                outcomes.filtered_out += 1;
                continue;
            }
            match self.deliver(ctx, tx, arn, topic, subscription, message)? {
                Some(true) => outcomes.delivered += 1,
                Some(false) => outcomes.failed += 1,
                None => {}
            }
        }
        let size = message.size() as f64;
        for (name, value) in [
            ("NumberOfMessagesPublished", 1.0),
            ("PublishSize", size),
            ("NumberOfNotificationsDelivered", outcomes.delivered as f64),
            ("NumberOfNotificationsFailed", outcomes.failed as f64),
            ("NumberOfNotificationsFilteredOut", outcomes.filtered_out as f64),
        ] {
            if value > 0.0 {
                ctx.publish("AWS/SNS", name, ("TopicName", &arn.name), value);
            }
        }
        Ok(())
    }

    /// Whether the message is delivered; `None` when a job will tell.
    fn deliver(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        topic_arn: &TopicArn,
        topic: &Topic,
        subscription: &Subscription,
        message: &Message,
    ) -> Result<Option<bool>, ApiError> {
        let arn = SubscriptionArn { topic: topic_arn.clone(), id: subscription.id.clone() };
        match subscription.protocol {
            Protocol::Sqs => {
                let (body, attributes) = self.queue_message(&arn, subscription, message);
                let sent = send(ctx, tx, topic_arn, &subscription.endpoint, body, attributes);
                if was_taken(sent)? {
                    return Ok(Some(true));
                }
                self.bury(ctx, tx, &arn, subscription, message)?;
                Ok(Some(false))
            }
            Protocol::Email | Protocol::EmailJson if self.config.smtp.is_none() => {
                let mail = self.notification_mail(&arn, topic, subscription, message);
                mail::keep(tx, topic_arn.account, &mail)?;
                Ok(Some(true))
            }
            _ => {
                jobs::add(ctx, tx, &arn, Content::Notification(message.clone()));
                Ok(None)
            }
        }
    }

    /// The body and attributes of the message in a queue.
    fn queue_message(
        &self,
        arn: &SubscriptionArn,
        subscription: &Subscription,
        message: &Message,
    ) -> (String, Option<Map<MessageAttributeValue>>) {
        if !subscription.settings.is_raw {
            let endpoint = &self.cloud.settings().endpoint;
            return (envelope::notification(endpoint, arn, subscription.protocol, message), None);
        }
        let attributes: Map<MessageAttributeValue> = message
            .attributes
            .iter()
            .map(|(name, attribute)| {
                let (string_value, binary_value) = match &attribute.value {
                    AttributeContent::Text(text) => (Some(text.clone()), None),
                    AttributeContent::Binary(bytes) => (None, Some(bytes.clone())),
                };
                let data_type = attribute.data_type.clone();
                let value =
                    MessageAttributeValue { data_type, string_value, binary_value, ..Default::default() };
                (name.clone(), value)
            })
            .collect();
        (message.body_for(subscription.protocol).to_owned(), (!attributes.is_empty()).then_some(attributes))
    }

    /// Puts a message that could not be delivered on the subscription's dead-letter queue, if it has one.
    pub(crate) fn bury(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &SubscriptionArn,
        subscription: &Subscription,
        message: &Message,
    ) -> Result<(), ApiError> {
        let Some(queue) = &subscription.settings.dead_letter_queue else { return Ok(()) };
        let (body, mut attributes) = self.queue_message(arn, subscription, message);
        // What a raw message has no room for is left out: a queue takes ten attributes.
        if attributes.as_ref().is_some_and(|attributes| attributes.len() > 10) {
            attributes = None;
        }
        let sent = send(ctx, tx, &arn.topic, queue, body, attributes);
        let name = if was_taken(sent)? {
            "NumberOfNotificationsRedrivenToDlq"
        } else {
            "NumberOfNotificationsFailedToRedriveToDlq"
        };
        ctx.publish("AWS/SNS", name, ("TopicName", &arn.topic.name), 1.0);
        Ok(())
    }
}

/// Whether a queue took a message or refused it; faults of ours undo the whole transaction instead.
fn was_taken(sent: Result<(), ApiError>) -> Result<bool, ApiError> {
    match sent {
        Ok(()) => Ok(true),
        Err(error) if error.status() >= 500 && error.status() != 501 => Err(error),
        Err(_) => Ok(false),
    }
}

/// Sends a message to the queue of an ARN as SNS, for the topic, so that the queue's policy decides.
pub(crate) fn send(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    topic: &TopicArn,
    queue: &str,
    message_body: String,
    message_attributes: Option<Map<MessageAttributeValue>>,
) -> Result<(), ApiError> {
    let parts = identity::arn::split(queue);
    let place =
        parts.and_then(|parts| Some((parts.account_id()?, Region::parse(parts.region)?, parts.resource)));
    let (account, region, name): (AccountId, Region, &str) =
        place.ok_or_else(|| crate::errors::invalid("SQS endpoint ARN"))?;
    let queue_url = format!("{}/{}/{name}", ctx.cloud().settings().endpoint, account.digits().as_str());
    let input = SendMessageInput { queue_url, message_body, message_attributes, ..Default::default() };
    as_topic(ctx, topic).in_tenant(account, region).call_within::<SendMessage>(tx, input)?;
    Ok(())
}

/// SNS acting for a topic.
pub(crate) fn as_topic(ctx: &Ctx, topic: &TopicArn) -> Ctx {
    ctx.in_tenant(topic.account, topic.region).as_service(PRINCIPAL, &topic.to_string())
}

/// How many of a topic's subscriptions are confirmed, and how many wait to be.
pub(crate) fn counts(reader: &mut dyn Reader, topic: &str) -> Result<(usize, usize), ApiError> {
    let (mut confirmed, mut pending) = (0, 0);
    let range = Range::prefix(&topic.to_owned());
    tables::SUBSCRIPTIONS.visit(reader, &range, Order::Ascending, |_, subscription| {
        let count = if subscription.is_confirmed() { &mut confirmed } else { &mut pending };
        *count += 1;
        ControlFlow::Continue(())
    })?;
    Ok((confirmed, pending))
}
