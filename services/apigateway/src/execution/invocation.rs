//! From a method's request to its answer: validation, the integration's request, and the integration.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloud::Ctx;
use http::Request;
use serde_json::Value;
use shapes::ApiError;
use tracing::warn;
use vtl::text_escape::url_encode;

use super::JSON;
use super::authorizer::Verdict;
use super::deployed::{Call, Deployed, Found};
use super::failures::Refusal;
use super::integration::{
    Answer, Failure, Target, call_service, call_url, expand, invoke, proxy_event, within,
};
use super::mapping::scope;
use super::parameters::{Given, RequestTarget};
use super::reply::{Reply, is_passed};
use super::request::MethodRequest;
use super::responses::respond;
use super::signature::Signer;
use crate::gateway_response::Cause;
use crate::{PRINCIPAL, errors};

/// What those who guard a method found out of the caller.
#[derive(Default)]
pub(crate) struct Admitted {
    pub verdict: Option<Arc<Verdict>>,
    pub signer: Option<Signer>,
    /// The integration's status, and the time until its answer was there.
    pub integration: Option<(u16, Duration)>,
}

impl Admitted {
    /// Variables of `$context` that tell of the caller.
    pub(super) fn entries(&self) -> Vec<(Cow<'static, str>, String)> {
        let mut entries = self.verdict.as_ref().map(|verdict| verdict.entries()).unwrap_or_default();
        entries.extend(self.signer.iter().flat_map(Signer::entries));
        entries
    }
}

/// Validates a request that may be made, and passes it on.
pub(crate) async fn call(
    ctx: &Ctx,
    deployed: &Deployed,
    found: &Found,
    request: &MethodRequest,
    admitted: &mut Admitted,
) -> Result<Reply, Refusal> {
    let extra = admitted.entries();
    let given = Given { request, deployed, found: Some(found), answer: None, extra: &extra };
    let call = &*found.call;
    validate(call, &given)?;
    let acting = acting(ctx, call, &given, found, admitted.signer.as_ref())
        .map_err(|error| failed(deployed, error.into()))?;
    let started = Instant::now();
    // Answers of proxies are the method's.
    let mut proxied: Option<fn(Answer) -> Reply> = None;
    let outcome = match (call.integration.r#type.as_str(), &call.target) {
        ("MOCK", _) => {
            let text = mapped(call, &given)?;
            let status = serde_json::from_slice::<Value>(&text).ok();
            let status = status.and_then(|json| json.get("statusCode")?.as_u64()).unwrap_or(500);
            Ok(Answer::bare(u16::try_from(status).unwrap_or(500)))
        }
        ("AWS_PROXY", Some(Target::Function(function))) => {
            let event = proxy_event(request, deployed, found, admitted);
            let function = expand(function, &deployed.variables);
            proxied = Some(|answer| Reply::of_proxy(&answer));
            within(call.time, invoke(&acting, &function, event)).await
        }
        (_, Some(Target::Function(function))) => {
            let payload = mapped(call, &given)?;
            let function = expand(function, &deployed.variables);
            within(call.time, invoke(&acting, &function, payload)).await
        }
        (_, Some(Target::Service { service, path, action })) => {
            let body = mapped(call, &given)?;
            let path = expand(path, &deployed.variables);
            let mapped = service_request(call, &path, action.as_deref(), body, &given)?;
            within(call.time, call_service(&acting, service, mapped)).await
        }
        ("HTTP_PROXY", Some(Target::Url(url))) => {
            let mapped = url_request(call, url, request.body.clone(), true, &given)?;
            proxied = Some(Reply::passed_on);
            call_url(mapped, call.time).await
        }
        (_, Some(Target::Url(url))) => {
            let body = mapped(call, &given)?;
            call_url(url_request(call, url, body, false, &given)?, call.time).await
        }
        (_, None) => return Err(Refusal::internal()),
    };
    let status = match &outcome {
        Ok(answer) => answer.status,
        Err(Failure::Refused(error)) => error.status(),
        Err(Failure::Timeout | Failure::Network(_)) => 504,
    };
    admitted.integration = Some((status, started.elapsed()));
    let answer = outcome.map_err(|failure| failed(deployed, failure))?;
    match proxied {
        Some(reply) => Ok(reply(answer)),
        None => respond(call, &answer, &given),
    }
}

/// The credentials of an integration that is called as whoever calls the method.
const CALLERS: &str = "arn:aws:iam::*:user/*";

