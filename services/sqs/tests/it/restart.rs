//! What a restart keeps, and what it may forget.

use crate::kit::{Queue, bodies};

/// The region as it is after a restart.
fn restarted(queue: Queue) -> Queue {
    let region = queue.region.restarted(|cloud| {
        let sqs = sqs::SqsService::new(cloud.clone());
        (vec![sqs.service()], sqs.jobs())
    });
    Queue { region, url: queue.url }
}

#[tokio::test]
async fn messages_and_their_receipts_are_there_again() {
    let queue = Queue::create(&[]).await;
    for body in ["a", "b", "c"] {
        queue.send(body).await.unwrap();
    }
    let held = queue.receive(1).await;
    queue.hide(&held[0], 100).await.unwrap();
    // A moment later the receipt is stored.
    queue.advance(1).await;
    let queue = restarted(queue);
    assert_eq!(queue.counts().await, [2, 1, 0]);
    assert_eq!(bodies(&queue.receive(10).await), ["b", "c"]);
    queue.delete(&held[0]).await.unwrap();
    queue.advance(100).await;
    assert_eq!(queue.counts().await, [2, 0, 0]);
}

#[tokio::test]
async fn a_crash_right_after_a_receive_hands_the_message_out_again_and_its_handle_still_deletes() {
    let queue = Queue::create(&[]).await;
    queue.send("a").await.unwrap();
    let held = queue.receive(1).await;
    let queue = restarted(queue);
    assert_eq!(queue.counts().await, [1, 0, 0]);
    queue.delete(&held[0]).await.unwrap();
    assert_eq!(queue.counts().await, [0, 0, 0]);
    assert!(queue.receive(1).await.is_empty());
}

#[tokio::test]
async fn a_region_that_stops_in_order_forgets_no_receive() {
    let mut service = None;
    let region = ::kit::TestRegion::start(|cloud| {
        let sqs = sqs::SqsService::new(cloud.clone());
        service = Some(sqs.clone());
        vec![sqs.service()]
    });
    let url = crate::kit::create(&region, "orders", &[]).await.unwrap();
    let queue = Queue { region, url };
    queue.send("a").await.unwrap();
    assert_eq!(queue.receive(1).await.len(), 1);
    service.unwrap().stop().await;
    assert_eq!(restarted(queue).counts().await, [0, 1, 0]);
}

#[tokio::test]
async fn deleted_and_purged_messages_stay_away() {
    let queue = Queue::create(&[("DelaySeconds", "5")]).await;
    for body in ["a", "b"] {
        queue.send(body).await.unwrap();
    }
    queue.advance(5).await;
    queue.delete(&queue.receive(1).await[0]).await.unwrap();
    queue.send("c").await.unwrap();
    let queue = restarted(queue);
    assert_eq!(queue.counts().await, [1, 0, 1]);
    let input = sqs_api::PurgeQueueInput { queue_url: queue.url.clone() };
    queue.region.call::<sqs_api::op::PurgeQueue>(input).await.unwrap();
    let queue = restarted(queue);
    assert_eq!(queue.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn deduplication_and_order_outlive_a_restart() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2", "3"] {
        queue.send_to("a", body).await.unwrap();
    }
    let first = queue.receive(1).await;
    queue.advance(1).await;
    let queue = restarted(queue);
    queue.send_to("a", "1").await.unwrap();
    assert!(queue.receive(10).await.is_empty(), "the head is in flight");
    queue.delete(&first[0]).await.unwrap();
    assert_eq!(bodies(&queue.receive(10).await), ["2", "3"]);
}

#[tokio::test]
async fn a_handle_of_a_fifo_queue_deletes_though_a_crash_forgot_its_receive() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2"] {
        queue.send_to("a", body).await.unwrap();
    }
    let held = queue.receive(1).await;
    let queue = restarted(queue);
    queue.delete(&held[0]).await.unwrap();
    assert_eq!(bodies(&queue.receive(10).await), ["2"]);
}

#[tokio::test]
async fn a_handle_deletes_though_a_crash_remembers_an_earlier_receive_only() {
    for fifo in [false, true] {
        let queue = if fifo { Queue::fifo(&[]).await } else { Queue::create(&[]).await };
        let sent = if fifo { queue.send_to("a", "1").await } else { queue.send_with("1", |_| {}).await };
        sent.unwrap();
        let first = queue.receive(1).await;
        queue.advance(30).await;
        let second = queue.receive(1).await;
        let queue = restarted(queue);
        // Another receive follows the forgotten one, and its handle counts from then on.
        let third = queue.receive(1).await;
        for outdated in [&first[0], &second[0]] {
            let refused = queue.delete(outdated).await.is_err();
            assert_eq!((refused, queue.counts().await), (fifo, [0, 1, 0]));
        }
        queue.advance(1).await;
        queue.hide(&third[0], 0).await.unwrap();
        let fourth = queue.receive(1).await;
        let queue = restarted(queue);
        queue.delete(&fourth[0]).await.unwrap();
        assert_eq!(queue.counts().await, [0, 0, 0]);
    }
}
