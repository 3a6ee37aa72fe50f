//! What the operator's console sees of a queue.

use std::time::Duration;

use identity::{AccountId, Region};
use sqs::{SqsService, WaitingMessage, WaitingState};
use sqs_api::MessageAttributeValue;

use crate::backlog::send_many;
use crate::kit::{Queue, create};

async fn start() -> (Queue, SqsService) {
    let mut made = None;
    let region = ::kit::TestRegion::with_jobs(|cloud| {
        let sqs = made.insert(SqsService::new(cloud.clone()));
        (vec![sqs.service()], sqs.jobs())
    });
    let url = create(&region, "orders", &[]).await.expect("the queue is made");
    (Queue { region, url }, made.expect("the region has started"))
}

fn peek(sqs: &SqsService, limit: usize) -> Vec<WaitingMessage> {
    sqs.peek(AccountId::DEFAULT, Region::US_EAST_1, "orders", limit).expect("the queue is there")
}

#[tokio::test]
async fn a_look_shows_messages_as_they_are_and_receives_none() {
    let (queue, sqs) = start().await;
    let value = MessageAttributeValue {
        data_type: "String".to_owned(),
        string_value: Some("blue".to_owned()),
        ..Default::default()
    };
    let colour = [("colour".to_owned(), value)];
    queue.send_with("a", |input| input.message_attributes = Some(colour.into())).await.unwrap();
    queue.send_with("b", |input| input.delay_seconds = Some(60)).await.unwrap();
    queue.send("c").await.unwrap();
    let now = queue.region.clock.now();
    assert_eq!(queue.receive(1).await.len(), 1);
    let seen = peek(&sqs, 10);
    let bodies: Vec<&str> = seen.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["a", "b", "c"]);
    let states: Vec<_> = seen.iter().map(|message| (message.state, message.receives)).collect();
    let in_flight = WaitingState::InFlight(now + Duration::from_secs(30));
    let delayed = WaitingState::Delayed(now + Duration::from_secs(60));
    assert_eq!(states, [(in_flight, 1), (delayed, 0), (WaitingState::Visible, 0)]);
    assert_eq!(seen[0].attributes, [("colour".to_owned(), "blue".to_owned())]);
    assert_eq!(queue.counts().await, [1, 1, 1]);
    queue.advance(30).await;
    assert_eq!(peek(&sqs, 1)[0].state, WaitingState::Visible);
}

#[tokio::test]
async fn a_look_at_a_long_queue_is_at_its_beginning() {
    let (queue, sqs) = start().await;
    send_many(&queue, 5000).await;
    for message in queue.receive(10).await {
        queue.delete(&message).await.unwrap();
    }
    let seen = peek(&sqs, 1000);
    assert_eq!((seen.len(), seen[0].body.as_str()), (100, "10"));
    assert!(sqs.peek(AccountId::DEFAULT, Region::US_EAST_1, "nobody", 1).is_err());
}
