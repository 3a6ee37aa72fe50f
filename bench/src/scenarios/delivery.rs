//! How long a message takes to a waiting receiver, with nothing else going on: out of a topic, and off an event bus.

use std::time::{Duration, Instant};

use bytes::Bytes;
use events_api::op::{DeleteRule, PutEvents, PutRule, PutTargets, RemoveTargets};
use events_api::{
    DeleteRuleInput, PutEventsInput, PutEventsRequestEntry, PutRuleInput, PutTargetsInput,
    RemoveTargetsInput, Target,
};
use shapes::{Map, Op};
use sns_api::op::{CreateTopic, DeleteTopic, Publish, Subscribe};
use sns_api::{CreateTopicInput, DeleteTopicInput, PublishInput, SubscribeInput};
use sqs_api::op::{
    CreateQueue, DeleteMessage, DeleteQueue, GetQueueAttributes, ReceiveMessage, SetQueueAttributes,
};
use sqs_api::{
    CreateQueueInput, DeleteMessageInput, DeleteQueueInput, GetQueueAttributesInput, ReceiveMessageInput,
    SetQueueAttributesInput,
};

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

/// By then a receiver's request has arrived.
const HEAD_START: Duration = Duration::from_millis(2);

/// A topic and a rule, each with a queue of its own.
pub struct Paths {
    client: Client,
    name: String,
    topic: String,
    of_topic: String,
    of_rule: String,
}

