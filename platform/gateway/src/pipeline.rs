//! The way of a request, from its bytes to the bytes of its answer.

use std::sync::Arc;

use bytes::Bytes;
use cloud::registry::{OperationRef, not_implemented};
use cloud::{BoxFuture, Ctx, RawCalls, TraceContext};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use identity::sigv4::{Authentication, PathRule, Payload, RequestView};
use shapes::{ApiError, OperationSchema, Protocol, ServiceSchema, Slot, Struct};
use tracing::{error, info, warn};
use wire::identify::{self, Head};
use wire::{Labels, Missing, constraints};

use crate::authenticate::{Authenticated, Signed, anonymous, authenticate, dialect_of, refused};
use crate::front::outgoing_stream;
use crate::patience::{TooSlow, within};
use crate::route::{Hints, Routed};
use crate::{Gateway, Peer, cors};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What a request turned out to be for.
pub(crate) struct Target {
    service: &'static ServiceSchema,
    protocol: Protocol,
    operation: &'static OperationSchema,
    labels: Labels,
}

/// A request that is ready for its handler, and independent of the bytes that it came in.
pub(crate) struct Call {
    service: &'static ServiceSchema,
    protocol: Protocol,
    operation: &'static OperationSchema,
    /// Some clients ask the query protocol for JSON.
    is_answered_in_json: bool,
    /// A request that cannot be read is answered as one that its handler refuses.
    pub input: Result<(OperationRef, Box<dyn Struct>), ApiError>,
}

