//! Delivery status logging: what became of deliveries, in CloudWatch Logs (Developer Guide, "Amazon SNS message delivery
//! status").

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use identity::{AccountId, Region};
use logs_api::op::{CreateLogGroup, CreateLogStream, PutLogEvents};
use logs_api::{CreateLogGroupInput, CreateLogStreamInput, InputLogEvent, PutLogEventsInput};
use md5::{Digest, Md5};
use serde_json::json;
use shapes::{ApiError, Timestamp};
use store::{Row, Tx};

use crate::message::Message;
use crate::signature::hex;
use crate::subscription::{Protocol, Subscription};
use crate::topic::{Topic, TopicArn};
use crate::{PRINCIPAL, Sns};

const KIND: &str = "sns/feedback";
const CONCURRENCY: usize = 8;
/// Logs that cannot be written are given up after so many attempts: nobody waits for them.
const ATTEMPTS: u32 = 3;

/// How the topic attributes about a protocol begin.
fn prefix(protocol: Protocol) -> Option<&'static str> {
    match protocol {
        Protocol::Sqs => Some("SQS"),
        Protocol::Lambda => Some("Lambda"),
        Protocol::Http | Protocol::Https => Some("HTTP"),
        Protocol::Application => Some("Application"),
        Protocol::Email | Protocol::EmailJson | Protocol::Sms => None,
    }
}

/// Whether a topic has an attribute of this name that is about logging.
pub(crate) fn is_attribute(name: &str) -> bool {
    let suffix = ["SQS", "Lambda", "HTTP", "Application", "Firehose"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    matches!(suffix, Some("SuccessFeedbackRoleArn" | "FailureFeedbackRoleArn" | "SuccessFeedbackSampleRate"))
}

/// One line of a log.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Line {
    role: String,
    is_success: bool,
    text: String,
}

/// A job's payload: lines about deliveries of one topic.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Lines {
    account: AccountId,
    region: String,
    topic: String,
    time: Timestamp,
    lines: Vec<Line>,
}

store::row!(Lines, 1);

/// The line about a delivery, where the topic wants one.
pub(crate) fn line(
    ctx: &Ctx,
    arn: &TopicArn,
    topic: &Topic,
    subscription: &Subscription,
    message: &Message,
    failure: Option<&str>,
) -> Option<Line> {
    let prefix = prefix(subscription.protocol)?;
    let attribute = |name: &str| topic.attributes.get(&format!("{prefix}{name}"));
    let is_success = failure.is_none();
    let role = attribute(if is_success { "SuccessFeedbackRoleArn" } else { "FailureFeedbackRoleArn" })?;
    let rate = attribute("SuccessFeedbackSampleRate").and_then(|rate| rate.parse().ok()).unwrap_or(100_u32);
    if is_success && u32::from_le_bytes(ctx.ids().bytes()) % 100 >= rate {
        return None;
    }
    let (body, now) = (message.body_for(subscription.protocol), ctx.now());
    let text = json!({
        "notification": {
            "messageMD5Sum": hex(&Md5::digest(body)),
            "messageId": message.id,
            "topicArn": arn.to_string(),
            "timestamp": message.published.iso8601_millis().replace('T', " ").trim_end_matches('Z'),
        },
        "delivery": {
            "deliveryId": ctx.ids().uuid(),
            "destination": subscription.shown_endpoint(),
            "providerResponse": failure.unwrap_or("OK"),
            "dwellTimeMs": now.since(message.published).as_millis() as u64,
            "attempts": 1,
            "statusCode": if is_success { 200 } else { 400 },
        },
        "status": if is_success { "SUCCESS" } else { "FAILURE" },
    });
    Some(Line { role: role.clone(), is_success, text: text.to_string() })
}

/// Has the lines written once the transaction has committed.
pub(crate) fn add(ctx: &Ctx, tx: &mut Tx<'_>, arn: &TopicArn, lines: Vec<Line>) {
    if lines.is_empty() {
        return;
    }
    let lines = Lines {
        account: arn.account,
        region: arn.region.as_str().to_owned(),
        topic: arn.name.clone(),
        time: ctx.now(),
        lines,
    };
    let mut payload = Vec::new();
    lines.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn.to_string(), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kind(sns: std::sync::Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: std::sync::Arc::new(move |_, job| {
            let sns = std::sync::Arc::clone(&sns);
            Box::pin(async move {
                let Ok(lines) = Lines::decode(&job.payload) else { return JobOutcome::Done };
                match write(&sns, lines).await {
                    Err(error) if job.attempts < ATTEMPTS => JobOutcome::Failed(error.to_string()),
                    _ => JobOutcome::Done,
                }
            })
        }),
        given_up: None,
    }
}

async fn write(sns: &Sns, lines: Lines) -> Result<(), ApiError> {
    let Some(region) = Region::parse(&lines.region) else { return Ok(()) };
    let arn = TopicArn { account: lines.account, region, name: lines.topic };
    let ctx = sns.cloud.background(PRINCIPAL, &arn.to_string(), arn.account, region);
    for is_success in [true, false] {
        let of_kind: Vec<&Line> = lines.lines.iter().filter(|line| line.is_success == is_success).collect();
        let Some(first) = of_kind.first() else { continue };
        let ctx = ctx.with_role(PRINCIPAL, &arn.to_string(), &first.role)?;
        let group = format!("sns/{region}/{}/{}", arn.account, arn.name);
        let group = if is_success { group } else { format!("{group}/Failure") };
        let timestamp = lines.time.millis();
        let event = |line: &&Line| InputLogEvent { message: line.text.clone(), timestamp };
        let input = PutLogEventsInput {
            log_group_name: group,
            log_stream_name: "deliveries".to_owned(),
            log_events: of_kind.iter().map(event).collect(),
            ..Default::default()
        };
        put(&ctx, input).await?;
    }
    Ok(())
}

/// Writes lines, to a group and a stream that are made when they are not there.
pub(crate) async fn put(ctx: &Ctx, input: PutLogEventsInput) -> Result<(), ApiError> {
    match ctx.call::<PutLogEvents>(input.clone()).await {
        Err(error) if error.name() == "ResourceNotFoundException" => {}
        other => return other.map(|_| ()),
    }
    let group = CreateLogGroupInput { log_group_name: input.log_group_name.clone(), ..Default::default() };
    unless_there(ctx.call::<CreateLogGroup>(group).await.map(|_| ()))?;
    let stream = CreateLogStreamInput {
        log_group_name: input.log_group_name.clone(),
        log_stream_name: input.log_stream_name.clone(),
    };
    unless_there(ctx.call::<CreateLogStream>(stream).await.map(|_| ()))?;
    ctx.call::<PutLogEvents>(input).await.map(|_| ())
}

fn unless_there(made: Result<(), ApiError>) -> Result<(), ApiError> {
    match made {
        Err(error) if error.name() == "ResourceAlreadyExistsException" => Ok(()),
        other => other,
    }
}
