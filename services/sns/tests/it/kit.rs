//! A region with SNS, SQS and a stand-in for Lambda, and short words for what tests do with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::kit::TestRegion;
use cloud::{Ctx, Handle, Operation, Service};
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use serde_json::Value;
use shapes::{ApiError, Map};
use sns_api::op::{CreateTopic, Publish, Subscribe};
use sns_api::{CreateTopicInput, MessageAttributeValue, PublishInput, SubscribeInput};
use sqs_api::op::{CreateQueue, DeleteMessage, ReceiveMessage};
use sqs_api::{CreateQueueInput, DeleteMessageInput, Message, ReceiveMessageInput};

pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:news";

pub(crate) struct Sns {
    pub region: TestRegion,
    pub functions: Functions,
}

/// The invocations that Lambda would get. Refused as long as `refusal` says so.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    pub invocations: Arc<Mutex<Vec<(InvokeInput, String)>>>,
    pub refusal: Arc<Mutex<Option<ApiError>>>,
}

static LAMBDA: &[Operation<Functions>] = &[Operation::of::<Invoke>()];

impl Handle<Invoke> for Functions {
    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let caller = ctx.principal().arn();
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner).push((input, caller));
        match self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(refusal) => Err(refusal),
            None => Ok(InvokeOutput::default()),
        }
    }

    fn guard(&self, _: &Ctx, _: &InvokeInput) -> Result<cloud::Guard, ApiError> {
        Ok(cloud::Guard::open())
    }
}

impl Sns {
    /// A region with the topic `news`.
    pub(crate) async fn start() -> Self {
        Self::with(sns::Config::default()).await
    }

    /// With push notifications that go to a platform of the test's own.
    pub(crate) async fn with_push(url: &str) -> Self {
        Self::with(sns::Config { push: Some(sns::Gateways::at(url)), ..sns::Config::default() }).await
    }

    async fn with(config: sns::Config) -> Self {
        let functions = Functions::default();
        let stand_in = functions.clone();
        let region = TestRegion::with_jobs(|cloud| {
            let services = vec![
                sns::service(cloud.clone(), config.clone()),
                sqs::service(cloud.clone()),
                logs::service(cloud.clone()),
                kms::KmsService::new(cloud.clone()).service(),
                Service::new(&lambda_api::SERVICE, Arc::new(stand_in), LAMBDA),
            ];
            (services, sns::jobs(cloud, config))
        });
        let sns = Self { region, functions };
        assert_eq!(sns.create_topic("news").await.expect("the topic is new"), TOPIC);
        sns
    }

    pub(crate) async fn create_topic(&self, name: &str) -> Result<String, ApiError> {
        let input = CreateTopicInput { name: name.to_owned(), ..Default::default() };
        Ok(self.region.call::<CreateTopic>(input).await?.topic_arn.unwrap_or_default())
    }

    /// A queue; its ARN. One that lets the topic in has a policy that says so.
    pub(crate) async fn create_queue(&self, name: &str, lets_in: bool) -> String {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{arn}","Condition":{{"ArnEquals":{{"aws:SourceArn":"{TOPIC}"}}}}}}}}"#
        );
        let attributes: Map<String> =
            if lets_in { BTreeMap::from([("Policy".to_owned(), policy)]) } else { BTreeMap::new() };
        let input = CreateQueueInput {
            queue_name: name.to_owned(),
            attributes: Some(attributes),
            ..Default::default()
        };
        self.region.call::<CreateQueue>(input).await.expect("the queue is new");
        arn
    }

    pub(crate) async fn subscribe(
        &self,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> Result<String, ApiError> {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let input = SubscribeInput {
            topic_arn: TOPIC.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            attributes: Some(attributes),
            ..Default::default()
        };
        Ok(self.region.call::<Subscribe>(input).await?.subscription_arn.unwrap_or_default())
    }

    pub(crate) async fn publish(&self, message: &str) -> Result<String, ApiError> {
        self.publish_with(message, &[]).await
    }

    /// Attributes are name, type and value.
    pub(crate) async fn publish_with(
        &self,
        message: &str,
        attributes: &[(&str, &str, &str)],
    ) -> Result<String, ApiError> {
        let attributes: Map<MessageAttributeValue> = attributes
            .iter()
            .map(|(name, data_type, value)| {
                let value = MessageAttributeValue {
                    data_type: (*data_type).to_owned(),
                    string_value: Some((*value).to_owned()),
                    ..Default::default()
                };
                ((*name).to_owned(), value)
            })
            .collect();
        let input = PublishInput {
            topic_arn: Some(TOPIC.to_owned()),
            message: message.to_owned(),
            message_attributes: Some(attributes),
            ..Default::default()
        };
        Ok(self.region.call::<Publish>(input).await?.message_id.unwrap_or_default())
    }

    /// Takes all messages off a queue.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<Message> {
        let queue_url = format!("http://127.0.0.1:4566/000000000000/{queue}");
        let input = ReceiveMessageInput {
            queue_url: queue_url.clone(),
            max_number_of_messages: Some(10),
            message_attribute_names: Some(vec!["All".to_owned()]),
            message_system_attribute_names: Some(vec!["AWSTraceHeader".to_owned()]),
            ..Default::default()
        };
        let received = self.region.call::<ReceiveMessage>(input).await.expect("the queue is there");
        let messages = received.messages.unwrap_or_default();
        for message in &messages {
            self.delete(queue, message).await;
        }
        messages
    }

    pub(crate) async fn delete(&self, queue: &str, message: &Message) {
        let queue_url = format!("http://127.0.0.1:4566/000000000000/{queue}");
        let receipt_handle = message.receipt_handle.clone().unwrap_or_default();
        let input = DeleteMessageInput { queue_url, receipt_handle };
        self.region.call::<DeleteMessage>(input).await.expect("the message is in flight");
    }

    /// The texts that notifications in a queue carry.
    pub(crate) async fn texts(&self, queue: &str) -> Vec<String> {
        let messages = self.drain(queue).await;
        messages
            .iter()
            .map(|message| body(message)["Message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) fn metric(&self, name: &str) -> f64 {
        let points = self.region.cloud.metrics().points(&cloud::metrics::MetricKey::new(
            "AWS/SNS",
            leaked(name),
            &[("TopicName", "news")],
        ));
        points.iter().map(|point| point.sum).sum()
    }
}

fn leaked(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

pub(crate) fn body(message: &Message) -> Value {
    serde_json::from_str(message.body.as_deref().unwrap_or_default()).unwrap_or_default()
}
