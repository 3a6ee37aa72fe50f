//! SendMessage and SendMessageBatch: put messages on a queue.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use shapes::{ApiError, Timestamp};
use sqs_api::op::{SendMessage, SendMessageBatch};
use sqs_api::{
    MessageAttributeValue, MessageSystemAttributeValue, SendMessageBatchInput, SendMessageBatchOutput,
    SendMessageBatchRequestEntry, SendMessageBatchResultEntry, SendMessageInput, SendMessageOutput,
};
use store::{Row, Tx};

use super::{check_batch, failed_entry};
use crate::attributes::{Fifo, MAXIMUM_DELAY_SECONDS, MAXIMUM_MESSAGE_BYTES};
use crate::content::{Content, md5_hex, md5_of_attributes, md5_of_trace, sha256_hex};
use crate::deduplication::{self, Accepted};
use crate::message::{Body, Message, sequence_number};
use crate::metrics::{publish, publish_gauges};
use crate::queue::Queue;
use crate::timeline::Timeline;
use crate::{Sqs, errors, tables};

/// A message before it has its place in a queue.
pub(crate) struct MessageDraft {
    message: Arc<Message>,
    /// As it will lie in the store.
    row: Vec<u8>,
    size: usize,
    /// Under which deduplication scope and id a FIFO queue accepts it.
    deduplication: Option<(String, String)>,
    md5_of_attributes: Option<String>,
    md5_of_system_attributes: Option<String>,
}

/// A draft of messages for one queue.
pub(crate) struct Draft<T> {
    timeline: Arc<Timeline>,
    messages: T,
}

/// What became of a message.
struct Sent {
    message_id: String,
    sequence_number: Option<String>,
}

/// What a sender gives of a message, whichever operation it comes by.
#[derive(Default)]
struct Given {
    body: String,
    delay_seconds: Option<i32>,
    attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    system: Option<BTreeMap<String, MessageSystemAttributeValue>>,
    group: Option<String>,
    deduplication_id: Option<String>,
}

impl Transact<SendMessage> for Sqs {
    type Draft = Draft<MessageDraft>;

    fn guard(&self, ctx: &Ctx, input: &SendMessageInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: SendMessageInput) -> Result<Self::Draft, ApiError> {
        let (queue, timeline) = self.open_named(ctx, &input.queue_url)?;
        let given = Given {
            body: input.message_body,
            delay_seconds: input.delay_seconds,
            attributes: input.message_attributes,
            system: input.message_system_attributes,
            group: input.message_group_id,
            deduplication_id: input.message_deduplication_id,
        };
        let message = given.draft(self, ctx, &queue, &timeline)?;
        Ok(Draft { timeline, messages: message })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Self::Draft) -> Result<SendMessageOutput, ApiError> {
        let message = &draft.messages;
        let sent = tx.with_scope(&draft.timeline.scope, |tx| message.put(ctx, tx, &draft.timeline))?;
        sent_metrics(ctx, &draft.timeline, std::iter::once(message));
        Ok(SendMessageOutput {
            message_id: Some(sent.message_id),
            sequence_number: sent.sequence_number,
            md5_of_message_body: Some(message.message.md5_of_body.clone()),
            md5_of_message_attributes: message.md5_of_attributes.clone(),
            md5_of_message_system_attributes: message.md5_of_system_attributes.clone(),
        })
    }
}

impl Transact<SendMessageBatch> for Sqs {
    type Draft = Draft<Vec<(String, Result<MessageDraft, ApiError>)>>;

    fn guard(&self, ctx: &Ctx, input: &SendMessageBatchInput) -> Result<Guard, ApiError> {
        Ok(self.queue_guard(ctx, &input.queue_url)?.action("sqs:SendMessage"))
    }

