//! Queues that are longer than what is kept of them in memory.

use sqs_api::op::SendMessageBatch;
use sqs_api::{SendMessageBatchInput, SendMessageBatchRequestEntry};

use crate::kit::Queue;

pub(crate) async fn send_many(queue: &Queue, count: usize) {
    for start in (0..count).step_by(10) {
        let entries = (start..count.min(start + 10))
            .map(|number| SendMessageBatchRequestEntry {
                id: number.to_string(),
                message_body: number.to_string(),
                ..Default::default()
            })
            .collect();
        let input = SendMessageBatchInput { queue_url: queue.url.clone(), entries };
        queue.region.call::<SendMessageBatch>(input).await.unwrap();
    }
}

#[tokio::test]
async fn a_long_backlog_comes_whole_and_in_order() {
    let queue = Queue::create(&[]).await;
    send_many(&queue, 6000).await;
    assert_eq!(queue.counts().await, [6000, 0, 0]);
    let mut next = 0;
    while next < 6000 {
        let received = queue.receive(10).await;
        assert!(!received.is_empty(), "nothing after {next}");
        for message in &received {
            assert_eq!(message.body.as_deref(), Some(next.to_string().as_str()));
            next += 1;
        }
        // Every third answer is deleted, and the rest stays in flight.
        if next % 3 == 0 {
            for message in &received {
                queue.delete(message).await.unwrap();
            }
        }
    }
    assert!(queue.receive(10).await.is_empty());
    let [visible, in_flight, _] = queue.counts().await;
    assert_eq!(visible, 0);
    queue.advance(30).await;
    assert_eq!(queue.counts().await, [in_flight, 0, 0]);
    send_many(&queue, 10).await;
    assert_eq!(queue.counts().await, [in_flight + 10, 0, 0]);
}
