//! The URLs at which deployed APIs are called: whose request it is, whether it may be made, and its way to the
//! integration and back.

mod address;
mod authorizer;
mod deployed;
mod failures;
pub(crate) mod integration;
mod invocation;
mod journal;
mod keys;
mod log;
mod mapping;
pub(crate) mod parameters;
mod reply;
mod request;
pub(crate) mod responses;
mod signature;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cloud::trace::Span;
use cloud::{BoxFuture, Cloud, Ctx, HttpEndpoint, TraceContext};
use http::header::HeaderName;
use http::request::Parts;
use http::{Request, Response};
use identity::sigv4::KeyCache;
use shapes::Timestamp;

use self::address::Address;
pub(crate) use self::deployed::Deployed;
use self::deployed::{Found, Stages};
use self::failures::Refusal;
pub(crate) use self::invocation::{Admitted, call};
use self::journal::Journal;
use self::keys::Uses;
pub(crate) use self::log::{Outcome, execution_lines, group_of};
use self::parameters::Given;
pub(crate) use self::reply::Reply;
pub(crate) use self::request::{MethodRequest, last, query_values};
use crate::PRINCIPAL;
use crate::gateway_response::Cause;
use crate::rows::MethodSetting;

const JSON: &str = "application/json";
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

pub(crate) struct Execution {
    cloud: Cloud,
    stages: Stages,
    uses: Uses,
    signing_keys: KeyCache,
    journal: Journal,
}

impl Execution {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self {
            cloud,
            stages: Stages::default(),
            uses: Uses::default(),
            signing_keys: KeyCache::default(),
            journal: Journal::default(),
        }
    }
}

impl HttpEndpoint for Execution {
    fn claims(&self, head: &Parts) -> bool {
        Address::of(head).is_some()
    }

    /// Whoever may call an API is the API's own affair.
    fn is_public(&self) -> bool {
        true
    }

    fn serve<'a>(
        &'a self,
        request: Request<Bytes>,
        peer: Option<IpAddr>,
        request_id: &'a str,
    ) -> BoxFuture<'a, Response<Bytes>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let sent = head
                .headers
                .get(TRACE_ID)
                .and_then(|header| header.to_str().ok()?.parse::<TraceContext>().ok());
            let trace =
                sent.unwrap_or_else(|| TraceContext::begin(self.cloud.ids(), self.cloud.clock().now()));
            let reply = self.answer(&head, body, peer, request_id, trace).await;
            reply.into_response(&trace)
        })
    }
}

impl Execution {
    async fn answer(
        &self,
        head: &Parts,
        body: Bytes,
        peer: Option<IpAddr>,
        request_id: &str,
        trace: TraceContext,
    ) -> Reply {
        let Some(address) = Address::of(head) else { return Reply::message(404, "Not Found") };
        let deployed = match self.stages.find(&self.cloud, address.api, address.stage) {
            Ok(Some(deployed)) => deployed,
            Ok(None) => return Reply::message(403, "Forbidden"),
            Err(_) => return Reply::message(500, "Internal server error"),
        };
        let started = Instant::now();
        let (arn, now) = (deployed.arn(), self.cloud.clock().now());
        let span = u64::from_le_bytes(self.cloud.ids().bytes()) | 1;
        let ctx = self.cloud.background(PRINCIPAL, &arn, deployed.account, deployed.region);
        let ctx = ctx.in_trace(trace.under(span)).with_request_id(request_id);
        let request = MethodRequest::new(head, address.path, body, peer, request_id, now);
        let found = deployed.find(&request.method, &request.path);
        let mut admitted = Admitted::default();
        let outcome = match &found {
            None => Err(Refusal::new(Cause::MissingAuthenticationToken, "Missing Authentication Token")),
            Some(found) => self.admitted(&ctx, head, &deployed, found, &request, &mut admitted).await,
        };
        let found = found.as_ref();
        let (reply, refusal) = match outcome {
            Ok(reply) => (reply, None),
            Err(refusal) => {
                let given = Given { request: &request, deployed: &deployed, found, answer: None, extra: &[] };
                (deployed.failures.reply(&refusal, &given), Some(refusal))
            }
        };
        self.record(&ctx, &deployed, arn.into(), span, trace, (now, started), reply.status);
        if let Some((_, time)) = admitted.integration {
            let dimension = ("ApiName", deployed.name.as_str());
            ctx.publish("AWS/ApiGateway", "IntegrationLatency", dimension, time.as_secs_f64() * 1000.0);
        }
        let (elapsed, refusal) = (started.elapsed(), refusal.as_ref());
        self.log(
            &deployed,
            &Outcome { request: &request, found, admitted: &admitted, refusal, reply: &reply, elapsed },
        );
        reply
    }

