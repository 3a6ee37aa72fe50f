//! Asynchronous invocations: events that were taken, are tried a few times, and leave a record in the end
//! (AWS Lambda Developer Guide, "Invoking a Lambda function asynchronously").

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, TraceContext};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};

use crate::destination::Destinations;
use crate::function::Target;
use crate::invocation::{Outcome, Request};
use crate::{Lambda, PRINCIPAL, tables};

const KIND: &str = "lambda/event";
/// Events worked on at once on this node, over all functions.
const MOST_AT_ONCE: usize = 500;
/// After the first and after every later failure of the function.
const FIRST_RETRY: Duration = Duration::from_secs(60);
const LATER_RETRY: Duration = Duration::from_secs(120);
/// Between tries that were throttled or met a fault of ours.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
pub(crate) const LONGEST_AGE_SECONDS: u32 = 21_600;
pub(crate) const MOST_RETRIES: u32 = 2;

/// How a function's events are treated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventInvokeConfig {
    pub maximum_retries: u32,
    pub maximum_age_seconds: u32,
    pub destinations: Destinations,
    pub modified: Timestamp,
}

store::row!(EventInvokeConfig, 1);

impl Default for EventInvokeConfig {
    fn default() -> Self {
        Self {
            maximum_retries: MOST_RETRIES,
            maximum_age_seconds: LONGEST_AGE_SECONDS,
            destinations: Destinations::default(),
            modified: Timestamp::EPOCH,
        }
    }
}

/// An event that was taken, as its job carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct TakenEvent {
    account: String,
    region: String,
    name: String,
    qualifier: Option<String>,
    request_id: String,
    payload: String,
    trace: String,
    taken: Timestamp,
    /// Tries that reached the function.
    invoked: u32,
    /// Tries that did not, in a row.
    refused: u32,
}

enum Verdict {
    Done,
    TryAgain(Duration),
    GiveUp(&'static str),
}

/// The kind of job that carries events.
pub(crate) fn kind(lambda: &Arc<Lambda>) -> JobKind {
    let lambda = Arc::clone(lambda);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: MOST_AT_ONCE,
        handler: Arc::new(move |_, job| {
            let lambda = Arc::clone(&lambda);
            Box::pin(async move { lambda.work_off(job).await })
        }),
        given_up: None,
    }
}

impl Lambda {
    /// Takes an event: it is durable when this returns.
    pub(crate) async fn take_event(&self, ctx: &Ctx, request: Request) -> Result<(), ApiError> {
        let event = TakenEvent {
            account: request.target.account.to_string(),
            region: request.target.region.to_string(),
            name: request.target.name.clone(),
            qualifier: request.target.qualifier.clone(),
            request_id: request.request_id,
            payload: String::from_utf8(request.payload.into()).map_err(ApiError::internal)?,
            trace: ctx.trace().to_string(),
            taken: ctx.now(),
            invoked: 0,
            refused: 0,
        };
        let (now, number, target) = (ctx.now(), ctx.ids().number(), request.target);
        ctx.store()
            .write(&target.scope(), move |tx| {
                target.version(tx, 1.0)?;
                event.add(tx, now, now, number)
            })
            .await
    }

