//! The URLs at which deployed APIs are called.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cloud::trace::Span;
use cloud::{BoxFuture, Cloud, Ctx, HttpEndpoint, TraceContext};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use serde_json::Value;
use shapes::ApiError;
use tracing::warn;
use vtl::text_escape::url_decode;

use crate::PRINCIPAL;
use crate::deployed::{Call, Deployed, Found, Stages};
use crate::integration::{Answer, Target, call_service, invoke, proxy_event};
use crate::mapping::{MethodRequest, parameter, scope};

/// Developer Guide, "Amazon API Gateway quotas": payload size.
const MOST_BYTES: usize = 10 << 20;
const JSON: &str = "application/json";
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

pub(crate) struct Execution {
    cloud: Cloud,
    stages: Stages,
}

/// An API's URL, taken apart.
struct Address<'a> {
    api: &'a str,
    stage: &'a str,
    path: String,
}

/// What the client gets.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Execution {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, stages: Stages::default() }
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
            let reply = self.answer(&head, &body, peer, request_id, trace).await;
            reply.into_response(&trace)
        })
    }
}

impl<'a> Address<'a> {
    /// `{api}.execute-api.*` hosts, and the paths that scripts for other local clouds use.
    fn of(head: &'a Parts) -> Option<Self> {
        let path = head.uri.path();
        let host = head.uri.authority().map(|authority| authority.as_str());
        let host = host.or_else(|| head.headers.get("host")?.to_str().ok()).unwrap_or_default();
        if let Some((api, rest)) = host.split_once('.')
            && rest.starts_with("execute-api.")
        {
            let (stage, rest) = split_first(path);
            return Some(Self { api, stage, path: rest.to_owned() });
        }
        if let Some(rest) = path.strip_prefix("/restapis/") {
            let (api, rest) = rest.split_once('/')?;
            let (stage, rest) = rest.split_once('/')?;
            let rest = rest.strip_prefix("_user_request_")?;
            return Some(Self {
                api,
                stage,
                path: if rest.is_empty() { "/".to_owned() } else { rest.to_owned() },
            });
        }
        let (api, rest) = path.strip_prefix("/_aws/execute-api/")?.split_once('/')?;
        let (stage, rest) = split_first(rest);
        Some(Self { api, stage, path: rest.to_owned() })
    }
}

/// `/prod/orders/1` → `prod`, `/orders/1`
fn split_first(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    match path.find('/') {
        Some(slash) => (&path[..slash], &path[slash..]),
        None => (path, "/"),
    }
}

impl Execution {
    async fn answer(
        &self,
        head: &Parts,
        body: &Bytes,
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
        if body.len() > MOST_BYTES {
            return Reply::message(413, "Request Too Long");
        }
        let started = Instant::now();
        let (arn, now) = (deployed.arn(), self.cloud.clock().now());
        let span = u64::from_le_bytes(self.cloud.ids().bytes()) | 1;
        let ctx = self.cloud.background(PRINCIPAL, &arn, deployed.account, deployed.region);
        let ctx = ctx.in_trace(trace.under(span)).with_request_id(request_id);
        let reply = match deployed.find(head.method.as_str(), &address.path) {
            None => Reply::message(403, "Missing Authentication Token"),
            Some(found) => {
                let request = method_request(head, address.path, body, peer, request_id, now);
                let called = call(&ctx, &deployed, &found, &request).await;
                called.unwrap_or_else(|error| {
                    warn!(api = %deployed.api, request_id, %error, "an integration failed");
                    let status = if error.status() == 429 { 429 } else { 500 };
                    Reply::message(status, "Internal server error")
                })
            }
        };
        let elapsed = started.elapsed();
        let (arn, operation): (Arc<str>, Arc<str>) = (arn.into(), "apigateway:request".into());
        let is_error = reply.status >= 400;
        self.cloud.architecture().record(
            now,
            "client".into(),
            Arc::clone(&arn),
            &operation,
            elapsed,
            is_error,
        );
        self.cloud.traces().record(Span {
            trace: trace.trace,
            id: span,
            parent: trace.parent,
            name: operation,
            resource: arn,
            start: now,
            duration_micros: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            error: is_error.then(|| reply.status.to_string()),
        });
        let dimension = ("ApiName", deployed.name.as_str());
        ctx.publish("AWS/ApiGateway", "Count", dimension, 1.0);
        ctx.publish("AWS/ApiGateway", "Latency", dimension, elapsed.as_secs_f64() * 1000.0);
        match reply.status {
            400..=499 => ctx.publish("AWS/ApiGateway", "4XXError", dimension, 1.0),
            500.. => ctx.publish("AWS/ApiGateway", "5XXError", dimension, 1.0),
            _ => {}
        }
        reply
    }
}

