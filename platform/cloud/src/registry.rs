//! All services of the region, and the one way an operation is called: from the gateway, and from each other.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Instant;

use rustc_hash::FxHashMap;
use shapes::{ApiError, Op, OperationSchema, ServiceSchema, Struct};
use store::Tx;
use tracing::error;

use crate::api_call::{ApiCall, CallKind};
use crate::authorize::authorize;
use crate::metrics::CallCounters;
use crate::operation::{BoxFuture, Outcome};
use crate::trace::Span;
use crate::{Ctx, Guard, HttpFront, Metrics, Service};

/// The services by name and their operations by schema.
pub struct Registry {
    services: Vec<Service>,
    entries: Vec<Entry>,
    /// Index into `entries` by the names of service and operation.
    by_name: FxHashMap<(&'static str, &'static str), usize>,
}

struct Entry {
    service: usize,
    index: usize,
    schema: &'static OperationSchema,
    /// `sqs:SendMessage`: the action's name and the span's.
    action: Arc<str>,
    counters: Arc<CallCounters>,
    kind: CallKind,
}

/// An operation that has a handler.
#[derive(Clone, Copy, Debug)]
pub struct OperationRef(usize);

impl Registry {
    pub(crate) fn new(services: Vec<Service>, metrics: &Metrics) -> Self {
        let mut registry = Self { services, entries: Vec::new(), by_name: FxHashMap::default() };
        for (service_index, service) in registry.services.iter().enumerate() {
            for (index, schema) in service.target.operations().into_iter().enumerate() {
                registry.by_name.insert((service.schema.name, schema.name), registry.entries.len());
                registry.entries.push(Entry {
                    service: service_index,
                    index,
                    schema,
                    action: format!("{}:{}", service.schema.action_prefix, schema.name).into(),
                    counters: metrics.calls_of(service.schema.name, schema.name),
                    kind: CallKind::of(service.schema, schema),
                });
            }
        }
        registry
    }

    pub fn services(&self) -> impl Iterator<Item = &'static ServiceSchema> + '_ {
        self.services.iter().map(|service| service.schema)
    }