impl Gateway {
    /// Answers one request, whatever it is.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Response<shapes::Body> {
        let request_id = self.cloud.ids().uuid();
        let (parts, body) = request.into_parts();
        let head = Head::of(&parts.headers);
        let mut endpoint = None;
        if !self.routes.is_settled(&head) {
            let host_endpoints = if peer.is_inside { &[][..] } else { &self.host_endpoints[..] };
            let mut endpoints = self.endpoints.iter().chain(host_endpoints);
            endpoint = endpoints.find(|endpoint| endpoint.claims(&parts));
            if endpoint.is_none()
                && let Some((fronted, claim)) = self.fronted(&parts, &head)
            {
                let serving = self.serve_front(fronted, claim, (parts, body), peer, &request_id);
                // In a box, so that requests to other services are not as large.
                return Box::pin(serving).await;
            }
        }
        let origin = head.origin.cloned();
        if endpoint.is_none() && self.takes_pieces(&parts, &head) {
            let answering = self.answer_upload(&parts, body, peer, &request_id);
            return finished(Box::pin(answering).await, origin, &request_id);
        }
        let response = match self.body(&head, body).await {
            Err(error) => plain_error(&error, head.is_json(), &request_id).map(shapes::Body::from),
            Ok(body) => match endpoint {
                Some(endpoint) if self.is_foreign(&head) && !endpoint.is_public() => {
                    drop((parts, body));
                    plain_error(&foreign_page_error(), false, &request_id).map(shapes::Body::from)
                }
                Some(endpoint) => {
                    let request = Request::from_parts(parts, body);
                    endpoint.serve(request, peer.address, &request_id).await.map(shapes::Body::from)
                }
                None => match self.prepare(&parts, head, &body, peer, &request_id) {
                    Ok((ctx, call)) => {
                        // A request that waits for long must not hold the connection's buffer meanwhile.
                        drop((parts, body));
                        response_of(self.perform(&ctx, call).await)
                    }
                    Err(refusal) => refusal.map(shapes::Body::from),
                },
            },
        };
        finished(response, origin, &request_id)
    }

    async fn body(&self, head: &Head<'_>, body: Incoming) -> Result<Bytes, ApiError> {
        let is_long = body.size_hint().upper().is_none_or(|length| length > self.limits.body_bytes as u64);
        let takes_uploads = is_long && head.scope() == Some("lambda");
        let limit = if takes_uploads { self.limits.upload_bytes } else { self.limits.body_bytes };
        let too_large = || {
            let message = format!("The request's body is larger than the {limit} bytes that are allowed.");
            ApiError::with_status(413, "RequestEntityTooLargeException", message)
        };
        // A body that is announced far too large is refused before it comes. One that is a little too large is read up
        // to the limit, since a client that is still sending may not see an answer that comes early.
        if body.size_hint().lower() > 4 * limit as u64 {
            return Err(too_large());
        }
        let read = within(self.limits.body_time, Limited::new(body, limit).collect()).await;
        match read {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(error)) => {
                let message = format!("The request's body could not be read: {error}.");
                Err(ApiError::sender("IncompleteBody", message))
            }
            Err(TooSlow) => {
                Err(ApiError::with_status(408, "RequestTimeout", "The request's body did not come in time."))
            }
        }
    }

    /// Whether a page of another site asks that may not.
    fn is_foreign(&self, head: &Head<'_>) -> bool {
        cors::is_foreign(head) && !self.cloud.settings().is_strict
    }

    /// Everything of a request before its handler. What needs no handler is answered.
    fn prepare(
        &self,
        parts: &Parts,
        head: Head<'_>,
        body: &Bytes,
        peer: Peer,
        request_id: &str,
    ) -> Result<(Ctx, Call), Box<Response<Bytes>>> {
        if parts.method == Method::OPTIONS && parts.headers.contains_key("access-control-request-method") {
            let mut response = Response::new(Bytes::new());
            if self.is_foreign(&head) {
                *response.status_mut() = http::StatusCode::FORBIDDEN;
            } else {
                *response.headers_mut() = cors::preflight(&parts.headers);
            }
            return Err(Box::new(response));
        }
        let request = wire_request(parts, head, body);
        let payload = Payload::of(&parts.headers, body);
        let (ctx, target) = self.admit(parts, &request, payload, peer, request_id)?;
        Ok((ctx, self.decode(target, &request)))
    }

    /// Everything before the call: which operation it is, and whose request. A refusal is ready to be sent.
    pub(crate) fn admit(
        &self,
        parts: &Parts,
        request: &wire::Request<'_>,
        payload: Payload<'_>,
        peer: Peer,
        request_id: &str,
    ) -> Result<(Ctx, Target), Box<Response<Bytes>>> {
        let head = &request.head;
        let authority = authority(parts, head);
        let view = RequestView {
            method: request.method,
            path: request.path,
            query: request.query,
            headers: &parts.headers,
            authority: Some(authority),
        };
        let authentication = Authentication::of(&view);
        let scope = authentication.as_ref().ok().and_then(Option::as_ref).map(|auth| &*auth.service);
        let hints = Hints { scope, authority, request };
        let Some(routed) = self.routes.find(&hints) else {
            return Err(Box::new(plain_error(&unknown_service(scope), head.is_json(), request_id)));
        };
        let service = routed.schema;
        let shown = identify::protocol_of(service, request);
        let protocol = shown.unwrap_or(service.protocols[0]);
        let admitted = || {
            let authentication = authentication.map_err(|error| refused(protocol, &error))?;
            let target = find_operation(routed, shown, request)?;
            let authenticated = if target.operation.is_unsigned && authentication.is_none() {
                anonymous(&self.cloud, peer)
            } else {
                let signed = Signed {
                    authentication: authentication.as_ref(),
                    view: &view,
                    head,
                    payload,
                    rule: PathRule::Normalised,
                };
                authenticate(&self.cloud, &self.signing_keys, dialect_of(protocol), &signed, peer)?.0
            };
            Ok((self.context(authenticated, head, request_id), target))
        };
        admitted().map_err(|error| {
            log_failure(service.name, "", &error, request_id);
            Box::new(http_response(wire::encode_error(protocol, service, &error, request_id)))
        })
    }

    pub(crate) fn context(&self, authenticated: Authenticated, head: &Head<'_>, request_id: &str) -> Ctx {
        let Authenticated { caller, account, region } = authenticated;
        let sent = head.trace.and_then(|trace| trace.parse::<TraceContext>().ok());
        let traces = self.cloud.traces();
        let trace = sent.unwrap_or_else(|| TraceContext::begin(self.cloud.ids(), self.cloud.clock().now()));
        // A function's calls carry the span of its invocation, which tells what they come from.
        let origin = sent.filter(|sent| sent.parent != 0).and_then(|sent| traces.resource_of(sent.parent));
        let origin = origin.unwrap_or_else(|| Arc::clone(&self.client));
        Ctx::new(self.cloud.clone(), caller, (account, region), trace, origin, request_id)
    }

    /// Reads the input of a request that is authenticated.
    pub(crate) fn decode(&self, target: Target, request: &wire::Request<'_>) -> Call {
        let Target { service, protocol, operation, labels } = target;
        let input = || {
            let registry = self.cloud.registry()?;
            let handler =
                registry.find(service, operation).ok_or_else(|| not_implemented(service, operation.name))?;
            let mut input = registry.new_input(handler);
            let missing = wire::decode_request(protocol, operation, request, &labels, &mut *input)?;
            let owner = registry.service_of(handler);
            if let Some(member) = owner.path_member {
                take_path(member, request.path, &mut *input);
            }
            if !owner.words_own_checks {
                check(protocol, &*input, &missing)?;
            }
            Ok((handler, input))
        };
        let is_answered_in_json = protocol == Protocol::AwsQuery && request.head.accepts_json();
        Call { service, protocol, operation, is_answered_in_json, input: input() }
    }

    /// Calls the handler and writes its answer; with a body that comes in pieces, where it has one.
    pub(crate) async fn perform(&self, ctx: &Ctx, call: Call) -> (wire::Response, Option<shapes::Body>) {
        let Call { service, protocol, operation, is_answered_in_json, input } = call;
        let outcome = match (input, self.cloud.registry()) {
            (Ok((handler, input)), Ok(registry)) => registry.call(ctx, handler, input).await,
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        if let Err(error) = &outcome {
            log_failure(service.name, operation.name, error, ctx.request_id());
        }
        if is_answered_in_json {
            return (wire::encode_query_as_json(operation, outcome.as_deref(), ctx.request_id()), None);
        }
        match outcome {
            Ok(output) => {
                let answer = wire::encode_output(protocol, service, operation, &*output, ctx.request_id());
                (answer, outgoing_stream(&*output))
            }
            Err(error) => (wire::encode_error(protocol, service, &error, ctx.request_id()), None),
        }
    }
}

