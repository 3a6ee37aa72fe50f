//! A region with EventBridge, SQS, SNS, Logs and a stand-in for Lambda, and short words for what tests do with it.

use std::sync::{Arc, Mutex, PoisonError};

use ::kit::TestRegion;
use cloud::{Ctx, Handle, Operation, Service};
use events::EventBridge;
use events_api::op::{PutEvents, PutRule, PutTargets};
use events_api::{
    PutEventsInput, PutEventsOutput, PutEventsRequestEntry, PutRuleInput, PutTargetsInput, Target,
};
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use serde_json::Value;
use shapes::{ApiError, Map};
use sqs_api::op::{CreateQueue, DeleteMessage, ReceiveMessage};
use sqs_api::{CreateQueueInput, DeleteMessageInput, Message, ReceiveMessageInput};

pub(crate) const ACCOUNT: &str = "000000000000";

pub(crate) struct Region {
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
    fn guard(&self, _: &Ctx, _: &InvokeInput) -> Result<cloud::Guard, ApiError> {
        Ok(cloud::Guard::open())
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let caller = ctx.principal().arn();
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner).push((input, caller));
        match self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(refusal) => Err(refusal),
            None => Ok(InvokeOutput::default()),
        }
    }
}

impl Functions {
    pub(crate) fn payloads(&self) -> Vec<Value> {
        let invocations = self.invocations.lock().expect("no test panicked with it");
        let payload = |input: &InvokeInput| input.payload.clone().unwrap_or_default();
        invocations
            .iter()
            .map(|(input, _)| serde_json::from_slice(&payload(input)).unwrap_or_default())
            .collect()
    }
}

impl Region {
    pub(crate) fn start() -> Self {
        let functions = Functions::default();
        let stand_in = functions.clone();
        let region = TestRegion::with_jobs(|cloud| {
            let bridge = EventBridge::new(cloud.clone());
            let services = vec![
                bridge.service(),
                logs::service(cloud.clone()),
                sns::service(cloud.clone(), sns::Config::default()),
                sqs::service(cloud.clone()),
                Service::new(&lambda_api::SERVICE, Arc::new(stand_in), LAMBDA),
            ];
            let jobs = bridge.jobs();
            (services, jobs)
        });
        Self { region, functions }
    }

    /// A queue; its ARN. Rules of the default account may send to it.
    pub(crate) async fn create_queue(&self, name: &str) -> String {
        let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}");
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Service":"events.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{arn}","Condition":{{"ArnLike":{{"aws:SourceArn":"arn:aws:events:*:*:rule/*"}}}}}}}}"#
        );
        self.create_queue_with(name, &[("Policy", &policy)]).await;
        arn
    }

    pub(crate) async fn create_queue_with(&self, name: &str, attributes: &[(&str, &str)]) {
        let attributes: Map<String> =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let input = CreateQueueInput {
            queue_name: name.to_owned(),
            attributes: Some(attributes),
            ..Default::default()
        };
        self.region.call::<CreateQueue>(input).await.expect("the queue is new");
    }

    pub(crate) async fn put_rule(&self, bus: &str, name: &str, pattern: &str) -> Result<String, ApiError> {
        let input = PutRuleInput {
            name: name.to_owned(),
            event_pattern: Some(pattern.to_owned()),
            event_bus_name: Some(bus.to_owned()),
            ..Default::default()
        };
        Ok(self.region.call::<PutRule>(input).await?.rule_arn.unwrap_or_default())
    }

    pub(crate) async fn put_target(&self, bus: &str, rule: &str, target: Target) -> Result<(), ApiError> {
        let input = PutTargetsInput {
            rule: rule.to_owned(),
            event_bus_name: Some(bus.to_owned()),
            targets: vec![target],
        };
        let output = self.region.call::<PutTargets>(input).await?;
        assert_eq!(output.failed_entry_count, Some(0));
        Ok(())
    }

    /// A rule of the default bus for events of the source `shop`, with one target.
    pub(crate) async fn shop_rule(&self, target: Target) {
        self.put_rule("default", "shop", r#"{"source":["shop"]}"#).await.expect("the rule is well formed");
        self.put_target("default", "shop", target).await.expect("the target is well formed");
    }

    pub(crate) async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Result<PutEventsOutput, ApiError> {
        self.region.call::<PutEvents>(PutEventsInput { entries, ..Default::default() }).await
    }

    /// Puts an event of the source `shop`; its id.
    pub(crate) async fn put_shop(&self, detail: &str) -> String {
        let output = self.put(vec![shop(detail)]).await.expect("the event is well formed");
        let entry = output.entries.unwrap_or_default().remove(0);
        entry.event_id.unwrap_or_else(|| panic!("{:?} {:?}", entry.error_code, entry.error_message))
    }

    /// Takes all messages off a queue.
    pub(crate) async fn drain(&self, queue: &str) -> Vec<Message> {
        let queue_url = format!("http://127.0.0.1:4566/{ACCOUNT}/{queue}");
        let mut all = Vec::new();
        loop {
            let input = ReceiveMessageInput {
                queue_url: queue_url.clone(),
                max_number_of_messages: Some(10),
                message_attribute_names: Some(vec!["All".to_owned()]),
                message_system_attribute_names: Some(vec!["All".to_owned()]),
                ..Default::default()
            };
            let received = self.region.call::<ReceiveMessage>(input).await.expect("the queue is there");
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            for message in &messages {
                let receipt_handle = message.receipt_handle.clone().unwrap_or_default();
                let input = DeleteMessageInput { queue_url: queue_url.clone(), receipt_handle };
                self.region.call::<DeleteMessage>(input).await.expect("the message is in flight");
            }
            all.extend(messages);
        }
    }

    pub(crate) async fn bodies(&self, queue: &str) -> Vec<String> {
        let messages = self.drain(queue).await;
        messages.into_iter().map(|message| message.body.unwrap_or_default()).collect()
    }

    /// The ids of the events in a queue.
    pub(crate) async fn event_ids(&self, queue: &str) -> Vec<String> {
        let bodies = self.bodies(queue).await;
        let id = |body: &String| {
            let event: Value = serde_json::from_str(body).expect("an event is JSON");
            event["id"].as_str().unwrap_or_default().to_owned()
        };
        bodies.iter().map(id).collect()
    }

    pub(crate) fn metric(&self, name: &'static str, rule: &str) -> f64 {
        let points = self.region.cloud.metrics().points(&cloud::metrics::MetricKey::new(
            "AWS/Events",
            name,
            &[("RuleName", rule)],
        ));
        points.iter().map(|point| point.sum).sum()
    }
}

pub(crate) fn shop(detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry {
        source: Some("shop".to_owned()),
        detail_type: Some("order".to_owned()),
        detail: Some(detail.to_owned()),
        ..Default::default()
    }
}

pub(crate) fn target(id: &str, arn: &str) -> Target {
    Target { id: id.to_owned(), arn: arn.to_owned(), ..Default::default() }
}

/// The value of a message attribute.
pub(crate) fn attribute(message: &Message, name: &str) -> Option<String> {
    message.message_attributes.as_ref()?.get(name)?.string_value.clone()
}
