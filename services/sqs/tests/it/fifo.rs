//! FIFO queues: order, deduplication, repeated attempts.

use sqs_api::ReceiveMessageInput;
use sqs_api::op::ReceiveMessage;

use crate::kit::{Queue, attribute, bodies, create, region};

#[tokio::test]
async fn messages_of_a_group_come_in_order_and_the_head_in_flight_blocks_its_group_alone() {
    let queue = Queue::fifo(&[]).await;
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
        queue.send_to(group, body).await.unwrap();
    }
    let first = queue.receive(1).await;
    assert_eq!(bodies(&first), ["a1"]);
    let second = queue.receive(10).await;
    assert_eq!(bodies(&second), ["b1"], "group a is blocked, group b is not");
    assert!(queue.receive(10).await.is_empty());
    queue.delete(&first[0]).await.unwrap();
    assert_eq!(bodies(&queue.receive(10).await), ["a2", "a3"], "a batch takes what a group has");
}

#[tokio::test]
async fn what_was_not_deleted_comes_first_again() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2", "3"] {
        queue.send_to("a", body).await.unwrap();
    }
    let taken = queue.receive(2).await;
    assert_eq!(bodies(&taken), ["1", "2"]);
    queue.delete(&taken[1]).await.unwrap();
    assert!(queue.receive(10).await.is_empty());
    queue.advance(30).await;
    assert_eq!(bodies(&queue.receive(10).await), ["1", "3"]);
}

#[tokio::test]
async fn an_expired_handle_deletes_nothing_and_says_so() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("a", "1").await.unwrap();
    let taken = queue.receive(1).await;
    queue.advance(30).await;
    let error = queue.delete(&taken[0]).await.unwrap_err();
    assert!(error.message().contains("The receipt handle has expired"), "{error}");
    assert_eq!(bodies(&queue.receive(1).await), ["1"]);
}

#[tokio::test]
async fn a_deduplication_id_counts_for_five_minutes() {
    let queue = Queue::fifo(&[]).await;
    let first = queue.send_to("a", "same").await.unwrap();
    queue.advance(299).await;
    let second = queue.send_to("b", "same").await.unwrap();
    assert_eq!((&first.message_id, &first.sequence_number), (&second.message_id, &second.sequence_number));
    queue.advance(1).await;
    let third = queue.send_to("a", "same").await.unwrap();
    assert_ne!(first.message_id, third.message_id);
    assert!(first.sequence_number < third.sequence_number);
    assert_eq!(third.sequence_number.map(|number| number.len()), Some(20));
    assert_eq!(queue.counts().await, [2, 0, 0]);
}

