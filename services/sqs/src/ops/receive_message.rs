//! ReceiveMessage: hands out visible messages and hides them for the visibility timeout.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle};
use shapes::{ApiError, Timestamp};
use sqs_api::op::ReceiveMessage;
use sqs_api::{ReceiveMessageInput, ReceiveMessageOutput};
use store::{Order, Range, Tx};

use super::{Target, arrivals_topic};
use crate::message::{Message, md5_hex, md5_of_attributes};
use crate::queue::{self, MAXIMUM_VISIBILITY_SECONDS, MAXIMUM_WAIT_SECONDS, Queue};
use crate::receipt::Receipt;
use crate::{Sqs, errors, tables};

/// What a receiver asks for, checked.
#[derive(Clone)]
struct Request {
    target: Target,
    count: usize,
    visibility: Option<Duration>,
    wait: Option<Duration>,
    system_attributes: Vec<String>,
    attributes: Vec<String>,
}

/// What one look at the queue found.
struct Look {
    messages: Vec<sqs_api::Message>,
    queue: u64,
    wait: Duration,
    /// When the next hidden message becomes visible.
    next: Option<Timestamp>,
}

impl Handle<ReceiveMessage> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &ReceiveMessageInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ReceiveMessageInput,
    ) -> Result<ReceiveMessageOutput, ApiError> {
        let request = Request::parse(ctx, input)?;
        let started = ctx.now();
        let mut look = self.look(ctx, &request).await?;
        let (queue, deadline) = (look.queue, started + look.wait);
        if look.messages.is_empty() && ctx.now() < deadline {
            // From here on watched before looked at, so that nothing can arrive unseen in between.
            let mut arrivals = ctx.store().watch(&request.target.scope, &arrivals_topic(queue));
            loop {
                look = self.look(ctx, &request).await?;
                if !look.messages.is_empty() || look.queue != queue || ctx.now() >= deadline {
                    break;
                }
                let wake_at = look.next.map_or(deadline, |next| next.min(deadline));
                tokio::select! {
                    () = arrivals.changed() => {}
                    () = self.cloud.clock().sleep_until(wake_at) => {}
                }
            }
        }
        received_metrics(ctx, &request.target.url.name, look.messages.len());
        Ok(ReceiveMessageOutput { messages: (!look.messages.is_empty()).then_some(look.messages) })
    }
}

impl Request {
    fn parse(ctx: &Ctx, input: ReceiveMessageInput) -> Result<Self, ApiError> {
        let count = within("MaxNumberOfMessages", input.max_number_of_messages, 1, 10)?.unwrap_or(1);
        let visibility =
            within("VisibilityTimeout", input.visibility_timeout, 0, MAXIMUM_VISIBILITY_SECONDS)?;
        let wait = within("WaitTimeSeconds", input.wait_time_seconds, 0, MAXIMUM_WAIT_SECONDS)?;
        let mut system_attributes = input.message_system_attribute_names.unwrap_or_default();
        system_attributes.extend(input.attribute_names.unwrap_or_default());
        Ok(Self {
            target: Target::parse(ctx, &input.queue_url)?,
            count: count as usize,
            visibility: visibility.map(Duration::from_secs),
            wait: wait.map(Duration::from_secs),
            system_attributes,
            attributes: input.message_attribute_names.unwrap_or_default(),
        })
    }
}

fn within(name: &str, value: Option<i32>, least: i64, most: i64) -> Result<Option<u64>, ApiError> {
    match value.map(i64::from) {
        Some(value) if !(least..=most).contains(&value) => {
            Err(errors::out_of_range(name, value, least, most))
        }
        value => Ok(value.map(i64::unsigned_abs)),
    }
}

impl Sqs {
    async fn look(self: &Arc<Self>, ctx: &Ctx, request: &Request) -> Result<Look, ApiError> {
        let (own, request) = (ctx.clone(), request.clone());
        let sqs = Arc::clone(self);
        ctx.store().write(&request.target.scope.clone(), move |tx| sqs.receive(&own, tx, &request)).await
    }

    /// Takes visible messages in the order they became visible, moves those to the dead-letter queue that were
    /// received too often, and drops those that outlived the retention period.
    fn receive(&self, ctx: &Ctx, tx: &mut Tx<'_>, request: &Request) -> Result<Look, ApiError> {
        let queue = self.queue(tx, &request.target)?;
        let now = ctx.now();
        let mut found = self.visible(tx, &queue, self.frontiers.start(queue.id), now, request.count)?;
        if found.rows.is_empty() && self.frontiers.takes_full_look(queue.id, now) {
            found = self.visible(tx, &queue, Timestamp::EPOCH, now, request.count)?;
        }
        let visible_again = now + request.visibility.unwrap_or(queue.attributes.visibility_timeout);
        let mut messages = Vec::new();
        for (visible_at, place, mut message) in found.rows {
            tables::MESSAGES.delete(tx, &(queue.id, visible_at, place));
            if std::mem::take(&mut message.has_moved) {
                tables::MOVED.delete(tx, &(queue.id, place));
            }
            if message.sent + queue.attributes.retention <= now {
                continue;
            }
            if self.buries(ctx, tx, &request.target, &queue, place, &message)? {
                continue;
            }
            // Counted on receive, not on delete: a consumer that crashes still uses up an attempt, which is what
            // lets a poison message reach its dead-letter queue.
            message.receive_count += 1;
            message.first_received.get_or_insert(now);
            self.place(tx, queue.id, visible_again, place, &message);
            let receipt = Receipt { queue: queue.id, visible_at: visible_again, place };
            messages.push(request.answer(message, receipt));
        }
        self.frontiers.advance(queue.id, found.next.unwrap_or(now).min(visible_again), now);
        let wait = request.wait.unwrap_or(queue.attributes.receive_wait);
        Ok(Look { messages, queue: queue.id, wait, next: found.next })
    }

