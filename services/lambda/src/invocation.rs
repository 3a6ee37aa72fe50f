//! One invocation: an event, an environment, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cloud::{Ctx, trace::Span};
use serde_json::json;
use shapes::ApiError;
use tokio::sync::oneshot;

use crate::environment::{
    Command, Course, Deployment, Environment, PoolKey, Report, Room, StartFailure, exit_message,
};
use crate::function::Target;
use crate::runtime_api::{Answer, Event, MOST_RESPONSE_BYTES};
use crate::{Lambda, errors, tables};

/// An event that environments ended without taking is given to another this often.
const MOST_ENVIRONMENTS: u32 = 3;

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub target: Target,
    pub payload: Bytes,
    pub client_context: Option<String>,
    pub request_id: String,
    pub wants_tail: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub version: String,
    pub payload: Bytes,
    /// The function failed; the payload says how.
    pub is_error: bool,
    pub tail: Option<Vec<u8>>,
}

impl Lambda {
    /// Runs a function on an event. It goes on when the caller loses interest.
    pub(crate) async fn invoke(self: &Arc<Self>, ctx: &Ctx, request: Request) -> Result<Outcome, ApiError> {
        let (lambda, ctx) = (Arc::clone(self), ctx.clone());
        let running = tokio::spawn(async move { lambda.run(&ctx, request).await });
        running.await.map_err(ApiError::internal)?
    }

    async fn run(self: &Arc<Self>, ctx: &Ctx, request: Request) -> Result<Outcome, ApiError> {
        let target = &request.target;
        let (reserved, version) = {
            let mut reader = ctx.store().read(&target.scope())?;
            let function = target.function(&mut reader)?;
            (function.reserved_concurrency, target.version_of(function, &mut reader, chance(ctx))?)
        };
        let deployment =
            Deployment { account: target.account, region: target.region, version, is_provisioned: false };
        let name = target.name.as_str();
        let entered = self
            .concurrency
            .enter(target.account, target.region, name, reserved, || self.all_reserved(ctx, target));
        let permit = match entered {
            Ok(permit) => permit,
            Err(throttle) => {
                ctx.publish("AWS/Lambda", "Throttles", ("FunctionName", name), 1.0);
                return Err(errors::rate_exceeded(throttle));
            }
        };
        ctx.publish("AWS/Lambda", "Invocations", ("FunctionName", name), 1.0);
        let concurrent = f64::from(permit.concurrent);
        ctx.publish("AWS/Lambda", "ConcurrentExecutions", ("FunctionName", name), concurrent);
        let span = u64::from_le_bytes(ctx.ids().bytes()) | 1;
        let (begun, start) = (Instant::now(), ctx.now());
        ctx.cloud().traces().begin(span, target.arn().into());
        let attempt = Attempt { lambda: self, ctx, request: &request, deployment: &deployment, span };
        let outcome = attempt.run().await;
        drop(permit);
        let elapsed = begun.elapsed();
        let error = match &outcome {
            Ok(outcome) if outcome.is_error => Some("FunctionError".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.name().to_owned()),
        };
        ctx.publish("AWS/Lambda", "Duration", ("FunctionName", name), elapsed.as_secs_f64() * 1000.0);
        ctx.publish("AWS/Lambda", "Errors", ("FunctionName", name), f64::from(u8::from(error.is_some())));
        ctx.cloud().traces().record(Span {
            trace: ctx.trace().trace,
            id: span,
            parent: ctx.trace().parent,
            name: "lambda:invocation".into(),
            resource: target.arn().into(),
            start,
            duration_micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            error,
        });
        outcome
    }

    /// What the account's functions reserve together.
    pub(crate) fn all_reserved(&self, ctx: &Ctx, target: &Target) -> u32 {
        let mut sum = 0_u32;
        if let Ok(mut reader) = ctx.store().read(&target.scope()) {
            let add = |_, function: crate::function::Function| {
                sum = sum.saturating_add(function.reserved_concurrency.unwrap_or(0));
                std::ops::ControlFlow::Continue(())
            };
            let _ = tables::FUNCTIONS.visit(&mut reader, &store::Range::all(), store::Order::Ascending, add);
        }
        sum
    }
}

/// A number in [0, 1) that decides between the versions of an alias.
pub(crate) fn chance(ctx: &Ctx) -> f64 {
    f64::from(u32::from_le_bytes(ctx.ids().bytes())) / (f64::from(u32::MAX) + 1.0)
}

