//! What the console shows of one resource: facts and the latest that happened there, read through the services' own
//! operations.

use cloud::trace::TraceContext;
use cloud::{Actor, Caller, Cloud, Ctx};
use identity::{AccountId, Principal, Region, arn};
use serde_json::{Value, json};
use shapes::ApiError;
use sqs::{SqsService, WaitingMessage, WaitingState};

use super::picture::kind;

/// Entries shown at most.
const SHOWN: usize = 25;
/// Characters of a message's text in a line, and of all that is shown of it.
const LINE: usize = 300;
const LONGEST_TEXT: usize = 20_000;

/// A resource by its ARN.
pub(super) async fn describe(cloud: &Cloud, queues: &SqsService, arn: &str) -> Result<Value, ApiError> {
    let mut recent = calls(cloud, arn);
    let (mut facts, mut waiting) = (Vec::new(), Vec::new());
    if let Some((ctx, name)) = owner(cloud, arn) {
        let found = match kind(arn) {
            "sqs" => queue(&ctx, queues, &name).await,
            "dynamodb" => table(&ctx, &name).await,
            "lambda" => function(&ctx, &name).await,
            _ => Ok(Found::default()),
        };
        match found {
            Ok(found) => {
                facts = found.facts;
                waiting = found.waiting;
                if !found.recent.is_empty() {
                    recent = found.recent;
                }
            }
            Err(error) => facts.push(("Not readable".to_owned(), error.to_string())),
        }
    }
    let title = arn.rsplit([':', '/']).next().unwrap_or(arn);
    Ok(json!({
        "arn": arn,
        "kind": kind(arn),
        "title": title,
        "facts": facts,
        "waiting": waiting,
        "recent": recent,
    }))
}

#[derive(Default)]
struct Found {
    facts: Vec<(String, String)>,
    recent: Vec<Value>,
    /// Messages that wait in a queue.
    waiting: Vec<Value>,
}

/// The owner of a resource's account, and the resource's part of the ARN.
fn owner(cloud: &Cloud, resource: &str) -> Option<(Ctx, String)> {
    let parts = arn::split(resource)?;
    let account = parts.account_id().unwrap_or(AccountId::DEFAULT);
    let region = Region::parse(parts.region).unwrap_or(cloud.settings().default_region);
    Some((as_owner(cloud, account, region), parts.resource.to_owned()))
}

/// The console's own calls: those of the owner of the account, in a trace that nobody follows.
pub(super) fn as_owner(cloud: &Cloud, account: AccountId, region: Region) -> Ctx {
    let caller = Caller {
        actor: Actor::of(Principal::root(account)),
        access_key_id: None,
        source_ip: None,
        user_agent: Some("brume console".to_owned()),
        is_tls: false,
        source: None,
    };
    let trace = TraceContext::begin(cloud.ids(), cloud.clock().now());
    Ctx::new(cloud.clone(), caller, (account, region), trace, "console".into(), &cloud.ids().uuid())
}

/// The latest calls that touched a resource.
fn calls(cloud: &Cloud, arn: &str) -> Vec<Value> {
    let spans = cloud.traces().touching(arn, SHOWN);
    spans
        .into_iter()
        .map(|span| {
            let outcome = span.error.as_deref().unwrap_or("ok");
            json!({
                "time": span.start.iso8601_millis(),
                "text": format!("{} · {:.1} ms · {outcome}", span.name, span.duration_micros as f64 / 1000.0),
                "trace": TraceContext { trace: span.trace, parent: 0 }.trace_id(),
            })
        })
        .collect()
}

async fn queue(ctx: &Ctx, queues: &SqsService, name: &str) -> Result<Found, ApiError> {
    let input = sqs_api::GetQueueAttributesInput {
        queue_url: name.to_owned(),
        attribute_names: Some(vec!["All".to_owned()]),
    };
    let attributes = ctx.call::<sqs_api::op::GetQueueAttributes>(input).await?.attributes.unwrap_or_default();
    let shown = [
        ("ApproximateNumberOfMessages", "Messages visible"),
        ("ApproximateNumberOfMessagesNotVisible", "In flight"),
        ("ApproximateNumberOfMessagesDelayed", "Delayed"),
        ("VisibilityTimeout", "Visibility timeout (s)"),
        ("MessageRetentionPeriod", "Retention (s)"),
    ];
    let facts = shown
        .into_iter()
        .filter_map(|(name, label)| Some((label.to_owned(), attributes.get(name)?.clone())))
        .collect();
    let waiting =
        queues.peek(ctx.account(), ctx.region(), name, SHOWN)?.iter().map(waiting_message).collect();
    Ok(Found { facts, waiting, ..Found::default() })
}

