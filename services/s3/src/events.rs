//! Event notifications: what happened to an object, told to queues, topics and functions (S3 User Guide, "Amazon S3 Event
//! Notifications").
//!
//! A notification is a job that is stored with the change it tells of, so none is lost and none is told of what did not
//! happen. EventBridge hears of it within that change (see [`crate::event_bridge`]).

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, TraceContext};
use s3_api::{NotificationConfiguration, NotificationConfigurationFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::ApiError;
use store::Tx;

use crate::object::Version;
use crate::settings::Loaded;
use crate::{S3, errors, event_bridge, key};

pub(crate) const JOB: &str = "s3.notification";

/// Something that happened to a version.
pub(crate) struct Event<'a> {
    /// `ObjectCreated:Put`, without the service.
    pub name: &'static str,
    pub key: &'a str,
    pub version: &'a Version,
}

/// Where a notification goes, and what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notification {
    target: String,
    body: String,
    bucket: String,
    owner: identity::AccountId,
    region: String,
    trace: String,
}

/// One configured target.
struct Target<'a> {
    id: &'a str,
    arn: &'a str,
    events: &'a [String],
    filter: Option<&'a NotificationConfigurationFilter>,
}

fn targets(configuration: &NotificationConfiguration) -> Vec<Target<'_>> {
    let mut targets = Vec::new();
    for queue in configuration.queue_configurations.iter().flatten() {
        let id = queue.id.as_deref().unwrap_or_default();
        targets.push(Target {
            id,
            arn: &queue.queue_arn,
            events: &queue.events,
            filter: queue.filter.as_ref(),
        });
    }
    for topic in configuration.topic_configurations.iter().flatten() {
        let id = topic.id.as_deref().unwrap_or_default();
        targets.push(Target {
            id,
            arn: &topic.topic_arn,
            events: &topic.events,
            filter: topic.filter.as_ref(),
        });
    }
    for function in configuration.lambda_function_configurations.iter().flatten() {
        let (id, arn) = (function.id.as_deref().unwrap_or_default(), &function.lambda_function_arn);
        targets.push(Target { id, arn, events: &function.events, filter: function.filter.as_ref() });
    }
    targets
}

impl Target<'_> {
    fn wants(&self, event: &Event<'_>) -> bool {
        let is_wanted = |pattern: &String| {
            let pattern = pattern.strip_prefix("s3:").unwrap_or(pattern);
            pattern == event.name
                || pattern.strip_suffix('*').is_some_and(|start| event.name.starts_with(start))
        };
        self.events.iter().any(is_wanted) && self.passes(event.key)
    }

    fn passes(&self, key: &str) -> bool {
        let rules =
            self.filter.and_then(|filter| filter.key.as_ref()).and_then(|key| key.filter_rules.as_ref());
        rules.into_iter().flatten().all(|rule| {
            let value = rule.value.as_deref().unwrap_or_default();
            match rule.name.as_deref().unwrap_or_default().to_ascii_lowercase().as_str() {
                "prefix" => key.starts_with(value),
                _ => key.ends_with(value),
            }
        })
    }
}

impl S3 {
    /// Has everybody told who wants to hear of `event`, once `tx` is durable.
    pub(crate) fn notify(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        event: &Event<'_>,
    ) -> Result<(), ApiError> {
        let Some(configuration) = &loaded.settings.notification else { return Ok(()) };
        if configuration.event_bridge_configuration.is_some() {
            event_bridge::tell(ctx, tx, loaded, event)?;
        }
        for target in targets(configuration).iter().filter(|target| target.wants(event)) {
            let body = json!({ "Records": [record(ctx, loaded, event, target.id)] }).to_string();
            let notification = Notification {
                target: target.arn.to_owned(),
                body,
                bucket: loaded.bucket.name.clone(),
                owner: loaded.bucket.owner,
                region: loaded.bucket.region.clone(),
                trace: ctx.trace().to_string(),
            };
            let payload = serde_json::to_vec(&notification).map_err(ApiError::internal)?;
            let subject = format!("{} of {}/{}", event.name, loaded.bucket.name, event.key);
            let job = NewJob { kind: JOB, subject, payload, due: ctx.now() };
            Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
        }
        Ok(())
    }

