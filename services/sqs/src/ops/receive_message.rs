//! ReceiveMessage: hands out visible messages and hides them for the visibility timeout.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle};
use shapes::{ApiError, Timestamp};
use sqs_api::op::ReceiveMessage;
use sqs_api::{ReceiveMessageInput, ReceiveMessageOutput};

use super::send_message::check_id;
use crate::attributes::{MAXIMUM_IN_FLIGHT, MAXIMUM_VISIBILITY_SECONDS, MAXIMUM_WAIT_SECONDS};
use crate::message::{Body, Message, Receive, Wanted};
use crate::metrics::{publish, publish_gauges};
use crate::polling::Poller;
use crate::queue::Queue;
use crate::receipt;
use crate::timeline::{Hand, Terms, Timeline, first_place};
use crate::{Sqs, errors};

/// What a receiver asks for, checked.
struct Request {
    queue_url: String,
    count: usize,
    visibility: Option<Duration>,
    wait: Option<Duration>,
    /// Lets a client that lost the answer ask again.
    attempt: Option<String>,
    wanted: Wanted,
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
        let request = Request::parse(input)?;
        let (queue, timeline) = self.open_named(ctx, &request.queue_url)?;
        let wait = request.wait.unwrap_or(queue.attributes.receive_wait);
        let deadline = ctx.now() + wait;
        let mut messages = self.look(ctx, &request, &queue, &timeline, wait.is_zero()).await?;
        if messages.is_empty() && !wait.is_zero() {
            messages = self.poll(ctx, &request, &timeline, deadline).await?;
        }
        let (name, value) = match messages.len() {
            0 => ("NumberOfEmptyReceives", 1.0),
            count => ("NumberOfMessagesReceived", count as f64),
        };
        publish(ctx, &timeline.name, name, value);
        publish_gauges(ctx, &timeline);
        Ok(ReceiveMessageOutput { messages: (!messages.is_empty()).then_some(messages) })
    }
}

impl Request {
    fn parse(input: ReceiveMessageInput) -> Result<Self, ApiError> {
        let count = within("MaxNumberOfMessages", input.max_number_of_messages, 1, 10)?.unwrap_or(1);
        let visibility =
            within("VisibilityTimeout", input.visibility_timeout, 0, MAXIMUM_VISIBILITY_SECONDS)?;
        let wait = within("WaitTimeSeconds", input.wait_time_seconds, 0, MAXIMUM_WAIT_SECONDS)?;
        if let Some(attempt) = &input.receive_request_attempt_id {
            check_id("ReceiveRequestAttemptId", attempt)?;
        }
        let mut system = input.message_system_attribute_names.unwrap_or_default();
        system.extend(input.attribute_names.unwrap_or_default());
        Ok(Self {
            queue_url: input.queue_url,
            count: count as usize,
            visibility: visibility.map(Duration::from_secs),
            wait: wait.map(Duration::from_secs),
            attempt: input.receive_request_attempt_id,
            wanted: Wanted { system, attributes: input.message_attribute_names.unwrap_or_default() },
        })
    }

