//! SendMessage and SendMessageBatch: put messages on a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use shapes::{ApiError, Timestamp};
use sqs_api::op::{SendMessage, SendMessageBatch};
use sqs_api::{
    MessageAttributeValue, MessageSystemAttributeValue, SendMessageBatchInput, SendMessageBatchOutput,
    SendMessageBatchResultEntry, SendMessageInput, SendMessageOutput,
};
use store::Tx;

use super::{Target, arrivals_topic, check_batch, failed_entry};
use crate::message::{Content, Message, md5_hex, md5_of_attributes};
use crate::queue::{MAXIMUM_DELAY_SECONDS, MAXIMUM_MESSAGE_BYTES, Queue};
use crate::{Sqs, errors, tables};

/// A message before it has its place in a queue.
pub(crate) struct MessageDraft {
    content: Content,
    delay: Option<Duration>,
    id: String,
    place: u128,
    md5_of_body: String,
    md5_of_attributes: Option<String>,
}

pub(crate) struct Draft {
    target: Target,
    message: MessageDraft,
}

pub(crate) struct BatchDraft {
    target: Target,
    entries: Vec<(String, Result<MessageDraft, ApiError>)>,
}

impl Transact<SendMessage> for Sqs {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &SendMessageInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: SendMessageInput) -> Result<Draft, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        refuse_fifo_parameters(&input.message_deduplication_id)?;
        let message = MessageDraft::parse(
            ctx,
            input.message_body,
            input.delay_seconds,
            input.message_attributes,
            input.message_system_attributes,
        )?;
        Ok(Draft { target, message })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<SendMessageOutput, ApiError> {
        let message = &draft.message;
        tx.with_scope(&draft.target.scope, |tx| {
            let queue = self.queue(tx, &draft.target)?;
            self.put(ctx, tx, &queue, message)?;
            tx.announce(&arrivals_topic(queue.id));
            Ok::<_, ApiError>(())
        })?;
        sent_metrics(ctx, &draft.target.url.name, std::iter::once(message));
        Ok(SendMessageOutput {
            message_id: Some(message.id.clone()),
            md5_of_message_body: Some(message.md5_of_body.clone()),
            md5_of_message_attributes: message.md5_of_attributes.clone(),
            ..Default::default()
        })
    }
}

impl Transact<SendMessageBatch> for Sqs {
    type Draft = BatchDraft;

    fn guard(&self, ctx: &Ctx, input: &SendMessageBatchInput) -> Result<Guard, ApiError> {
        Ok(self.queue_guard(ctx, &input.queue_url)?.action("sqs:SendMessage"))
    }

    fn prepare(&self, ctx: &Ctx, input: SendMessageBatchInput) -> Result<BatchDraft, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        check_batch("SendMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
        let entries: Vec<_> = input
            .entries
            .into_iter()
            .map(|entry| {
                let message = refuse_fifo_parameters(&entry.message_deduplication_id).and_then(|()| {
                    MessageDraft::parse(
                        ctx,
                        entry.message_body,
                        entry.delay_seconds,
                        entry.message_attributes,
                        entry.message_system_attributes,
                    )
                });
                (entry.id, message)
            })
            .collect();
        let size: usize =
            entries.iter().flat_map(|(_, message)| message).map(|message| message.content.size()).sum();
        if size > MAXIMUM_MESSAGE_BYTES {
            return Err(errors::batch_too_long(size, MAXIMUM_MESSAGE_BYTES));
        }
        Ok(BatchDraft { target, entries })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &BatchDraft,
    ) -> Result<SendMessageBatchOutput, ApiError> {
        let mut output = SendMessageBatchOutput::default();
        tx.with_scope(&draft.target.scope, |tx| {
            let queue = self.queue(tx, &draft.target)?;
            for (id, message) in &draft.entries {
                let sent = match message {
                    Ok(message) => self.put(ctx, tx, &queue, message).map(|()| message),
                    Err(error) => Err(error.clone()),
                };
                match sent {
                    Ok(message) => output.successful.push(SendMessageBatchResultEntry {
                        id: id.clone(),
                        message_id: message.id.clone(),
                        md5_of_message_body: message.md5_of_body.clone(),
                        md5_of_message_attributes: message.md5_of_attributes.clone(),
                        ..Default::default()
                    }),
                    Err(error) => output.failed.push(failed_entry(id.clone(), &error)),
                }
            }
            tx.announce(&arrivals_topic(queue.id));
            Ok::<_, ApiError>(())
        })?;
        let sent = draft.entries.iter().flat_map(|(_, message)| message);
        sent_metrics(ctx, &draft.target.url.name, sent);
        Ok(output)
    }
}

