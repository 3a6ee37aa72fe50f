//! Visibility timeouts, delays, handles and long polls.

use std::time::Duration;

use sqs_api::op::{ChangeMessageVisibility, ReceiveMessage};
use sqs_api::{ChangeMessageVisibilityInput, ReceiveMessageInput};

use crate::kit::{Queue, bodies};

#[tokio::test]
async fn a_received_message_is_hidden_until_its_timeout_ends() {
    let queue = Queue::create(&[]).await;
    queue.send("a").await.unwrap();
    assert_eq!(bodies(&queue.receive(10).await), ["a"]);
    queue.region.advance(Duration::from_secs(29)).await;
    assert!(queue.receive(10).await.is_empty());
    queue.region.advance(Duration::from_secs(1)).await;
    let again = queue.receive(10).await;
    assert_eq!(bodies(&again), ["a"]);
    let count = again[0].attributes.as_ref().and_then(|attributes| attributes.get("ApproximateReceiveCount"));
    assert_eq!(count.map(String::as_str), Some("2"));
}

#[tokio::test]
async fn an_old_handle_deletes_nothing_and_the_newest_deletes() {
    let queue = Queue::create(&[("VisibilityTimeout", "5")]).await;
    queue.send("a").await.unwrap();
    let first = queue.receive(1).await;
    queue.region.advance(Duration::from_secs(5)).await;
    let second = queue.receive(1).await;
    queue.delete(&first[0]).await.unwrap();
    queue.region.advance(Duration::from_secs(5)).await;
    assert_eq!(bodies(&queue.receive(1).await), ["a"], "deleting with the old handle lost the message");
    queue.delete(&second[0]).await.unwrap();
    queue.region.advance(Duration::from_secs(5)).await;
    let third = queue.receive(1).await;
    queue.delete(&third[0]).await.unwrap();
    queue.region.advance(Duration::from_secs(5)).await;
    assert!(queue.receive(1).await.is_empty());
}

#[tokio::test]
async fn a_handle_survives_a_change_of_visibility() {
    let queue = Queue::create(&[]).await;
    queue.send("a").await.unwrap();
    let received = queue.receive(1).await;
    let change = |seconds| ChangeMessageVisibilityInput {
        queue_url: queue.url.clone(),
        receipt_handle: received[0].receipt_handle.clone().unwrap_or_default(),
        visibility_timeout: seconds,
    };
    for seconds in [100, 3] {
        queue.region.call::<ChangeMessageVisibility>(change(seconds)).await.unwrap();
    }
    queue.delete(&received[0]).await.unwrap();
    queue.region.advance(Duration::from_secs(200)).await;
    assert!(queue.receive(1).await.is_empty());
    let error = queue.region.call::<ChangeMessageVisibility>(change(1)).await.unwrap_err();
    assert_eq!(error.name(), "InvalidParameterValue");
}

#[tokio::test]
async fn delays_and_retention_follow_the_clock() {
    let queue = Queue::create(&[("DelaySeconds", "10"), ("MessageRetentionPeriod", "60")]).await;
    queue.send("a").await.unwrap();
    assert!(queue.receive(1).await.is_empty());
    queue.region.advance(Duration::from_secs(10)).await;
    assert_eq!(bodies(&queue.receive(1).await), ["a"]);
    queue.region.advance(Duration::from_secs(60)).await;
    assert!(queue.receive(1).await.is_empty(), "the message outlived its retention");
}

#[tokio::test]
async fn a_long_poll_ends_with_an_arrival_or_its_time() {
    let queue = Queue::create(&[]).await;
    let poll = || {
        let (ctx, queue_url) = (queue.region.ctx(), queue.url.clone());
        tokio::spawn(async move {
            let input = ReceiveMessageInput { queue_url, wait_time_seconds: Some(20), ..Default::default() };
            ctx.call::<ReceiveMessage>(input).await.map(|output| output.messages.unwrap_or_default().len())
        })
    };
    let waiting = poll();
    queue.region.settle().await;
    assert!(!waiting.is_finished());
    queue.send("a").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);

    let waiting = poll();
    queue.region.settle().await;
    queue.region.advance(Duration::from_secs(19)).await;
    assert!(!waiting.is_finished());
    queue.region.advance(Duration::from_secs(1)).await;
    assert_eq!(waiting.await.unwrap().unwrap(), 0);
}
