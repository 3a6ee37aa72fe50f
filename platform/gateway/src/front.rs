//! Requests to services whose HTTP is more than their model (see [`cloud::HttpFront`]): their bodies come and go in
//! pieces, and their callers may be anybody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloud::registry::not_implemented;
use cloud::{Apart, Claim, Ctx, Exchange, HttpFront};
use http::header::{CONTENT_ENCODING, EXPECT, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use hyper::body::Incoming;
use identity::sigv2::SignatureV2;
use identity::sigv4::{
    Authentication, ChunkSigner, Dialect, Form, PathRule, Payload, RequestView, STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER, SignatureError, UNSIGNED_PAYLOAD,
};
use shapes::{ApiError, Body, OperationSchema, ServiceSchema, Slot, Struct, View};
use wire::identify::Head;

use crate::authenticate::{Authenticated, Signed, anonymous, authenticate, authenticate_v2, refused_in};
use crate::chunked::Chunked;
use crate::pipeline::{authority, http_response, log_failure, wire_request};
use crate::route::{Hints, Routed};
use crate::upload::{Declared, Rest, Upload};
use crate::{Gateway, Peer};

/// A client that sends nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(20);
/// A body that is no object: lists of keys and configurations (a list of a thousand keys of a kilobyte, twice).
const DOCUMENT_BYTES: usize = 4 * 1024 * 1024;

/// A service with a front, and the way to its operations.
pub(crate) struct Fronted {
    schema: &'static ServiceSchema,
    front: Arc<dyn HttpFront>,
}

/// What is known of a request by the time it is answered.
#[derive(Default)]
struct Progress {
    operation: Option<&'static OperationSchema>,
    ctx: Option<Ctx>,
    rest: Option<Rest>,
}

impl Fronted {
    pub(crate) fn all(cloud: &cloud::Cloud) -> Result<Vec<Self>, ApiError> {
        let fronts = cloud.registry()?.fronts();
        Ok(fronts.map(|(schema, front)| Self { schema, front }).collect())
    }
}

impl Gateway {
    /// The front that a request is for. Costs next to nothing where a signature names another service.
    pub(crate) fn fronted(&self, parts: &Parts, head: &Head<'_>) -> Option<(&Fronted, Claim)> {
        let authorization = head.authorization.map(HeaderValue::as_bytes);
        let signed_for = head.scope();
        for fronted in &self.fronts {
            let scope = match authorization {
                Some(value) if value.starts_with(b"AWS ") => {
                    if self.is_for_another(parts, *head, fronted) {
                        continue;
                    }
                    Some(fronted.schema.signing_name)
                }
                Some(_) if signed_for != Some(fronted.schema.signing_name) => continue,
                Some(_) => signed_for,
                None if self.is_for_another(parts, *head, fronted) => continue,
                None => None,
            };
            if let Some(claim) = fronted.front.claim(parts, authority(parts, head), scope) {
                return Some((fronted, claim));
            }
        }
        None
    }

    /// Whether a request without an `Authorization` header says by other means that it is for another service.
    fn is_for_another(&self, parts: &Parts, head: Head<'_>, fronted: &Fronted) -> bool {
        let view = view_of(parts, &head);
        let presigned = Authentication::of(&view).ok().flatten();
        let no_body = Bytes::new();
        let request = wire_request(parts, head, &no_body);
        let hints = Hints {
            scope: presigned.as_ref().map(|auth| &*auth.service),
            authority: authority(parts, &head),
            request: &request,
        };
        let found = self.routes.find(&hints);
        found.is_some_and(|routed| routed.schema.name != fronted.schema.name)
    }

    /// Answers a request that `fronted` has claimed.
    pub(crate) async fn serve_front(
        &self,
        fronted: &Fronted,
        claim: Claim,
        (parts, body): (Parts, Incoming),
        peer: Peer,
        request_id: &str,
    ) -> Response<Body> {
        let started = Instant::now();
        let mut progress = Progress::default();
        let outcome =
            self.front_outcome(fronted, &claim, &parts, body, peer, request_id, &mut progress).await;
        let operation = progress.operation.map(|operation| operation.name);
        let (mut response, error) = match outcome {
            Ok(response) => (response, None),
            Err(error) => {
                log_failure(fronted.schema.name, operation.unwrap_or_default(), &error, request_id);
                let facts = fronted.front.error_facts(&claim);
                let answer = wire::encode_bare_error(&error, &facts, request_id);
                (http_response(answer).map(Body::from), Some(error))
            }
        };
        // One that waits for our consent has not begun to send.
        if let Some(rest) = progress.rest.filter(|_| !parts.headers.contains_key(EXPECT)) {
            rest.drain().await;
        }
        let exchange = Exchange {
            head: &parts,
            claim: &claim,
            request_id,
            peer: peer.address,
            operation,
            ctx: progress.ctx.as_ref(),
            error: error.as_ref(),
            elapsed: started.elapsed(),
        };
        fronted.front.finish(&exchange, &mut response);
        response
    }

    #[allow(clippy::too_many_arguments, reason = "a request's parts, each used once")]
    async fn front_outcome(
        &self,
        fronted: &Fronted,
        claim: &Claim,
        parts: &Parts,
        body: Incoming,
        peer: Peer,
        request_id: &str,
        progress: &mut Progress,
    ) -> Result<Response<Body>, ApiError> {
        let (upload, rest) = Upload::new(body, PATIENCE);
        progress.rest = Some(rest);
        if fronted.front.is_apart(parts, claim) {
            let length = upload.length();
            let apart = Apart {
                head: parts,
                claim,
                body: Body::stream(length, upload),
                peer: peer.address,
                is_tls: peer.is_tls,
                request_id,
            };
            return fronted.front.serve_apart(apart).await;
        }
        let head = Head::of(&parts.headers);
        let (authenticated, signer) = self.authenticate_front(claim, parts, &head, peer)?;
        let ctx = self.context(authenticated, &head, request_id);
        progress.ctx = Some(ctx.clone());
        let routed = self.routes.named(fronted.schema.name).ok_or_else(not_routed)?;
        let (operation, labels) = find(routed, parts.method.as_str(), claim)?;
        progress.operation = Some(operation);
        let registry = self.cloud.registry()?;
        let handler = registry
            .find(fronted.schema, operation)
            .ok_or_else(|| not_implemented(fronted.schema, operation.name))?;
        let mut input = registry.new_input(handler);
        let body = decoded(upload, &parts.headers, signer)?;
        let streams = stream_of(&mut *input).is_some();
        let (stream, document) =
            if streams { (Some(body), Bytes::new()) } else { (None, whole(body).await?) };
        let request = wire::Request {
            path: &claim.path,
            query: parts.uri.query().unwrap_or_default(),
            ..wire_request(parts, head, &document)
        };
        wire::decode_request(fronted.schema.protocols[0], operation, &request, &labels, &mut *input)?;
        if let (Some(slot), Some(stream)) = (stream_of(&mut *input), stream) {
            *slot = stream;
        }
        let output = registry.call(&ctx, handler, input).await?;
        let answer =
            wire::encode_output(fronted.schema.protocols[0], fronted.schema, operation, &*output, request_id);
        let response = http_response(answer);
        Ok(match outgoing_stream(&*output).filter(|_| parts.method != Method::HEAD) {
            Some(body) => response.map(|_| body),
            None => response.map(Body::from),
        })
    }

    fn authenticate_front(
        &self,
        claim: &Claim,
        parts: &Parts,
        head: &Head<'_>,
        peer: Peer,
    ) -> Result<(Authenticated, Option<ChunkSigner>), ApiError> {
        let view = view_of(parts, head);
        let refuse = |error: SignatureError| refused_in(Dialect::S3, &error);
        if let Some(signature) = SignatureV2::of(&view) {
            return authenticate_v2(&self.cloud, &signature, &view, &claim.path, head, peer)
                .map(|authenticated| (authenticated, None));
        }
        let Some(authentication) = Authentication::of(&view).map_err(refuse)? else {
            return match head.authorization {
                None => Ok((anonymous(&self.cloud, peer), None)),
                Some(_) => {
                    let message = "Unsupported Authorization Type";
                    Err(ApiError::sender("InvalidArgument", message))
                }
            };
        };
        let declared = parts.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok());
        let payload = match (declared, authentication.form) {
            (Some(declared), _) => Payload::Declared(declared),
            (None, Form::Presigned { .. }) => Payload::Declared(declared_in_query(view.query)),
            (None, Form::Header) => {
                let message = "Missing required header for this request: x-amz-content-sha256";
                return Err(ApiError::sender("InvalidRequest", message));
            }
        };
        let signed =
            Signed { authentication: Some(&authentication), view: &view, head, payload, rule: PathRule::S3 };
        let (authenticated, verified) =
            authenticate(&self.cloud, &self.signing_keys, Dialect::S3, &signed, peer)?;
        Ok((authenticated, verified.map(|verified| ChunkSigner::after(&authentication, &verified))))
    }
}

