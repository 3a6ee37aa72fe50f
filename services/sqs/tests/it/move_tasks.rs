//! Message move tasks.

use shapes::ApiError;
use sqs_api::op::{CancelMessageMoveTask, ListMessageMoveTasks, StartMessageMoveTask};
use sqs_api::{
    CancelMessageMoveTaskInput, ListMessageMoveTasksInput, ListMessageMoveTasksResultEntry,
    StartMessageMoveTaskInput,
};

use crate::kit::{Queue, attribute, bodies, counts, create, receive, region};

const POLICY: &str =
    r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

/// A queue with so many dead letters, and the URL of where they are.
async fn with_dead_letters(count: usize) -> (Queue, String) {
    let region = region();
    let dead = create(&region, "dead", &[]).await.unwrap();
    let attributes = [("RedrivePolicy", POLICY), ("VisibilityTimeout", "0")];
    let url = create(&region, "source", &attributes).await.unwrap();
    let queue = Queue { region, url };
    for number in 0..count {
        queue.send(&format!("m{number}")).await.unwrap();
        assert_eq!(queue.receive(1).await.len(), 1);
        assert!(queue.receive(1).await.is_empty());
    }
    assert_eq!(counts(&queue.region, &dead).await, [count as u64, 0, 0]);
    (queue, dead)
}

async fn start(queue: &Queue, destination: Option<&str>, rate: Option<i32>) -> Result<String, ApiError> {
    let input = StartMessageMoveTaskInput {
        source_arn: DEAD.to_owned(),
        destination_arn: destination.map(str::to_owned),
        max_number_of_messages_per_second: rate,
    };
    let output = queue.region.call::<StartMessageMoveTask>(input).await?;
    Ok(output.task_handle.unwrap_or_default())
}

async fn tasks(queue: &Queue) -> Vec<ListMessageMoveTasksResultEntry> {
    let input = ListMessageMoveTasksInput { source_arn: DEAD.to_owned(), max_results: Some(10) };
    queue.region.call::<ListMessageMoveTasks>(input).await.unwrap().results.unwrap_or_default()
}

async fn cancel(queue: &Queue, handle: &str) -> Result<Option<i64>, ApiError> {
    let input = CancelMessageMoveTaskInput { task_handle: handle.to_owned() };
    let output = queue.region.call::<CancelMessageMoveTask>(input).await?;
    Ok(output.approximate_number_of_messages_moved)
}

#[tokio::test]
async fn dead_letters_go_back_to_where_they_came_from() {
    let (queue, dead) = with_dead_letters(3).await;
    let handle = start(&queue, None, None).await.unwrap();
    assert!(!handle.is_empty());
    queue.region.settle().await;
    queue.advance(1).await;
    assert_eq!(counts(&queue.region, &dead).await, [0, 0, 0]);
    assert_eq!(queue.counts().await, [3, 0, 0]);
    let received = queue.receive(1).await;
    assert_eq!(attribute(&received[0], "ApproximateReceiveCount"), Some("1"));
    assert_eq!(attribute(&received[0], "DeadLetterQueueSourceArn"), None);
    let (tasks, ids) = (tasks(&queue).await, "arn:aws:sqs:us-east-1:000000000000:dead");
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].status.as_deref(), Some("COMPLETED"));
    assert_eq!(tasks[0].approximate_number_of_messages_moved, Some(3));
    assert_eq!(tasks[0].approximate_number_of_messages_to_move, Some(3));
    assert_eq!((tasks[0].source_arn.as_deref(), tasks[0].task_handle.as_deref()), (Some(ids), None));
    let error = cancel(&queue, &handle).await.unwrap_err();
    assert!(error.message().contains("Only active tasks"), "{error}");
}

#[tokio::test]
async fn a_task_keeps_to_its_rate_and_can_be_cancelled() {
    let (queue, dead) = with_dead_letters(6).await;
    let other = create(&queue.region, "other", &[]).await.unwrap();
    let destination = "arn:aws:sqs:us-east-1:000000000000:other";
    let handle = start(&queue, Some(destination), Some(2)).await.unwrap();
    queue.region.settle().await;
    assert_eq!(counts(&queue.region, &other).await, [2, 0, 0]);
    let error = start(&queue, None, None).await.unwrap_err();
    assert!(error.message().contains("already a task running"), "{error}");
    queue.advance(1).await;
    assert_eq!(counts(&queue.region, &other).await, [4, 0, 0]);
    assert_eq!(cancel(&queue, &handle).await.unwrap(), Some(4));
    queue.advance(1).await;
    queue.advance(1).await;
    assert_eq!(counts(&queue.region, &dead).await, [2, 0, 0]);
    let tasks = tasks(&queue).await;
    assert_eq!(tasks[0].status.as_deref(), Some("CANCELLED"));
    assert_eq!(tasks[0].destination_arn.as_deref(), Some(destination));
    assert_eq!(bodies(&receive(&queue.region, &other, 10).await), ["m0", "m1", "m2", "m3"]);
}

#[tokio::test]
async fn a_message_that_was_sent_to_the_dead_letter_queue_itself_has_nowhere_to_go() {
    let (queue, dead) = with_dead_letters(1).await;
    let own = Queue { region: queue.region, url: dead };
    own.send("direct").await.unwrap();
    start(&own, None, None).await.unwrap();
    own.region.settle().await;
    let tasks = tasks(&own).await;
    assert_eq!(tasks[0].status.as_deref(), Some("FAILED"));
    assert_eq!(tasks[0].failure_reason.as_deref(), Some("CouldNotDetermineMessageSource"));
    assert_eq!(bodies(&own.receive(10).await), ["direct"], "the other one was moved");
}

#[tokio::test]
async fn only_dead_letter_queues_that_are_there_have_tasks() {
    let queue = Queue::create(&[]).await;
    assert_eq!(start(&queue, None, None).await.unwrap_err().name(), "ResourceNotFoundException");
    create(&queue.region, "dead", &[]).await.unwrap();
    let error = start(&queue, None, None).await.unwrap_err();
    assert!(error.message().contains("must be configured as a Dead Letter Queue"), "{error}");
    assert!(start(&queue, None, Some(501)).await.unwrap_err().message().contains("between 1 and 500"));
    assert_eq!(cancel(&queue, "junk").await.unwrap_err().name(), "InvalidParameterValue");
}