    async fn deliver(&self, notification: Notification) -> Result<(), ApiError> {
        let Notification { target, body, bucket, owner, region, trace } = notification;
        let region = identity::Region::parse(&region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(&bucket, None);
        let ctx = self.cloud.background("s3.amazonaws.com", &arn, owner, region);
        let ctx = trace.parse::<TraceContext>().map_or(ctx.clone(), |trace| ctx.in_trace(trace));
        send(&ctx, &target, body).await
    }
}

async fn send(ctx: &Ctx, target: &str, body: String) -> Result<(), ApiError> {
    let parts = identity::arn::split(target).ok_or_else(|| unable(target))?;
    let account = parts.account_id().unwrap_or(ctx.account());
    let region = identity::Region::parse(parts.region).unwrap_or(ctx.region());
    let (service, resource) = (parts.service, parts.resource);
    // The call is made where the target is; the caller stays the bucket's service.
    let ctx = ctx.in_tenant(account, region);
    match service {
        "sqs" => {
            let queue_url = format!("{}/{account}/{resource}", ctx.cloud().settings().endpoint);
            let input = sqs_api::SendMessageInput { queue_url, message_body: body, ..Default::default() };
            ctx.call::<sqs_api::op::SendMessage>(input).await.map(drop)
        }
        "sns" => {
            let input = sns_api::PublishInput {
                topic_arn: Some(target.to_owned()),
                message: body,
                subject: Some("Amazon S3 Notification".to_owned()),
                ..Default::default()
            };
            ctx.call::<sns_api::op::Publish>(input).await.map(drop)
        }
        "lambda" => {
            let input = lambda_api::InvokeInput {
                function_name: target.to_owned(),
                invocation_type: Some("Event".to_owned()),
                payload: Some(body.into_bytes().into()),
                ..Default::default()
            };
            ctx.call::<lambda_api::op::Invoke>(input).await.map(drop)
        }
        _ => Err(unable(target)),
    }
}

/// Sends the test event that a new configuration begins with, which tells whether its targets take events at all.
pub(crate) async fn validate(
    ctx: &Ctx,
    loaded: &Loaded,
    configuration: &NotificationConfiguration,
    skips_validation: bool,
) -> Result<(), ApiError> {
    let bucket = &loaded.bucket.name;
    let own = ctx.in_tenant(loaded.bucket.owner, ctx.region());
    let service = own.as_service("s3.amazonaws.com", &key::arn(bucket, None));
    for target in targets(configuration) {
        check(&target)?;
        let is_function = target.arn.split(':').nth(2) == Some("lambda");
        if skips_validation || is_function {
            continue;
        }
        let test = json!({
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": ctx.now().iso8601_millis(),
            "Bucket": bucket,
            "RequestId": ctx.request_id(),
            "HostId": ctx.request_id(),
        });
        send(&service, target.arn, test.to_string()).await.map_err(|_| unable(target.arn))?;
    }
    Ok(())
}

fn check(target: &Target<'_>) -> Result<(), ApiError> {
    let is_known = |event: &String| {
        let name = event.strip_prefix("s3:").unwrap_or_default();
        KINDS.iter().any(|kind| name.starts_with(kind))
    };
    if let Some(event) = target.events.iter().find(|event| !is_known(event)) {
        let message = format!("The event '{event}' is not supported for notifications");
        return Err(errors::invalid_argument("Event", event, message));
    }
    let rules =
        target.filter.and_then(|filter| filter.key.as_ref()).and_then(|key| key.filter_rules.as_ref());
    for rule in rules.into_iter().flatten() {
        let name = rule.name.as_deref().unwrap_or_default();
        if !name.eq_ignore_ascii_case("prefix") && !name.eq_ignore_ascii_case("suffix") {
            let message = "filter rule name must be either prefix or suffix";
            return Err(errors::invalid_argument("FilterRule.Name", name, message));
        }
    }
    Ok(())
}

/// What events begin with.
const KINDS: &[&str] = &[
    "ObjectCreated:",
    "ObjectRemoved:",
    "ObjectRestore:",
    "ObjectTagging:",
    "ObjectAcl:",
    "LifecycleExpiration:",
    "LifecycleTransition",
    "IntelligentTiering",
    "Replication:",
    "ReducedRedundancyLostObject",
];

fn unable(target: &str) -> ApiError {
    let message = "Unable to validate the following destination configurations";
    errors::invalid_argument(target, "null", message)
}

fn record(ctx: &Ctx, loaded: &Loaded, event: &Event<'_>, configuration_id: &str) -> Value {
    let Event { name, key, version } = event;
    let is_removed = name.starts_with("ObjectRemoved") || name.starts_with("LifecycleExpiration");
    let mut object = json!({
        "key": key::url_encode(key, false).replace("%2F", "/"),
        "sequencer": format!("{:016X}", version.id.order),
    });
    if !is_removed || !version.is_delete_marker {
        if !is_removed {
            object["size"] = json!(version.size);
        }
        object["eTag"] = json!(version.etag.to_string());
    } else {
        object["eTag"] = json!("d41d8cd98f00b204e9800998ecf8427e");
    }
    if loaded.bucket.versioning.has_ids() {
        object["versionId"] = json!(version.id.to_string());
    }
    let caller = ctx.caller();
    let address = caller.source_ip.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": loaded.bucket.region,
        "eventTime": ctx.now().iso8601_millis(),
        "eventName": name,
        "userIdentity": { "principalId": format!("AWS:{}", ctx.principal().userid()) },
        "requestParameters": { "sourceIPAddress": address },
        "responseElements": { "x-amz-request-id": ctx.request_id(), "x-amz-id-2": ctx.request_id() },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": loaded.bucket.name,
                "ownerIdentity": { "principalId": loaded.bucket.owner.to_string() },
                "arn": key::arn(&loaded.bucket.name, None),
            },
            "object": object,
        },
    })
}

/// Delivers notifications; a target that does not take one is tried again for a day.
pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy {
            attempts: 60,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(1800),
        },
        concurrency: 32,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let Ok(notification) = serde_json::from_slice(&job.payload) else { return JobOutcome::Done };
                match s3.deliver(notification).await {
                    Ok(()) => JobOutcome::Done,
                    // A target that was deleted will not come back by trying.
                    Err(error) if error.status() == 404 => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}
