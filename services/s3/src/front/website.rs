//! Buckets as web sites: index and error documents, and redirects (S3 User Guide, "Hosting a static website").

use cloud::Apart;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};
use s3_api::op::GetObject;
use s3_api::{GetObjectInput, GetObjectOutput, Redirect, RoutingRule, WebsiteConfiguration};
use shapes::{ApiError, Body, Struct, View};

use super::{anonymous, bucket_and_key};
use crate::S3;
use crate::errors;

/// Answers a request to a bucket's site. Errors are pages, too.
pub(super) async fn serve(s3: &S3, request: &Apart<'_>) -> Result<Response<Body>, ApiError> {
    let (bucket, key) = bucket_and_key(request.claim);
    let site = Site { s3, request, bucket };
    let outcome = site.answer(&key).await;
    outcome.or_else(|error| Ok(page(&error)))
}

struct Site<'a> {
    s3: &'a S3,
    request: &'a Apart<'a>,
    bucket: String,
}

impl Site<'_> {
    async fn answer(&self, key: &str) -> Result<Response<Body>, ApiError> {
        if !matches!(self.request.head.method, Method::GET | Method::HEAD) {
            return Err(errors::method_not_allowed());
        }
        let loaded = self.s3.bucket(&self.bucket)?;
        let configuration = loaded.settings.website.as_ref().ok_or_else(|| {
            errors::no_such_configuration(
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
                &self.bucket,
            )
        })?;
        if let Some(all) = &configuration.redirect_all_requests_to {
            let scheme =
                all.protocol.as_deref().unwrap_or(if self.request.is_tls { "https" } else { "http" });
            let path = self.request.head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            return Ok(moved(301, &format!("{scheme}://{}{path}", all.host_name)));
        }
        if let Some(rule) = rule_for(configuration, key, None) {
            return Ok(self.redirected(rule, key));
        }
        let index = configuration.index_document.as_ref().map_or("index.html", |index| index.suffix.as_str());
        let document =
            if key.is_empty() || key.ends_with('/') { format!("{key}{index}") } else { key.to_owned() };
        match self.get(&document).await {
            Ok(object) => Ok(answered(object, 200, self.request)),
            Err(error) => self.failed(configuration, key, index, error).await,
        }
    }

    async fn get(&self, key: &str) -> Result<GetObjectOutput, ApiError> {
        let headers = &self.request.head.headers;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let input = GetObjectInput {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            if_none_match: text("if-none-match"),
            range: text("range"),
            ..Default::default()
        };
        anonymous(self.s3, self.request).call::<GetObject>(input).await
    }

    async fn failed(
        &self,
        configuration: &WebsiteConfiguration,
        key: &str,
        index: &str,
        error: ApiError,
    ) -> Result<Response<Body>, ApiError> {
        if error.status() < 400 {
            return Err(error);
        }
        // A folder without its slash.
        let folder = format!("{key}/{index}");
        if matches!(error.status(), 403 | 404)
            && !key.is_empty()
            && !key.ends_with('/')
            && self.get(&folder).await.is_ok()
        {
            return Ok(moved(302, &format!("/{}/", crate::key::url_encode(key, true))));
        }
        if let Some(rule) = rule_for(configuration, key, Some(error.status())) {
            return Ok(self.redirected(rule, key));
        }
        if let Some(document) = &configuration.error_document
            && let Ok(object) = self.get(&document.key).await
        {
            return Ok(answered(object, error.status(), self.request));
        }
        Err(error)
    }

    fn redirected(&self, rule: &RoutingRule, key: &str) -> Response<Body> {
        let Redirect { host_name, http_redirect_code, protocol, replace_key_prefix_with, replace_key_with } =
            &rule.redirect;
        let matched = rule.condition.as_ref().and_then(|condition| condition.key_prefix_equals.as_deref());
        let target = match (replace_key_with, replace_key_prefix_with) {
            (Some(whole), _) => whole.clone(),
            (None, Some(prefix)) => {
                format!("{prefix}{}", key.strip_prefix(matched.unwrap_or_default()).unwrap_or(key))
            }
            (None, None) => key.to_owned(),
        };
        let scheme = protocol.as_deref().unwrap_or(if self.request.is_tls { "https" } else { "http" });
        let host = host_name.as_deref().unwrap_or_else(|| super::host::authority(self.request.head));
        let status = http_redirect_code.as_ref().and_then(|code| code.parse().ok()).unwrap_or(301);
        moved(status, &format!("{scheme}://{host}/{}", crate::key::url_encode(&target, true)))
    }
}

fn rule_for<'c>(
    configuration: &'c WebsiteConfiguration,
    key: &str,
    status: Option<u16>,
) -> Option<&'c RoutingRule> {
    configuration.routing_rules.iter().flatten().find(|rule| {
        let Some(condition) = &rule.condition else { return status.is_none() };
        let fits_key = condition.key_prefix_equals.as_ref().is_none_or(|prefix| key.starts_with(prefix));
        let wanted = condition.http_error_code_returned_equals.as_deref();
        let fits_status = wanted.and_then(|code| code.parse::<u16>().ok()) == status;
        fits_key && fits_status
    })
}

fn moved(status: u16, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// An object as a page, with the headers that a browser needs.
fn answered(object: GetObjectOutput, status: u16, request: &Apart<'_>) -> Response<Body> {
    if let Some(redirect) = &object.website_redirect_location {
        return moved(301, redirect);
    }
    let mut response = Response::new(Body::default());
    let partial = object.status_code.and_then(|status| u16::try_from(status).ok()).filter(|_| status == 200);
    *response.status_mut() = StatusCode::from_u16(partial.unwrap_or(status)).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    for (index, member) in object.shape().members.iter().enumerate() {
        let text = match object.member(index).view() {
            View::String(text) if member.location == shapes::Location::Header => text.to_owned(),
            View::Timestamp(time) if member.name == "LastModified" => crate::http_date::format(time),
            _ => continue,
        };
        let name = HeaderName::try_from(member.wire_name().to_ascii_lowercase());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&text)) {
            headers.insert(name, value);
        }
    }
    if request.head.method != Method::HEAD {
        *response.body_mut() = object.body.unwrap_or_default();
    }
    response
}

fn page(error: &ApiError) -> Response<Body> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.as_u16() < 400 {
        let mut response = Response::new(Body::default());
        *response.status_mut() = status;
        return response;
    }
    let reason = status.canonical_reason().unwrap_or_default();
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = format!(
        "<html>\n<head><title>{0} {reason}</title></head>\n<body>\n<h1>{0} {reason}</h1>\n<ul>\n<li>Code: \
         {1}</li>\n<li>Message: {2}</li>\n</ul>\n</body>\n</html>\n",
        status.as_u16(),
        escape(error.code()),
        escape(error.message()),
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