/// As whom the integration is called.
fn acting(
    ctx: &Ctx,
    call: &Call,
    given: &Given<'_>,
    found: &Found,
    signer: Option<&Signer>,
) -> Result<Ctx, ApiError> {
    let deployed = given.deployed;
    let role = call.integration.credentials.as_deref().filter(|role| !role.is_empty());
    match role {
        Some(CALLERS) => match signer {
            Some(signer) => Ok(signer.ctx.in_trace(ctx.trace()).via_service(PRINCIPAL)),
            None => Err(errors::bad_request("The method's callers have no credentials of their own")),
        },
        Some(role) if call.integration.r#type != "MOCK" => {
            ctx.with_role(PRINCIPAL, &deployed.arn(), &expand(role, &deployed.variables))
        }
        // `API/STAGE/METHOD/PATH`, which functions' policies name.
        _ => {
            let arn = format!("{}/{}{}", deployed.arn(), given.request.method, found.resource_path);
            Ok(ctx.as_service(PRINCIPAL, &arn))
        }
    }
}

fn failed(deployed: &Deployed, failure: Failure) -> Refusal {
    match failure {
        Failure::Timeout => Refusal::new(Cause::IntegrationTimeout, "Endpoint request timed out"),
        Failure::Network(reason) => {
            warn!(api = %deployed.api, reason, "an endpoint could not be called");
            Refusal::new(Cause::IntegrationFailure, "Network error communicating with endpoint")
        }
        Failure::Refused(error) if error.status() == 429 => {
            Refusal::new(Cause::Throttled, "Too Many Requests")
        }
        Failure::Refused(error) => {
            warn!(api = %deployed.api, %error, "an integration failed");
            Refusal::internal()
        }
    }
}

/// Developer Guide, "Request validation for REST APIs in API Gateway".
fn validate(call: &Call, given: &Given<'_>) -> Result<(), Refusal> {
    let Given { request, found, .. } = *given;
    if let Some(found) = found {
        let missing: Vec<&str> =
            call.required.iter().filter_map(|parameter| parameter.missing_from(request, found)).collect();
        if !missing.is_empty() {
            let message = format!("Missing required request parameters: [{}]", missing.join(", "));
            return Err(Refusal::new(Cause::BadRequestParameters, message));
        }
    }
    let schema = call.models.get(request.media_type()).or_else(|| call.models.get("$default"));
    let Some(schema) = schema else { return Ok(()) };
    let errors = match serde_json::from_slice(&request.body) {
        Ok(document) => schema.errors(&document),
        Err(_) => vec!["Unable to parse the request body as JSON".to_owned()],
    };
    if errors.is_empty() {
        return Ok(());
    }
    let details = Some(format!("[{}]", errors.join(", ")));
    Err(Refusal { details, ..Refusal::new(Cause::BadRequestBody, "Invalid request body") })
}

/// The integration's body: the template for the request's content type, or the body itself where that may pass.
fn mapped(call: &Call, given: &Given<'_>) -> Result<Bytes, Refusal> {
    let request = given.request;
    let template = call.request_templates.get(request.media_type());
    let template = template.or_else(|| call.request_templates.get("$default"));
    match (template, call.integration.passthrough_behavior.as_str()) {
        (Some(template), _) => {
            let rendered = template.render(&scope(&request.text(), given));
            rendered.map(Bytes::from).map_err(|_| Refusal::internal())
        }
        (None, "WHEN_NO_TEMPLATES") if !call.request_templates.is_empty() => Err(unsupported()),
        (None, "NEVER") => Err(unsupported()),
        (None, _) => match call.integration.content_handling.as_deref() {
            Some("CONVERT_TO_TEXT") if given.deployed.is_binary(request.media_type()) => {
                Ok(vtl::text_escape::base64_encode(&request.body).into())
            }
            Some("CONVERT_TO_BINARY") if !given.deployed.is_binary(request.media_type()) => {
                let decoded = vtl::text_escape::base64_decode(&request.text());
                decoded.map(Bytes::from).map_err(|_| Refusal::internal())
            }
            _ => Ok(request.body.clone()),
        },
    }
}

fn unsupported() -> Refusal {
    Refusal::new(Cause::UnsupportedMediaType, "Unsupported Media Type")
}