    /// The services whose HTTP is more than their model.
    pub fn fronts(&self) -> impl Iterator<Item = (&'static ServiceSchema, Arc<dyn HttpFront>)> + '_ {
        self.services.iter().filter_map(|service| Some((service.schema, service.front.clone()?)))
    }

    /// The services without a front whose uploads go to their handlers as they come.
    pub fn taking_pieces(&self) -> impl Iterator<Item = &'static ServiceSchema> + '_ {
        self.services.iter().filter(|service| service.takes_pieces).map(|service| service.schema)
    }

    /// The handler of an operation; `None` when it has none.
    pub fn find(&self, service: &ServiceSchema, operation: &OperationSchema) -> Option<OperationRef> {
        self.by_name.get(&(service.name, operation.name)).copied().map(OperationRef)
    }

    pub(crate) fn of<O: Op>(&self) -> Result<OperationRef, ApiError> {
        self.find(O::SERVICE, O::SCHEMA).ok_or_else(|| not_implemented(O::SERVICE, O::name()))
    }

    /// The service that handles an operation.
    pub fn service_of(&self, operation: OperationRef) -> &Service {
        &self.services[self.entries[operation.0].service]
    }

    pub fn new_input(&self, operation: OperationRef) -> Box<dyn Struct> {
        let entry = &self.entries[operation.0];
        self.services[entry.service].target.new_input(entry.index)
    }

    /// Authorises and runs an operation, and counts, traces and draws it. A panic in the handler ends in an error.
    pub async fn call(&self, ctx: &Ctx, operation: OperationRef, input: Box<dyn Struct>) -> Outcome {
        let entry = &self.entries[operation.0];
        let service = &self.services[entry.service];
        let started = Instant::now();
        let span = Started::new(ctx);
        let inside = ctx.inside_span(span.id);
        let told = ApiCall::begin(ctx, (service.schema, entry.schema), entry.kind, &*input);
        let mut resource = None;
        let outcome = match self.admit(entry, service, &inside, &*input, &mut resource) {
            Ok(()) => {
                if ctx.is_from_outside()
                    && let Ok(directory) = ctx.cloud().directory()
                {
                    directory.note_use(ctx, service.schema);
                }
                contained(
                    service.target.call(entry.index, &inside, input),
                    ctx.cloud().metrics(),
                    &entry.action,
                )
                .await
            }
            Err(error) => Err(error),
        };
        if let Some(call) = told {
            call.end(&outcome);
        }
        finish(ctx, entry, span, resource, started, &outcome);
        outcome
    }

    /// As [`Self::call`], inside a transaction of the caller.
    pub(crate) fn call_within(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        operation: OperationRef,
        input: Box<dyn Struct>,
    ) -> Outcome {
        let entry = &self.entries[operation.0];
        let service = &self.services[entry.service];
        let started = Instant::now();
        let span = Started::new(ctx);
        let inside = ctx.inside_span(span.id);
        let mut resource = None;
        let outcome = self.admit(entry, service, &inside, &*input, &mut resource).and_then(|()| {
            service.target.within(entry.index, &inside, tx, input).unwrap_or_else(|| {
                let message =
                    format!("{} is more than one transaction and cannot be part of another", entry.action);
                Err(ApiError::internal(message))
            })
        });
        finish(ctx, entry, span, resource, started, &outcome);
        outcome
    }

    fn admit(
        &self,
        entry: &Entry,
        service: &Service,
        ctx: &Ctx,
        input: &dyn Struct,
        resource: &mut Option<Arc<str>>,
    ) -> Result<(), ApiError> {
        if ctx.is_too_deep() {
            let message = "The request was refused because services called each other in a loop.";
            return Err(ApiError::sender("RecursiveInvocationException", message));
        }
        let guard: Guard = service.target.guard(entry.index, ctx, input)?;
        *resource = guard.resources.first().map(|arn| arn.as_str().into());
        authorize(ctx, service.schema, &entry.action, &guard)
    }
}

/// What an operation without a handler answers.
pub fn not_implemented(service: &ServiceSchema, operation: &str) -> ApiError {
    let message = format!("{}:{operation} is not implemented in Brume yet.", service.action_prefix);
    ApiError::with_status(501, "NotImplemented", message)
}

struct Started {
    id: u64,
    start: shapes::Timestamp,
}

impl Started {
    fn new(ctx: &Ctx) -> Self {
        Self { id: u64::from_le_bytes(ctx.ids().bytes()) | 1, start: ctx.now() }
    }
}

fn finish(
    ctx: &Ctx,
    entry: &Entry,
    span: Started,
    resource: Option<Arc<str>>,
    started: Instant,
    outcome: &Outcome,
) {
    if !ctx.is_observed() {
        return;
    }
    let elapsed = started.elapsed();
    let (status, error) = match outcome {
        Ok(_) => (entry.schema.status, None),
        Err(error) => (error.status(), Some(error.name().to_owned())),
    };
    entry.counters.record(elapsed, status);
    let cloud = ctx.cloud();
    let resource = resource.unwrap_or_default();
    if !resource.is_empty() {
        let (from, to) = (Arc::clone(ctx.origin()), Arc::clone(&resource));
        cloud.architecture().record(span.start, from, to, &entry.action, elapsed, error.is_some());
    }
    cloud.traces().record(Span {
        trace: ctx.trace().trace,
        id: span.id,
        parent: ctx.trace().parent,
        name: Arc::clone(&entry.action),
        resource,
        start: span.start,
        duration_micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        error,
    });
}

/// Runs a handler so that its panic is an error of this call alone.
async fn contained(mut handler: BoxFuture<'_, Outcome>, metrics: &Metrics, action: &str) -> Outcome {
    poll_fn(|task| {
        let handler: Pin<&mut _> = handler.as_mut();
        match catch_unwind(AssertUnwindSafe(|| handler.poll(task))) {
            Ok(poll) => poll,
            Err(panic) => {
                metrics.panics.fetch_add(1, Relaxed);
                let text = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default();
                error!(action, panic = %text, "a handler panicked");
                Poll::Ready(Err(ApiError::internal(format!("the handler of {action} panicked: {text}"))))
            }
        }
    })
    .await
}