    fn prepare(&self, ctx: &Ctx, input: SendMessageBatchInput) -> Result<Self::Draft, ApiError> {
        check_batch("SendMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
        let (queue, timeline) = self.open_named(ctx, &input.queue_url)?;
        let draft = |entry: SendMessageBatchRequestEntry| {
            let given = Given {
                body: entry.message_body,
                delay_seconds: entry.delay_seconds,
                attributes: entry.message_attributes,
                system: entry.message_system_attributes,
                group: entry.message_group_id,
                deduplication_id: entry.message_deduplication_id,
            };
            (entry.id, given.draft(self, ctx, &queue, &timeline))
        };
        // Messages beyond the limit of one are a batch beyond the limit as well.
        let bodies: usize = input.entries.iter().map(|entry| entry.message_body.len()).sum();
        if bodies > MAXIMUM_MESSAGE_BYTES {
            return Err(errors::batch_too_long(bodies, MAXIMUM_MESSAGE_BYTES));
        }
        let messages: Vec<_> = input.entries.into_iter().map(draft).collect();
        let size: usize = messages.iter().flat_map(|(_, message)| message).map(|message| message.size).sum();
        if size > MAXIMUM_MESSAGE_BYTES {
            return Err(errors::batch_too_long(size, MAXIMUM_MESSAGE_BYTES));
        }
        Ok(Draft { timeline, messages })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Self::Draft,
    ) -> Result<SendMessageBatchOutput, ApiError> {
        let mut output = SendMessageBatchOutput::default();
        tx.with_scope(&draft.timeline.scope, |tx| {
            for (id, message) in &draft.messages {
                let message = match message {
                    Ok(message) => message,
                    Err(error) => {
                        output.failed.push(failed_entry(id.clone(), error));
                        continue;
                    }
                };
                let sent = message.put(ctx, tx, &draft.timeline)?;
                output.successful.push(SendMessageBatchResultEntry {
                    id: id.clone(),
                    message_id: sent.message_id,
                    sequence_number: sent.sequence_number,
                    md5_of_message_body: message.message.md5_of_body.clone(),
                    md5_of_message_attributes: message.md5_of_attributes.clone(),
                    md5_of_message_system_attributes: message.md5_of_system_attributes.clone(),
                });
            }
            Ok::<_, ApiError>(())
        })?;
        let sent = draft.messages.iter().flat_map(|(_, message)| message);
        sent_metrics(ctx, &draft.timeline, sent);
        Ok(output)
    }
}

impl Given {
    /// Checks a message against its queue and encodes its row, all outside the transaction.
    fn draft(
        self,
        sqs: &Sqs,
        ctx: &Ctx,
        queue: &Queue,
        timeline: &Timeline,
    ) -> Result<MessageDraft, ApiError> {
        let content = Content::parse(self.body, self.attributes, self.system)?;
        let size = content.size();
        if size > queue.attributes.maximum_message_bytes {
            return Err(errors::message_too_long(queue.attributes.maximum_message_bytes));
        }
        let delay = delay(self.delay_seconds, queue)?;
        if let Some(group) = &self.group {
            check_id("MessageGroupId", group)?;
        }
        if let Some(id) = &self.deduplication_id {
            check_id("MessageDeduplicationId", id)?;
        }
        let deduplication = match &queue.attributes.fifo {
            Some(fifo) => {
                Some(deduplication(fifo, self.group.as_deref(), self.deduplication_id, &content.body)?)
            }
            None if self.deduplication_id.is_some() => {
                return Err(errors::is_for_fifo_only("MessageDeduplicationId"));
            }
            None => None,
        };
        let sent = ctx.now();
        let md5_of_system_attributes = content.trace_attribute.as_deref().and_then(md5_of_trace);
        let mut message = Message {
            sent,
            available: sent + delay,
            group: self.group,
            id: ctx.ids().uuid(),
            md5_of_body: md5_hex(content.body.as_bytes()),
            body: Body::Plain(content.body),
            has_trace_attribute: content.trace_attribute.is_some(),
            trace: Some(content.trace_attribute.unwrap_or_else(|| ctx.trace().header())),
            attributes: content.attributes,
            sender: ctx.principal().userid(),
            deduplication_id: deduplication.as_ref().map(|(_, id)| id.clone()),
            dead_letter_source: None,
            received_before: 0,
            first_received_before: None,
        };
        let md5_of_attributes = md5_of_attributes(message.attributes.iter());
        if let Some(key) = &queue.attributes.kms {
            message.body = sqs.seal_with_kms(ctx, (queue, timeline), key, &message)?;
        }
        let (message, row) = timeline.encode(ctx, queue, message)?;
        Ok(MessageDraft { message, row, size, deduplication, md5_of_attributes, md5_of_system_attributes })
    }
}

impl Timeline {
    /// The message and its row, sealed when the queue says so.
    pub(crate) fn encode(
        &self,
        ctx: &Ctx,
        queue: &Queue,
        mut message: Message,
    ) -> Result<(Arc<Message>, Vec<u8>), ApiError> {
        let mut row = Vec::with_capacity(message.weight());
        let attributes = &queue.attributes;
        // What comes from another queue is under the region's key rather than in the clear, and what is under a key of
        // KMS stays so.
        let key = self.key.as_ref().filter(|_| attributes.managed_sse || attributes.kms.is_some());
        let sealed = match (key, &message.body) {
            (Some(key), Body::Plain(text)) => Some(key.seal(ctx.ids(), &message.id, text)?),
            _ => None,
        };
        match sealed {
            Some(sealed) => {
                let plain = std::mem::replace(&mut message.body, Body::Sealed(sealed));
                message.encode(&mut row);
                message.body = plain;
            }
            None => message.encode(&mut row),
        }
        Ok((Arc::new(message), row))
    }

