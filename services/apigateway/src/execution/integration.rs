//! What stands behind a method: other services, functions, and endpoints outside.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use cloud::Ctx;
use http::{HeaderMap, Request, Response};
use outbound::{Bounds, OutboundError};
use serde_json::{Value, json};
use shapes::ApiError;

use super::deployed::{Deployed, Found};
use super::invocation::Admitted;
use super::request::MethodRequest;
use super::signature::Signer;
use crate::errors;

/// Developer Guide, "Amazon API Gateway quotas": payload size.
pub(crate) const MOST_BYTES: usize = 10 << 20;

/// Where an integration leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// ARN of a function.
    Function(String),
    Service {
        service: String,
        path: String,
        action: Option<String>,
    },
    /// A URL outside, which may name variables of the stage.
    Url(String),
}

impl Target {
    /// Reads the URI of an integration of a kind that calls something.
    pub(crate) fn parse(kind: &str, uri: &str) -> Result<Self, ApiError> {
        if matches!(kind, "HTTP" | "HTTP_PROXY") {
            let has_scheme =
                ["http://", "https://", "${stageVariables."].iter().any(|start| uri.starts_with(start));
            return match has_scheme {
                true => Ok(Self::Url(uri.to_owned())),
                false => Err(errors::bad_request("Invalid HTTP endpoint specified for URI")),
            };
        }
        let invalid = || errors::bad_request("Invalid ARN specified in the request");
        let rest = uri.strip_prefix("arn:aws:apigateway:").ok_or_else(invalid)?;
        let mut parts = rest.splitn(3, ':');
        let (_region, service, what) = match (parts.next(), parts.next(), parts.next()) {
            (Some(region), Some(service), Some(what)) => (region, service, what),
            _ => return Err(invalid()),
        };
        if let Some(function) =
            what.strip_prefix("path/2015-03-31/functions/").filter(|_| service == "lambda")
        {
            let arn = function.strip_suffix("/invocations").ok_or_else(invalid)?;
            return Ok(Self::Function(arn.to_owned()));
        }
        let (path, action) = match (what.strip_prefix("path/"), what.strip_prefix("action/")) {
            (Some(path), _) => (format!("/{path}"), None),
            (None, Some(action)) => ("/".to_owned(), Some(action.to_owned())),
            _ => return Err(invalid()),
        };
        Ok(Self::Service { service: service.to_owned(), path, action })
    }
}

/// Puts the stage's variables in the place of `${stageVariables.NAME}`.
pub(crate) fn expand<'a>(text: &'a str, variables: &BTreeMap<String, String>) -> Cow<'a, str> {
    const MARK: &str = "${stageVariables.";
    if !text.contains(MARK) {
        return text.into();
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        expanded.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            expanded.push_str(MARK);
            rest = after;
            continue;
        };
        expanded.push_str(variables.get(name).map_or("", String::as_str));
        rest = after;
    }
    expanded.push_str(rest);
    expanded.into()
}

/// Why an integration gave no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Timeout,
    /// The endpoint could not be reached, or broke off.
    Network(String),
    Refused(ApiError),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// An integration's answer.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The message of a function's error, which selects the response in place of the status.
    pub error: Option<String>,
}

impl Answer {
    pub(crate) fn bare(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new(), error: None }
    }

    /// The text that selection patterns are about.
    pub(crate) fn selected_by(&self) -> Cow<'_, str> {
        match &self.error {
            Some(error) => error.into(),
            None => self.status.to_string().into(),
        }
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn of(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status.as_u16(), headers: head.headers, body, error: None }
    }
}

/// Waits for an answer as long as the integration allows.
pub(crate) async fn within(
    time: Duration,
    answer: impl Future<Output = Result<Answer, Failure>>,
) -> Result<Answer, Failure> {
    tokio::time::timeout(time, answer).await.unwrap_or(Err(Failure::Timeout))
}

/// Calls an AWS service with a request that was mapped already.
pub(crate) async fn call_service(
    ctx: &Ctx,
    service: &str,
    request: Request<Bytes>,
) -> Result<Answer, Failure> {
    Ok(Answer::of(ctx.cloud().raw_calls()?.call_raw(ctx, service, request).await))
}

/// Calls an endpoint outside.
pub(crate) async fn call_url(request: Request<Bytes>, time: Duration) -> Result<Answer, Failure> {
    let bounds = Bounds { time, answer_bytes: MOST_BYTES };
    match outbound::send(request, bounds).await {
        Ok(response) => Ok(Answer::of(response)),
        Err(OutboundError::Timeout { .. }) => Err(Failure::Timeout),
        Err(error) => Err(Failure::Network(error.to_string())),
    }
}