    fn visible_again(&self, queue: &Queue, now: Timestamp) -> Timestamp {
        now + self.visibility.unwrap_or(queue.attributes.visibility_timeout)
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
    /// Waits until there is a message, the deadline, or the end of the queue.
    async fn poll(
        self: &Arc<Self>,
        ctx: &Ctx,
        request: &Request,
        timeline: &Arc<Timeline>,
        deadline: Timestamp,
    ) -> Result<Vec<sqs_api::Message>, ApiError> {
        let clock = self.cloud.clock();
        let _poller = Poller::new(timeline, clock);
        loop {
            // Registered before the look, so that nothing can arrive unseen in between.
            let mut arrival = pin!(timeline.arrivals.notified());
            arrival.as_mut().enable();
            let found = self.named(ctx, &request.queue_url)?;
            if found.queue.id != timeline.queue {
                return Err(errors::queue_does_not_exist());
            }
            let messages = self.look(ctx, request, &found.queue, timeline, false).await?;
            if !messages.is_empty() || ctx.now() >= deadline {
                return Ok(messages);
            }
            tokio::select! {
                () = arrival => {}
                () = clock.sleep_until(deadline) => {}
            }
        }
    }

    /// Takes what is visible now. `refuses_when_full`: a queue with too much in flight is an error.
    async fn look(
        self: &Arc<Self>,
        ctx: &Ctx,
        request: &Request,
        queue: &Arc<Queue>,
        timeline: &Arc<Timeline>,
        refuses_when_full: bool,
    ) -> Result<Vec<sqs_api::Message>, ApiError> {
        if let Some(repeated) = self.repeated(ctx, request, queue, timeline)? {
            return Ok(repeated);
        }
        let grave = self.grave(timeline, queue)?;
        loop {
            let now = ctx.now();
            let terms = Terms {
                now,
                count: request.count,
                visible_again: request.visible_again(queue, now),
                expired_below: expired_below(queue, now),
                max_receives: grave.as_ref().map(|grave| grave.max_receives),
                max_in_flight: MAXIMUM_IN_FLIGHT,
                nonces: nonces(ctx),
            };
            let taken = timeline.take(self.cloud.store(), &terms)?;
            if !taken.hands.is_empty() {
                self.record(timeline);
            }
            let has_buried = !taken.buried.is_empty();
            if let Some(grave) = grave.as_ref().filter(|_| has_buried) {
                Box::pin(self.bury(ctx, timeline, grave, taken.buried)).await?;
            }
            let (full, is_empty) = (taken.is_full, taken.hands.is_empty());
            let messages = self.answers(ctx, request, (queue, timeline), taken.hands)?;
            // FIFO queues answer with nothing instead (Developer Guide, "Amazon SQS message quotas").
            if full && messages.is_empty() && refuses_when_full && !queue.attributes.is_fifo() {
                return Err(errors::too_many_in_flight(MAXIMUM_IN_FLIGHT));
            }
            // Only dead letters, or rows that were gone: there may be more behind them.
            if !messages.is_empty() || (is_empty && !has_buried) {
                return Ok(messages);
            }
        }
    }

    /// What an earlier attempt of the same id was given, if it still holds.
    fn repeated(
        self: &Arc<Self>,
        ctx: &Ctx,
        request: &Request,
        queue: &Queue,
        timeline: &Arc<Timeline>,
    ) -> Result<Option<Vec<sqs_api::Message>>, ApiError> {
        let Some(attempt) = request.attempt.as_ref().filter(|_| queue.attributes.is_fifo()) else {
            return Ok(None);
        };
        let now = ctx.now();
        let again = request.visible_again(queue, now);
        let hands = timeline.change(|state| {
            let hands = state.attempts.find(attempt, now)?;
            state.repeat(&hands, again, now)
        });
        let Some(hands) = hands else { return Ok(None) };
        self.record(timeline);
        let messages = self.answers(ctx, request, (queue, timeline), hands)?;
        Ok((!messages.is_empty()).then_some(messages))
    }

    /// The messages with their handles, as the receiver gets them. One who may not read them has not received them.
    fn answers(
        &self,
        ctx: &Ctx,
        request: &Request,
        (queue, timeline): (&Queue, &Timeline),
        hands: Vec<Hand>,
    ) -> Result<Vec<sqs_api::Message>, ApiError> {
        let places: Vec<u64> = hands.iter().map(|hand| hand.place).collect();
        if let Some(attempt) = request.attempt.as_ref().filter(|_| !hands.is_empty()) {
            let given = hands.iter().map(|hand| (hand.place, hand.receipt.nonce)).collect();
            timeline.change(|state| state.attempts.remember(attempt, given, ctx.now()));
        }
        let mut messages = Vec::with_capacity(hands.len());
        for hand in hands {
            let message = match &hand.message {
                Some(message) => Arc::clone(message),
                None => match timeline.messages(self.cloud.store(), &[hand.place])?.pop() {
                    Some((_, message)) => Arc::new(message),
                    // Deleted while it was taken.
                    None => {
                        timeline.change(|state| state.leave(hand.place));
                        continue;
                    }
                },
            };
            let text = match &message.body {
                Body::Kms(body) => self.open_with_kms(ctx, (queue, timeline), body),
                Body::Plain(_) | Body::Sealed(_) => Ok(message.text().to_owned()),
            };
            let text = text.inspect_err(|_| {
                timeline.change(|state| places.iter().for_each(|place| state.put_back(*place)));
            })?;
            messages.push(request.answer(timeline, &message, text, &hand));
        }
        Ok(messages)
    }
}

impl Request {
    fn answer(&self, timeline: &Timeline, message: &Message, text: String, hand: &Hand) -> sqs_api::Message {
        let (place, receipt) = (hand.place, hand.receipt);
        let (nonce, receives) = (receipt.nonce, receipt.receives);
        let handle = receipt::Handle { queue: timeline.queue, place, nonce, receives };
        let receive = Receive {
            handle: handle.encode(),
            place,
            count: receipt.receives,
            first_received: receipt.first_received,
            is_fifo: timeline.is_fifo,
        };
        self.wanted.answer(message, text, receive)
    }
}

/// Messages at lower places were sent so long ago that nobody gets them any more.
pub(crate) fn expired_below(queue: &Queue, now: Timestamp) -> u64 {
    first_place(now - queue.attributes.retention + Duration::from_millis(1))
}

/// A number of its own for each message of an answer.
fn nonces(ctx: &Ctx) -> [u64; 10] {
    let mut nonces = [u64::from_le_bytes(ctx.ids().bytes()); 10];
    for (step, nonce) in nonces.iter_mut().enumerate() {
        *nonce = nonce.wrapping_add(step as u64 * 2);
    }
    nonces
}
