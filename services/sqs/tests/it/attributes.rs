//! Attributes of queues, and how bodies lie in the store.

use sqs_api::SetQueueAttributesInput;
use sqs_api::op::SetQueueAttributes;

use crate::kit::{Queue, attributes, bodies, create};

/// Whether the text lies in any row of the tenant's messages.
fn is_stored_plainly(queue: &Queue, text: &str) -> bool {
    struct Raw(Vec<u8>);
    impl store::Row for Raw {
        fn encode(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0);
        }
        fn decode(bytes: &[u8]) -> Result<Self, store::RowError> {
            Ok(Self(bytes.to_vec()))
        }
    }
    let table: store::Table<(u64, u64), Raw> = store::Table::new("sqs/stored-message");
    let ctx = queue.region.ctx();
    let rows = table.list(&mut ctx.read().unwrap(), &store::Range::all(), 100).unwrap();
    assert!(!rows.is_empty());
    rows.iter().any(|(_, row)| row.0.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn bodies_are_sealed_at_rest_unless_the_queue_says_otherwise() {
    let queue = Queue::create(&[]).await;
    queue.send("top secret").await.unwrap();
    assert!(!is_stored_plainly(&queue, "top secret"));
    let input = SetQueueAttributesInput {
        queue_url: queue.url.clone(),
        attributes: [("SqsManagedSseEnabled".to_owned(), "false".to_owned())].into(),
    };
    queue.region.call::<SetQueueAttributes>(input).await.unwrap();
    queue.send("for everybody").await.unwrap();
    assert!(is_stored_plainly(&queue, "for everybody"));
    let mut received = queue.receive(10).await;
    received.sort_by(|a, b| a.body.cmp(&b.body));
    assert_eq!(bodies(&received), ["for everybody", "top secret"]);
}

#[tokio::test]
async fn fifo_queues_tell_their_own_attributes_and_others_do_not() {
    let queue = Queue::fifo(&[("ContentBasedDeduplication", "true")]).await;
    let told = attributes(&queue.region, &queue.url).await;
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "true"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
        ("SqsManagedSseEnabled", "true"),
    ] {
        assert_eq!(told.get(name).map(String::as_str), Some(value));
    }
    let (queue, standard) = queue.beside("standard", &[]).await;
    assert_eq!(attributes(&queue.region, &standard).await.get("FifoQueue"), None);
}

#[tokio::test]
async fn a_queue_made_again_with_the_same_attributes_is_the_same() {
    let queue = Queue::fifo(&[("VisibilityTimeout", "5")]).await;
    let again =
        create(&queue.region, "orders.fifo", &[("FifoQueue", "true"), ("VisibilityTimeout", "5")]).await;
    assert_eq!(again.unwrap(), queue.url);
    let other =
        create(&queue.region, "orders.fifo", &[("FifoQueue", "true"), ("VisibilityTimeout", "6")]).await;
    assert_eq!(other.unwrap_err().name(), "QueueNameExists");
}
