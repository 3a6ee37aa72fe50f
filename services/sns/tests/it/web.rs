//! Deliveries to web endpoints: a receiver on loopback, and retries on the stepped clock.

use std::time::Duration;

use serde_json::Value;
use sns_api::UnsubscribeInput;
use sns_api::op::Unsubscribe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::kit::{Sns, TOPIC};
use crate::mail::follow;

/// A web server that answers one status after the other, and the last one from then on.
struct Receiver {
    url: String,
    requests: mpsc::Receiver<Received>,
}

struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Receiver {
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("it is bound"));
        let (sender, requests) = mpsc::channel(64);
        tokio::spawn(async move {
            for turn in 0.. {
                let Ok((mut connection, _)) = listener.accept().await else { return };
                let received = read(&mut connection).await;
                let status = statuses[usize::min(turn, statuses.len() - 1)];
                let answer =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nlocation: /elsewhere\r\n\r\n");
                let _ = connection.write_all(answer.as_bytes()).await;
                if sender.send(received).await.is_err() {
                    return;
                }
            }
        });
        Self { url, requests }
    }

    /// Waits for the next request; how long that takes is the network's matter.
    async fn next(&mut self) -> Received {
        self.requests.recv().await.expect("the receiver runs")
    }

    /// Whether nothing has come although everything that could has happened.
    async fn is_quiet(&mut self, sns: &Sns) -> bool {
        sns.region.settle().await;
        self.requests.try_recv().is_err()
    }
}

