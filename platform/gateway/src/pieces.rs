//! Uploads to services whose HTTP is no more than their model: the body goes to the handler as it comes.

use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderMap, Response};
use hyper::body::Incoming;
use identity::sigv4::Payload;
use shapes::Body;
use wire::identify::Head;

use crate::front::stream_of;
use crate::pipeline::{response_of, wire_request};
use crate::upload::{Declared, Upload};
use crate::{Gateway, Peer};

/// A client that sends nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

impl Gateway {
    /// Whether a request's body goes to its handler in pieces. Its signature must cover a hash that is declared, for the
    /// signature is checked before the body comes.
    pub(crate) fn takes_pieces(&self, parts: &Parts, head: &Head<'_>) -> bool {
        let Some(scope) = head.scope() else { return false };
        if !self.in_pieces.contains(&scope) || declared_hash(&parts.headers).is_none() {
            return false;
        }
        let (Some(routed), Ok(registry)) = (self.routes.named(scope), self.cloud.registry()) else {
            return false;
        };
        let query = parts.uri.query().unwrap_or_default();
        let found = routed.router.find(parts.method.as_str(), parts.uri.path(), query);
        let handler = found.and_then(|(operation, _)| registry.find(routed.schema, operation));
        handler.is_some_and(|handler| stream_of(&mut *registry.new_input(handler)).is_some())
    }

    pub(crate) async fn answer_upload(
        &self,
        parts: &Parts,
        body: Incoming,
        peer: Peer,
        request_id: &str,
    ) -> Response<Body> {
        let (upload, rest) = Upload::new(body, PATIENCE);
        let mut upload = Some(upload);
        let declared = declared_hash(&parts.headers).unwrap_or_default();
        let nothing = Bytes::new();
        let request = wire_request(parts, Head::of(&parts.headers), &nothing);
        let response = match self.admit(parts, &request, Payload::Declared(declared), peer, request_id) {
            Ok((ctx, target)) => {
                let mut call = self.decode(target, &request);
                if let Ok((_, input)) = &mut call.input
                    && let (Some(slot), Some(upload)) = (stream_of(&mut **input), upload.take())
                {
                    *slot = Body::stream(upload.length(), Declared::new(upload, declared));
                }
                response_of(self.perform(&ctx, call).await)
            }
            Err(refusal) => refusal.map(Body::from),
        };
        drop(upload);
        // One that waits for our consent has not begun to send.
        if !parts.headers.contains_key(EXPECT) {
            rest.drain().await;
        }
        response
    }
}

/// The hash of the body that the signature covers, in hex.
fn declared_hash(headers: &HeaderMap) -> Option<&str> {
    let declared = headers.get("x-amz-content-sha256")?.to_str().ok()?.trim();
    let is_hash = declared.len() == 64 && declared.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(declared)
}
