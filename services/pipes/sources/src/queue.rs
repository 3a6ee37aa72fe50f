//! Queues as sources (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"; EventBridge User Guide, "Amazon SQS
//! queue as a source").
//!
//! One task receives by long poll and hands out as many batches at once as the consumer may have. What the consumer has
//! worked through is deleted; what it has not becomes visible again when its timeout ends, and goes to the queue's
//! dead-letter queue in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::{Ctx, TraceContext};
use identity::arn;
use serde_json::{Value, json};
use shapes::ApiError;
use sqs_api::op::{DeleteMessageBatch, ReceiveMessage};
use sqs_api::{DeleteMessageBatchInput, DeleteMessageBatchRequestEntry, Message, ReceiveMessageInput};
use targets::queue_url;
use tokio::sync::Semaphore;

use crate::task::{Backoff, Reader};
use crate::{Delivered, Source};

/// Developer Guide, "Configuring scaling behavior": where a queue's mapping begins, and where it ends.
const FIRST_CONCURRENCY: u32 = 5;
const MOST_CONCURRENCY: u32 = 1000;
/// How often one more invocation at once is allowed while all are at work.
const GROWTH_PAUSE: Duration = Duration::from_millis(200);
const LONG_POLL_SECONDS: i32 = 20;
/// Of an event, below what a request may have.
const MOST_EVENT_BYTES: usize = 6_000_000;

