//! What a bucket lets pages of other sites do (S3 User Guide, "Using cross-origin resource sharing").

use cloud::{Apart, Claim, Exchange};
use http::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use http::request::Parts;
use s3_api::CORSRule;
use shapes::{ApiError, Body};

use super::bucket_and_key;
use crate::S3;

/// Answers a browser that asks what a page may send.
pub(super) fn preflight(s3: &S3, request: &Apart<'_>) -> Result<Response<Body>, ApiError> {
    let text = |name: HeaderName| request.head.headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(ORIGIN) else {
        let message = "Insufficient information. Origin request header needed.";
        return Err(ApiError::sender("BadRequest", message));
    };
    let Some(method) = text(ACCESS_CONTROL_REQUEST_METHOD) else {
        let message = "Invalid Access-Control-Request-Method: null";
        return Err(ApiError::sender("BadRequest", message));
    };
    let headers: Vec<String> = text(ACCESS_CONTROL_REQUEST_HEADERS)
        .map(|names| names.split(',').map(|name| name.trim().to_ascii_lowercase()).collect())
        .unwrap_or_default();
    let (bucket, _) = bucket_and_key(request.claim);
    let loaded = s3.bucket(&bucket)?;
    let Some(cors) = &loaded.settings.cors else {
        return Err(forbidden("CORSResponse: CORS is not enabled for this bucket."));
    };
    let rule = cors.cors_rules.iter().find(|rule| fits(rule, origin, method, &headers)).ok_or_else(|| {
        forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request \
             method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the \
             resource's CORS spec.",
        )
    })?;
    let mut response = Response::new(Body::default());
    describe(rule, origin, response.headers_mut());
    if !headers.is_empty() {
        set(response.headers_mut(), ACCESS_CONTROL_ALLOW_HEADERS, &headers.join(", "));
    }
    Ok(response)
}

fn forbidden(message: &str) -> ApiError {
    ApiError::with_status(403, "AccessForbidden", message)
}

/// Lets the page that sent a request read the answer, where a rule says so.
pub(super) fn allow(s3: &S3, exchange: &Exchange<'_>, headers: &mut HeaderMap) {
    if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    let Some((rule, origin)) = rule_of(s3, exchange.head, exchange.claim) else { return };
    describe(&rule, &origin, headers);
}

fn rule_of(s3: &S3, head: &Parts, claim: &Claim) -> Option<(CORSRule, String)> {
    let origin = head.headers.get(ORIGIN)?.to_str().ok()?;
    let (bucket, _) = bucket_and_key(claim);
    let loaded = s3.find_bucket(&bucket).ok()??;
    let rules = &loaded.settings.cors.as_ref()?.cors_rules;
    let rule = rules.iter().find(|rule| fits(rule, origin, head.method.as_str(), &[]))?;
    Some((rule.clone(), origin.to_owned()))
}

fn fits(rule: &CORSRule, origin: &str, method: &str, headers: &[String]) -> bool {
    let allowed = |name: &String| {
        rule.allowed_headers.iter().flatten().any(|pattern| matches(&pattern.to_ascii_lowercase(), name))
    };
    rule.allowed_origins.iter().any(|pattern| matches(pattern, origin))
        && rule.allowed_methods.iter().any(|allowed| allowed == method)
        && headers.iter().all(allowed)
}

/// A pattern has one star at most.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn describe(rule: &CORSRule, origin: &str, headers: &mut HeaderMap) {
    let is_anybody = rule.allowed_origins.iter().any(|allowed| allowed == "*");
    set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, if is_anybody { "*" } else { origin });
    if !is_anybody {
        set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
    if let Some(exposed) = rule.expose_headers.as_ref().filter(|exposed| !exposed.is_empty()) {
        set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &exposed.join(", "));
    }
    if let Some(seconds) = rule.max_age_seconds {
        set(headers, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    set(headers, VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, fits) in [
            ("*", "https://a.example", true),
            ("https://*.example", "https://a.example", true),
            ("https://*.example", "https://.example.org", false),
            ("https://a.example", "https://a.example", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