/// The values that a request's mappings give, by where they go.
#[derive(Default)]
struct Mapped<'a> {
    headers: BTreeMap<&'a str, Cow<'a, str>>,
    query: Vec<String>,
    path: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Mapped<'a> {
    fn of(call: &'a Call, given: &Given<'a>) -> Self {
        let mut mapped = Self::default();
        for (to, from) in &call.request_parameters {
            let Some(value) = from.value(given) else { continue };
            match to {
                RequestTarget::Header(name) => _ = mapped.headers.insert(name, value),
                RequestTarget::Query(name) => {
                    mapped.query.push(format!("{}={}", percent_encode(name), percent_encode(&value)));
                }
                RequestTarget::Path(name) => mapped.path.push((name, value)),
            }
        }
        mapped
    }

    /// A path with its variables filled in. In a proxy they are passed on as they came, with their slashes.
    fn fill(&self, path: &str, is_proxy: bool) -> String {
        let mut filled = path.to_owned();
        for (name, value) in &self.path {
            let text = match is_proxy && value.bytes().all(is_path_byte) {
                true => value.clone(),
                false => percent_encode(value).into(),
            };
            filled = filled.replace(&format!("{{{name}}}"), &text).replace(&format!("{{{name}+}}"), &text);
        }
        filled
    }
}

/// RFC 3986, "Path".
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&byte)
}

/// As URIs have it, and not forms: a space is no plus.
fn percent_encode(text: &str) -> String {
    url_encode(text).replace('+', "%20")
}

fn service_request(
    call: &Call,
    path: &str,
    action: Option<&str>,
    body: Bytes,
    given: &Given<'_>,
) -> Result<Request<Bytes>, Refusal> {
    let mut mapped = Mapped::of(call, given);
    let mut target = mapped.fill(path, false);
    let action = action.map(|action| format!("Action={action}"));
    let query: Vec<String> = action.into_iter().chain(std::mem::take(&mut mapped.query)).collect();
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    for name in ["Content-Type", "Accept"] {
        if !mapped.headers.keys().any(|other| other.eq_ignore_ascii_case(name)) {
            mapped.headers.insert(name, JSON.into());
        }
    }
    let mut built = Request::builder().method(verb(call, given.request)).uri(target);
    for (name, value) in &mapped.headers {
        built = built.header(*name, value.as_ref());
    }
    built.body(body).map_err(|_| Refusal::internal())
}

fn url_request(
    call: &Call,
    url: &str,
    body: Bytes,
    is_proxy: bool,
    given: &Given<'_>,
) -> Result<Request<Bytes>, Refusal> {
    let request = given.request;
    let mut mapped = Mapped::of(call, given);
    if is_proxy {
        // Greedy variables of the method's own path need no mapping in a proxy.
        let own = given.found.into_iter().flat_map(|found| &found.path_parameters);
        let unmapped = own.filter(|(name, _)| !mapped.path.iter().any(|(other, _)| other == name));
        let unmapped: Vec<_> =
            unmapped.map(|(name, value)| (name.as_str(), Cow::from(value.as_str()))).collect();
        mapped.path.extend(unmapped);
        for (name, values) in &request.query_values {
            mapped.query.extend(
                values.iter().map(|value| format!("{}={}", percent_encode(name), percent_encode(value))),
            );
        }
    }
    let mut target = mapped.fill(&expand(url, &given.deployed.variables), is_proxy);
    if !mapped.query.is_empty() {
        let mark = if target.contains('?') { '&' } else { '?' };
        target = format!("{target}{mark}{}", mapped.query.join("&"));
    }
    let mut built = Request::builder().method(verb(call, request)).uri(target);
    if is_proxy {
        for (name, values) in &request.header_values {
            let is_mapped = mapped.headers.keys().any(|other| other.eq_ignore_ascii_case(name));
            for value in values.iter().filter(|_| is_passed(name) && !is_mapped) {
                built = built.header(name, value);
            }
        }
    } else if !mapped.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) && !body.is_empty()
    {
        mapped.headers.insert("Content-Type", request.media_type().into());
    }
    for (name, value) in &mapped.headers {
        built = built.header(*name, value.as_ref());
    }
    built.body(body).map_err(|_| Refusal::internal())
}

/// The integration's verb; `ANY` means the request's own.
fn verb<'a>(call: &'a Call, request: &'a MethodRequest) -> &'a str {
    match call.integration.http_method.as_deref() {
        None => "POST",
        Some("ANY") => &request.method,
        Some(verb) => verb,
    }
}