    /// The answer to a request that gets past everything that guards its method.
    async fn admitted(
        &self,
        ctx: &Ctx,
        head: &Parts,
        deployed: &Deployed,
        found: &Found,
        request: &MethodRequest,
        admitted: &mut Admitted,
    ) -> Result<Reply, Refusal> {
        if request.body.len() > integration::MOST_BYTES {
            return Err(Refusal::new(Cause::RequestTooLarge, "Request Too Long"));
        }
        let method = &found.call.method;
        match (method.authorization_type.as_str(), &method.authorizer_id) {
            ("CUSTOM", Some(id)) => {
                let granted = authorizer::check_resource_policy(deployed, request, ctx.now(), false)?;
                let verdict = deployed.authorizers.ask(id, ctx, deployed, found, request).await?;
                verdict.check(deployed, request, granted)?;
                admitted.verdict = Some(verdict);
            }
            ("AWS_IAM", _) => {
                let (cloud, keys) = (&self.cloud, &self.signing_keys);
                let sent = (head, &request.body);
                admitted.signer = Some(signature::admit(cloud, keys, ctx, sent, deployed, request)?);
            }
            ("NONE", _) => {
                authorizer::check_resource_policy(deployed, request, ctx.now(), true)?;
            }
            _ => return Err(Refusal::internal()),
        }
        if method.api_key_required {
            let key = match deployed.keys_in_header {
                true => request.header("x-api-key"),
                false => admitted.verdict.as_ref().and_then(|verdict| verdict.usage_key.as_deref()),
            };
            self.uses.admit(&self.cloud, key, deployed, found, ctx.now())?;
        }
        if let Some((name, setting)) = deployed.settings(found)
            && is_throttled(setting)
        {
            let (rate, burst) = (setting.throttling_rate_limit, setting.throttling_burst_limit);
            if !deployed.buckets.take(name, rate, burst, ctx.now()) {
                return Err(Refusal::new(Cause::Throttled, "Too Many Requests"));
            }
        }
        call(ctx, deployed, found, request, admitted).await
    }

    /// What the stage wants to have written down of a request.
    fn log(&self, deployed: &Deployed, outcome: &Outcome<'_>) {
        if let Some(access) = &deployed.access_log {
            self.journal.put(&self.cloud, access.entry(deployed, outcome));
        }
        if deployed.logs_execution
            && let Some(found) = outcome.found
            && let Some((_, setting)) = deployed.settings(found)
            && let Some(entry) = log::execution_entry(deployed, setting, outcome)
        {
            self.journal.put(&self.cloud, entry);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "what there is to tell of a request")]
    fn record(
        &self,
        ctx: &Ctx,
        deployed: &Deployed,
        arn: Arc<str>,
        span: u64,
        trace: TraceContext,
        (start, started): (Timestamp, Instant),
        status: u16,
    ) {
        let elapsed = started.elapsed();
        let operation: Arc<str> = "apigateway:request".into();
        let is_error = status >= 400;
        let to = Arc::clone(&arn);
        self.cloud.architecture().record(start, "client".into(), to, &operation, elapsed, is_error);
        self.cloud.traces().record(Span {
            trace: trace.trace,
            id: span,
            parent: trace.parent,
            name: operation,
            resource: arn,
            start,
            duration_micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            error: is_error.then(|| status.to_string()),
        });
        let dimension = ("ApiName", deployed.name.as_str());
        ctx.publish("AWS/ApiGateway", "Count", dimension, 1.0);
        ctx.publish("AWS/ApiGateway", "Latency", dimension, elapsed.as_secs_f64() * 1000.0);
        match status {
            400..=499 => ctx.publish("AWS/ApiGateway", "4XXError", dimension, 1.0),
            500.. => ctx.publish("AWS/ApiGateway", "5XXError", dimension, 1.0),
            _ => {}
        }
    }
}

/// Settings that nobody changed stand for the account's limits, which are not held to here.
fn is_throttled(setting: &MethodSetting) -> bool {
    let unchanged = MethodSetting::default();
    let (rate, burst) = (setting.throttling_rate_limit, setting.throttling_burst_limit);
    rate >= 0.0
        && burst >= 0
        && ((rate - unchanged.throttling_rate_limit).abs() > f64::EPSILON
            || burst != unchanged.throttling_burst_limit)
}
