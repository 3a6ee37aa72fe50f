//! Event source mappings: a task for each that is enabled takes records from the source and invokes the function.
//!
//! A task sleeps in the source's own long poll, so that an idle mapping costs nothing, and acts as the function's
//! role. It is started from its row: when the row is made or changed, and at the start of the region.

mod batch;
mod mapping;
mod sqs;
mod stream;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloud::{Ctx, TraceContext, tenant};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Range, Scope};
use tokio::sync::watch;

pub(crate) use mapping::{Given, Mapping, Settings, SourceKind};
pub(crate) use stream::Checkpoint;

use crate::function::Target;
use crate::invocation::{Outcome, Request};
use crate::{Lambda, PRINCIPAL, tables};

/// Mappings of one region at most.
const MOST_MAPPINGS: usize = 100_000;
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The tasks of enabled mappings on this node.
#[derive(Default)]
pub(crate) struct Sources(Mutex<HashMap<(Scope, String), Running>>);

struct Running {
    /// Dropping it stops the task after the batch under way.
    _stop: watch::Sender<()>,
    status: Status,
}

/// What the last batch came to, in AWS's words.
#[derive(Clone, Default)]
pub(crate) struct Status(Arc<Mutex<Option<String>>>);

impl Status {
    fn set(&self, text: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.into());
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a task works with.
#[derive(Clone)]
pub(crate) struct Poller {
    lambda: Arc<Lambda>,
    mapping: Arc<Mapping>,
    target: Target,
    /// Without its sender the task stops.
    stop: watch::Receiver<()>,
    status: Status,
}

impl Sources {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Scope, String), Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the task of a mapping, if there is one.
    pub(crate) fn stop(&self, scope: &Scope, uuid: &str) {
        self.lock().remove(&(scope.clone(), uuid.to_owned()));
    }

    pub(crate) fn stop_all(&self) {
        self.lock().clear();
    }

    /// What the last batch of a mapping came to.
    pub(crate) fn last_result(&self, scope: &Scope, uuid: &str) -> Option<String> {
        self.lock().get(&(scope.clone(), uuid.to_owned()))?.status.get()
    }
}

impl Lambda {
    /// Starts the tasks of all enabled mappings of the region.
    pub(crate) fn start_sources(self: &Arc<Self>) -> Result<(), ApiError> {
        let mut reader = self.cloud.store().read(&Scope::global())?;
        let enabled = tables::ENABLED_MAPPINGS.list(&mut reader, &Range::all(), MOST_MAPPINGS)?;
        for ((account, region, uuid), ()) in enabled {
            let Some((account, region)) = AccountId::parse(&account).zip(Region::parse(&region)) else {
                continue;
            };
            reader.set_scope(&tenant(account, region));
            if let Some(mapping) = tables::MAPPINGS.find(&mut reader, &uuid)? {
                self.start_source(account, region, mapping);
            }
        }
        Ok(())
    }

    /// Starts, or starts anew, the task of a mapping; one that is disabled only ends.
    pub(crate) fn start_source(self: &Arc<Self>, account: AccountId, region: Region, mapping: Mapping) {
        let scope = tenant(account, region);
        self.sources.stop(&scope, &mapping.uuid);
        if !mapping.is_enabled {
            return;
        }
        let (sender, stop) = watch::channel(());
        let status = Status::default();
        status.set("No records processed");
        let running = Running { _stop: sender, status: status.clone() };
        self.sources.lock().insert((scope, mapping.uuid.clone()), running);
        let target =
            Target { account, region, name: mapping.function.clone(), qualifier: mapping.qualifier.clone() };
        let kind = SourceKind::of(&mapping.source_arn);
        let poller = Poller { lambda: Arc::clone(self), mapping: Arc::new(mapping), target, stop, status };
        match kind {
            Ok(SourceKind::Queue) => drop(tokio::spawn(poller.poll_queue())),
            Ok(SourceKind::TableStream) => drop(tokio::spawn(poller.poll_stream())),
            Err(error) => poller.status.set(format!("PROBLEM: {error}")),
        }
    }
}

impl Poller {
    /// The mapping's own context, in a trace of its own.
    fn ctx(&self) -> Ctx {
        let Target { account, region, .. } = self.target;
        self.lambda.cloud.background(PRINCIPAL, &self.target.arn(), account, region)
    }

    /// As the function's role, to whom the source belongs to.
    fn as_role(&self, ctx: &Ctx) -> Result<Ctx, ApiError> {
        let version = self.target.version(&mut ctx.store().read(&self.target.scope())?, 1.0)?;
        ctx.with_role(PRINCIPAL, &self.target.arn(), &version.role)
    }

    /// Resolves when the mapping has been changed or is gone.
    async fn stopped(&mut self) {
        while self.stop.changed().await.is_ok() {}
    }

    fn is_stopped(&self) -> bool {
        self.stop.has_changed().is_err()
    }

    /// Invokes the function with a batch, in the trace of its first record.
    async fn invoke(&self, trace: Option<TraceContext>, payload: Bytes) -> Result<Outcome, ApiError> {
        let ctx = self.ctx();
        let ctx = trace.map_or(ctx.clone(), |trace| ctx.in_trace(trace));
        let request = Request {
            target: self.target.clone(),
            payload,
            client_context: None,
            request_id: ctx.ids().uuid(),
            wants_tail: false,
        };
        let begun = Instant::now();
        let outcome = self.lambda.invoke(&ctx, request).await;
        let failed = !matches!(&outcome, Ok(outcome) if !outcome.is_error);
        let (from, to) = (self.mapping.source_arn.as_str().into(), self.target.arn().into());
        let picture = ctx.cloud().architecture();
        picture.record(ctx.now(), from, to, &"lambda:Invoke".into(), begun.elapsed(), failed);
        self.status.set(match &outcome {
            Ok(_) if !failed => "OK".to_owned(),
            Ok(_) => "PROBLEM: Function call failed".to_owned(),
            Err(error) => format!("PROBLEM: {error}"),
        });
        outcome
    }
}

/// Pauses that grow while something does not work.
struct Backoff(Duration);

impl Backoff {
    const fn new() -> Self {
        Self(FIRST_BACKOFF)
    }

    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_BACKOFF);
        pause
    }

    fn reset(&mut self) {
        self.0 = FIRST_BACKOFF;
    }
}
