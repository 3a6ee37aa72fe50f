//! Temporary credentials of a function's role, as the program in an environment gets them.

use bytes::Bytes;
use cloud::Ctx;
use http::Request;
use shapes::{ApiError, Timestamp};
use std::time::Duration;

use crate::PRINCIPAL;

/// How long an environment's credentials are good for.
const DURATION: Duration = Duration::from_secs(3600);

/// Keys of a role's session.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expires: Timestamp,
}

/// Assumes the role for the function. `None` in a region without STS, where no key could be verified either.
///
/// STS is asked over its wire protocol, as a program would ask it, because its answer is all that is wanted.
pub(crate) async fn assume(
    ctx: &Ctx,
    function_arn: &str,
    function: &str,
    role: &str,
) -> Result<Option<Credentials>, ApiError> {
    let cloud = ctx.cloud();
    if !cloud.registry()?.services().any(|service| service.name == "sts") {
        return Ok(None);
    }
    let body = format!(
        "Action=AssumeRole&Version=2011-06-15&DurationSeconds={}&RoleArn={}&RoleSessionName={}",
        DURATION.as_secs(),
        escaped(role),
        escaped(function)
    );
    let request = Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .map_err(ApiError::internal)?;
    let as_lambda = ctx.as_service(PRINCIPAL, function_arn);
    let response = cloud.raw_calls()?.call_raw(&as_lambda, "sts", request).await;
    let text = String::from_utf8_lossy(response.body()).into_owned();
    let part = |name: &str| element(&text, name);
    match (part("AccessKeyId"), part("SecretAccessKey"), part("SessionToken")) {
        (Some(access_key_id), Some(secret_access_key), Some(session_token))
            if response.status().is_success() =>
        {
            let expires = ctx.now() + DURATION;
            Ok(Some(Credentials { access_key_id, secret_access_key, session_token, expires }))
        }
        _ => {
            let why = part("Message").unwrap_or(text);
            let message =
                format!("The role defined for the function cannot be assumed by Lambda. ({role}: {why})");
            Err(ApiError::with_status(403, "AccessDeniedException", message))
        }
    }
}

pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn element(text: &str, name: &str) -> Option<String> {
    let start = text.find(&format!("<{name}>"))? + name.len() + 2;
    let length = text[start..].find(&format!("</{name}>"))?;
    let raw = &text[start..start + length];
    Some(raw.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}
