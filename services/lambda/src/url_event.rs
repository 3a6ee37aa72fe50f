//! A web request as a function's event, and a function's answer as a web response (AWS Lambda Developer Guide, "Invoking
//! Lambda function URLs", payload format version 2.0).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use shapes::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What an event tells beside the request itself.
pub(crate) struct Circumstances<'a> {
    /// The URL's id and its host.
    pub id: &'a str,
    pub host: &'a str,
    /// What follows the host in the URL.
    pub path: &'a str,
    pub request_id: &'a str,
    pub source_ip: String,
    pub now: Timestamp,
    /// Who signed the request: the account, and what policies see.
    pub signer: Option<(String, Value)>,
}

/// The event of a request.
pub(crate) fn event(head: &Parts, body: &Bytes, about: &Circumstances<'_>) -> Value {
    let query = head.uri.query().unwrap_or_default();
    let mut headers = Map::new();
    let mut cookies: Vec<String> = Vec::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == http::header::COOKIE {
            cookies.extend(value.split("; ").map(str::to_owned));
            continue;
        }
        append(&mut headers, name.as_str(), &value);
    }
    let user_agent = head.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let mut context = json!({
        "accountId": about.signer.as_ref().map_or("anonymous", |(account, _)| account.as_str()),
        "apiId": about.id,
        "domainName": about.host,
        "domainPrefix": about.id,
        "http": {
            "method": head.method.as_str(),
            "path": about.path,
            "protocol": format!("{:?}", head.version),
            "sourceIp": about.source_ip,
            "userAgent": user_agent,
        },
        "requestId": about.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": time_text(about.now),
        "timeEpoch": about.now.millis(),
    });
    if let Some((_, identity)) = &about.signer {
        context["authorizer"] = json!({ "iam": identity });
    }
    let is_text = body.is_empty() || is_text(head);
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": about.path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    let parameters = parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = Value::Object(parameters);
    }
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    match std::str::from_utf8(body) {
        _ if body.is_empty() => {}
        Ok(text) if is_text => event["body"] = json!(text),
        _ => {
            event["body"] = json!(STANDARD.encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

fn append(map: &mut Map<String, Value>, name: &str, value: &str) {
    match map.get_mut(name) {
        Some(Value::String(before)) => {
            before.push(',');
            before.push_str(value);
        }
        _ => {
            map.insert(name.to_owned(), value.into());
        }
    }
}

fn parameters(query: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        append(&mut parameters, &decoded(name), &decoded(value));
    }
    parameters
}

fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let hex = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                bytes = &rest[2..];
            }
            (byte, _) => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a body goes into the event as it is.
fn is_text(head: &Parts) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// `12/Mar/2020:19:03:58 +0000`
fn time_text(time: Timestamp) -> String {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time_of_day());
    let month = MONTHS[(month as usize).saturating_sub(1) % 12];
    format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// The response that a function's answer means. An answer without a status is the body of a good one.
pub(crate) fn response(payload: &Bytes) -> Response<Bytes> {
    let answer: Option<Value> = serde_json::from_slice(payload).ok();
    let Some(Value::Object(answer)) = answer.filter(|answer| answer.get("statusCode").is_some()) else {
        return plain(StatusCode::OK, payload.clone());
    };
    let status = match &answer["statusCode"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) else {
        return failure(StatusCode::BAD_GATEWAY);
    };
    let text = match answer.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let body = if answer.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        match STANDARD.decode(&text) {
            Ok(bytes) => bytes.into(),
            Err(_) => return failure(StatusCode::BAD_GATEWAY),
        }
    } else {
        Bytes::from(text)
    };
    let mut response = plain(status, body);
    let headers = answer.get("headers").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = name.parse::<HeaderName>();
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value))
            && name != http::header::CONTENT_LENGTH
            && name != http::header::TRANSFER_ENCODING
        {
            response.headers_mut().insert(name, value);
        }
    }
    let cookies = answer.get("cookies").and_then(Value::as_array).into_iter().flatten();
    for cookie in cookies.filter_map(Value::as_str) {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(http::header::SET_COOKIE, cookie);
        }
    }
    response
}

fn plain(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What callers get instead of the function's answer.
pub(crate) fn failure(status: StatusCode) -> Response<Bytes> {
    let message = match status {
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "Not Found",
        StatusCode::TOO_MANY_REQUESTS => "Too Many Requests",
        StatusCode::PAYLOAD_TOO_LARGE => "Payload Too Large",
        _ => "Internal Server Error",
    };
    plain(status, json!({ "Message": message }).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::response;

    #[test]
    fn answers_become_responses() {
        let of = |payload: &'static str| response(&payload.into());
        let plain = of(r#""Hello, world!""#);
        assert_eq!((plain.status().as_u16(), &plain.body()[..]), (200, &br#""Hello, world!""#[..]));
        assert_eq!(plain.headers()["content-type"], "application/json");
        let own = of(
            r#"{"statusCode":201,"headers":{"X-A":"b","Content-Type":"text/plain"},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}"#,
        );
        assert_eq!((own.status().as_u16(), &own.body()[..]), (201, &b"hi"[..]));
        assert_eq!(own.headers()["x-a"], "b");
        assert_eq!(own.headers()["content-type"], "text/plain");
        assert_eq!(own.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(of(r#"{"statusCode":99999}"#).status().as_u16(), 502);
    }
}