impl MessageDraft {
    fn parse(
        ctx: &Ctx,
        body: String,
        delay_seconds: Option<i32>,
        attributes: Option<BTreeMap<String, MessageAttributeValue>>,
        system: Option<BTreeMap<String, MessageSystemAttributeValue>>,
    ) -> Result<Self, ApiError> {
        let content = Content::parse(body, attributes, system)?;
        let delay = delay_seconds.map(i64::from);
        if let Some(delay) = delay.filter(|delay| !(0..=MAXIMUM_DELAY_SECONDS).contains(delay)) {
            return Err(errors::out_of_range("DelaySeconds", delay, 0, MAXIMUM_DELAY_SECONDS));
        }
        Ok(Self {
            delay: delay.map(|seconds| Duration::from_secs(seconds.unsigned_abs())),
            id: ctx.ids().uuid(),
            place: place(ctx),
            md5_of_body: md5_hex(content.body.as_bytes()),
            md5_of_attributes: md5_of_attributes(content.attributes.iter()),
            content,
        })
    }
}

impl Sqs {
    /// Gives a message its place in the queue.
    fn put(&self, ctx: &Ctx, tx: &mut Tx<'_>, queue: &Queue, draft: &MessageDraft) -> Result<(), ApiError> {
        let limit = queue.attributes.maximum_message_bytes;
        if draft.content.size() > limit {
            return Err(errors::message_too_long(limit));
        }
        let sent = ctx.now();
        let trace_attribute = draft.content.trace_attribute.clone();
        let message = Message {
            id: draft.id.clone(),
            body: draft.content.body.clone(),
            attributes: draft.content.attributes.clone(),
            has_trace_attribute: trace_attribute.is_some(),
            trace: Some(trace_attribute.unwrap_or_else(|| ctx.trace().to_string())),
            sender: ctx.principal().userid(),
            sent,
            first_received: None,
            receive_count: 0,
            dead_letter_source: None,
            has_moved: false,
        };
        let visible_at = sent + draft.delay.unwrap_or(queue.attributes.delay);
        self.place(tx, queue.id, visible_at, draft.place, &message);
        Ok(())
    }

    /// Stores a message where it becomes visible at `visible_at`.
    pub(crate) fn place(
        &self,
        tx: &mut Tx<'_>,
        queue: u64,
        visible_at: Timestamp,
        place: u128,
        message: &Message,
    ) {
        tables::MESSAGES.put(tx, &(queue, visible_at, place), message);
        self.frontiers.include(queue, visible_at);
    }
}

/// A place of its own in a queue: by the time in its upper half, and by chance in its lower one.
pub(crate) fn place(ctx: &Ctx) -> u128 {
    (ctx.now().millis().max(0) as u128) << 64 | u128::from(u64::from_le_bytes(ctx.ids().bytes()))
}

fn refuse_fifo_parameters(deduplication_id: &Option<String>) -> Result<(), ApiError> {
    match deduplication_id {
        Some(_) => Err(errors::is_for_fifo_only("MessageDeduplicationId")),
        None => Ok(()),
    }
}

fn sent_metrics<'a>(ctx: &Ctx, queue: &str, messages: impl Iterator<Item = &'a MessageDraft>) {
    for message in messages {
        ctx.publish("AWS/SQS", "NumberOfMessagesSent", ("QueueName", queue), 1.0);
        ctx.publish("AWS/SQS", "SentMessageSize", ("QueueName", queue), message.content.size() as f64);
    }
}
