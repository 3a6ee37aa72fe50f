//! Queues: counts, and a look at what waits that receives nothing.

use cloud::Ctx;
use cloud::trace::TraceContext;
use serde_json::{Map, Value, json};
use shapes::ApiError;
use sqs::{SqsService, WaitingMessage, WaitingState};
use sqs_api::{GetQueueAttributesInput, ListDeadLetterSourceQueuesInput, ListQueuesInput, op};

use super::{SHOWN, arn};
use crate::admin::document::{at, cut, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

/// Characters of a message's text in a line.
const LINE: usize = 300;

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListQueuesInput {
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
        queue_name_prefix: part.prefix(),
    };
    let answer = look::<op::ListQueues>(ctx, input).await?;
    let mut section = Section::new("sqs", "Queues", &["Name", "Visible", "In flight", "Delayed", "Type"]);
    for url in items(&answer, "QueueUrls").iter().filter_map(Value::as_str) {
        let name = url.rsplit('/').next().unwrap_or_default();
        let mut cells = vec![name.to_owned()];
        if !part.is_brief {
            let attributes = attributes(ctx, name).await.unwrap_or_default();
            cells.extend(COUNTS.map(|(name, _)| at(&attributes, name)));
            cells.push(kind(name).to_owned());
        }
        section.rows.push(Row { cells, arn: arn(ctx, "sqs", name), ..Row::default() });
    }
    Ok(section.with_prefix().next(at(&answer, "NextToken")))
}

const COUNTS: [(&str, &str); 3] = [
    ("ApproximateNumberOfMessages", "Messages visible"),
    ("ApproximateNumberOfMessagesNotVisible", "In flight"),
    ("ApproximateNumberOfMessagesDelayed", "Delayed"),
];

fn kind(name: &str) -> &'static str {
    if name.ends_with(".fifo") { "FIFO" } else { "standard" }
}

async fn attributes(ctx: &Ctx, name: &str) -> Result<Value, ApiError> {
    let input =
        GetQueueAttributesInput { queue_url: name.to_owned(), attribute_names: Some(vec!["All".to_owned()]) };
    let answer = look::<op::GetQueueAttributes>(ctx, input).await?;
    Ok(answer.get("Attributes").cloned().unwrap_or_default())
}

pub(super) async fn describe(ctx: &Ctx, queues: &SqsService, name: &str) -> Result<Found, ApiError> {
    let attributes = attributes(ctx, name).await?;
    let mut found = Found::titled(name)
        .facts(&attributes, &COUNTS.map(|(name, label)| (label, name)))
        .facts(
            &attributes,
            &[
                ("Visibility timeout (s)", "VisibilityTimeout"),
                ("Retention (s)", "MessageRetentionPeriod"),
                ("Delay (s)", "DelaySeconds"),
                ("Receive wait (s)", "ReceiveMessageWaitTimeSeconds"),
                ("Maximum message (bytes)", "MaximumMessageSize"),
                ("Deduplication by content", "ContentBasedDeduplication"),
                ("Key", "KmsMasterKeyId"),
            ],
        )
        .sections(&["sources"])
        .document("Redrive policy", laid_out(&at(&attributes, "RedrivePolicy")))
        .document("Redrive allow policy", laid_out(&at(&attributes, "RedriveAllowPolicy")))
        .document("Access policy", laid_out(&at(&attributes, "Policy")));
    found.add("Type", kind(name).to_owned());
    found.waiting =
        queues.peek(ctx.account(), ctx.region(), name, SHOWN)?.iter().map(waiting_message).collect();
    Ok(found)
}

/// The queues that send their dead letters here.
pub(super) async fn section(ctx: &Ctx, name: &str, part: &Part) -> Result<Section, ApiError> {
    let input = ListDeadLetterSourceQueuesInput {
        queue_url: name.to_owned(),
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
    };
    let answer = look::<op::ListDeadLetterSourceQueues>(ctx, input).await?;
    let names = items(&answer, "queueUrls").iter().filter_map(|url| url.as_str()?.rsplit('/').next());
    let names: Vec<Value> = names.map(Value::from).collect();
    let section = Section::new("sources", "Takes dead letters of", &["Queue"]);
    Ok(section.names(&names, |name| arn(ctx, "sqs", name)).next(at(&answer, "NextToken")))
}

/// A message with the beginning of its text, and the rest of what is known of it.
fn waiting_message(message: &WaitingMessage) -> Value {
    let state = match message.state {
        WaitingState::Visible => "visible".to_owned(),
        WaitingState::InFlight(until) => format!("in flight until {}", until.iso8601_millis()),
        WaitingState::Delayed(until) => format!("delayed until {}", until.iso8601_millis()),
    };
    let line: String = message.body.chars().take(LINE).collect();
    let attributes: Map<String, Value> =
        message.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let detail = json!({
        "MessageId": message.id,
        "State": state,
        "Receives": message.receives,
        "MessageGroupId": message.group,
        "MessageAttributes": attributes,
        "Body": cut(&message.body),
    });
    let trace = message.trace.as_deref().and_then(|trace| trace.parse::<TraceContext>().ok());
    json!({
        "time": message.sent.iso8601_millis(),
        "text": line,
        "state": state.split(" until").next(),
        // Not cut again: it stays a document.
        "detail": serde_json::to_string_pretty(&detail).unwrap_or_else(|_| pretty(&detail)),
        "trace": trace.map(|trace| trace.trace_id()),
    })
}