    /// Stores a message at a place, and tells the timeline once that is durable.
    pub(crate) fn store(
        self: &Arc<Self>,
        tx: &mut Tx<'_>,
        place: u64,
        message: &Arc<Message>,
        row: &[u8],
        now: Timestamp,
    ) {
        tables::MESSAGES.put_with(tx, &(self.queue, place), |out| out.extend_from_slice(row));
        let (timeline, message) = (Arc::clone(self), Arc::clone(message));
        tx.after_commit(move || timeline.arrive(place, &message, now));
    }
}

impl MessageDraft {
    /// Gives the message its place in the queue, unless a FIFO queue has had it already.
    fn put(&self, ctx: &Ctx, tx: &mut Tx<'_>, timeline: &Arc<Timeline>) -> Result<Sent, ApiError> {
        let now = ctx.now();
        let message_id = self.message.id.clone();
        let Some((scope, id)) = &self.deduplication else {
            let place = timeline.next_place(now)?;
            timeline.store(tx, place, &self.message, &self.row, now);
            return Ok(Sent { message_id, sequence_number: None });
        };
        if let Some(earlier) = deduplication::find(tx, timeline.queue, scope, id, now)? {
            publish(ctx, &timeline.name, "NumberOfDeduplicatedSentMessages", 1.0);
            let sequence_number = Some(sequence_number(earlier.place));
            return Ok(Sent { message_id: earlier.message_id, sequence_number });
        }
        let place = timeline.next_place(now)?;
        timeline.store(tx, place, &self.message, &self.row, now);
        let accepted = Accepted { at: now, message_id: message_id.clone(), place };
        deduplication::put(tx, timeline.queue, scope, id, &accepted);
        Ok(Sent { message_id, sequence_number: Some(sequence_number(place)) })
    }
}

fn delay(seconds: Option<i32>, queue: &Queue) -> Result<Duration, ApiError> {
    match seconds.map(i64::from) {
        None => Ok(queue.attributes.delay),
        Some(seconds) if !(0..=MAXIMUM_DELAY_SECONDS).contains(&seconds) => {
            Err(errors::out_of_range("DelaySeconds", seconds, 0, MAXIMUM_DELAY_SECONDS))
        }
        // A FIFO queue delays all its messages alike.
        Some(seconds) if queue.attributes.is_fifo() && seconds != 0 => {
            Err(errors::delay_is_for_standard_only(seconds))
        }
        Some(_) if queue.attributes.is_fifo() => Ok(queue.attributes.delay),
        Some(seconds) => Ok(Duration::from_secs(seconds.unsigned_abs())),
    }
}

/// The deduplication scope and id of a message to a FIFO queue.
fn deduplication(
    fifo: &Fifo,
    group: Option<&str>,
    id: Option<String>,
    body: &str,
) -> Result<(String, String), ApiError> {
    let group = group.ok_or_else(|| errors::missing_parameter("MessageGroupId"))?;
    let id = match id {
        Some(id) => id,
        None if fifo.content_based_deduplication => sha256_hex(body.as_bytes()),
        None => return Err(errors::deduplication_id_is_missing()),
    };
    let scope = if fifo.deduplicates_per_group { group } else { "" };
    Ok((scope.to_owned(), id))
}

/// API Reference, SendMessage: 1 to 128 letters, digits and punctuation.
pub(crate) fn check_id(parameter: &str, id: &str) -> Result<(), ApiError> {
    let is_valid = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid { Ok(()) } else { Err(errors::invalid_id(parameter, id)) }
}

fn sent_metrics<'a>(ctx: &Ctx, timeline: &Timeline, messages: impl Iterator<Item = &'a MessageDraft>) {
    for message in messages {
        publish(ctx, &timeline.name, "NumberOfMessagesSent", 1.0);
        publish(ctx, &timeline.name, "SentMessageSize", message.size as f64);
    }
    publish_gauges(ctx, timeline);
}
