//! Redrive policies.

use std::time::Duration;

use crate::kit::{Queue, bodies, create, receive};

const POLICY: &str =
    r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#;

#[tokio::test]
async fn a_message_received_too_often_becomes_a_dead_letter() {
    let queue = Queue::create(&[("VisibilityTimeout", "1")]).await;
    let dead = create(&queue.region, "dead", &[]).await.unwrap();
    let source =
        create(&queue.region, "source", &[("RedrivePolicy", POLICY), ("VisibilityTimeout", "1")]).await;
    let queue = Queue { url: source.unwrap(), ..queue };
    queue.send("poison").await.unwrap();
    for _ in 0..2 {
        assert_eq!(bodies(&queue.receive(1).await), ["poison"]);
        assert!(receive(&queue.region, &dead, 1).await.is_empty());
        queue.region.advance(Duration::from_secs(1)).await;
    }
    assert!(queue.receive(1).await.is_empty());
    let letters = receive(&queue.region, &dead, 1).await;
    assert_eq!(bodies(&letters), ["poison"]);
    let source =
        letters[0].attributes.as_ref().and_then(|attributes| attributes.get("DeadLetterQueueSourceArn"));
    assert_eq!(source.map(String::as_str), Some("arn:aws:sqs:us-east-1:000000000000:source"));
}

#[tokio::test]
async fn a_dead_letter_queue_must_be_there() {
    let queue = Queue::create(&[]).await;
    let error = create(&queue.region, "source", &[("RedrivePolicy", POLICY)]).await.unwrap_err();
    assert!(error.message().contains("Dead letter target does not exist"), "{error}");
}