#[tokio::test]
async fn a_deduplication_id_counts_even_after_its_message_was_deleted() {
    let queue = Queue::fifo(&[]).await;
    queue.send_to("a", "same").await.unwrap();
    queue.delete(&queue.receive(1).await[0]).await.unwrap();
    queue.send_to("a", "same").await.unwrap();
    assert_eq!(queue.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn deduplication_can_be_per_group_and_by_content() {
    let attributes = [
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "messageGroup"),
        ("FifoThroughputLimit", "perMessageGroupId"),
    ];
    let queue = Queue::fifo(&attributes).await;
    for group in ["a", "b", "a"] {
        let sent = queue.send_with("same", |input| input.message_group_id = Some(group.to_owned())).await;
        sent.unwrap();
    }
    let received = queue.receive(10).await;
    assert_eq!(bodies(&received), ["same", "same"]);
    let digest = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5";
    assert_eq!(attribute(&received[0], "MessageDeduplicationId"), Some(digest));
    assert_eq!(attribute(&received[1], "MessageGroupId"), Some("b"));
}

#[tokio::test]
async fn group_and_deduplication_id_are_required_and_delays_refused() {
    let queue = Queue::fifo(&[]).await;
    let error = queue.send("x").await.unwrap_err();
    assert_eq!(
        (error.name(), error.message()),
        ("MissingParameter", "The request must contain the parameter MessageGroupId.")
    );
    let error =
        queue.send_with("x", |input| input.message_group_id = Some("a".to_owned())).await.unwrap_err();
    assert!(error.message().contains("ContentBasedDeduplication enabled"), "{error}");
    let delayed = queue.send_with("x", |input| {
        input.message_group_id = Some("a".to_owned());
        input.message_deduplication_id = Some("1".to_owned());
        input.delay_seconds = Some(1);
    });
    assert!(delayed.await.unwrap_err().message().contains("DelaySeconds"));
    let spaced = queue.send_to("not allowed", "x").await.unwrap_err();
    assert!(spaced.message().contains("MessageGroupId can only include"), "{spaced}");
}

#[tokio::test]
async fn a_queues_delay_holds_for_all_its_messages_and_keeps_their_order() {
    let queue = Queue::fifo(&[("DelaySeconds", "10")]).await;
    queue.send_to("a", "1").await.unwrap();
    queue.advance(5).await;
    queue.send_to("a", "2").await.unwrap();
    assert_eq!(queue.counts().await, [0, 0, 2]);
    queue.advance(5).await;
    assert_eq!(bodies(&queue.receive(10).await), ["1"]);
}

#[tokio::test]
async fn an_attempt_can_be_repeated_while_its_messages_are_in_flight() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2"] {
        queue.send_to(body, body).await.unwrap();
    }
    let attempt = || async {
        let input = ReceiveMessageInput {
            queue_url: queue.url.clone(),
            receive_request_attempt_id: Some("attempt".to_owned()),
            ..Default::default()
        };
        queue.region.call::<ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default()
    };
    let first = attempt().await;
    assert_eq!(bodies(&first), ["1"]);
    queue.advance(20).await;
    let again = attempt().await;
    assert_eq!((bodies(&again), &again[0].receipt_handle), (vec!["1"], &first[0].receipt_handle));
    queue.advance(20).await;
    assert_eq!(queue.counts().await, [1, 1, 0], "the repetition hid it anew");
    queue.delete(&again[0]).await.unwrap();
    assert_eq!(bodies(&attempt().await), ["2"], "what is deleted is not repeated");
}

#[tokio::test]
async fn names_and_attributes_go_together() {
    let region = region();
    for (name, attributes) in [
        ("a.fifo", &[][..]),
        ("a", &[("FifoQueue", "true")]),
        ("a", &[("FifoQueue", "false")]),
        ("a", &[("ContentBasedDeduplication", "true")]),
    ] {
        assert!(create(&region, name, attributes).await.is_err(), "{name} {attributes:?}");
    }
    assert!(create(&region, "a.fifo", &[("FifoQueue", "true")]).await.is_ok());
}

#[tokio::test]
async fn a_dead_letter_of_a_fifo_queue_needs_a_fifo_queue_and_keeps_its_group() {
    const POLICY: &str =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":1}"#;
    let region = region();
    let error = create(&region, "source", &[("RedrivePolicy", POLICY)]).await.unwrap_err();
    assert!(error.message().contains("same type"), "{error}");
    let dead = create(&region, "dead.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let attributes = [("FifoQueue", "true"), ("RedrivePolicy", POLICY), ("VisibilityTimeout", "1")];
    let url = create(&region, "source.fifo", &attributes).await.unwrap();
    let queue = Queue { region, url };
    for body in ["1", "2"] {
        queue.send_to("a", body).await.unwrap();
    }
    assert_eq!(bodies(&queue.receive(1).await), ["1"]);
    queue.advance(1).await;
    assert_eq!(bodies(&queue.receive(1).await), ["2"], "the group goes on behind its dead letter");
    let letters = crate::kit::receive(&queue.region, &dead, 10).await;
    assert_eq!(bodies(&letters), ["1"]);
    assert_eq!(attribute(&letters[0], "MessageGroupId"), Some("a"));
}

#[tokio::test]
async fn a_closed_lane_opens_for_a_long_poll_when_its_head_is_deleted() {
    let queue = Queue::fifo(&[]).await;
    for body in ["1", "2"] {
        queue.send_to("a", body).await.unwrap();
    }
    let head = queue.receive(1).await;
    let (ctx, queue_url) = (queue.region.ctx(), queue.url.clone());
    let waiting = tokio::spawn(async move {
        let input = ReceiveMessageInput { queue_url, wait_time_seconds: Some(20), ..Default::default() };
        ctx.call::<ReceiveMessage>(input).await.map(|output| output.messages.unwrap_or_default())
    });
    queue.region.settle().await;
    assert!(!waiting.is_finished());
    queue.delete(&head[0]).await.unwrap();
    assert_eq!(bodies(&waiting.await.unwrap().unwrap()), ["2"]);
}