fn method_request(
    head: &Parts,
    path: String,
    body: &Bytes,
    peer: Option<IpAddr>,
    request_id: &str,
    received: shapes::Timestamp,
) -> MethodRequest {
    let mut header_values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &head.headers {
        if let Ok(value) = value.to_str() {
            header_values.entry(usual_case(name.as_str())).or_default().push(value.to_owned());
        }
    }
    let query_values = query_values(head.uri.query().unwrap_or_default());
    // Of several values the last one counts.
    let last = |values: &BTreeMap<String, Vec<String>>| {
        let last = values.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone())));
        last.collect::<BTreeMap<_, _>>()
    };
    MethodRequest {
        method: head.method.as_str().to_owned(),
        path,
        headers: last(&header_values),
        query: last(&query_values),
        header_values,
        query_values,
        body: String::from_utf8_lossy(body).into_owned(),
        source_ip: peer.map(|peer| peer.to_string()).unwrap_or_default(),
        request_id: request_id.to_owned(),
        received,
    }
}

/// The decoded parameters of a query string, each with its values.
pub(crate) fn query_values(query: &str) -> BTreeMap<String, Vec<String>> {
    let decoded = |text: &str| url_decode(text).unwrap_or_else(|_| text.to_owned());
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        values.entry(decoded(name)).or_default().push(decoded(value));
    }
    values
}

/// `Content-Type`: a header's name as clients usually spell it, since functions look for that and the spelling that came
/// is not known any more.
fn usual_case(name: &str) -> String {
    let mut begins = true;
    name.chars()
        .map(|c| {
            let c = if begins { c.to_ascii_uppercase() } else { c };
            begins = c == '-';
            c
        })
        .collect()
}

pub(crate) async fn call(
    ctx: &Ctx,
    deployed: &Deployed,
    found: &Found,
    request: &MethodRequest,
) -> Result<Reply, ApiError> {
    let call = &found.call;
    let integration = &call.integration;
    let acting = match &integration.credentials {
        Some(role) if integration.kind != "MOCK" => ctx.with_role(PRINCIPAL, &deployed.arn(), role)?,
        _ => ctx.as_service(PRINCIPAL, &method_arn(deployed, found, request)),
    };
    match (integration.kind.as_str(), &call.target) {
        ("AWS_PROXY", Some(Target::Function(function))) => {
            let answer = invoke(&acting, function, proxy_event(request, deployed, found)).await?;
            Ok(Reply::of_proxy(&answer))
        }
        ("MOCK", _) => {
            let text = match mapped(call, request, deployed, found)? {
                Ok(text) => text,
                Err(reply) => return Ok(reply),
            };
            let status = serde_json::from_str::<Value>(&text).ok();
            let status = status.and_then(|json| json.get("statusCode")?.as_u64()).unwrap_or(500);
            let status = u16::try_from(status).unwrap_or(500);
            let answer = Answer { status, body: String::new(), error: None };
            respond(call, &answer, request, deployed, found)
        }
        (_, Some(Target::Function(function))) => {
            let text = match mapped(call, request, deployed, found)? {
                Ok(text) => text,
                Err(reply) => return Ok(reply),
            };
            let answer = invoke(&acting, function, text).await?;
            respond(call, &answer, request, deployed, found)
        }
        (_, Some(Target::Service { service, path, action })) => {
            let body = match mapped(call, request, deployed, found)? {
                Ok(text) => text,
                Err(reply) => return Ok(reply),
            };
            let mapped = service_request(call, path, action.as_deref(), body, request, deployed, found)?;
            let answer = call_service(&acting, service, mapped).await?;
            respond(call, &answer, request, deployed, found)
        }
        (_, None) => Ok(Reply::message(500, "Internal server error")),
    }
}

/// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`, which functions' policies name.
fn method_arn(deployed: &Deployed, found: &Found, request: &MethodRequest) -> String {
    format!("{}/{}{}", deployed.arn(), request.method, found.resource_path)
}

/// The integration's body: the template for the request's content type, or the body itself where that may pass.
fn mapped(
    call: &Call,
    request: &MethodRequest,
    deployed: &Deployed,
    found: &Found,
) -> Result<Result<String, Reply>, ApiError> {
    let content_type = request.header("content-type").unwrap_or(JSON);
    let content_type = content_type.split(';').next().unwrap_or(JSON).trim();
    let template = call.request_templates.get(content_type);
    match (template, call.integration.passthrough.as_str()) {
        (Some(template), _) => {
            let rendered = template.render(&scope(&request.body, request, deployed, found));
            Ok(rendered.map_err(|_| Reply::message(500, "Internal server error")))
        }
        (None, "WHEN_NO_MATCH") => Ok(Ok(request.body.clone())),
        (None, "WHEN_NO_TEMPLATES") if call.request_templates.is_empty() => Ok(Ok(request.body.clone())),
        (None, _) => Ok(Err(Reply::message(415, "Unsupported Media Type"))),
    }
}

