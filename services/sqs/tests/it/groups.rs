//! Message groups on standard queues: fair queues.

use crate::kit::{Queue, attribute, bodies};

#[tokio::test]
async fn a_group_with_much_in_flight_does_not_hold_up_the_others() {
    let queue = Queue::create(&[]).await;
    let send = |group: &'static str, body: String| {
        let queue = &queue;
        async move {
            let sent = queue.send_with(&body, |input| input.message_group_id = Some(group.to_owned()));
            sent.await.unwrap();
        }
    };
    for number in 0..50 {
        send("noisy", format!("noisy {number}")).await;
    }
    assert_eq!(queue.receive(10).await.len(), 10);
    send("quiet", "quiet".to_owned()).await;
    let next = queue.receive(1).await;
    assert_eq!(bodies(&next), ["quiet"]);
    assert_eq!(attribute(&next[0], "MessageGroupId"), Some("quiet"));
    assert_eq!(bodies(&queue.receive(1).await), ["noisy 10"]);
}

#[tokio::test]
async fn deduplication_ids_are_for_fifo_queues() {
    let queue = Queue::create(&[]).await;
    let error = queue.send_to("group", "x").await.unwrap_err();
    assert!(error.message().contains("MessageDeduplicationId is only valid for FIFO queues"), "{error}");
}
