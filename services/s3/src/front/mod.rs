//! What S3's HTTP has beyond its model: buckets in host names, web sites, forms, and each bucket's word on what pages of
//! other sites may do.

mod cors;
mod form;
mod form_policy;
mod host;
mod multipart_form;
mod website;

use std::net::IpAddr;
use std::sync::Arc;

use cloud::{Actor, Apart, BoxFuture, Caller, Claim, Ctx, Exchange, HttpFront, TraceContext};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use identity::{AccountId, Principal, Region};
use shapes::{ApiError, Body};

use crate::S3;

pub(crate) struct Front(pub Arc<S3>);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

impl HttpFront for Front {
    fn claim(&self, head: &Parts, authority: &str, scope: Option<&str>) -> Option<Claim> {
        // What is about the account is S3 Control's.
        if head.headers.contains_key("x-amz-account-id") && head.uri.path().starts_with("/v20180820/") {
            return None;
        }
        let bucket = host::bucket(authority);
        if scope.is_none() && bucket.is_none() && !is_likely(head, authority) {
            return None;
        }
        let path = head.uri.path();
        let path = match &bucket {
            Some(bucket) => format!("/{bucket}{path}"),
            None => path.to_owned(),
        };
        let mut query = head.uri.query().unwrap_or_default().to_owned();
        // What tells a copy from a put is a header.
        if head.method == Method::PUT && head.headers.contains_key("x-amz-copy-source") {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str("x-amz-copy-source");
        }
        Some(Claim { path, query })
    }

    fn is_apart(&self, head: &Parts, _: &Claim) -> bool {
        head.method == Method::OPTIONS || is_form(head) || host::is_website(host::authority(head))
    }

    fn serve_apart<'a>(&'a self, request: Apart<'a>) -> BoxFuture<'a, Result<Response<Body>, ApiError>> {
        Box::pin(async move {
            if request.head.method == Method::OPTIONS {
                return cors::preflight(&self.0, &request);
            }
            if host::is_website(host::authority(request.head)) {
                return website::serve(&self.0, &request).await;
            }
            form::post(&self.0, request).await
        })
    }

    fn error_facts(&self, claim: &Claim) -> Vec<(&'static str, String)> {
        vec![("Resource", claim.path.clone()), ("HostId", "brume".to_owned())]
    }

    fn finish(&self, exchange: &Exchange<'_>, response: &mut Response<Body>) {
        cors::allow(&self.0, exchange, response.headers_mut());
        let headers = response.headers_mut();
        headers.remove("x-amzn-requestid");
        if let Ok(id) = HeaderValue::from_str(exchange.request_id) {
            headers.insert(REQUEST_ID, id.clone());
            headers.insert(HOST_ID, id);
        }
        headers.insert(http::header::SERVER, HeaderValue::from_static("AmazonS3"));
        crate::request_metrics::count(&self.0, exchange, response);
        crate::access_log::note(&self.0, exchange, response);
    }
}

/// Bucket and key of a claim's path, decoded.
fn bucket_and_key(claim: &Claim) -> (String, String) {
    let path = claim.path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (bucket.to_owned(), crate::key::url_decode(key, false).unwrap_or_default())
}

fn is_form(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    head.method == Method::POST && content_type.is_some_and(|value| value.starts_with("multipart/form-data"))
}

/// Whether a request without a signature and of no other service may be one for a bucket.
fn is_likely(head: &Parts, authority: &str) -> bool {
    let is_s3_host = authority.starts_with("s3.") || authority.starts_with("s3-");
    let has_path = head.uri.path().len() > 1;
    let query = head.uri.query().unwrap_or_default();
    let is_v2 = query.contains("AWSAccessKeyId=");
    match head.method {
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS => {
            has_path || is_s3_host || is_v2
        }
        Method::POST => {
            let names = ["uploads", "uploadId", "delete", "restore", "select"];
            has_path && (is_form(head) || names.iter().any(|name| query.starts_with(name)))
        }
        _ => false,
    }
}

/// The context of a caller that the front itself has found out.
fn context(s3: &S3, actor: Actor, request: &Apart<'_>, access_key: Option<&str>) -> Ctx {
    let account = actor.principal.account().unwrap_or(AccountId::DEFAULT);
    let peer: Option<IpAddr> = request.peer;
    let agent = request.head.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let caller = Caller {
        actor,
        access_key_id: access_key.map(str::to_owned),
        source_ip: peer,
        user_agent: agent.map(str::to_owned),
        is_tls: request.is_tls,
        source: None,
    };
    let region: Region = s3.cloud.settings().default_region;
    let trace = TraceContext::begin(s3.cloud.ids(), s3.cloud.clock().now());
    Ctx::new(s3.cloud.clone(), caller, (account, region), trace, "client".into(), request.request_id)
}

fn anonymous(s3: &S3, request: &Apart<'_>) -> Ctx {
    context(s3, Actor::of(Principal::Anonymous), request, None)
}