fn service_request(
    call: &Call,
    path: &str,
    action: Option<&str>,
    body: String,
    request: &MethodRequest,
    deployed: &Deployed,
    found: &Found,
) -> Result<Request<Bytes>, ApiError> {
    let integration = &call.integration;
    let mut target = path.to_owned();
    let mut query: Vec<String> = action.map(|action| format!("Action={action}")).into_iter().collect();
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for (to, from) in &integration.request_parameters {
        let Some(value) = parameter(from, request, deployed, found) else { continue };
        if let Some(name) = to.strip_prefix("integration.request.header.") {
            headers.insert(name, value);
        } else if let Some(name) = to.strip_prefix("integration.request.querystring.") {
            query.push(format!("{name}={}", vtl::text_escape::url_encode(&value)));
        } else if let Some(name) = to.strip_prefix("integration.request.path.") {
            target = target.replace(&format!("{{{name}}}"), &vtl::text_escape::url_encode(&value));
        }
    }
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let method = integration.method.as_deref().unwrap_or("POST");
    let mut built = Request::builder().method(method).uri(target);
    if !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        headers.insert("Content-Type", JSON.to_owned());
    }
    if !headers.keys().any(|name| name.eq_ignore_ascii_case("accept")) {
        headers.insert("Accept", JSON.to_owned());
    }
    for (name, value) in headers {
        built = built.header(name, value);
    }
    built.body(Bytes::from(body)).map_err(ApiError::internal)
}

/// The method's answer, by the integration response that the integration's status selects.
fn respond(
    call: &Call,
    answer: &Answer,
    request: &MethodRequest,
    deployed: &Deployed,
    found: &Found,
) -> Result<Reply, ApiError> {
    let chosen = call
        .responses
        .iter()
        .find(|response| {
            response.selection.as_ref().is_some_and(|pattern| pattern.is_match(&answer.selected_by()))
        })
        .or_else(|| call.responses.iter().find(|response| response.selection.is_none()));
    let Some(chosen) = chosen else { return Ok(Reply::message(500, "Internal server error")) };
    // A refused call must not look like an accepted one because nobody mapped refusals.
    if chosen.selection.is_none() && answer.status >= 400 {
        return Ok(Reply::message(500, "Internal server error"));
    }
    let body = match chosen.templates.get(JSON) {
        Some(template) => match template.render(&scope(&answer.body, request, deployed, found)) {
            Ok(text) => text,
            Err(_) => return Ok(Reply::message(500, "Internal server error")),
        },
        None => answer.body.clone(),
    };
    Ok(Reply { status: chosen.status, headers: vec![("content-type".to_owned(), JSON.to_owned())], body })
}

impl Reply {
    fn message(status: u16, message: &str) -> Self {
        let body = serde_json::json!({ "message": message }).to_string();
        Self { status, headers: vec![("content-type".to_owned(), JSON.to_owned())], body }
    }

    /// The answer of a proxied function (Developer Guide, "Output format of a Lambda function for proxy integration").
    fn of_proxy(answer: &Answer) -> Self {
        let malformed = || Self::message(502, "Internal server error");
        if answer.status != 200 {
            return malformed();
        }
        let Ok(json) = serde_json::from_str::<Value>(&answer.body) else { return malformed() };
        let status = match json.get("statusCode") {
            Some(Value::Number(status)) => status.as_u64(),
            Some(Value::String(status)) => status.parse().ok(),
            _ => None,
        };
        let Some(status) = status.and_then(|status| u16::try_from(status).ok()) else { return malformed() };
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in json.get("headers").and_then(Value::as_object).into_iter().flatten() {
            headers.push((name.clone(), text(value)));
        }
        for (name, values) in json.get("multiValueHeaders").and_then(Value::as_object).into_iter().flatten() {
            headers.extend(values.as_array().into_iter().flatten().map(|value| (name.clone(), text(value))));
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), JSON.to_owned()));
        }
        let body = json.get("body").filter(|body| !body.is_null()).map(text).unwrap_or_default();
        Self { status, headers, body }
    }

    fn into_response(self, trace: &TraceContext) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.body));
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(JSON));
        if let Ok(value) = HeaderValue::try_from(format!("Root={}", trace.trace_id())) {
            headers.insert(TRACE_ID, value);
        }
        response
    }
}
