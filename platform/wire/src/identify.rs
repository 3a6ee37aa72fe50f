//! Which protocol a request is in, and which operation an RPC request names.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use shapes::{OperationSchema, Protocol, ServiceSchema};

use crate::{Request, percent};

/// The headers that every request is asked for, found in one pass over them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// The whole `X-Amz-Target`.
    pub target: Option<&'a str>,
    pub content_type: &'a str,
    pub authorization: Option<&'a HeaderValue>,
    pub host: &'a str,
    pub origin: Option<&'a HeaderValue>,
    pub trace: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    /// `Sec-Fetch-Site`: what a browser says of the page that asks.
    pub fetch_site: Option<&'a HeaderValue>,
    accept: Option<&'a HeaderValue>,
    smithy_protocol: Option<&'a HeaderValue>,
}

impl<'a> Head<'a> {
    /// Of a header that stands there several times, the first counts.
    pub fn of(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        let text = |value: &'a HeaderValue| value.to_str().ok();
        for (name, value) in headers {
            match name.as_str() {
                "host" if head.host.is_empty() => head.host = text(value).unwrap_or_default(),
                "accept" => _ = head.accept.get_or_insert(value),
                "origin" => _ = head.origin.get_or_insert(value),
                "user-agent" => head.user_agent = head.user_agent.or_else(|| text(value)),
                "content-type" if head.content_type.is_empty() => {
                    head.content_type = text(value).unwrap_or_default();
                }
                "x-amz-target" => head.target = head.target.or_else(|| text(value)),
                "authorization" => _ = head.authorization.get_or_insert(value),
                "sec-fetch-site" => _ = head.fetch_site.get_or_insert(value),
                "x-amzn-trace-id" => head.trace = head.trace.or_else(|| text(value)),
                "smithy-protocol" => _ = head.smithy_protocol.get_or_insert(value),
                _ => {}
            }
        }
        head
    }

    /// The service part of the target: `DynamoDB_20120810`.
    pub fn target_prefix(&self) -> Option<&'a str> {
        self.target?.rsplit_once('.').map(|(prefix, _)| prefix)
    }

    /// The service that a signature of version 4 in the `Authorization` header is made for, as it says of itself.
    pub fn scope(&self) -> Option<&'a str> {
        let value = self.authorization?.to_str().ok()?;
        // As every client writes it, or in another order.
        let credential = value.strip_prefix("AWS4-HMAC-SHA256 Credential=");
        let credential = credential.or_else(|| Some(value.split_once("Credential=")?.1))?;
        let mut slashes = credential.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
        // An asymmetric signature's scope names no region.
        let (before, _) = slashes.nth(if value.starts_with("AWS4-ECDSA-") { 1 } else { 2 })?;
        let (after, _) = slashes.next()?;
        credential.get(before + 1..after)
    }

    /// Whether the client reads JSON, as far as that shows when not even the service is known.
    pub fn is_json(&self) -> bool {
        self.target.is_some()
            || self.content_type.starts_with("application/json")
            || self.content_type.starts_with("application/x-amz-json")
    }

    /// Whether a client of awsQuery wants its answer in JSON, as API Gateway does.
    pub fn accepts_json(&self) -> bool {
        self.accept.is_some_and(|accepted| accepted == "application/json")
    }

    fn media_type(&self) -> &'a str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }
}

/// The protocol that a request shows by itself. `None` is REST, or nothing that AWS has.
///
/// A form may be of either query protocol; it is taken for awsQuery. See [`protocol_of`].
pub fn protocol(request: &Request<'_>) -> Option<Protocol> {
    if request.head.smithy_protocol.is_some_and(|protocol| protocol == "rpc-v2-cbor") {
        return Some(Protocol::RpcV2Cbor);
    }
    let content_type = request.head.media_type();
    if request.head.target.is_some() {
        let is_old = content_type.eq_ignore_ascii_case("application/x-amz-json-1.0");
        return Some(if is_old { Protocol::AwsJson10 } else { Protocol::AwsJson11 });
    }
    let is_form = content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if (is_form && request.method == "POST") || has_parameter(request.query, "Action") {
        return Some(Protocol::AwsQuery);
    }
    None
}

/// The protocol of a request to `service`: what it shows, as far as the service speaks that.
pub fn protocol_of(service: &ServiceSchema, request: &Request<'_>) -> Option<Protocol> {
    let has = |protocol| service.protocols.contains(&protocol);
    let first = |any_of: &[Protocol]| any_of.iter().copied().find(|protocol| has(*protocol));
    // A form sent to a REST service is a body like any other.
    let rest = first(&[Protocol::RestJson, Protocol::RestXml]);
    match protocol(request) {
        Some(Protocol::AwsJson10 | Protocol::AwsJson11) => {
            first(&[Protocol::AwsJson10, Protocol::AwsJson11]).or(rest)
        }
        Some(Protocol::AwsQuery) => first(&[Protocol::AwsQuery, Protocol::Ec2Query]).or(rest),
        Some(other) => Some(other).filter(|protocol| has(*protocol)),
        None => rest,
    }
}

/// The operation's name in an RPC request; it may be one that the service does not have.
pub fn operation_name<'a>(protocol: Protocol, request: &Request<'a>) -> Option<Cow<'a, str>> {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let target = request.head.target?;
            Some(Cow::Borrowed(target.rsplit_once('.').map_or(target, |(_, name)| name)))
        }
        Protocol::AwsQuery | Protocol::Ec2Query => {
            let body = std::str::from_utf8(request.body).unwrap_or_default();
            parameter(body, "Action").or_else(|| parameter(request.query, "Action"))
        }
        Protocol::RpcV2Cbor => {
            let (_, name) = request.path.rsplit_once("/operation/")?;
            Some(Cow::Borrowed(name))
        }
        Protocol::RestJson | Protocol::RestXml => None,
    }
}

/// The operation of an RPC request, whether it has a handler or not.
pub fn operation(
    protocol: Protocol,
    service: &'static ServiceSchema,
    request: &Request<'_>,
) -> Option<&'static OperationSchema> {
    service.operation(&operation_name(protocol, request)?)
}

/// The `Version` parameter of a query request, which tells services apart that share actions' names.
pub fn query_version<'a>(request: &Request<'a>) -> Option<Cow<'a, str>> {
    let body = std::str::from_utf8(request.body).unwrap_or_default();
    parameter(body, "Version").or_else(|| parameter(request.query, "Version"))
}

fn has_parameter(pairs: &str, name: &str) -> bool {
    percent::raw_pairs(pairs).any(|(other, _)| other == name)
}

fn parameter<'a>(pairs: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = percent::raw_pairs(pairs).find(|(other, _)| *other == name)?;
    percent::decode(value.trim_end(), true)
}
