//! Deliveries with their retries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx, TraceContext};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Row, Tx};
use tracing::warn;

use crate::call::{self, Content};
use crate::http_call::call_rest_api;
use crate::{ApiDestinations, Failure, Kind, Origin, Target, code};

/// Deliveries under way at once.
const CONCURRENCY: usize = 256;
/// Calls that are one transaction at most.
const MOST_AT_ONCE: usize = 100;
/// The longest pause between attempts: 185 of them fill a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(480);

/// A payload on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    pub origin: Origin,
    pub target: Target,
    pub payload: String,
    /// The tracing header of what caused it.
    pub trace: String,
    pub retry: Retry,
    pub dead_letter: Option<DeadLetter>,
    pub began: Timestamp,
}

store::row!(Delivery, 1);

/// How often and for how long a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// After the first attempt.
    pub attempts: u32,
    pub age_seconds: u32,
}

impl Default for Retry {
    /// EventBridge User Guide, "How EventBridge retries delivering events".
    fn default() -> Self {
        Self { attempts: 185, age_seconds: 86_400 }
    }
}

/// Where a payload ends that nobody took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub queue: String,
    /// The message's body; the payload when there is none.
    pub body: Option<String>,
    /// Attributes beside those that tell the failure.
    pub attributes: Vec<(String, String)>,
    /// `ERROR_CODE` is the target's own code.
    pub has_target_codes: bool,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// An attempt failed, and another one follows.
    TriedInVain,
    /// Given up.
    Failed,
    SentToDeadLetterQueue,
    RefusedByDeadLetterQueue,
}

/// What becomes of the calls behind one that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    GoOn,
    /// They are not made, for the order of what the calls carry matters.
    Stop,
}

/// Makes a service's deliveries.
pub struct Courier {
    cloud: Cloud,
    /// The service's principal: `events.amazonaws.com`.
    principal: &'static str,
    /// The name of its jobs.
    kind: &'static str,
    destinations: Arc<dyn ApiDestinations>,
    /// Told of every outcome, to count it.
    count: fn(&Ctx, &Delivery, Outcome),
}

impl Courier {
    pub fn new(
        cloud: Cloud,
        principal: &'static str,
        kind: &'static str,
        destinations: Arc<dyn ApiDestinations>,
        count: fn(&Ctx, &Delivery, Outcome),
    ) -> Self {
        Self { cloud, principal, kind, destinations, count }
    }

    /// Makes a delivery as a part of `tx`, or adds the job that will. What is refused for good goes to the dead-letter
    /// queue at once.
    pub fn send_within(&self, ctx: &Ctx, tx: &mut Tx<'_>, delivery: &Delivery) -> Result<(), ApiError> {
        let trace = (!delivery.trace.is_empty()).then_some(delivery.trace.as_str());
        let content = Content { payload: &delivery.payload, trace };
        match call::call_within(ctx, tx, self.principal, &delivery.origin, &delivery.target, &content) {
            Some(Ok(())) => (self.count)(ctx, delivery, Outcome::Delivered),
            Some(Err(failure)) if !failure.is_retryable => {
                self.give_up_within(ctx, tx, delivery, &failure, None, 0)?;
            }
            Some(Err(_)) | None => self.add_job(ctx, tx, delivery),
        }
        Ok(())
    }

    fn add_job(&self, ctx: &Ctx, tx: &mut Tx<'_>, delivery: &Delivery) {
        let mut payload = Vec::new();
        delivery.encode(&mut payload);
        let due = match Kind::of(&delivery.target.arn) {
            Ok(Kind::ApiDestination) => self.destinations.reserve(ctx, &delivery.target.arn),
            _ => ctx.now(),
        };
        let subject = format!("{} -> {}", delivery.origin.arn, delivery.target.arn);
        Jobs::add(tx, ctx.now(), ctx.ids().number(), NewJob { kind: self.kind, subject, payload, due });
    }

