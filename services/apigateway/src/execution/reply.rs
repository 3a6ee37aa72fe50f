//! What the client gets.

use bytes::Bytes;
use cloud::TraceContext;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;

use super::integration::Answer;
use super::{JSON, TRACE_ID};

pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Headers that are a connection's own, and those that are made anew.
const NOT_PASSED: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "host",
];

/// Whether a header is the other side's and not a connection's.
pub(super) fn is_passed(name: &str) -> bool {
    !NOT_PASSED.iter().any(|other| other.eq_ignore_ascii_case(name))
}

impl Reply {
    pub(crate) fn message(status: u16, message: &str) -> Self {
        let body = serde_json::json!({ "message": message }).to_string().into();
        Self { status, headers: vec![("content-type".to_owned(), JSON.to_owned())], body }
    }

    /// An endpoint's answer as it is.
    pub(crate) fn passed_on(answer: Answer) -> Self {
        let headers = answer.headers.iter().filter(|(name, _)| is_passed(name.as_str()));
        let headers =
            headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        Self { status: answer.status, headers: headers.collect(), body: answer.body }
    }

    /// The answer of a proxied function (Developer Guide, "Output format of a Lambda function for proxy integration").
    pub(crate) fn of_proxy(answer: &Answer) -> Self {
        let malformed = || Self::message(502, "Internal server error");
        if answer.status != 200 {
            return malformed();
        }
        let Ok(json) = serde_json::from_slice::<Value>(&answer.body) else { return malformed() };
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
        let is_binary = json.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
        let body = match is_binary {
            false => Bytes::from(body),
            true => match vtl::text_escape::base64_decode(&body) {
                Ok(bytes) => bytes.into(),
                Err(_) => return malformed(),
            },
        };
        Self { status, headers, body }
    }

    pub(super) fn into_response(self, trace: &TraceContext) -> Response<Bytes> {
        let mut response = Response::new(self.body);
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
