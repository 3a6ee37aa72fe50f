//! What audits found, in CloudWatch Logs: by a job, once the publish is durable. Nobody waits for it.

use std::sync::Arc;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Actor, Caller, Ctx};
use identity::{AccountId, Principal, Region};
use logs_api::{InputLogEvent, PutLogEventsInput};
use serde_json::json;
use shapes::{ApiError, Timestamp};
use store::{Row, Tx};

use super::Policy;
use super::enforcement::Finding;
use crate::message::Message;
use crate::topic::TopicArn;
use crate::{Sns, feedback};

const KIND: &str = "sns/audit";
/// Logs that cannot be written are given up after so many attempts.
const ATTEMPTS: u32 = 3;

/// A job's payload.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Record {
    account: AccountId,
    region: String,
    topic: String,
    time: Timestamp,
    log_group: String,
    text: String,
}

store::row!(Record, 1);

impl Policy {
    /// What is to be logged about a message, when it is one of those that are looked at.
    pub(crate) fn audited(&self, ctx: &Ctx, arn: &TopicArn, message: &Message) -> Option<Record> {
        let (audit, found) = self.audit(&ctx.principal().identity_arn(), message)?;
        if u32::from_le_bytes(ctx.ids().bytes()) % 100 >= audit.rate {
            return None;
        }
        let group = if found.is_empty() { &audit.no_findings } else { &audit.findings };
        Some(Record {
            account: arn.account,
            region: arn.region.as_str().to_owned(),
            topic: arn.name.clone(),
            time: ctx.now(),
            log_group: group.clone()?,
            text: record(ctx, arn, message, &found),
        })
    }
}

/// Developer Guide, "Data protection policy operations": an audit's log.
fn record(ctx: &Ctx, arn: &TopicArn, message: &Message, found: &[Finding]) -> String {
    let identifier = |finding: &Finding| {
        let detection = |(start, end): &(usize, usize)| json!({"start": start, "end": end});
        json!({
            "name": finding.name,
            "count": finding.detections.len(),
            "detections": finding.detections.iter().map(detection).collect::<Vec<_>>(),
        })
    };
    json!({
        "messageId": message.id,
        "auditTimestamp": ctx.now().iso8601(),
        "callerPrincipal": ctx.principal().identity_arn(),
        "resourceArn": arn.to_string(),
        "dataIdentifiers": found.iter().map(identifier).collect::<Vec<_>>(),
    })
    .to_string()
}

/// Has a record written once the transaction has committed.
pub(crate) fn add(ctx: &Ctx, tx: &mut Tx<'_>, record: &Record) {
    let mut payload = Vec::new();
    record.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: record.topic.clone(), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kind(sns: Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 8,
        handler: Arc::new(move |_, job| {
            let sns = Arc::clone(&sns);
            Box::pin(async move {
                let Ok(record) = Record::decode(&job.payload) else { return JobOutcome::Done };
                match write(&sns, record).await {
                    Err(error) if job.attempts < ATTEMPTS => JobOutcome::Failed(error.to_string()),
                    _ => JobOutcome::Done,
                }
            })
        }),
        given_up: None,
    }
}

async fn write(sns: &Sns, record: Record) -> Result<(), ApiError> {
    let Some(region) = Region::parse(&record.region) else { return Ok(()) };
    let arn = TopicArn { account: record.account, region, name: record.topic };
    let account = arn.account;
    // Log groups have no policies of their own here that could let SNS in: it writes for the topic's account.
    let caller = Caller::internal(Actor::of(Principal::Root { account }), &arn.to_string(), account);
    let base = sns.cloud.background(crate::PRINCIPAL, &arn.to_string(), account, region);
    let origin = arn.to_string().into();
    let ctx = Ctx::new(sns.cloud.clone(), caller, (account, region), base.trace(), origin, base.request_id());
    let input = PutLogEventsInput {
        log_group_name: record.log_group,
        log_stream_name: format!("resource_arn_{}", arn.to_string().replace(':', "_")),
        log_events: vec![InputLogEvent { message: record.text, timestamp: record.time.millis() }],
        ..Default::default()
    };
    feedback::put(&ctx, input).await
}