fn view_of<'a>(parts: &'a Parts, head: &Head<'a>) -> RequestView<'a> {
    RequestView {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        authority: Some(authority(parts, head)),
    }
}

/// A presigned URL signs no body, unless it says so.
fn declared_in_query(query: &str) -> &str {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let declared = pairs.find(|(name, _)| name.eq_ignore_ascii_case("x-amz-content-sha256"));
    declared.map_or(UNSIGNED_PAYLOAD, |(_, value)| value)
}

fn find(
    routed: &Routed,
    method: &str,
    claim: &Claim,
) -> Result<(&'static OperationSchema, wire::Labels), ApiError> {
    routed.router.find(method, &claim.path, &claim.query).ok_or_else(|| {
        let message = "The specified method is not allowed against this resource.";
        ApiError::with_status(405, "MethodNotAllowed", message)
    })
}

/// The bytes that a request means, out of the encoding they come in and held to what the signature says of them.
fn decoded(upload: Upload, headers: &HeaderMap, signer: Option<ChunkSigner>) -> Result<Body, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let declared = text("x-amz-content-sha256").unwrap_or_default();
    let is_chunked = text(CONTENT_ENCODING.as_str())
        .is_some_and(|codings| codings.split(',').any(|coding| coding.trim() == "aws-chunked"));
    if declared.starts_with("STREAMING-") || is_chunked {
        let announced = text("x-amz-decoded-content-length").map(str::parse::<u64>).transpose();
        let announced = announced.map_err(|_| {
            ApiError::sender("InvalidArgument", "x-amz-decoded-content-length is not a number of bytes")
        })?;
        let signer = signer.filter(|_| declared == STREAMING_SIGNED || declared == STREAMING_SIGNED_TRAILER);
        return Ok(Body::stream(announced, Chunked::new(upload, signer, announced)));
    }
    let length = upload.length();
    let is_hash = declared.len() == 64 && declared.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(match is_hash {
        true => Body::stream(length, Declared::new(upload, declared)),
        false => Body::stream(length, upload),
    })
}

async fn whole(body: Body) -> Result<Bytes, ApiError> {
    let document = body.collect(DOCUMENT_BYTES).await?;
    document.ok_or_else(|| ApiError::sender("MaxMessageLengthExceeded", "Your request was too big."))
}

/// Where an operation's input takes a body in pieces.
pub(crate) fn stream_of(input: &mut dyn Struct) -> Option<&mut Body> {
    let payload = input.shape().payload?;
    // Asking a slot would make an absent member present; this one is filled in any case.
    if !matches!(input.shape().members[payload].shape.kind, shapes::Kind::Blob) {
        return None;
    }
    match input.member_mut(payload).slot() {
        Slot::Stream(body) => Some(body),
        _ => None,
    }
}

pub(crate) fn outgoing_stream(output: &dyn Struct) -> Option<Body> {
    match output.member(output.shape().payload?).view() {
        View::Stream(body) if body.whole().is_none() => Some(body.clone()),
        _ => None,
    }
}

fn not_routed() -> ApiError {
    ApiError::internal("a service with a front has no routes")
}