/// A message with the beginning of its text, and the rest of what is known of it.
fn waiting_message(message: &WaitingMessage) -> Value {
    let state = match message.state {
        WaitingState::Visible => "visible".to_owned(),
        WaitingState::InFlight(until) => format!("in flight until {}", until.iso8601_millis()),
        WaitingState::Delayed(until) => format!("delayed until {}", until.iso8601_millis()),
    };
    let line: String = message.body.chars().take(LINE).collect();
    let text: String = message.body.chars().take(LONGEST_TEXT).collect();
    let attributes: serde_json::Map<String, Value> =
        message.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let detail = json!({
        "MessageId": message.id,
        "State": state,
        "Receives": message.receives,
        "MessageGroupId": message.group,
        "MessageAttributes": attributes,
        "Body": text,
    });
    let trace = message.trace.as_deref().and_then(|trace| trace.parse::<TraceContext>().ok());
    json!({
        "time": message.sent.iso8601_millis(),
        "text": line,
        "state": state.split(" until").next(),
        "detail": serde_json::to_string_pretty(&detail).unwrap_or_default(),
        "trace": trace.map(|trace| trace.trace_id()),
    })
}

async fn table(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let name = resource.split('/').nth(1).unwrap_or_default().to_owned();
    let described = ctx
        .call::<dynamodb_api::op::DescribeTable>(dynamodb_api::DescribeTableInput {
            table_name: name.clone(),
        })
        .await?;
    let facts = described.table.map_or_else(Vec::new, |table| {
        let stream = table.latest_stream_label.map_or("off".to_owned(), |label| format!("since {label}"));
        vec![
            ("Status".to_owned(), table.table_status.unwrap_or_default()),
            ("Items".to_owned(), table.item_count.unwrap_or_default().to_string()),
            ("Stream".to_owned(), stream),
        ]
    });
    let input = dynamodb_api::ScanInput { table_name: name, limit: Some(SHOWN as i32), ..Default::default() };
    let items = ctx.call::<dynamodb_api::op::Scan>(input).await?.items.unwrap_or_default();
    let recent = items.iter().map(|item| json!({ "time": "", "text": item_text(item) })).collect();
    Ok(Found { facts, recent, ..Found::default() })
}

/// An item in a line: `orderId=42 total=9.90`.
fn item_text(item: &shapes::Map<dynamodb_api::AttributeValue>) -> String {
    use dynamodb_api::AttributeValue as Value;
    let words = item.iter().map(|(name, value)| match value {
        Value::S(text) | Value::N(text) => format!("{name}={text}"),
        Value::Bool(value) => format!("{name}={value}"),
        _ => format!("{name}=…"),
    });
    words.collect::<Vec<_>>().join("  ")
}

async fn function(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let name = resource.split(':').nth(1).unwrap_or_default().to_owned();
    let input =
        lambda_api::GetFunctionConfigurationInput { function_name: name.clone(), ..Default::default() };
    let configuration = ctx.call::<lambda_api::op::GetFunctionConfiguration>(input).await?;
    let facts = vec![
        ("Runtime".to_owned(), configuration.runtime.unwrap_or_default()),
        ("Handler".to_owned(), configuration.handler.unwrap_or_default()),
        ("Memory (MB)".to_owned(), configuration.memory_size.unwrap_or_default().to_string()),
        ("Timeout (s)".to_owned(), configuration.timeout.unwrap_or_default().to_string()),
    ];
    let input = logs_api::FilterLogEventsInput {
        log_group_name: Some(format!("/aws/lambda/{name}")),
        start_time: Some(ctx.now().millis() - 15 * 60 * 1000),
        ..Default::default()
    };
    let events = match ctx.call::<logs_api::op::FilterLogEvents>(input).await {
        Ok(found) => found.events.unwrap_or_default(),
        // A function that was never invoked has no logs.
        Err(_) => Vec::new(),
    };
    let recent = events
        .iter()
        .rev()
        .take(SHOWN)
        .map(|event| {
            let time = shapes::Timestamp::from_millis(event.timestamp.unwrap_or_default());
            json!({ "time": time.iso8601_millis(), "text": event.message.as_deref().unwrap_or_default().trim_end() })
        })
        .collect();
    Ok(Found { facts, recent, ..Found::default() })
}
