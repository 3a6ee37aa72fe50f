//! A region with Pipes, queues, tables, logs and a stand-in for Lambda, and short words for what tests do with it.

use std::sync::{Arc, Mutex};

use ::kit::TestRegion;
use cloud::{Ctx, Guard, Handle, Operation, Service};
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use pipes::PipesService;
use pipes_api::op::{CreatePipe, DescribePipe};
use pipes_api::{CreatePipeInput, DescribePipeInput, DescribePipeOutput};
use serde_json::Value;
use shapes::ApiError;
use sqs_api::op::{CreateQueue, ReceiveMessage, SendMessage};
use sqs_api::{CreateQueueInput, Message, ReceiveMessageInput, SendMessageInput};

pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/pipe";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

type Answer = dyn Fn(&Value) -> Result<Value, Value> + Send + Sync;

/// The function that Lambda would run.
#[derive(Clone)]
pub(crate) struct Function {
    pub invocations: Arc<Mutex<Vec<(InvokeInput, Value)>>>,
    answer: Arc<Answer>,
}

static LAMBDA: &[Operation<Function>] = &[Operation::of::<Invoke>()];

impl Handle<Invoke> for Function {
    fn guard(&self, _: &Ctx, _: &InvokeInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(self: &Arc<Self>, _: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let payload: Value = serde_json::from_slice(&input.payload.clone().unwrap_or_default()).unwrap();
        self.invocations.lock().unwrap().push((input, payload.clone()));
        Ok(match (self.answer)(&payload) {
            Ok(answer) => InvokeOutput { payload: Some(answer.to_string().into()), ..Default::default() },
            Err(error) => InvokeOutput {
                payload: Some(error.to_string().into()),
                function_error: Some("Unhandled".to_owned()),
                ..Default::default()
            },
        })
    }
}

pub(crate) struct Region {
    pub region: TestRegion,
    pub function: Function,
    pub pipes: PipesService,
}

impl Region {
    pub(crate) fn start() -> Self {
        Self::answering(|_| Ok(Value::Null))
    }

    /// With a function that answers this.
    pub(crate) fn answering(answer: impl Fn(&Value) -> Result<Value, Value> + Send + Sync + 'static) -> Self {
        let function = Function { invocations: Arc::default(), answer: Arc::new(answer) };
        let mut pipes = None;
        let region = TestRegion::with_jobs(|cloud| services(cloud, &function, &mut pipes));
        Self { region, function, pipes: pipes.unwrap() }
    }

    /// The region after a restart.
    pub(crate) fn restarted(self) -> Self {
        self.pipes.stop();
        let (function, mut pipes) = (self.function, None);
        let region = self.region.restarted(|cloud| services(cloud, &function, &mut pipes));
        let pipes = pipes.unwrap();
        pipes.start().unwrap();
        Self { region, function, pipes }
    }

    pub(crate) async fn create_queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let input = CreateQueueInput {
            queue_name: name.to_owned(),
            attributes: Some(attributes.collect()),
            ..Default::default()
        };
        self.region.call::<CreateQueue>(input).await.unwrap();
        format!("arn:aws:sqs:us-east-1:000000000000:{name}")
    }

    pub(crate) async fn send(&self, queue: &str, body: &str) {
        let group = queue.ends_with(".fifo").then(|| "g".to_owned());
        let input = SendMessageInput {
            queue_url: queue.to_owned(),
            message_body: body.to_owned(),
            message_group_id: group,
            ..Default::default()
        };
        self.region.call::<SendMessage>(input).await.unwrap();
    }

    /// What the queue has, without taking it away for long.
    pub(crate) async fn receive(&self, queue: &str) -> Vec<Message> {
        self.region.settle().await;
        let mut messages = Vec::new();
        loop {
            let input = ReceiveMessageInput {
                queue_url: queue.to_owned(),
                max_number_of_messages: Some(10),
                message_system_attribute_names: Some(vec!["All".to_owned()]),
                ..Default::default()
            };
            let some = self.region.call::<ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default();
            if some.is_empty() {
                return messages;
            }
            messages.extend(some);
        }
    }

    pub(crate) async fn bodies(&self, queue: &str) -> Vec<String> {
        let messages = self.receive(queue).await;
        messages.into_iter().map(|message| message.body.unwrap()).collect()
    }

    pub(crate) async fn create(&self, input: CreatePipeInput) -> Result<(), ApiError> {
        self.region.call::<CreatePipe>(input).await?;
        self.region.settle().await;
        Ok(())
    }

    pub(crate) async fn describe(&self, name: &str) -> DescribePipeOutput {
        let input = DescribePipeInput { name: name.to_owned() };
        self.region.call::<DescribePipe>(input).await.unwrap()
    }

    pub(crate) fn payloads(&self) -> Vec<Value> {
        let invocations = self.function.invocations.lock().unwrap();
        invocations.iter().map(|(_, payload)| payload.clone()).collect()
    }
}

fn services(
    cloud: &cloud::Cloud,
    function: &Function,
    made: &mut Option<PipesService>,
) -> (Vec<Service>, Vec<clock::JobKind>) {
    let bridge = events::EventBridge::new(cloud.clone());
    let pipes = PipesService::new(cloud.clone(), bridge.api_destinations());
    let tables = dynamodb::DynamoDbService::new(cloud.clone());
    let services = vec![
        bridge.service(),
        logs::service(cloud.clone()),
        pipes.service(),
        sqs::service(cloud.clone()),
        tables.service(),
        tables.streams_service(),
        Service::new(&lambda_api::SERVICE, Arc::new(function.clone()), LAMBDA),
    ];
    *made = Some(pipes);
    let mut jobs = bridge.jobs();
    jobs.extend(made.iter().flat_map(PipesService::jobs));
    jobs.extend(tables.jobs());
    (services, jobs)
}

/// A pipe between two ARNs.
pub(crate) fn pipe(name: &str, source: &str, target: &str) -> CreatePipeInput {
    CreatePipeInput {
        name: name.to_owned(),
        source: source.to_owned(),
        target: target.to_owned(),
        role_arn: ROLE.to_owned(),
        ..Default::default()
    }
}
