//! Many senders and receivers at once, on several threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cloud::Ctx;
use sqs_api::op::{DeleteMessageBatch, ReceiveMessage, SendMessage};
use sqs_api::{
    DeleteMessageBatchInput, DeleteMessageBatchRequestEntry, Message, ReceiveMessageInput, SendMessageInput,
};

use crate::kit::{Queue, attribute, handle};

const SENDERS: usize = 8;
const RECEIVERS: usize = 8;
const EACH: usize = 150;

/// Who sent it, and its number among the sender's.
fn body(sender: usize, number: usize) -> String {
    format!("{sender}:{number}")
}

async fn send(ctx: Ctx, queue_url: String, sender: usize, is_fifo: bool) {
    for number in 0..EACH {
        let input = SendMessageInput {
            queue_url: queue_url.clone(),
            message_body: body(sender, number),
            message_group_id: is_fifo.then(|| sender.to_string()),
            message_deduplication_id: is_fifo.then(|| body(sender, number)),
            ..Default::default()
        };
        ctx.call::<SendMessage>(input).await.expect("the queue is there");
    }
}

/// Receives and deletes until everything has come, and notes what came in the order of its coming.
async fn drain(ctx: Ctx, queue_url: String, count: Arc<AtomicUsize>, seen: Arc<Mutex<Vec<Message>>>) {
    while count.load(Ordering::SeqCst) < SENDERS * EACH {
        let input = ReceiveMessageInput {
            queue_url: queue_url.clone(),
            max_number_of_messages: Some(10),
            message_system_attribute_names: Some(vec!["All".to_owned()]),
            ..Default::default()
        };
        let output = ctx.call::<ReceiveMessage>(input).await.expect("the queue is there");
        let messages = output.messages.unwrap_or_default();
        if messages.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let entry = |(number, message): (usize, &Message)| DeleteMessageBatchRequestEntry {
            id: number.to_string(),
            receipt_handle: handle(message),
        };
        let entries = messages.iter().enumerate().map(entry).collect();
        // Noted before they are deleted: the next of a group come only then.
        count.fetch_add(messages.len(), Ordering::SeqCst);
        seen.lock().expect("nobody panicked").extend(messages);
        let input = DeleteMessageBatchInput { queue_url: queue_url.clone(), entries };
        let deleted = ctx.call::<DeleteMessageBatch>(input).await.expect("the queue is there");
        assert!(deleted.failed.is_empty(), "{:?}", deleted.failed);
    }
}

async fn check(queue: Queue, is_fifo: bool) {
    let (count, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let mut tasks = Vec::new();
    for sender in 0..SENDERS {
        tasks.push(tokio::spawn(send(queue.region.ctx(), queue.url.clone(), sender, is_fifo)));
    }
    for _ in 0..RECEIVERS {
        let (count, seen) = (Arc::clone(&count), Arc::clone(&seen));
        tasks.push(tokio::spawn(drain(queue.region.ctx(), queue.url.clone(), count, seen)));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(queue.counts().await, [0, 0, 0]);
    let seen = seen.lock().unwrap();
    let mut numbers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for message in seen.iter() {
        assert_eq!(attribute(message, "ApproximateReceiveCount"), Some("1"));
        let (sender, number) = message.body.as_deref().unwrap().split_once(':').unwrap();
        numbers.entry(sender.parse().unwrap()).or_default().push(number.parse().unwrap());
    }
    for (sender, mut numbers) in numbers {
        if !is_fifo {
            numbers.sort_unstable();
        }
        assert_eq!(numbers, (0..EACH).collect::<Vec<_>>(), "of sender {sender}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_message_of_a_standard_queue_comes_once() {
    check(Queue::create(&[]).await, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_message_of_a_fifo_queue_comes_once_and_in_its_groups_order() {
    check(Queue::fifo(&[]).await, true).await;
}