struct Attempt<'a> {
    lambda: &'a Arc<Lambda>,
    ctx: &'a Ctx,
    request: &'a Request,
    deployment: &'a Deployment,
    span: u64,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Outcome, ApiError> {
        let key = PoolKey::of(self.deployment);
        let mut event = None;
        for _ in 0..MOST_ENVIRONMENTS {
            let (environment, is_new) = match self.environment(&key).await {
                Ok(found) => found,
                Err(StartFailure::Function { payload, lines }) => {
                    return Ok(self.not_started(payload, &lines));
                }
                Err(StartFailure::Ours(error)) => return Err(error),
            };
            match self.work(&key, environment, is_new, event.take()).await {
                Ok(outcome) => return Ok(outcome),
                // The environment had ended before; another one gets the event.
                Err(untaken) => event = Some(untaken),
            }
        }
        let exit = json!({
            "errorType": "Runtime.ExitError",
            "errorMessage": format!("RequestId: {} Error: Runtime exited without providing a reason", self.request.request_id),
        });
        Ok(self.not_started(exit.to_string().into(), &[]))
    }

    /// An environment for the event, and whether it was started for it.
    async fn environment(&self, key: &PoolKey) -> Result<(Arc<Environment>, bool), StartFailure> {
        let Self { lambda, ctx, request, deployment, .. } = self;
        let version = &deployment.version;
        match lambda.pools.room(key, &version.revision, version.memory_mb, || ctx.now()).await? {
            Room::Taken(environment) => Ok((environment, false)),
            Room::Free(place) => {
                let start = Environment::start(lambda, ctx, deployment, &request.request_id, place);
                Ok((Box::pin(start).await?, true))
            }
        }
    }

    fn not_started(&self, payload: Bytes, lines: &[String]) -> Outcome {
        let version = self.deployment.version.version.clone();
        let tail = self.request.wants_tail.then(|| lines.join("\n").into_bytes());
        Outcome { version, payload, is_error: true, tail }
    }

    fn event(&self, timeout: Duration) -> Event {
        Event {
            request_id: self.request.request_id.clone(),
            deadline_millis: unix_millis().saturating_add(timeout.as_millis() as i64),
            trace: self.ctx.trace().under(self.span).to_string(),
            function_arn: self.request.target.qualified_arn(),
            client_context: self.request.client_context.clone(),
            payload: self.request.payload.clone(),
        }
    }

    /// Has an environment work on the event; gives the event back when the environment had ended before.
    async fn work(
        &self,
        key: &PoolKey,
        environment: Arc<Environment>,
        is_new: bool,
        event: Option<Event>,
    ) -> Result<Outcome, Event> {
        let request_id = &self.request.request_id;
        let timeout = Duration::from_secs(self.deployment.version.timeout_seconds.into());
        environment.tell(Command::Begin { request_id: request_id.clone() });
        let begun = Instant::now();
        let event = event.unwrap_or_else(|| self.event(timeout));
        let answer = tokio::time::timeout(timeout, environment.exchange.submit(event)).await;
        let duration = begun.elapsed();
        let mut lines = Vec::new();
        let failed = |kind: &str, message: String| {
            (Bytes::from(json!({ "errorType": kind, "errorMessage": message }).to_string()), true)
        };
        let mut survives = true;
        let mut course = Course::Success;
        let (payload, is_error) = match answer {
            Ok(Ok(Answer::Response(payload))) => (payload, false),
            Ok(Ok(Answer::Error(payload))) => {
                course = Course::Error;
                (payload, true)
            }
            Ok(Ok(Answer::TooLarge(size))) => {
                course = Course::Failure;
                failed(
                    "Function.ResponseSizeTooLarge",
                    format!(
                        "Response payload size ({size} bytes) exceeded maximum allowed payload size \
                         ({MOST_RESPONSE_BYTES} bytes)."
                    ),
                )
            }
            Ok(Ok(Answer::NeverTaken(event))) => return Err(event),
            Ok(Ok(Answer::Ended) | Err(_)) => {
                (survives, course) = (false, Course::Failure);
                let message = format!("RequestId: {request_id} Error: {}", exit_message(environment.exit()));
                lines = vec![message.clone(), "Runtime.ExitError".to_owned()];
                failed("Runtime.ExitError", message)
            }
            Err(_) => {
                (survives, course) = (false, Course::Timeout);
                let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
                let now = self.ctx.now().iso8601_millis();
                let line = format!("{now} {request_id} {message}");
                lines = vec![line.clone(), String::new()];
                failed("Sandbox.Timedout", format!("RequestId: {request_id} Error: {message}"))
            }
        };
        let (tail, told) = match self.request.wants_tail {
            true => {
                let (sender, receiver) = oneshot::channel();
                (Some(sender), Some(receiver))
            }
            false => (None, None),
        };
        let init = is_new.then_some(environment.init);
        environment.tell(Command::Finish(Report {
            request_id: request_id.clone(),
            lines,
            course,
            duration,
            init,
            tail,
        }));
        let tail = match told {
            Some(told) => told.await.ok(),
            None => None,
        };
        if survives {
            self.lambda.pools.give_back(key, environment);
        }
        Ok(Outcome { version: self.deployment.version.version.clone(), payload, is_error, tail })
    }
}

/// Deadlines are told to programs that go by the system's clock.
#[allow(clippy::disallowed_methods)]
fn unix_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