impl Reader {
    /// Receives and hands out until the consumer changes.
    pub(crate) async fn read_queue(mut self) {
        let most = self.source().maximum_concurrency.unwrap_or(MOST_CONCURRENCY);
        let mut allowed = most.min(FIRST_CONCURRENCY);
        let slots = Arc::new(Semaphore::new(allowed as usize));
        let mut backoff = Backoff::new();
        loop {
            let slot = loop {
                let free = Arc::clone(&slots).acquire_owned();
                tokio::select! {
                    slot = free => break slot,
                    () = tokio::time::sleep(GROWTH_PAUSE), if allowed < most => {
                        allowed += 1;
                        slots.add_permits(1);
                    }
                }
            };
            let reader = self.clone();
            let received = tokio::select! {
                biased;
                () = self.stopped() => return,
                received = reader.receive() => received,
            };
            match received {
                Ok(messages) if messages.is_empty() => backoff.reset(),
                Ok(messages) => {
                    backoff.reset();
                    tokio::spawn(async move {
                        reader.work_off_messages(messages).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    self.tell(&error);
                    if !self.pause(backoff.next()).await {
                        return;
                    }
                }
            }
            if self.is_stopped() {
                return;
            }
        }
    }

    /// A batch: what there is at once, or what comes within the window.
    async fn receive(&self) -> Result<Vec<Message>, ApiError> {
        let ctx = self.consumer.ctx();
        let as_role = self.consumer.as_role(&ctx)?;
        let Source { batch_size, window_seconds, .. } = *self.source();
        let size = batch_size as usize;
        let mut messages = self.receive_some(&as_role, size, LONG_POLL_SECONDS).await?;
        if messages.is_empty() || window_seconds == 0 {
            return Ok(messages);
        }
        let window = Duration::from_secs(window_seconds.into());
        let end = ctx.now() + window;
        while messages.len() < size && ctx.now() < end {
            let left = end.since(ctx.now()).as_secs().clamp(1, LONG_POLL_SECONDS as u64) as i32;
            messages.extend(self.receive_some(&as_role, size - messages.len(), left).await?);
        }
        Ok(messages)
    }

    async fn receive_some(&self, ctx: &Ctx, size: usize, wait: i32) -> Result<Vec<Message>, ApiError> {
        let input = ReceiveMessageInput {
            queue_url: queue_url(ctx, &self.source().arn)?,
            max_number_of_messages: Some(size.clamp(1, 10) as i32),
            wait_time_seconds: Some(wait),
            message_attribute_names: Some(vec!["All".to_owned()]),
            message_system_attribute_names: Some(vec!["All".to_owned(), "AWSTraceHeader".to_owned()]),
            ..Default::default()
        };
        Ok(ctx.call::<ReceiveMessage>(input).await?.messages.unwrap_or_default())
    }

    async fn work_off_messages(&self, messages: Vec<Message>) {
        let source = self.source();
        let (wanted, unwanted): (Vec<Message>, Vec<Message>) =
            messages.into_iter().partition(|message| is_wanted(source, message));
        let mut done = unwanted;
        for part in parts(wanted) {
            done.extend(self.work_off_part(part).await);
        }
        if let Err(error) = self.delete(&done).await {
            self.tell(&error);
        }
    }

    /// Hands messages over; returns those that the consumer has worked through.
    async fn work_off_part(&self, messages: Vec<Message>) -> Vec<Message> {
        let records = messages.iter().map(|message| record(self.source(), message)).collect();
        let trace = messages.first().and_then(trace);
        match self.consumer.take(trace, records).await {
            Delivered::All => messages,
            Delivered::Nothing(_) => Vec::new(),
            Delivered::AllBut(failed) => {
                let has_failed =
                    |message: &Message| message.message_id.as_ref().is_some_and(|id| failed.contains(id));
                messages.into_iter().filter(|message| !has_failed(message)).collect()
            }
        }
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), ApiError> {
        if messages.is_empty() {
            return Ok(());
        }
        let ctx = self.consumer.as_role(&self.consumer.ctx())?;
        for chunk in messages.chunks(10) {
            let entries = chunk.iter().enumerate().map(|(index, message)| DeleteMessageBatchRequestEntry {
                id: index.to_string(),
                receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
            });
            let input = DeleteMessageBatchInput {
                queue_url: queue_url(&ctx, &self.source().arn)?,
                entries: entries.collect(),
            };
            ctx.call::<DeleteMessageBatch>(input).await?;
        }
        Ok(())
    }
}

/// A message as events show it (AWS Lambda Developer Guide, "Standard queue message event").
fn record(source: &Source, message: &Message) -> Value {
    let region = arn::split(&source.arn).map_or("", |parts| parts.region);
    let attributes: BTreeMap<&str, Value> = message
        .message_attributes
        .iter()
        .flatten()
        .map(|(name, value)| {
            let mut attribute = json!({
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type,
            });
            if let Some(text) = &value.string_value {
                attribute["stringValue"] = json!(text);
            }
            if let Some(bytes) = &value.binary_value {
                attribute["binaryValue"] = json!(STANDARD.encode(bytes));
            }
            (name.as_str(), attribute)
        })
        .collect();
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.attributes,
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": source.arn,
        "awsRegion": region,
    });
    if let Some(md5) = &message.md5_of_message_attributes {
        record["md5OfMessageAttributes"] = json!(md5);
    }
    record
}

fn trace(message: &Message) -> Option<TraceContext> {
    message.attributes.as_ref()?.get("AWSTraceHeader")?.parse().ok()
}

/// Splits what would be too long an event.
fn parts(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut parts: Vec<Vec<Message>> = Vec::new();
    let mut size = 0;
    for message in messages {
        // Text in JSON may take twice its length, seldom more.
        let length = 2 * message.body.as_ref().map_or(0, String::len) + 2048;
        match parts.last_mut() {
            Some(part) if size + length <= MOST_EVENT_BYTES => {
                size += length;
                part.push(message);
            }
            _ => {
                size = length;
                parts.push(vec![message]);
            }
        }
    }
    parts
}

/// Whether a message passes the filters. A body that is JSON is matched as such, another as text.
fn is_wanted(source: &Source, message: &Message) -> bool {
    if source.patterns.is_empty() {
        return true;
    }
    let mut record = record(source, message);
    let text = message.body.as_deref().unwrap_or_default();
    if let Some(body) = serde_json::from_str::<Value>(text).ok().filter(Value::is_object) {
        record["body"] = body;
    }
    source.takes(&record)
}