    fn visible(
        &self,
        tx: &mut Tx<'_>,
        queue: &Queue,
        from: Timestamp,
        now: Timestamp,
        count: usize,
    ) -> Result<Found, ApiError> {
        let mut found = Found { rows: Vec::new(), next: None };
        let range = Range::prefix(&queue.id).starting_at(&(queue.id, from));
        tables::MESSAGES.visit(tx, &range, Order::Ascending, |(_, visible_at, place), message| {
            if visible_at > now || found.rows.len() == count {
                found.next = Some(visible_at);
                return ControlFlow::Break(());
            }
            found.rows.push((visible_at, place, message));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Moves a message to the dead-letter queue when it was received as often as the redrive policy allows.
    fn buries(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        target: &Target,
        queue: &Queue,
        place: u128,
        message: &Message,
    ) -> Result<bool, ApiError> {
        let Some(redrive) = &queue.attributes.redrive else { return Ok(false) };
        if message.receive_count < redrive.max_receive_count {
            return Ok(false);
        }
        // A dead-letter queue that is gone keeps nothing away from the receiver.
        let Some(dead_letters) = self.queues.find(tx, &redrive.target_name)? else { return Ok(false) };
        let mut letter = message.clone();
        letter.dead_letter_source = Some(queue::arn(ctx.region(), target.url.account, &queue.name));
        self.place(tx, dead_letters.id, ctx.now(), place, &letter);
        tx.announce(&arrivals_topic(dead_letters.id));
        Ok(true)
    }
}

struct Found {
    rows: Vec<(Timestamp, u128, Message)>,
    /// Where the next row lies, visible or not.
    next: Option<Timestamp>,
}

impl Request {
    fn answer(&self, message: Message, receipt: Receipt) -> sqs_api::Message {
        let chosen = || message.attributes.iter().filter(|(name, _)| self.wants_attribute(name));
        let attributes: BTreeMap<_, _> =
            chosen().map(|(name, value)| (name.clone(), value.to_api())).collect();
        let system = self.system_attributes(&message);
        sqs_api::Message {
            md5_of_body: Some(md5_hex(message.body.as_bytes())),
            md5_of_message_attributes: md5_of_attributes(chosen()),
            message_attributes: (!attributes.is_empty()).then_some(attributes),
            attributes: (!system.is_empty()).then_some(system),
            receipt_handle: Some(receipt.handle()),
            message_id: Some(message.id),
            body: Some(message.body),
        }
    }

    /// Names may end in `.*` or be `All`.
    fn wants_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|wanted| {
            wanted == "All"
                || wanted == ".*"
                || wanted == name
                || wanted.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
        })
    }

    fn system_attributes(&self, message: &Message) -> BTreeMap<String, String> {
        let names_all = self.system_attributes.iter().any(|wanted| wanted == "All");
        let is_named = |name: &str| self.system_attributes.iter().any(|wanted| wanted == name);
        let millis = |time: Timestamp| time.millis().to_string();
        let entries = [
            ("SenderId", Some(message.sender.clone())),
            ("SentTimestamp", Some(millis(message.sent))),
            ("ApproximateReceiveCount", Some(message.receive_count.to_string())),
            ("ApproximateFirstReceiveTimestamp", message.first_received.map(millis)),
            ("DeadLetterQueueSourceArn", message.dead_letter_source.clone()),
        ];
        let mut attributes: BTreeMap<String, String> = entries
            .into_iter()
            .filter(|(name, _)| names_all || is_named(name))
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        // The region's own trace is there for those who ask for it by name; `All` shows what the sender gave.
        let shows_trace = is_named("AWSTraceHeader") || (names_all && message.has_trace_attribute);
        if let Some(trace) = message.trace.as_ref().filter(|_| shows_trace) {
            attributes.insert("AWSTraceHeader".to_owned(), trace.clone());
        }
        attributes
    }
}

fn received_metrics(ctx: &Ctx, queue: &str, count: usize) {
    let (name, value) = match count {
        0 => ("NumberOfEmptyReceives", 1.0),
        count => ("NumberOfMessagesReceived", count as f64),
    };
    ctx.publish("AWS/SQS", name, ("QueueName", queue), value);
}
