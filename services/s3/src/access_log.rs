//! Server access logs: a line for each request to a bucket that asks for it, delivered now and then to another bucket
//! (S3 User Guide, "Logging requests with server access logging").
//!
//! Lines are gathered in memory and a job delivers them, or the region's stop, so a crash may lose the last few minutes: AWS
//! promises no more, either ("best-effort server log delivery").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Exchange;
use http::Response;
use s3_api::PutObjectInput;
use s3_api::op::PutObject;
use shapes::{ApiError, Body, Timestamp};

use crate::settings::Loaded;
use crate::{S3, key};

const JOB: &str = "s3.access-log";
/// Between a line and its delivery.
const GATHERED: Duration = Duration::from_secs(300);
/// Lines of a bucket that wait; past it the rest is dropped until they are delivered.
const MOST_LINES: usize = 50_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Lines by bucket.
#[derive(Default)]
pub(crate) struct Lines(Mutex<HashMap<String, Vec<String>>>);

impl Lines {
    /// Whether this is the first line that waits.
    fn add(&self, bucket: &str, line: String) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = buckets.entry(bucket.to_owned()).or_default();
        if lines.len() < MOST_LINES {
            lines.push(line);
        }
        lines.len() == 1
    }

    fn buckets(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn take(&self, bucket: &str) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(bucket).unwrap_or_default()
    }
}

/// Writes down a request, where its bucket asks for it.
pub(crate) fn note(s3: &Arc<S3>, exchange: &Exchange<'_>, response: &Response<Body>) {
    let path = exchange.claim.path.trim_start_matches('/');
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    let Ok(Some(loaded)) = s3.find_bucket(name) else { return };
    if loaded.settings.logging.is_none() {
        return;
    }
    let line = line(s3, &loaded, key, exchange, response);
    if s3.lines.add(name, line) {
        let (s3, name) = (Arc::clone(s3), name.to_owned());
        tokio::spawn(async move {
            let (now, number) = (s3.cloud.clock().now(), s3.cloud.ids().number());
            let scheduled = s3.write(move |tx| {
                let job =
                    NewJob { kind: JOB, subject: name.clone(), payload: Vec::new(), due: now + GATHERED };
                Jobs::add(tx, now, number, job);
                Ok::<_, ApiError>(())
            });
            if let Err(cause) = scheduled.await {
                tracing::warn!(error = %cause, "the delivery of an access log could not be scheduled");
            }
        });
    }
}

fn line(s3: &S3, loaded: &Loaded, key: &str, exchange: &Exchange<'_>, response: &Response<Body>) -> String {
    let head = exchange.head;
    let text = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.map_or_else(|| "-".to_owned(), |value| value.replace('"', "%22"))
    };
    let dash = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    let requester = exchange.ctx.map(|ctx| ctx.principal().arn()).filter(|arn| arn.starts_with("arn:"));
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let sent = response.body().length().unwrap_or(0);
    let size = response.headers().get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let millis = exchange.elapsed.as_millis();
    let version =
        response.headers().get("x-amz-version-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let is_signed = head.headers.contains_key(http::header::AUTHORIZATION);
    format!(
        "{} {} [{}] {} {} {} {} {} \"{} {} HTTP/1.1\" {} {} {} {} {millis} {millis} \"{}\" \"{}\" {} {} {} - {} {} - {} -\n",
        loaded.bucket.owner.canonical_user_id(),
        loaded.bucket.name,
        date(s3.cloud.clock().now()),
        dash(exchange.peer.map(|peer| peer.to_string())),
        dash(requester),
        exchange.request_id,
        operation(head.method.as_str(), key, &exchange.claim.query),
        dash(Some(key.to_owned())),
        head.method,
        target.replace('"', "%22"),
        response.status().as_u16(),
        dash(exchange.error.map(|error| error.code().to_owned())),
        dash((sent > 0).then(|| sent.to_string())),
        dash(size.map(str::to_owned)),
        text("referer"),
        text("user-agent"),
        dash(version),
        exchange.request_id,
        if is_signed { "SigV4" } else { "-" },
        if is_signed { "AuthHeader" } else { "-" },
        text("host"),
        crate::key::arn(&loaded.bucket.name, Some(key).filter(|key| !key.is_empty())),
    )
}

/// `REST.GET.OBJECT`, `REST.PUT.ACL`
fn operation(method: &str, key: &str, query: &str) -> String {
    let first = query.split('&').next().unwrap_or_default().split('=').next().unwrap_or_default();
    let named =
        ["acl", "tagging", "policy", "versioning", "uploads", "lifecycle", "cors", "website", "notification"];
    let resource = match first {
        "uploadId" | "partNumber" => "PART".to_owned(),
        name if named.contains(&name) => name.to_ascii_uppercase(),
        _ if key.is_empty() => "BUCKET".to_owned(),
        _ => "OBJECT".to_owned(),
    };
    format!("REST.{method}.{resource}")
}

/// `06/Feb/2019:00:00:38 +0000`
fn date(time: Timestamp) -> String {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time_of_day());
    let month = MONTHS[(month as usize + 11) % 12];
    format!("{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} +0000")
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy { attempts: 1, first: GATHERED, longest: GATHERED },
        concurrency: 4,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                match s3.deliver_log(&job.subject).await {
                    Ok(()) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    pub(crate) async fn deliver_all_logs(&self) {
        for bucket in self.lines.buckets() {
            if let Err(error) = self.deliver_log(&bucket).await {
                tracing::warn!(bucket, %error, "the access log of a bucket could not be delivered");
            }
        }
    }

    async fn deliver_log(&self, name: &str) -> Result<(), ApiError> {
        let lines = self.lines.take(name);
        let Some(loaded) = self.find_bucket(name)? else { return Ok(()) };
        let Some(logging) = loaded.settings.logging.as_ref().filter(|_| !lines.is_empty()) else {
            return Ok(());
        };
        let now = self.cloud.clock().now();
        let ((year, month, day), (hour, minute, second)) = (now.date(), now.time_of_day());
        let unique = self.cloud.ids().hex(16).to_ascii_uppercase();
        let object = format!(
            "{}{year:04}-{month:02}-{day:02}-{hour:02}-{minute:02}-{second:02}-{unique}",
            logging.target_prefix
        );
        let region =
            identity::Region::parse(&loaded.bucket.region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(name, None);
        let ctx = self.cloud.background("logging.s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        let input = PutObjectInput {
            bucket: logging.target_bucket.clone(),
            key: object,
            body: Some(lines.concat().into_bytes().into()),
            content_type: Some("text/plain".to_owned()),
            ..Default::default()
        };
        ctx.call::<PutObject>(input).await.map(drop)
    }
}