impl Gateway {
    /// An answer whose body is in pieces, with all of them: for callers inside the region, who take it whole.
    async fn with_stream(
        &self,
        (mut answer, stream): (wire::Response, Option<shapes::Body>),
    ) -> wire::Response {
        if let Some(stream) = stream {
            match stream.collect(self.limits.upload_bytes).await {
                Ok(Some(body)) => answer.body = body,
                Ok(None) => answer.status = 507,
                Err(error) => answer.status = error.status(),
            }
        }
        answer
    }
}

/// A request to a service that comes from inside the region, such as an integration of API Gateway: as one from
/// outside, but that the caller is known already.
impl RawCalls for Gateway {
    fn call_raw<'a>(
        &'a self,
        ctx: &'a Ctx,
        service: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Response<Bytes>> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let wire_request = wire_request(&parts, Head::of(&parts.headers), &body);
            let Some(routed) = self.routes.named(service) else {
                return plain_error(&unknown_service(Some(service)), true, ctx.request_id());
            };
            let protocol = identify::protocol_of(routed.schema, &wire_request);
            match find_operation(routed, protocol, &wire_request) {
                Ok(target) => {
                    let call = self.decode(target, &wire_request);
                    drop((parts, body));
                    http_response(self.with_stream(self.perform(ctx, call).await).await)
                }
                Err(error) => {
                    let protocol = protocol.unwrap_or(routed.schema.protocols[0]);
                    http_response(wire::encode_error(protocol, routed.schema, &error, ctx.request_id()))
                }
            }
        })
    }

    fn call_named<'a>(
        &'a self,
        ctx: &'a Ctx,
        service: &'a str,
        operation: &'a str,
        input: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, ApiError>> {
        Box::pin(async move {
            let named = self.routes.operation_named(service, operation);
            let named = named.ok_or_else(|| unknown_operation(Some(operation)))?;
            self.call_document(ctx, named, &input).await
        })
    }

    fn knows(&self, service: &str, operation: &str) -> bool {
        self.routes.operation_named(service, operation).is_some()
    }
}

impl Gateway {
    async fn call_document(
        &self,
        ctx: &Ctx,
        (service, operation): (&'static ServiceSchema, &'static OperationSchema),
        input: &Bytes,
    ) -> Result<Bytes, ApiError> {
        let registry = self.cloud.registry()?;
        let handler =
            registry.find(service, operation).ok_or_else(|| not_implemented(service, operation.name))?;
        let mut document = registry.new_input(handler);
        let missing = wire::decode_named(input, &mut *document)?;
        if !registry.service_of(handler).words_own_checks {
            check(Protocol::AwsJson11, &*document, &missing)?;
        }
        let output = registry.call(ctx, handler, document).await?;
        Ok(wire::encode_output(Protocol::AwsJson11, service, operation, &*output, ctx.request_id()).body)
    }
}

/// The operation that a request in `protocol` means.
fn find_operation(
    routed: &Routed,
    protocol: Option<Protocol>,
    request: &wire::Request<'_>,
) -> Result<Target, ApiError> {
    let service = routed.schema;
    let protocol = protocol.ok_or_else(|| unknown_operation(None))?;
    if matches!(protocol, Protocol::RestJson | Protocol::RestXml) {
        let (operation, labels) = routed
            .router
            .find(request.method, request.path, request.query)
            .ok_or_else(|| unknown_operation(None))?;
        return Ok(Target { service, protocol, operation, labels });
    }
    let name = identify::operation_name(protocol, request);
    let is_json = matches!(protocol, Protocol::AwsJson10 | Protocol::AwsJson11);
    if is_json && request.head.target_prefix() != Some(service.target_prefix) {
        return Err(unknown_operation(name.as_deref()));
    }
    let operation = name.as_deref().and_then(|name| routed.operation(name));
    let operation = operation.ok_or_else(|| match protocol {
        Protocol::AwsQuery | Protocol::Ec2Query => invalid_action(name.as_deref(), service),
        _ => unknown_operation(name.as_deref()),
    })?;
    Ok(Target { service, protocol, operation, labels: Labels::new() })
}

