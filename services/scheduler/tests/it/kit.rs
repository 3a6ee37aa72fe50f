//! A region with Scheduler, SQS and a stand-in for Lambda, and short words for what tests do with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::kit::TestRegion;
use cloud::{Cloud, Ctx, Handle, Operation, Service};
use events::EventBridge;
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use scheduler::SchedulerService;
use scheduler_api::op::{CreateSchedule, DeleteSchedule, GetSchedule};
use scheduler_api::{
    CreateScheduleInput, DeleteScheduleInput, FlexibleTimeWindow, GetScheduleInput, GetScheduleOutput, Target,
};
use shapes::ApiError;
use sqs_api::op::{CreateQueue, DeleteMessage, ReceiveMessage};
use sqs_api::{CreateQueueInput, DeleteMessageInput, Message, ReceiveMessageInput};

pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:worker";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) struct Region {
    pub region: TestRegion,
    pub functions: Functions,
}

/// The invocations that Lambda would get. Refused as long as `refusal` says so.
#[derive(Clone, Default)]
pub(crate) struct Functions {
    pub payloads: Arc<Mutex<Vec<String>>>,
    pub refusal: Arc<Mutex<Option<ApiError>>>,
}

static LAMBDA: &[Operation<Functions>] = &[Operation::of::<Invoke>()];

impl Handle<Invoke> for Functions {
    fn guard(&self, _: &Ctx, _: &InvokeInput) -> Result<cloud::Guard, ApiError> {
        Ok(cloud::Guard::open())
    }

    async fn handle(self: &Arc<Self>, _: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let payload = String::from_utf8_lossy(&input.payload.unwrap_or_default()).into_owned();
        self.payloads.lock().unwrap_or_else(PoisonError::into_inner).push(payload);
        match self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(refusal) => Err(refusal),
            None => Ok(InvokeOutput::default()),
        }
    }
}

fn services(cloud: &Cloud, functions: &Functions) -> (Vec<Service>, Vec<clock::JobKind>) {
    let bridge = EventBridge::new(cloud.clone());
    let scheduler = SchedulerService::new(cloud.clone(), bridge.api_destinations());
    let lambda = Service::new(&lambda_api::SERVICE, Arc::new(functions.clone()), LAMBDA);
    let services = vec![bridge.service(), scheduler.service(), sqs::service(cloud.clone()), lambda];
    (services, scheduler.jobs())
}

impl Region {
    /// A region with the queue `inbox`.
    pub(crate) async fn start() -> Self {
        let functions = Functions::default();
        let stand_in = functions.clone();
        let region = Self { region: TestRegion::with_jobs(|cloud| services(cloud, &stand_in)), functions };
        region.create_queue("inbox").await;
        region
    }

    pub(crate) fn restarted(self) -> Self {
        let Self { region, functions } = self;
        let stand_in = functions.clone();
        Self { region: region.restarted(|cloud| services(cloud, &stand_in)), functions }
    }

    pub(crate) async fn create_queue(&self, name: &str) -> String {
        let input = CreateQueueInput { queue_name: name.to_owned(), ..Default::default() };
        self.region.call::<CreateQueue>(input).await.expect("the queue is new");
        queue(name)
    }

    /// Makes a schedule that sends its times to `inbox`.
    pub(crate) async fn create(
        &self,
        name: &str,
        expression: &str,
        change: impl FnOnce(&mut CreateScheduleInput),
    ) -> Result<(), ApiError> {
        let mut input = CreateScheduleInput {
            name: name.to_owned(),
            schedule_expression: expression.to_owned(),
            flexible_time_window: exact(),
            target: target(&queue("inbox")),
            ..Default::default()
        };
        change(&mut input);
        self.region.call::<CreateSchedule>(input).await.map(|_| ())
    }

    pub(crate) async fn find(&self, name: &str) -> Result<GetScheduleOutput, ApiError> {
        let input = GetScheduleInput { name: name.to_owned(), ..Default::default() };
        self.region.call::<GetSchedule>(input).await
    }

    pub(crate) async fn delete(&self, name: &str) {
        let input = DeleteScheduleInput { name: name.to_owned(), ..Default::default() };
        self.region.call::<DeleteSchedule>(input).await.expect("the schedule is there");
    }

    /// Steps the clock `count` times.
    pub(crate) async fn step(&self, by: Duration, count: usize) {
        for _ in 0..count {
            self.region.advance(by).await;
        }
    }

    /// Takes all messages off a queue.
    pub(crate) async fn drain(&self, name: &str) -> Vec<Message> {
        let queue_url = format!("http://127.0.0.1:4566/000000000000/{name}");
        let mut all = Vec::new();
        loop {
            let input = ReceiveMessageInput {
                queue_url: queue_url.clone(),
                max_number_of_messages: Some(10),
                message_attribute_names: Some(vec!["All".to_owned()]),
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

    /// The times in `inbox`, in order.
    pub(crate) async fn times(&self) -> Vec<String> {
        let messages = self.drain("inbox").await;
        let mut times: Vec<String> =
            messages.into_iter().map(|message| message.body.unwrap_or_default()).collect();
        times.sort();
        times
    }
}

pub(crate) fn queue(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{name}")
}

pub(crate) fn exact() -> FlexibleTimeWindow {
    FlexibleTimeWindow { mode: "OFF".to_owned(), ..Default::default() }
}

/// A target that gets the time it is for.
pub(crate) fn target(arn: &str) -> Target {
    Target {
        arn: arn.to_owned(),
        role_arn: "arn:aws:iam::000000000000:role/scheduler".to_owned(),
        input: Some("<aws.scheduler.scheduled-time>".to_owned()),
        ..Default::default()
    }
}

/// The tests' time after so much.
pub(crate) fn after(by: Duration) -> shapes::Timestamp {
    ::kit::START + by
}