/// Invokes a function and waits for its answer. A function's own error answers 200 with its text, as Lambda does.
pub(crate) async fn invoke(ctx: &Ctx, function: &str, payload: Bytes) -> Result<Answer, Failure> {
    let input = lambda_api::InvokeInput {
        function_name: function.to_owned(),
        payload: Some(payload),
        ..Default::default()
    };
    let output = ctx.call::<lambda_api::op::Invoke>(input).await?;
    let body = output.payload.unwrap_or_default();
    let message = |body: &[u8]| {
        let json = serde_json::from_slice::<Value>(body).ok()?;
        json.get("errorMessage")?.as_str().map(str::to_owned)
    };
    let error = output.function_error.map(|_| message(&body).unwrap_or_default());
    Ok(Answer { status: if error.is_some() { 502 } else { 200 }, headers: HeaderMap::new(), body, error })
}

/// The event of a proxy integration (Developer Guide, "Input format of a Lambda function for proxy integration").
pub(crate) fn proxy_event(
    request: &MethodRequest,
    deployed: &Deployed,
    found: &Found,
    admitted: &Admitted,
) -> Bytes {
    let (body, is_binary) = match std::str::from_utf8(&request.body) {
        Ok("") => (Value::Null, false),
        Ok(text) if !deployed.is_binary(request.media_type()) => (json!(text), false),
        _ => (json!(vtl::text_escape::base64_encode(&request.body)), true),
    };
    let or_null = |map: &BTreeMap<String, String>| {
        if map.is_empty() { Value::Null } else { json!(map) }
    };
    let several = |map: &BTreeMap<String, Vec<String>>| {
        if map.is_empty() { Value::Null } else { json!(map) }
    };
    let mut event = json!({
        "resource": found.resource_path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": or_null(&request.headers),
        "multiValueHeaders": several(&request.header_values),
        "queryStringParameters": or_null(&request.query),
        "multiValueQueryStringParameters": several(&request.query_values),
        "pathParameters": or_null(&found.path_parameters),
        "stageVariables": or_null(&deployed.variables),
        "requestContext": {
            "accountId": deployed.account.to_string(),
            "apiId": deployed.api,
            "stage": deployed.stage,
            "resourceId": found.resource_id,
            "resourcePath": found.resource_path,
            "httpMethod": request.method,
            "path": format!("/{}{}", deployed.stage, request.path),
            "protocol": "HTTP/1.1",
            "requestId": request.request_id,
            "extendedRequestId": request.request_id,
            "requestTimeEpoch": request.received.millis(),
            "identity": {
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "user": null,
                "userArn": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
            },
        },
        "body": body,
        "isBase64Encoded": is_binary,
    });
    if let Some(verdict) = &admitted.verdict {
        event["requestContext"]["authorizer"] = verdict.to_json();
    }
    for (name, value) in admitted.signer.iter().flat_map(Signer::identity) {
        event["requestContext"]["identity"][name] = value.into();
    }
    event.to_string().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Target, expand};

    #[test]
    fn uris_lead_to_services_and_functions() {
        let service = |path: &str, action: Option<&str>| Target::Service {
            service: "sqs".to_owned(),
            path: path.to_owned(),
            action: action.map(str::to_owned),
        };
        let parse = |uri: &str| Target::parse("AWS", uri).ok();
        let path = parse("arn:aws:apigateway:us-east-1:sqs:path/000000000000/orders");
        assert_eq!(path, Some(service("/000000000000/orders", None)));
        assert_eq!(
            parse("arn:aws:apigateway:us-east-1:sqs:action/ListQueues"),
            Some(service("/", Some("ListQueues")))
        );
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        let uri = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations");
        assert_eq!(parse(&uri), Some(Target::Function(arn.to_owned())));
        assert_eq!(parse("http://example.com"), None);
        assert_eq!(
            Target::parse("HTTP", "http://example.com/{id}").ok(),
            Some(Target::Url("http://example.com/{id}".to_owned()))
        );
        assert!(Target::parse("HTTP_PROXY", "ftp://example.com").is_err());
    }

    #[test]
    fn variables_of_the_stage_stand_in_uris() {
        let variables = BTreeMap::from([("host".to_owned(), "example.com".to_owned())]);
        assert_eq!(
            expand("https://${stageVariables.host}/${stageVariables.none}a", &variables),
            "https://example.com/a"
        );
        assert_eq!(expand("https://${stageVariables.host", &variables), "https://${stageVariables.host");
    }
}
