//! Request metrics: counts and times of a bucket's requests under CloudWatch's names, for each filter that a metrics
//! configuration gives (S3 User Guide, "Metrics and dimensions", "Amazon S3 request metrics in CloudWatch").
//!
//! The region's metrics have one dimension; `FilterId` has the bucket before the filter's id, with a slash between.

use cloud::Exchange;
use http::{Method, Response};
use s3_api::{MetricsConfiguration, Tag};
use shapes::Body;

use crate::settings::Loaded;
use crate::{S3, key, versions};

const NAMESPACE: &str = "AWS/S3";

/// Counts a request for each filter of its bucket that takes it.
pub(crate) fn count(s3: &S3, exchange: &Exchange<'_>, response: &Response<Body>) {
    let path = exchange.claim.path.trim_start_matches('/');
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    let Ok(Some(loaded)) = s3.find_bucket(name) else { return };
    if loaded.settings.metrics.is_empty() {
        return;
    }
    let key = key::url_decode(key, false).unwrap_or_default();
    for configuration in &loaded.settings.metrics {
        if fits(s3, &loaded, configuration, &key) {
            publish(s3, &format!("{}/{}", loaded.bucket.name, configuration.id), &key, exchange, response);
        }
    }
}

fn fits(s3: &S3, loaded: &Loaded, configuration: &MetricsConfiguration, key: &str) -> bool {
    let Some(filter) = &configuration.filter else { return true };
    let and = filter.and.as_ref();
    let prefix = filter.prefix.as_deref().or_else(|| and.and_then(|and| and.prefix.as_deref()));
    let point =
        filter.access_point_arn.as_deref().or_else(|| and.and_then(|and| and.access_point_arn.as_deref()));
    let came_by = loaded.access_point.as_ref().map(|(point, _)| point.arn());
    let tags: Vec<&Tag> =
        filter.tag.iter().chain(and.iter().flat_map(|and| and.tags.iter().flatten())).collect();
    let has_tags = || {
        let found = s3
            .read()
            .ok()
            .and_then(|mut reader| versions::find_object(&mut reader, &loaded.bucket, key, None).ok());
        found.is_some_and(|version| {
            tags.iter()
                .all(|tag| version.tags.iter().any(|(name, value)| *name == tag.key && *value == tag.value))
        })
    };
    key.starts_with(prefix.unwrap_or_default())
        && point.is_none_or(|point| came_by.as_deref() == Some(point))
        && (tags.is_empty() || has_tags())
}

fn publish(s3: &S3, filter: &str, key: &str, exchange: &Exchange<'_>, response: &Response<Body>) {
    let now = s3.cloud.clock().now();
    let add = |name: &'static str, value: f64| {
        s3.cloud.metrics().publish(now, NAMESPACE, name, ("FilterId", filter), value);
    };
    let status = response.status();
    add("AllRequests", 1.0);
    add(kind(&exchange.head.method, key, &exchange.claim.query), 1.0);
    add("4xxErrors", if status.is_client_error() { 1.0 } else { 0.0 });
    add("5xxErrors", if status.is_server_error() { 1.0 } else { 0.0 });
    let header = |name: &str| exchange.head.headers.get(name)?.to_str().ok()?.parse::<f64>().ok();
    let sent = response.body().length().unwrap_or(0);
    if sent > 0 {
        add("BytesDownloaded", sent as f64);
    }
    let received = header("x-amz-decoded-content-length").or_else(|| header("content-length"));
    if let Some(received) = received.filter(|received| *received > 0.0) {
        add("BytesUploaded", received);
    }
    // The answer's head is sent as soon as it is known; how long its body takes is not measured.
    let millis = exchange.elapsed.as_secs_f64() * 1000.0;
    add("FirstByteLatency", millis);
    add("TotalRequestLatency", millis);
}

fn kind(method: &Method, key: &str, query: &str) -> &'static str {
    match *method {
        Method::GET if key.is_empty() => "ListRequests",
        Method::GET => "GetRequests",
        Method::HEAD => "HeadRequests",
        Method::PUT => "PutRequests",
        Method::DELETE => "DeleteRequests",
        // To delete many is a POST of its own kind.
        Method::POST if key.is_empty() && query.starts_with("delete") => "DeleteRequests",
        Method::POST if query.starts_with("select") => "SelectRequests",
        _ => "PostRequests",
    }
}