async fn read(connection: &mut tokio::net::TcpStream) -> Received {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let received = Received { head: head.to_owned(), body: body.to_owned() };
            let length =
                received.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return received;
            }
        }
        let mut chunk = [0; 4096];
        match connection.read(&mut chunk).await {
            Ok(0) | Err(_) => return Received { head: text, body: String::new() },
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Subscribes the receiver and confirms.
async fn join(sns: &Sns, receiver: &mut Receiver, attributes: &[(&str, &str)]) {
    sns.subscribe("http", &receiver.url, attributes).await.expect("the endpoint is a URL");
    let asked = receiver.next().await;
    assert_eq!(asked.header("x-amz-sns-message-type"), Some("SubscriptionConfirmation"));
    assert_eq!(asked.header("x-amz-sns-subscription-arn"), None);
    let body: Value = serde_json::from_str(&asked.body).expect("a confirmation is JSON");
    assert_eq!(
        (body["Type"].as_str(), body["TopicArn"].as_str()),
        (Some("SubscriptionConfirmation"), Some(TOPIC))
    );
    let url = body["SubscribeURL"].as_str().expect("it has a link");
    assert_eq!(follow(sns, url).await.0, 200);
    until_settled(sns).await;
}

/// Waits until no job is due.
async fn until_settled(sns: &Sns) {
    let jobs = clock::Jobs::new(sns.region.cloud.store().clone());
    let now = sns.region.clock.now();
    while jobs.list(10).expect("jobs can be listed").iter().any(|(id, _)| id.due <= now) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_endpoint_confirms_and_gets_notifications() {
    let sns = Sns::start().await;
    let mut receiver = Receiver::start(&[200]).await;
    join(&sns, &mut receiver, &[]).await;
    let id = sns.publish("hello").await.unwrap();
    let received = receiver.next().await;
    assert!(received.head.starts_with("POST /hook HTTP/1.1"), "{}", received.head);
    assert_eq!(received.header("x-amz-sns-message-type"), Some("Notification"));
    assert_eq!(received.header("x-amz-sns-message-id"), Some(id.as_str()));
    assert_eq!(received.header("x-amz-sns-topic-arn"), Some(TOPIC));
    assert_eq!(received.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert!(received.header("x-amz-sns-subscription-arn").is_some_and(|arn| arn.starts_with(TOPIC)));
    let body: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!((body["Message"].as_str(), body["MessageId"].as_str()), (Some("hello"), Some(id.as_str())));
    until_settled(&sns).await;
    assert_eq!(sns.metric("NumberOfNotificationsDelivered"), 1.0);
}

#[tokio::test]
async fn an_endpoint_is_told_of_its_end_and_can_take_it_back_for_two_days() {
    let sns = Sns::start().await;
    let mut receiver = Receiver::start(&[200]).await;
    join(&sns, &mut receiver, &[]).await;
    sns.publish("hello").await.unwrap();
    let received = receiver.next().await;
    let arn = received.header("x-amz-sns-subscription-arn").unwrap().to_owned();
    until_settled(&sns).await;
    let unsubscribe = async || {
        let input = UnsubscribeInput { subscription_arn: arn.clone() };
        sns.region.call::<Unsubscribe>(input).await.unwrap();
    };
    unsubscribe().await;
    let told = receiver.next().await;
    assert_eq!(told.header("x-amz-sns-message-type"), Some("UnsubscribeConfirmation"));
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(body["Type"], "UnsubscribeConfirmation");
    assert!(body["Message"].as_str().unwrap().contains(&arn), "{body}");
    sns.publish("to nobody").await.unwrap();
    until_settled(&sns).await;
    assert_eq!(follow(&sns, body["SubscribeURL"].as_str().unwrap()).await.0, 200);
    sns.publish("again").await.unwrap();
    let received = receiver.next().await;
    let restored: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(restored["Message"], "again");
    until_settled(&sns).await;
    unsubscribe().await;
    let told = receiver.next().await;
    let body: Value = serde_json::from_str(&told.body).unwrap();
    until_settled(&sns).await;
    sns.region.advance(Duration::from_secs(2 * 86_400)).await;
    assert_eq!(follow(&sns, body["SubscribeURL"].as_str().unwrap()).await.0, 400);
}

#[tokio::test]
async fn raw_deliveries_are_the_message_alone() {
    let sns = Sns::start().await;
    let mut receiver = Receiver::start(&[200]).await;
    join(&sns, &mut receiver, &[("RawMessageDelivery", "true")]).await;
    sns.publish("hello").await.unwrap();
    let received = receiver.next().await;
    assert_eq!((received.header("x-amz-sns-rawdelivery"), received.body.as_str()), (Some("true"), "hello"));
}

#[tokio::test]
async fn failures_are_tried_again_by_the_policy_and_end_in_the_dead_letter_queue() {
    let sns = Sns::start().await;
    sns.create_queue("dead", true).await;
    let mut receiver = Receiver::start(&[200, 500]).await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    let policy = r#"{"healthyRetryPolicy":{"numRetries":3,"numNoDelayRetries":1,"minDelayTarget":5,"maxDelayTarget":10}}"#;
    join(&sns, &mut receiver, &[("RedrivePolicy", redrive), ("DeliveryPolicy", policy)]).await;
    sns.publish("unlucky").await.unwrap();
    // One attempt, and one more at once.
    receiver.next().await;
    receiver.next().await;
    until_settled(&sns).await;
    for seconds in [5, 10] {
        sns.region.advance(Duration::from_secs(seconds - 1)).await;
        assert!(receiver.is_quiet(&sns).await);
        assert!(sns.drain("dead").await.is_empty());
        sns.region.advance(Duration::from_secs(1)).await;
        receiver.next().await;
        until_settled(&sns).await;
    }
    assert_eq!(sns.texts("dead").await, ["unlucky"]);
    assert_eq!(sns.metric("NumberOfNotificationsFailed"), 1.0);
    sns.region.advance(Duration::from_secs(3600)).await;
    assert!(receiver.is_quiet(&sns).await);
}

#[tokio::test]
async fn an_endpoint_gets_as_many_messages_in_a_second_as_it_wants() {
    let sns = Sns::start().await;
    let mut receiver = Receiver::start(&[200]).await;
    let policy = r#"{"throttlePolicy":{"maxReceivesPerSecond":2},"requestPolicy":{"headerContentType":"application/json"}}"#;
    join(&sns, &mut receiver, &[("DeliveryPolicy", policy)]).await;
    sns.region.advance(Duration::from_secs(1)).await;
    for number in 0..5 {
        sns.publish(&number.to_string()).await.unwrap();
    }
    for expected in [2, 2, 1] {
        for _ in 0..expected {
            assert_eq!(receiver.next().await.header("content-type"), Some("application/json"));
        }
        until_settled(&sns).await;
        assert!(receiver.is_quiet(&sns).await);
        sns.region.advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn refusals_and_redirects_are_final() {
    let sns = Sns::start().await;
    sns.create_queue("dead", true).await;
    let mut receiver = Receiver::start(&[200, 403, 302]).await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    join(&sns, &mut receiver, &[("RedrivePolicy", redrive)]).await;
    for text in ["forbidden", "moved"] {
        sns.publish(text).await.unwrap();
        receiver.next().await;
        until_settled(&sns).await;
        assert_eq!(sns.texts("dead").await, [text]);
    }
}