    async fn work_off(self: &Arc<Self>, job: Job) -> JobOutcome {
        let Ok(event) = serde_json::from_slice::<TakenEvent>(&job.payload) else {
            return JobOutcome::Done;
        };
        match self.try_event(event).await {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }

    async fn try_event(self: &Arc<Self>, mut event: TakenEvent) -> Result<(), ApiError> {
        let Some((account, region)) = AccountId::parse(&event.account).zip(Region::parse(&event.region))
        else {
            return Ok(());
        };
        let target = Target { account, region, name: event.name.clone(), qualifier: event.qualifier.clone() };
        let ctx = self.cloud.background(PRINCIPAL, &target.arn(), account, region);
        let ctx = event.trace.parse::<TraceContext>().map_or(ctx.clone(), |trace| ctx.in_trace(trace));
        let config = self.event_config(&ctx, &target)?;
        let age = ctx.now().since(event.taken);
        if age > Duration::from_secs(config.maximum_age_seconds.into()) {
            return self.give_up(&ctx, &target, &event, &config, "EventAgeExceeded", None).await;
        }
        let request = Request {
            target: target.clone(),
            payload: event.payload.clone().into(),
            client_context: None,
            request_id: event.request_id.clone(),
            wants_tail: false,
        };
        let outcome = match self.invoke(&ctx, request).await {
            // The function is gone, and nobody is left to be told.
            Err(error) if error.name() == "ResourceNotFoundException" => return Ok(()),
            other => other,
        };
        match event.judge(&outcome, config.maximum_retries) {
            Verdict::Done => self.succeed(&ctx, &target, &event, &config, outcome.ok()).await,
            Verdict::TryAgain(pause) => {
                let (now, number) = (ctx.now(), ctx.ids().number());
                let again = move |tx: &mut Tx<'_>| event.add(tx, now, now + pause, number);
                ctx.store().write(&Scope::global(), again).await
            }
            Verdict::GiveUp(condition) => {
                self.give_up(&ctx, &target, &event, &config, condition, outcome.ok()).await
            }
        }
    }

    pub(crate) fn event_config(&self, ctx: &Ctx, target: &Target) -> Result<EventInvokeConfig, ApiError> {
        let key = (target.name.clone(), target.qualifier.clone().unwrap_or_default());
        let mut reader = ctx.store().read(&target.scope())?;
        Ok(tables::EVENT_CONFIGS.find(&mut reader, &key)?.unwrap_or_default())
    }

    async fn succeed(
        self: &Arc<Self>,
        ctx: &Ctx,
        target: &Target,
        event: &TakenEvent,
        config: &EventInvokeConfig,
        outcome: Option<Outcome>,
    ) -> Result<(), ApiError> {
        let Some(destination) = &config.destinations.on_success else { return Ok(()) };
        let record = event.record(ctx, target, "Success", outcome.as_ref());
        self.deliver(ctx, target, destination, record, &[]).await;
        Ok(())
    }

    async fn give_up(
        self: &Arc<Self>,
        ctx: &Ctx,
        target: &Target,
        event: &TakenEvent,
        config: &EventInvokeConfig,
        condition: &str,
        outcome: Option<Outcome>,
    ) -> Result<(), ApiError> {
        ctx.publish("AWS/Lambda", "AsyncEventsDropped", ("FunctionName", &target.name), 1.0);
        let dead_letters = match target.version(&mut ctx.store().read(&target.scope())?, 1.0) {
            Ok(version) => version.dead_letter_target,
            Err(_) => return Ok(()),
        };
        if let Some(dead_letters) = dead_letters {
            let message =
                outcome.as_ref().and_then(|outcome| error_message(&outcome.payload)).unwrap_or_default();
            let attributes = [
                ("RequestID", event.request_id.clone()),
                ("ErrorCode", "200".to_owned()),
                ("ErrorMessage", message.chars().take(1024).collect()),
            ];
            let attributes: Vec<_> = attributes.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            self.deliver(ctx, target, &dead_letters, event.payload.clone(), &attributes).await;
        }
        if let Some(destination) = &config.destinations.on_failure {
            let record = event.record(ctx, target, condition, outcome.as_ref());
            self.deliver(ctx, target, destination, record, &[]).await;
        }
        Ok(())
    }

    /// Sends a record as the function's role. A failure is counted and not tried again, as on AWS.
    async fn deliver(
        self: &Arc<Self>,
        ctx: &Ctx,
        target: &Target,
        destination: &str,
        record: String,
        attributes: &[(&str, String)],
    ) {
        let sent = async {
            let version = target.version(&mut ctx.store().read(&target.scope())?, 1.0)?;
            let as_role = ctx.with_role(PRINCIPAL, &target.arn(), &version.role)?;
            self.send_record(&as_role, destination, record, attributes).await
        };
        if let Err(error) = Box::pin(sent).await {
            tracing::warn!(function = %target.arn(), destination, %error, "a record could not be delivered");
            let function = ("FunctionName", target.name.as_str());
            ctx.publish("AWS/Lambda", "DestinationDeliveryFailures", function, 1.0);
        }
    }
}

impl TakenEvent {
    fn add(&self, tx: &mut Tx<'_>, now: Timestamp, due: Timestamp, number: u128) -> Result<(), ApiError> {
        let payload = serde_json::to_vec(self).map_err(ApiError::internal)?;
        let subject = format!("{}/{}/{}", self.account, self.region, self.name);
        Jobs::add(tx, now, number, NewJob { kind: KIND, subject, payload, due });
        Ok(())
    }

    /// What is next, and counts the try.
    fn judge(&mut self, outcome: &Result<Outcome, ApiError>, maximum_retries: u32) -> Verdict {
        match outcome {
            Ok(outcome) => {
                self.invoked += 1;
                self.refused = 0;
                match outcome.is_error {
                    false => Verdict::Done,
                    true if self.invoked > maximum_retries => Verdict::GiveUp("RetriesExhausted"),
                    true => Verdict::TryAgain(if self.invoked == 1 { FIRST_RETRY } else { LATER_RETRY }),
                }
            }
            Err(_) => {
                self.refused += 1;
                let pause = Duration::from_secs(1 << self.refused.saturating_sub(1).min(10));
                Verdict::TryAgain(pause.min(LONGEST_BACKOFF))
            }
        }
    }

    /// The record of an invocation (Developer Guide, "Capturing records of Lambda asynchronous invocations").
    fn record(&self, ctx: &Ctx, target: &Target, condition: &str, outcome: Option<&Outcome>) -> String {
        let qualifier = target.qualifier.as_deref().unwrap_or("$LATEST");
        let mut record = json!({
            "version": "1.0",
            "timestamp": ctx.now().iso8601_millis(),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": format!("{}:{qualifier}", target.arn()),
                "condition": condition,
                "approximateInvokeCount": self.invoked,
            },
            "requestPayload": parsed(&self.payload),
        });
        if let Some(outcome) = outcome {
            record["responseContext"] = json!({ "statusCode": 200, "executedVersion": outcome.version });
            if outcome.is_error {
                record["responseContext"]["functionError"] = json!("Unhandled");
            }
            record["responsePayload"] = parsed(&String::from_utf8_lossy(&outcome.payload));
        }
        record.to_string()
    }
}

/// What is no JSON stands as text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn error_message(payload: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    value.get("errorMessage")?.as_str().map(str::to_owned)
}