/// Fills a text that the request left out with its path.
fn take_path(member: &str, path: &str, input: &mut dyn Struct) {
    let Some((index, _)) = input.shape().member_named(member) else { return };
    if let Slot::String(text) = input.member_mut(index).slot()
        && text.is_empty()
        && path.len() > 1
    {
        *text = path.to_owned();
    }
}

/// Checks the model's constraints.
fn check(protocol: Protocol, input: &dyn Struct, missing: &Missing) -> Result<(), ApiError> {
    let violations = constraints::check(input, missing);
    match protocol {
        _ if violations.is_empty() => Ok(()),
        Protocol::AwsQuery | Protocol::Ec2Query => Err(constraints::validation_error(&violations)),
        _ => Err(constraints::validation_exception(&violations)),
    }
}

fn unknown_operation(name: Option<&str>) -> ApiError {
    let message = name.map_or_else(String::new, |name| format!("Unknown operation {name}."));
    ApiError::with_status(404, "UnknownOperationException", message)
}

fn invalid_action(name: Option<&str>, service: &ServiceSchema) -> ApiError {
    match name {
        Some(name) => {
            let message =
                format!("The action {name} is not valid for this endpoint ({}).", service.service_id);
            ApiError::sender("InvalidAction", message)
        }
        None => {
            ApiError::sender("MissingAction", "The request is missing an action or a required parameter.")
        }
    }
}

fn unknown_service(scope: Option<&str>) -> ApiError {
    match scope {
        Some(scope) => {
            let message = format!("The service '{scope}' is not implemented in Brume yet.");
            ApiError::with_status(501, "NotImplemented", message)
        }
        None => {
            let message = "The request names no service: it has no signature, no X-Amz-Target, no Action with a \
                           Version, and its host and path are none of this region's.";
            ApiError::with_status(403, "MissingAuthenticationToken", message)
        }
    }
}

fn foreign_page_error() -> ApiError {
    ApiError::with_status(
        403,
        "AccessDenied",
        "A web page of another site may not use this part of the region.",
    )
}

pub(crate) fn wire_request<'a>(parts: &'a Parts, head: Head<'a>, body: &'a Bytes) -> wire::Request<'a> {
    wire::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        head,
        body,
    }
}

/// The host a request was sent to: HTTP/2's authority, or HTTP/1's header.
pub(crate) fn authority<'a>(parts: &'a Parts, head: &Head<'a>) -> &'a str {
    parts.uri.authority().map_or(head.host, |authority| authority.as_str())
}

pub(crate) fn http_response(answer: wire::Response) -> Response<Bytes> {
    let mut response = Response::new(answer.body);
    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::OK);
    *response.headers_mut() = answer.headers;
    response
}

/// An error for which no service's protocol is known.
/// An answer with its body in pieces, where it has one.
pub(crate) fn response_of(
    (answer, stream): (wire::Response, Option<shapes::Body>),
) -> Response<shapes::Body> {
    let response = http_response(answer);
    match stream {
        Some(stream) => response.map(|_| stream),
        None => response.map(shapes::Body::from),
    }
}

/// An answer with what every answer has.
fn finished(
    mut response: Response<shapes::Body>,
    origin: Option<HeaderValue>,
    request_id: &str,
) -> Response<shapes::Body> {
    let headers = response.headers_mut();
    if !headers.contains_key(REQUEST_ID)
        && let Ok(value) = HeaderValue::from_str(request_id)
    {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(origin) = origin {
        cors::allow(&origin, headers);
    }
    response
}

fn plain_error(error: &ApiError, is_json: bool, request_id: &str) -> Response<Bytes> {
    log_failure("", "", error, request_id);
    http_response(wire::encode_unrouted_error(is_json, error, request_id))
}

/// Faults of ours with all that is known about them; mistakes of clients in a line.
pub(crate) fn log_failure(service: &str, operation: &str, error: &ApiError, request_id: &str) {
    match error.status() {
        501 => warn!(service, operation, request_id, "{}", error.message()),
        500.. => error!(service, operation, request_id, cause = ?error.cause(), "{error}"),
        _ => info!(service, operation, request_id, "{error}"),
    }
}
