//! Which protocol a request is in, and which operation an RPC request names.

use std::borrow::Cow;

use shapes::{OperationSchema, Protocol, ServiceSchema};

use crate::{Request, percent};

/// The protocol that a request shows by itself. `None` is REST, or nothing that AWS has.
///
/// A form may be of either query protocol; it is taken for awsQuery. See [`protocol_of`].
pub fn protocol(request: &Request<'_>) -> Option<Protocol> {
    if request.header("smithy-protocol") == Some("rpc-v2-cbor") {
        return Some(Protocol::RpcV2Cbor);
    }
    let content_type = media_type(request);
    if request.headers.contains_key("x-amz-target") {
        let is_old = content_type.eq_ignore_ascii_case("application/x-amz-json-1.0");
        return Some(if is_old { Protocol::AwsJson10 } else { Protocol::AwsJson11 });
    }
    let is_form = content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if (is_form && request.method == "POST") || has_parameter(request.query, "Action") {
        return Some(Protocol::AwsQuery);
    }
    None
}

/// Whether the client reads JSON, as far as that shows when not even the service is known.
pub fn is_json(headers: &http::HeaderMap) -> bool {
    let content_type = headers.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let content_type = content_type.unwrap_or_default();
    headers.contains_key("x-amz-target")
        || content_type.starts_with(b"application/json")
        || content_type.starts_with(b"application/x-amz-json")
}

/// Whether a client of awsQuery wants its answer in JSON, as API Gateway does.
pub fn accepts_json(headers: &http::HeaderMap) -> bool {
    headers.get(http::header::ACCEPT).is_some_and(|accepted| accepted == "application/json")
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
            let target = request.headers.get("x-amz-target")?.to_str().ok()?;
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

/// The service part of an `X-Amz-Target`: `DynamoDB_20120810`.
pub fn target_prefix<'a>(request: &Request<'a>) -> Option<&'a str> {
    let target = request.headers.get("x-amz-target")?.to_str().ok()?;
    target.rsplit_once('.').map(|(prefix, _)| prefix)
}

/// The `Version` parameter of a query request, which tells services apart that share actions' names.
pub fn query_version<'a>(request: &Request<'a>) -> Option<Cow<'a, str>> {
    let body = std::str::from_utf8(request.body).unwrap_or_default();
    parameter(body, "Version").or_else(|| parameter(request.query, "Version"))
}

fn media_type<'a>(request: &Request<'a>) -> &'a str {
    let value = request.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn has_parameter(pairs: &str, name: &str) -> bool {
    percent::raw_pairs(pairs).any(|(other, _)| other == name)
}

fn parameter<'a>(pairs: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = percent::raw_pairs(pairs).find(|(other, _)| *other == name)?;
    percent::decode(value.trim_end(), true)
}
