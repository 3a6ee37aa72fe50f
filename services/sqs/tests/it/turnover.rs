//! Purging, deleting and making anew.

use sqs_api::op::{DeleteQueue, PurgeQueue, ReceiveMessage};
use sqs_api::{DeleteQueueInput, PurgeQueueInput, ReceiveMessageInput};

use crate::backlog::send_many;
use crate::kit::{Queue, bodies, create};

async fn purge(queue: &Queue) -> Result<(), shapes::ApiError> {
    let input = PurgeQueueInput { queue_url: queue.url.clone() };
    queue.region.call::<PurgeQueue>(input).await.map(|_| ())
}

async fn remove(queue: &Queue) {
    let input = DeleteQueueInput { queue_url: queue.url.clone() };
    queue.region.call::<DeleteQueue>(input).await.unwrap();
}

fn stored_rows(queue: &Queue) -> usize {
    let table: store::Table<(u64, u64), ()> = store::Table::new("sqs/stored-message");
    let ctx = queue.region.ctx();
    table.list(&mut ctx.read().unwrap(), &store::Range::all(), 1000).unwrap().len()
}

#[tokio::test]
async fn a_purge_takes_everything_and_comes_once_a_minute() {
    let queue = Queue::create(&[]).await;
    for body in ["a", "b", "c"] {
        queue.send(body).await.unwrap();
    }
    let held = queue.receive(1).await;
    purge(&queue).await.unwrap();
    assert_eq!(queue.counts().await, [0, 0, 0]);
    assert!(queue.receive(10).await.is_empty());
    queue.delete(&held[0]).await.unwrap();
    queue.send("after").await.unwrap();
    assert_eq!(purge(&queue).await.unwrap_err().name(), "PurgeQueueInProgress");
    assert_eq!(bodies(&queue.receive(10).await), ["after"]);
    queue.region.settle().await;
    assert_eq!(stored_rows(&queue), 1, "the purged rows are removed");
    queue.advance(60).await;
    purge(&queue).await.unwrap();
    assert_eq!(queue.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_deleted_queue_is_gone_with_its_messages_and_its_name_rests_for_a_minute() {
    let queue = Queue::create(&[]).await;
    queue.send("a").await.unwrap();
    remove(&queue).await;
    assert_eq!(queue.send("b").await.unwrap_err().name(), "QueueDoesNotExist");
    let error = create(&queue.region, "orders", &[]).await.unwrap_err();
    assert_eq!(error.name(), "QueueDeletedRecently");
    queue.advance(60).await;
    create(&queue.region, "orders", &[]).await.unwrap();
    assert!(queue.receive(1).await.is_empty());
    assert_eq!(stored_rows(&queue), 0, "the deleted queue's rows are removed");
}

#[tokio::test]
async fn all_rows_of_a_long_queue_are_removed() {
    let queue = Queue::create(&[("MessageRetentionPeriod", "600")]).await;
    send_many(&queue, 1200).await;
    assert_eq!(queue.receive(10).await.len(), 10);
    queue.advance(600).await;
    queue.advance(60).await;
    assert_eq!(stored_rows(&queue), 0, "what is past its retention");
    send_many(&queue, 1200).await;
    remove(&queue).await;
    queue.advance(60).await;
    assert_eq!(stored_rows(&queue), 0, "what was on a deleted queue");
}

#[tokio::test]
async fn who_waits_learns_that_the_queue_is_gone() {
    let queue = Queue::create(&[]).await;
    let (ctx, queue_url) = (queue.region.ctx(), queue.url.clone());
    let waiting = tokio::spawn(async move {
        let input = ReceiveMessageInput { queue_url, wait_time_seconds: Some(20), ..Default::default() };
        ctx.call::<ReceiveMessage>(input).await
    });
    queue.region.settle().await;
    remove(&queue).await;
    assert_eq!(waiting.await.unwrap().unwrap_err().name(), "QueueDoesNotExist");
}

#[tokio::test]
async fn what_has_outlived_its_retention_is_not_counted_and_is_removed_in_the_end() {
    let queue = Queue::create(&[("MessageRetentionPeriod", "60"), ("VisibilityTimeout", "300")]).await;
    for body in ["a", "b"] {
        queue.send(body).await.unwrap();
    }
    assert_eq!(queue.receive(1).await.len(), 1);
    queue.advance(30).await;
    queue.send("c").await.unwrap();
    queue.region.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(queue.counts().await, [1, 0, 0]);
    queue.region.settle().await;
    queue.advance(60).await;
    assert_eq!(stored_rows(&queue), 0);
    assert_eq!(queue.counts().await, [0, 0, 0]);
}