    /// Gives a delivery up: to the dead-letter queue, or to nobody.
    pub fn give_up_within(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        failure: &Failure,
        exhausted: Option<&str>,
        retries: u32,
    ) -> Result<(), ApiError> {
        (self.count)(ctx, delivery, Outcome::Failed);
        let Some(dead_letter) = &delivery.dead_letter else { return Ok(()) };
        let error_code = if dead_letter.has_target_codes { failure.target_code() } else { failure.code };
        let mut attributes = dead_letter.attributes.clone();
        attributes.push(("ERROR_CODE".to_owned(), error_code.to_owned()));
        attributes.push(("ERROR_MESSAGE".to_owned(), failure.message.clone()));
        if let Some(condition) = exhausted {
            attributes.push(("EXHAUSTED_RETRY_CONDITION".to_owned(), condition.to_owned()));
        }
        attributes.push(("RETRY_ATTEMPTS".to_owned(), retries.to_string()));
        let body = dead_letter.body.as_deref().unwrap_or(&delivery.payload);
        // Schedules and pipes are their roles also where they bury something.
        let role = delivery.target.role_arn.as_deref().filter(|_| dead_letter.has_target_codes);
        let from = (self.principal, &delivery.origin, role);
        match call::bury(ctx, tx, from, &dead_letter.queue, body, &attributes) {
            Ok(()) => (self.count)(ctx, delivery, Outcome::SentToDeadLetterQueue),
            Err(failure) if failure.code == code::INTERNAL_ERROR => {
                return Err(ApiError::internal(failure.message));
            }
            Err(failure) => {
                warn!(queue = %dead_letter.queue, reason = %failure.message, "a dead-letter queue refused a message");
                (self.count)(ctx, delivery, Outcome::RefusedByDeadLetterQueue);
            }
        }
        Ok(())
    }

    /// Calls a target now and waits for its answer.
    pub async fn call(
        &self,
        ctx: &Ctx,
        origin: &Origin,
        target: &Target,
        payload: &str,
    ) -> Result<Bytes, Failure> {
        match target.kind()? {
            Kind::Function => {
                call::invoke(&target.caller(ctx, self.principal, origin)?, target, payload).await
            }
            Kind::ApiDestination => {
                let caller = target.caller(ctx, self.principal, origin)?;
                self.destinations.call(&caller, origin, target, payload).await
            }
            Kind::RestApi => call_rest_api(ctx, target, payload).await,
            Kind::Operation => {
                call::call_operation(&target.caller(ctx, self.principal, origin)?, target, payload).await
            }
            Kind::Queue | Kind::Topic | Kind::LogGroup | Kind::EventBus => {
                let (own, origin, target, payload) =
                    (ctx.clone(), origin.clone(), target.clone(), payload.to_owned());
                let principal = self.principal;
                let trace = ctx.trace().to_string();
                ctx.store()
                    .write(&origin.scope(), move |tx| {
                        let content = Content { payload: &payload, trace: Some(&trace) };
                        let called = call::call_within(&own, tx, principal, &origin, &target, &content);
                        Ok::<_, ApiError>(called.unwrap_or(Ok(())))
                    })
                    .await??;
                Ok(Bytes::new())
            }
        }
    }

    /// Makes calls in their order and waits for all: one transaction where the kind of target can be a part of one. With
    /// [`AfterFailure::Stop`] the last outcome is the first failure, if there is one.
    pub async fn call_each(
        &self,
        ctx: &Ctx,
        origin: &Origin,
        calls: Vec<(Target, String)>,
        after_failure: AfterFailure,
    ) -> Vec<Result<Bytes, Failure>> {
        let is_transactional =
            |(target, _): &(Target, String)| target.kind().is_ok_and(Kind::is_transactional);
        let mut outcomes = Vec::with_capacity(calls.len());
        for part in calls.chunks(MOST_AT_ONCE) {
            if part.len() > 1 && part.iter().all(is_transactional) {
                outcomes.extend(self.call_together(ctx, origin, part, after_failure).await);
            } else {
                for (target, payload) in part {
                    outcomes.push(self.call(ctx, origin, target, payload).await);
                    if after_failure == AfterFailure::Stop && outcomes.last().is_some_and(Result::is_err) {
                        break;
                    }
                }
            }
            if after_failure == AfterFailure::Stop && outcomes.last().is_some_and(Result::is_err) {
                break;
            }
        }
        outcomes
    }

