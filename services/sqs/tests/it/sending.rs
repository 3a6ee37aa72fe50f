//! What senders are told.

use sqs_api::op::SendMessageBatch;
use sqs_api::{MessageSystemAttributeValue, SendMessageBatchInput, SendMessageBatchRequestEntry};

use crate::kit::{Queue, attribute};

fn entry(id: &str, body: String) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry { id: id.to_owned(), message_body: body, ..Default::default() }
}

#[tokio::test]
async fn the_trace_header_comes_back_and_has_a_digest() {
    let queue = Queue::create(&[]).await;
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let sent = queue
        .send_with("x", |input| {
            let value = MessageSystemAttributeValue {
                data_type: "String".to_owned(),
                string_value: Some(header.to_owned()),
                ..Default::default()
            };
            input.message_system_attributes = Some([("AWSTraceHeader".to_owned(), value)].into());
        })
        .await
        .unwrap();
    assert_eq!(sent.md5_of_message_system_attributes.map(|digest| digest.len()), Some(32));
    let received = queue.receive(1).await;
    assert_eq!(attribute(&received[0], "AWSTraceHeader"), Some(header));
}

#[tokio::test]
async fn a_batch_is_as_long_as_a_message_may_be_and_its_entries_fail_alone() {
    let queue = Queue::create(&[("MaximumMessageSize", "1024")]).await;
    let send = |entries| {
        queue.region.call::<SendMessageBatch>(SendMessageBatchInput { queue_url: queue.url.clone(), entries })
    };
    let halves = vec![entry("a", "x".repeat(600_000)), entry("b", "x".repeat(600_000))];
    assert_eq!(send(halves).await.unwrap_err().name(), "BatchRequestTooLong");
    let mixed = vec![entry("a", "fits".to_owned()), entry("b", "x".repeat(1025)), entry("c", String::new())];
    let output = send(mixed).await.unwrap();
    let failed: Vec<_> = output.failed.iter().map(|entry| (entry.id.as_str(), entry.code.as_str())).collect();
    assert_eq!(failed, [("b", "InvalidParameterValue"), ("c", "MissingParameter")]);
    assert_eq!((output.successful.len(), queue.counts().await), (1, [1, 0, 0]));
}

#[tokio::test]
async fn sends_receives_and_deletes_are_published() {
    let queue = Queue::create(&[]).await;
    queue.send("four").await.unwrap();
    queue.advance(60).await;
    let received = queue.receive(1).await;
    queue.delete(&received[0]).await.unwrap();
    assert!(queue.receive(1).await.is_empty());
    let text = queue.region.cloud.metrics().prometheus();
    for (name, sum) in [
        ("NumberOfMessagesSent", 1),
        ("SentMessageSize", 4),
        ("NumberOfMessagesReceived", 1),
        ("NumberOfMessagesDeleted", 1),
        ("NumberOfEmptyReceives", 1),
        ("ApproximateNumberOfMessagesVisible", 0),
        ("ApproximateNumberOfMessagesNotVisible", 1),
        ("ApproximateAgeOfOldestMessage", 0),
    ] {
        let line = format!("name=\"{name}\",QueueName=\"orders\"}} {sum}\n");
        assert!(text.contains(&line), "{line} is not in {text}");
    }
}