impl Paths {
    pub async fn create(client: &Client) -> Result<Self, BenchError> {
        let name = format!("brume-bench-{}", std::process::id());
        let topic = CreateTopicInput { name: name.clone(), ..Default::default() };
        let topic = once::<CreateTopic>(client, &topic).await?.topic_arn.unwrap_or_default();
        let (of_topic, arn) = queue(client, &format!("{name}-topic")).await?;
        let input = SubscribeInput {
            topic_arn: topic.clone(),
            protocol: "sqs".to_owned(),
            endpoint: Some(arn),
            attributes: Some(Map::from([("RawMessageDelivery".to_owned(), "true".to_owned())])),
            ..Default::default()
        };
        once::<Subscribe>(client, &input).await?;
        let (of_rule, arn) = queue(client, &format!("{name}-rule")).await?;
        let pattern = format!(r#"{{"source":["{name}"]}}"#);
        let rule = PutRuleInput { name: name.clone(), event_pattern: Some(pattern), ..Default::default() };
        once::<PutRule>(client, &rule).await?;
        let target = Target { id: "queue".to_owned(), arn, ..Default::default() };
        let targets = PutTargetsInput { rule: name.clone(), targets: vec![target], ..Default::default() };
        once::<PutTargets>(client, &targets).await?;
        Ok(Self { client: client.clone(), name, topic, of_topic, of_rule })
    }

    /// From a Publish that is sent to its message at a receiver that waits.
    pub async fn publish(&self, load: Load) -> Result<Report, BenchError> {
        let input = PublishInput {
            topic_arn: Some(self.topic.clone()),
            message: super::payload(0),
            ..Default::default()
        };
        let request = self.client.request::<Publish>(&input)?;
        self.measure("Publish -> ReceiveMessage", request, &self.of_topic, load).await
    }

    /// From a PutEvents that is sent to its event at a receiver that waits.
    pub async fn put_events(&self, load: Load) -> Result<Report, BenchError> {
        let entry = PutEventsRequestEntry {
            source: Some(self.name.clone()),
            detail_type: Some("bench".to_owned()),
            detail: Some(format!(r#"{{"text":"{}"}}"#, super::payload(0))),
            ..Default::default()
        };
        let input = PutEventsInput { entries: vec![entry], ..Default::default() };
        let request = self.client.request::<PutEvents>(&input)?;
        self.measure("PutEvents -> ReceiveMessage", request, &self.of_rule, load).await
    }

    async fn measure(
        &self,
        name: &'static str,
        request: Bytes,
        queue_url: &str,
        load: Load,
    ) -> Result<Report, BenchError> {
        let input = ReceiveMessageInput {
            queue_url: queue_url.to_owned(),
            wait_time_seconds: Some(20),
            ..Default::default()
        };
        let receive = self.client.request::<ReceiveMessage>(&input)?;
        let authority = &self.client.endpoint.authority;
        let mut sender = Connection::open(authority).await?;
        let mut receiver = Connection::open(authority).await?;
        let mut times = Vec::new();
        let end = Instant::now() + load.duration;
        while Instant::now() < end {
            let (client, receive) = (self.client.clone(), receive.clone());
            let waiting = tokio::spawn(async move {
                let (status, body) = receiver.exchange(&receive).await?;
                let arrived = Instant::now();
                let messages = client.output::<ReceiveMessage>(status, body)?.messages;
                Ok::<_, BenchError>((receiver, arrived, messages.unwrap_or_default()))
            });
            tokio::time::sleep(HEAD_START).await;
            let sent = Instant::now();
            let (status, body) = sender.exchange(&request).await?;
            if status != 200 {
                let body = String::from_utf8_lossy(&body).into_owned();
                return Err(BenchError::Refused { operation: name, status, body });
            }
            let (back, arrived, messages) =
                waiting.await.map_err(|error| BenchError::Request(error.to_string()))??;
            receiver = back;
            for message in messages {
                let receipt_handle = message.receipt_handle.unwrap_or_default();
                let input = DeleteMessageInput { queue_url: queue_url.to_owned(), receipt_handle };
                receiver.exchange(&self.client.request::<DeleteMessage>(&input)?).await?;
            }
            times.push(u32::try_from((arrived - sent).as_micros()).unwrap_or(u32::MAX));
        }
        Ok(load::report(name, Load { connections: 2, ..load }, times))
    }

    pub async fn delete(self) -> Result<(), BenchError> {
        let client = &self.client;
        once::<DeleteTopic>(client, &DeleteTopicInput { topic_arn: self.topic.clone() }).await?;
        let targets = RemoveTargetsInput {
            rule: self.name.clone(),
            ids: vec!["queue".to_owned()],
            ..Default::default()
        };
        once::<RemoveTargets>(client, &targets).await?;
        let rule = DeleteRuleInput { name: self.name.clone(), ..Default::default() };
        once::<DeleteRule>(client, &rule).await?;
        for queue_url in [&self.of_topic, &self.of_rule] {
            once::<DeleteQueue>(client, &DeleteQueueInput { queue_url: queue_url.clone() }).await?;
        }
        Ok(())
    }
}

/// A queue that topics and rules may send to; its URL and ARN.
async fn queue(client: &Client, name: &str) -> Result<(String, String), BenchError> {
    let input = CreateQueueInput { queue_name: name.to_owned(), ..Default::default() };
    let url = once::<CreateQueue>(client, &input).await?.queue_url.unwrap_or_default();
    let input = GetQueueAttributesInput {
        queue_url: url.clone(),
        attribute_names: Some(vec!["QueueArn".to_owned()]),
    };
    let attributes = once::<GetQueueAttributes>(client, &input).await?.attributes.unwrap_or_default();
    let arn = attributes.get("QueueArn").cloned().unwrap_or_default();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":["sns.amazonaws.com","events.amazonaws.com"]}},"Action":"sqs:SendMessage","Resource":"{arn}"}}]}}"#
    );
    let attributes = Map::from([("Policy".to_owned(), policy)]);
    let input = SetQueueAttributesInput { queue_url: url.clone(), attributes };
    once::<SetQueueAttributes>(client, &input).await?;
    Ok((url, arn))
}

async fn once<O: Op>(client: &Client, input: &O::Input) -> Result<O::Output, BenchError> {
    let mut connection = Connection::open(&client.endpoint.authority).await?;
    let (status, body) = connection.exchange(&client.request::<O>(input)?).await?;
    client.output::<O>(status, body)
}