    async fn call_together(
        &self,
        ctx: &Ctx,
        origin: &Origin,
        calls: &[(Target, String)],
        after_failure: AfterFailure,
    ) -> Vec<Result<Bytes, Failure>> {
        let (own, from, own_calls, principal) = (ctx.clone(), origin.clone(), calls.to_vec(), self.principal);
        let trace = ctx.trace().to_string();
        let work = move |tx: &mut Tx<'_>| {
            let mut called = Vec::with_capacity(own_calls.len());
            for (target, payload) in &own_calls {
                let content = Content { payload, trace: Some(&trace) };
                called
                    .push(call::call_within(&own, tx, principal, &from, target, &content).unwrap_or(Ok(())));
                if after_failure == AfterFailure::Stop && called.last().is_some_and(Result::is_err) {
                    break;
                }
            }
            Ok::<_, ApiError>(called)
        };
        match ctx.store().write(&origin.scope(), work).await {
            Ok(called) => called.into_iter().map(|outcome| outcome.map(|()| Bytes::new())).collect(),
            Err(error) => vec![Err(error.into()); calls.len()],
        }
    }

    /// The kind of job that makes deliveries.
    pub fn jobs(self: &Arc<Self>) -> JobKind {
        let courier = Arc::clone(self);
        JobKind {
            name: self.kind,
            // Each delivery has a policy of its own; this one is for faults of ours.
            retry: RetryPolicy::UNTIL_DONE,
            concurrency: CONCURRENCY,
            handler: Arc::new(move |_, job| {
                let courier = Arc::clone(&courier);
                Box::pin(async move { courier.run(job).await })
            }),
            given_up: None,
        }
    }

    async fn run(&self, job: Job) -> JobOutcome {
        let Ok(delivery) = Delivery::decode(&job.payload) else { return JobOutcome::Done };
        let origin = &delivery.origin;
        let ctx = self.cloud.background(self.principal, &origin.arn, origin.account, origin.region);
        let ctx = delivery.trace.parse::<TraceContext>().map_or(ctx.clone(), |trace| ctx.in_trace(trace));
        let failure = match self.call(&ctx, origin, &delivery.target, &delivery.payload).await {
            Ok(_) => {
                (self.count)(&ctx, &delivery, Outcome::Delivered);
                return JobOutcome::Done;
            }
            Err(failure) => failure,
        };
        let (pause, exhausted) = delivery.next_attempt(&ctx, &failure, job.attempts);
        if let Some(pause) = pause {
            (self.count)(&ctx, &delivery, Outcome::TriedInVain);
            return JobOutcome::FailedRetryAfter(pause, format!("{}: {}", failure.code, failure.message));
        }
        match self.bury(&ctx, delivery, failure, exhausted, job.attempts).await {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }

    async fn bury(
        &self,
        ctx: &Ctx,
        delivery: Delivery,
        failure: Failure,
        exhausted: Option<&'static str>,
        retries: u32,
    ) -> Result<(), ApiError> {
        let own = ctx.clone();
        let courier = Self {
            cloud: self.cloud.clone(),
            principal: self.principal,
            kind: self.kind,
            destinations: Arc::clone(&self.destinations),
            count: self.count,
        };
        let scope = delivery.origin.scope();
        ctx.store()
            .write(&scope, move |tx| {
                courier.give_up_within(&own, tx, &delivery, &failure, exhausted, retries)
            })
            .await
    }
}

impl Delivery {
    /// The pause before the next attempt after `failed` ones before this; without one, what ran out.
    fn next_attempt(
        &self,
        ctx: &Ctx,
        failure: &Failure,
        failed: u32,
    ) -> (Option<Duration>, Option<&'static str>) {
        if !failure.is_retryable {
            return (None, None);
        }
        if failed >= self.retry.attempts {
            return (None, Some("MaximumRetryAttempts"));
        }
        let policy =
            RetryPolicy { attempts: u32::MAX, first: Duration::from_secs(1), longest: LONGEST_PAUSE };
        let pause = policy.pause_after(failed + 1).unwrap_or(LONGEST_PAUSE);
        let age = (ctx.now() + pause).since(self.began);
        if age > Duration::from_secs(self.retry.age_seconds.into()) {
            return (None, Some("MaximumEventAgeInSeconds"));
        }
        (Some(pause), None)
    }
}
