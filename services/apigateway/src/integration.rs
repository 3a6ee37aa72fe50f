//! What stands behind a method: an AWS service, or a function.

use bytes::Bytes;
use cloud::Ctx;
use http::{Request, Response};
use shapes::ApiError;

use crate::errors;
use crate::mapping::MethodRequest;

/// Where an integration's URI leads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// `arn:aws:apigateway:REGION:SERVICE:path/PATH` and `...:action/ACTION`
    Service { service: String, path: String, action: Option<String> },
    /// A function's ARN.
    Function(String),
}

impl Target {
    pub(crate) fn parse(uri: &str) -> Result<Self, ApiError> {
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

/// An integration's answer.
pub(crate) struct Answer {
    pub status: u16,
    pub body: String,
    /// The message of a function's error, which selects the response in place of the status.
    pub error: Option<String>,
}

impl Answer {
    /// The text that selection patterns are about.
    pub(crate) fn selected_by(&self) -> std::borrow::Cow<'_, str> {
        match &self.error {
            Some(error) => error.into(),
            None => self.status.to_string().into(),
        }
    }
}

/// Calls an AWS service with a request that was mapped already.
pub(crate) async fn call_service(
    ctx: &Ctx,
    service: &str,
    request: Request<Bytes>,
) -> Result<Answer, ApiError> {
    let response: Response<Bytes> = ctx.cloud().raw_calls()?.call_raw(ctx, service, request).await;
    Ok(Answer {
        status: response.status().as_u16(),
        body: String::from_utf8_lossy(response.body()).into_owned(),
        error: None,
    })
}

/// Invokes a function and waits for its answer. A function's own error answers 200 with its text, as Lambda does.
pub(crate) async fn invoke(ctx: &Ctx, function: &str, payload: String) -> Result<Answer, ApiError> {
    let input = lambda_api::InvokeInput {
        function_name: function.to_owned(),
        payload: Some(Bytes::from(payload)),
        ..Default::default()
    };
    let output = ctx.call::<lambda_api::op::Invoke>(input).await?;
    let body = String::from_utf8_lossy(&output.payload.unwrap_or_default()).into_owned();
    let message = |body: &str| {
        let json = serde_json::from_str::<serde_json::Value>(body).ok()?;
        json.get("errorMessage")?.as_str().map(str::to_owned)
    };
    let error = output.function_error.map(|_| message(&body).unwrap_or_default());
    Ok(Answer { status: if error.is_some() { 502 } else { 200 }, body, error })
}

/// The event of a proxy integration (Developer Guide, "Input format of a Lambda function for proxy integration").
pub(crate) fn proxy_event(
    request: &MethodRequest,
    deployed: &crate::deployed::Deployed,
    found: &crate::deployed::Found,
) -> String {
    let or_null = |map: &std::collections::BTreeMap<String, String>| {
        if map.is_empty() { serde_json::Value::Null } else { serde_json::json!(map) }
    };
    let several = |map: &std::collections::BTreeMap<String, Vec<String>>| {
        if map.is_empty() { serde_json::Value::Null } else { serde_json::json!(map) }
    };
    serde_json::json!({
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
            "requestTimeEpoch": request.received.millis(),
            "identity": {
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
        },
        "body": if request.body.is_empty() { serde_json::Value::Null } else { serde_json::json!(request.body) },
        "isBase64Encoded": false,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn uris_lead_to_services_and_functions() {
        let service = |path: &str, action: Option<&str>| Target::Service {
            service: "sqs".to_owned(),
            path: path.to_owned(),
            action: action.map(str::to_owned),
        };
        let parse = |uri: &str| Target::parse(uri).ok();
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
    }
}
