//! From a published message to its deliveries, inside the publishing transaction.
//!
//! Messages to queues, and mail where there is no mail server, are stored right here, so that they and the publish are
//! durable by one commit. Everything else becomes a job in the same transaction. A delivery that is refused does not
//! fail the publish: it goes to the subscription's dead-letter queue.

use std::borrow::Cow;
use std::ops::ControlFlow;

use cloud::Ctx;
use identity::{AccountId, Region};
use shapes::{ApiError, Map};
use sqs_api::op::SendMessage;
use sqs_api::{MessageAttributeValue, SendMessageInput};
use store::{Order, Range, Reader, Tx};

use crate::data_protection::DENIED;
use crate::envelope::Letterhead;
use crate::filter_policy::Filterable;
use crate::jobs::{self, Content};
use crate::message::{AttributeContent, Publication};
use crate::push::{self, EndpointArn};
use crate::subscription::{Protocol, Subscription, SubscriptionArn};
use crate::topic::{Topic, TopicArn};
use crate::{PRINCIPAL, Sns, feedback, fifo, inbox, replay, tables, text_message};

/// What became of one message.
#[derive(Default)]
struct Outcomes {
    delivered: usize,
    failed: usize,
    filtered_out: usize,
}

/// Whether a message is delivered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    Yes,
    /// Why not.
    No(String),
    /// A job will tell.
    Later,
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
    /// Signs what queues will get outside of the transaction, which is then as short as it can be: signatures are kept
    /// for a while, and the transaction finds them.
    pub(crate) fn sign_ahead(&self, arn: &TopicArn, publications: &[Publication]) -> Result<(), ApiError> {
        if fifo::is_fifo(&arn.name) {
            return Ok(());
        }
        let mut snapshot = self.cloud.store().read(&arn.scope())?;
        let mut has_envelopes = false;
        let range = Range::prefix(&arn.name);
        tables::SUBSCRIPTIONS.visit(&mut snapshot, &range, Order::Ascending, |_, subscription| {
            has_envelopes = subscription.protocol == Protocol::Sqs && !subscription.settings.is_raw;
            if has_envelopes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let Some(topic) = tables::TOPICS.find(&mut snapshot, &arn.name)?.filter(|_| has_envelopes) else {
            return Ok(());
        };
        let letterhead = self.letterhead(&topic)?;
        for publication in publications {
            letterhead.sign_notification(arn, Protocol::Sqs, &publication.message)?;
        }
        Ok(())
    }

    /// Delivers a message to `subscriptions`, which lie in the scope of `tx`.
    pub(crate) fn fan_out(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &TopicArn,
        topic: &Topic,
        subscriptions: &[Subscription],
        publication: &Publication,
    ) -> Result<(), ApiError> {
        let (mut outcomes, mut lines) = (Outcomes::default(), Vec::new());
        if !subscriptions.is_empty() && topic.signature_version().is_some() {
            self.signer.keep(tx)?;
        }
        let letterhead = self.letterhead(topic)?;
        let filterable = Filterable::new(&publication.message);
        let silent = replay::silent(tx, topic)?;
        for subscription in subscriptions.iter().filter(|subscription| !silent.contains(&subscription.id)) {
            let settings = &subscription.settings;
            let is_admitted = settings
                .filter_policy
                .as_ref()
                .is_none_or(|policy| self.filters.admits(policy, settings.filters_body, &filterable));
            if !is_admitted {
                outcomes.filtered_out += 1;
                continue;
            }
            let delivered = self.deliver(ctx, tx, (arn, topic, &letterhead), subscription, publication)?;
            match &delivered {
                Delivered::Yes => outcomes.delivered += 1,
                Delivered::No(_) => outcomes.failed += 1,
                Delivered::Later => continue,
            }
            let failure = if let Delivered::No(reason) = &delivered { Some(reason.as_str()) } else { None };
            lines.extend(feedback::line(ctx, arn, topic, subscription, &publication.message, failure));
        }
        feedback::add(ctx, tx, arn, lines);
        let size = publication.message.size() as f64;
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

    pub(crate) fn deliver(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (topic_arn, topic, letterhead): (&TopicArn, &Topic, &Letterhead<'_>),
        subscription: &Subscription,
        publication: &Publication,
    ) -> Result<Delivered, ApiError> {
        let arn = SubscriptionArn { topic: topic_arn.clone(), id: subscription.id.clone() };
        let protected;
        let publication = match self.for_subscriber(tx, subscription, &publication.message)? {
            // A dead-letter queue gets nothing of it either.
            None => return Ok(Delivered::No(DENIED.to_owned())),
            // What waits is kept as it was published: the attempt to deliver it does as the policy says then.
            Some(Cow::Owned(message)) if !self.is_delivered_later(subscription) => {
                protected = Publication { message, ..publication.clone() };
                &protected
            }
            Some(_) => publication,
        };
        match subscription.protocol {
            Protocol::Sqs => {
                let message = queue_message(letterhead, &arn, subscription, publication)?;
                let sent = send(ctx, tx, topic_arn, &subscription.endpoint, message);
                let delivered = outcome(sent)?;
                if delivered != Delivered::Yes {
                    self.bury(ctx, tx, (&arn, topic), subscription, publication)?;
                }
                Ok(delivered)
            }
            Protocol::Sms => {
                let (number, account) = (&subscription.endpoint, topic_arn.account);
                match text_message::send(tx, ctx.now(), account, number, &publication.message)? {
                    true => Ok(Delivered::Yes),
                    false => Ok(Delivered::No("Phone number is opted out".to_owned())),
                }
            }
            Protocol::Application => {
                let sent = EndpointArn::parse("Endpoint", &subscription.endpoint)
                    .and_then(|endpoint| push::send(self, ctx, tx, &endpoint, &publication.message));
                let delivered = outcome(sent)?;
                if delivered != Delivered::Yes {
                    self.bury(ctx, tx, (&arn, topic), subscription, publication)?;
                }
                Ok(delivered)
            }
            Protocol::Email | Protocol::EmailJson if self.config.smtp.is_none() => {
                let mail = self.notification_mail(&arn, topic, subscription, publication)?;
                inbox::keep(tx, topic_arn.account, &mail)?;
                Ok(Delivered::Yes)
            }
            _ => {
                jobs::add(ctx, tx, &arn, Content::of(publication.kept()));
                Ok(Delivered::Later)
            }
        }
    }

    /// Whether a job delivers to the subscription.
    fn is_delivered_later(&self, subscription: &Subscription) -> bool {
        match subscription.protocol {
            Protocol::Sqs | Protocol::Sms | Protocol::Application => false,
            Protocol::Email | Protocol::EmailJson => self.config.smtp.is_some(),
            Protocol::Http | Protocol::Https | Protocol::Lambda => true,
        }
    }

    /// Puts a message that could not be delivered on the subscription's dead-letter queue, if it has one.
    pub(crate) fn bury(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, topic): (&SubscriptionArn, &Topic),
        subscription: &Subscription,
        publication: &Publication,
    ) -> Result<(), ApiError> {
        let Some(queue) = &subscription.settings.dead_letter_queue else { return Ok(()) };
        let mut message = queue_message(&self.letterhead(topic)?, arn, subscription, publication)?;
        // What a raw message has no room for is left out: a queue takes ten attributes.
        message.attributes = message.attributes.filter(|attributes| attributes.len() <= 10);
        let sent = send(ctx, tx, &arn.topic, queue, message);
        let name = if outcome(sent)? == Delivered::Yes {
            "NumberOfNotificationsRedrivenToDlq"
        } else {
            "NumberOfNotificationsFailedToRedriveToDlq"
        };
        ctx.publish("AWS/SNS", name, ("TopicName", &arn.topic.name), 1.0);
        Ok(())
    }
}

/// A message as a queue gets it.
#[derive(Default)]
pub(crate) struct QueueMessage {
    pub body: String,
    pub attributes: Option<Map<MessageAttributeValue>>,
    pub group: Option<String>,
    pub deduplication_id: Option<String>,
}

fn queue_message(
    letterhead: &Letterhead<'_>,
    arn: &SubscriptionArn,
    subscription: &Subscription,
    publication: &Publication,
) -> Result<QueueMessage, ApiError> {
    let Publication { message, group, deduplication_id, .. } = publication;
    let (group, deduplication_id) = (group.clone(), deduplication_id.clone());
    if !subscription.settings.is_raw {
        let body = letterhead.notification(arn, subscription.protocol, publication)?;
        return Ok(QueueMessage { body, attributes: None, group, deduplication_id });
    }
    let mut attributes: Map<MessageAttributeValue> = message
        .attributes
        .iter()
        .map(|(name, attribute)| {
            let (string_value, binary_value) = match &attribute.value {
                AttributeContent::Text(text) => (Some(text.clone()), None),
                AttributeContent::Binary(bytes) => (None, Some(bytes.clone())),
            };
            let data_type = attribute.data_type.clone();
            let value = MessageAttributeValue { data_type, string_value, binary_value, ..Default::default() };
            (name.clone(), value)
        })
        .collect();
    // A queue takes ten attributes: a message that has as many comes without the mark.
    if publication.is_replayed && attributes.len() < 10 {
        let mark = MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some("true".to_owned()),
            ..Default::default()
        };
        attributes.entry("Replayed".to_owned()).or_insert(mark);
    }
    let body = message.body_for(subscription.protocol).to_owned();
    let attributes = (!attributes.is_empty()).then_some(attributes);
    Ok(QueueMessage { body, attributes, group, deduplication_id })
}

/// Whether whom a message was sent to took it or refused it; faults of ours undo the whole transaction instead.
fn outcome(sent: Result<(), ApiError>) -> Result<Delivered, ApiError> {
    match sent {
        Ok(()) => Ok(Delivered::Yes),
        Err(error) if error.status() >= 500 && error.status() != 501 => Err(error),
        Err(error) => Ok(Delivered::No(error.message().to_owned())),
    }
}

/// Sends a message to the queue of an ARN as SNS, for the topic, so that the queue's policy decides.
pub(crate) fn send(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    topic: &TopicArn,
    queue: &str,
    message: QueueMessage,
) -> Result<(), ApiError> {
    let parts = identity::arn::split(queue);
    let place =
        parts.and_then(|parts| Some((parts.account_id()?, Region::parse(parts.region)?, parts.resource)));
    let (account, region, name): (AccountId, Region, &str) =
        place.ok_or_else(|| crate::errors::invalid("SQS endpoint ARN"))?;
    let queue_url = format!("{}/{}/{name}", ctx.cloud().settings().endpoint, account.digits().as_str());
    let input = SendMessageInput {
        queue_url,
        message_body: message.body,
        message_attributes: message.attributes,
        message_group_id: message.group,
        message_deduplication_id: message.deduplication_id.filter(|_| fifo::is_fifo(name)),
        ..Default::default()
    };
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
