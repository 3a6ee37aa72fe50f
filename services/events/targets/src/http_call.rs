//! Targets behind HTTP: API destinations, and APIs of API Gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use cloud::{BoxFuture, Ctx};
use http::{Request, StatusCode};
use outbound::{Bounds, OutboundError};
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::{Failure, Origin, Target, code};

/// How long an endpoint may take (EventBridge User Guide, "API destinations").
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), answer_bytes: 1 << 20 };
/// How long an API of API Gateway may take (API Gateway Developer Guide, quotas: 29 seconds).
const REST_API_BOUNDS: Bounds = Bounds { time: Duration::from_secs(30), answer_bytes: 10 << 20 };

/// What a target adds to a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpParameters {
    /// In the place of the `*` of the endpoint's path.
    pub path_values: Vec<String>,
    pub headers: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
}

/// Knows the endpoints behind API destinations and what they want to be authorised with. Implemented by EventBridge.
pub trait ApiDestinations: Send + Sync {
    /// When a call may be made that is wanted now: the rate of a destination is limited. Reserves that time.
    fn reserve(&self, ctx: &Ctx, destination_arn: &str) -> Timestamp;

    /// Calls the destination of the target; its answer's body.
    fn call<'a>(
        &'a self,
        ctx: &'a Ctx,
        origin: &'a Origin,
        target: &'a Target,
        payload: &'a str,
    ) -> BoxFuture<'a, Result<Bytes, Failure>>;
}

/// Sends a request of an API destination, and tells what its answer means: 2xx is taken, 429, 401, 407, 409 and 5xx may
/// help to be tried again, and everything else does not (EventBridge User Guide, "API destination retry").
pub async fn send(request: Request<Bytes>) -> Result<Bytes, Failure> {
    judge(outbound::send(request, BOUNDS).await)
}

fn judge(answer: Result<http::Response<Bytes>, OutboundError>) -> Result<Bytes, Failure> {
    let answer = answer.map_err(|error| {
        let message = error.to_string();
        match error {
            OutboundError::Url(_) => Failure::permanent(code::INVALID_PARAMETER, message),
            OutboundError::Timeout { .. } => Failure::passing(code::TIMEOUT, message),
            _ => Failure::passing(code::CONNECTION_FAILURE, message),
        }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.into_body());
    }
    let message = format!("HTTP status code of target was {}.", status.as_u16());
    let is_retryable = status.is_server_error() || matches!(status.as_u16(), 401 | 407 | 409 | 429);
    let failure = match status {
        StatusCode::TOO_MANY_REQUESTS => Failure::passing(code::THROTTLING, message),
        StatusCode::NOT_FOUND => Failure::permanent(code::NO_RESOURCE, message),
        _ if is_retryable => Failure::passing(code::ERROR_FROM_TARGET, message),
        _ => Failure::permanent(code::ERROR_FROM_TARGET, message),
    };
    Err(failure)
}

/// `url` with values in the place of its stars, in their order.
pub fn with_path_values(url: &str, values: &[String]) -> String {
    let mut values = values.iter();
    let mut out = String::with_capacity(url.len());
    for char in url.chars() {
        match (char, char == '*') {
            (_, true) => match values.next() {
                Some(value) => out.push_str(&percent_encoded(value)),
                None => out.push('*'),
            },
            (char, false) => out.push(char),
        }
    }
    out
}

/// `url` with a query behind the one it has.
pub(crate) fn with_query<'q>(
    mut url: String,
    query: impl Iterator<Item = (&'q String, &'q String)>,
) -> String {
    for (name, value) in query {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&percent_encoded(name));
        url.push('=');
        url.push_str(&percent_encoded(value));
    }
    url
}

/// RFC 3986: everything but unreserved characters.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
    out
}

/// Calls `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH` at the region's own door.
pub(crate) async fn call_rest_api(ctx: &Ctx, target: &Target, payload: &str) -> Result<Bytes, Failure> {
    let invalid = || {
        let message =
            format!("{} is not like arn:aws:execute-api:region:account:api/stage/POST/path", target.arn);
        Failure::permanent(code::INVALID_PARAMETER, message)
    };
    let parts = identity::arn::split(&target.arn).ok_or_else(invalid)?;
    let mut resource = parts.resource.splitn(4, '/');
    let (Some(api), Some(stage), Some(method)) = (resource.next(), resource.next(), resource.next()) else {
        return Err(invalid());
    };
    let path = with_path_values(resource.next().unwrap_or_default(), &target.http.path_values);
    let method = if method == "*" { "POST" } else { method };
    let url = format!("{}/restapis/{api}/{stage}/_user_request_/{path}", ctx.cloud().settings().endpoint);
    let url = with_query(url, target.http.query.iter());
    let request = request(method, &url, &target.http.headers, payload)?;
    judge(outbound::send(request, REST_API_BOUNDS).await)
}

/// A request with a JSON body, unless its method has none.
pub fn request(
    method: &str,
    url: &str,
    headers: &BTreeMap<String, String>,
    payload: &str,
) -> Result<Request<Bytes>, Failure> {
    let mut builder = Request::builder().method(method).uri(url);
    if !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
        builder = builder.header("content-type", "application/json; charset=utf-8");
    }
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let body = if matches!(method, "GET" | "HEAD") { String::new() } else { payload.to_owned() };
    builder
        .body(Bytes::from(body))
        .map_err(|error| Failure::permanent(code::INVALID_PARAMETER, format!("{url}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::{with_path_values, with_query};

    #[test]
    fn stars_and_queries_are_filled_in() {
        let values = ["a b".to_owned(), "c".to_owned()];
        assert_eq!(with_path_values("https://x/*/y/*", &values), "https://x/a%20b/y/c");
        let query = [("q".to_owned(), "1&2".to_owned())];
        let url = with_query("https://x/?a=b".to_owned(), query.iter().map(|(name, value)| (name, value)));
        assert_eq!(url, "https://x/?a=b&q=1%262");
    }
}
