//! Log lines of functions on their way to CloudWatch Logs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cloud::{Cloud, Ctx};
use identity::{AccountId, Region};
use logs_api::op::{CreateLogGroup, CreateLogStream, PutLogEvents};
use logs_api::{CreateLogGroupInput, CreateLogStreamInput, InputLogEvent, PutLogEventsInput};
use shapes::{ApiError, Timestamp};
use tokio::sync::mpsc;

use crate::PRINCIPAL;

/// Of one log event (CloudWatch Logs quotas, "Event size").
pub(crate) const LONGEST_LINE_BYTES: usize = 256 * 1024;
/// Lines on their way; what comes while there are so many is counted and dropped.
const MOST_LINES: usize = 20_000;
/// Of one request (CloudWatch Logs API Reference, PutLogEvents: 1 MiB, and 26 bytes for each event).
const MOST_BATCH_BYTES: usize = 1_000_000;
const MOST_BATCH_LINES: usize = 5_000;
const BYTES_PER_LINE: usize = 26;
/// Lines gather this long, so that many share one transaction.
const GATHERING: Duration = Duration::from_millis(100);

/// Where the lines of one environment go, and as whom they are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stream {
    pub account: AccountId,
    pub region: Region,
    pub function_arn: String,
    pub role: String,
    pub group: String,
    pub name: String,
}

struct Line {
    stream: Arc<Stream>,
    time: Timestamp,
    text: String,
}

/// Takes log lines; never makes a function wait.
pub(crate) struct Sink {
    cloud: Cloud,
    lines: OnceLock<mpsc::Sender<Line>>,
    dropped: AtomicU64,
}

impl Sink {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, lines: OnceLock::new(), dropped: AtomicU64::new(0) }
    }

    pub(crate) fn write(&self, stream: &Arc<Stream>, time: Timestamp, line: &str) {
        // Empty events are refused by CloudWatch Logs.
        if line.is_empty() {
            return;
        }
        let lines = self.lines.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(MOST_LINES);
            tokio::spawn(deliver(self.cloud.clone(), receiver));
            sender
        });
        let line = Line { stream: Arc::clone(stream), time, text: line.to_owned() };
        if lines.try_send(line).is_err() && self.dropped.fetch_add(1, Ordering::Relaxed).is_multiple_of(1000)
        {
            tracing::warn!(function = %stream.function_arn, "log lines are dropped: they come faster than they are kept");
        }
    }
}

/// Delivers lines until the sink is gone.
async fn deliver(cloud: Cloud, mut lines: mpsc::Receiver<Line>) {
    let mut gathered = Vec::new();
    while lines.recv_many(&mut gathered, MOST_BATCH_LINES).await > 0 {
        tokio::time::sleep(GATHERING).await;
        while gathered.len() < MOST_BATCH_LINES
            && let Ok(line) = lines.try_recv()
        {
            gathered.push(line);
        }
        let mut by_stream: HashMap<Arc<Stream>, Vec<InputLogEvent>> = HashMap::new();
        for line in gathered.drain(..) {
            let event = InputLogEvent { message: line.text, timestamp: line.time.millis() };
            by_stream.entry(line.stream).or_default().push(event);
        }
        for (stream, events) in by_stream {
            for batch in batches(events) {
                if let Err(error) = put(&cloud, &stream, batch).await {
                    tracing::debug!(function = %stream.function_arn, %error, "log lines could not be kept");
                }
            }
        }
    }
}

fn batches(events: Vec<InputLogEvent>) -> Vec<Vec<InputLogEvent>> {
    let mut batches = vec![Vec::new()];
    let mut size = 0;
    for event in events {
        size += event.message.len() + BYTES_PER_LINE;
        if size > MOST_BATCH_BYTES {
            batches.push(Vec::new());
            size = event.message.len() + BYTES_PER_LINE;
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(event);
        }
    }
    batches
}

/// Writes as the function's role, as AWS does: a role that may not write logs leaves none.
async fn put(cloud: &Cloud, stream: &Stream, events: Vec<InputLogEvent>) -> Result<(), ApiError> {
    let ctx = cloud.background(PRINCIPAL, &stream.function_arn, stream.account, stream.region);
    let ctx = ctx.with_role(PRINCIPAL, &stream.function_arn, &stream.role)?;
    let input = PutLogEventsInput {
        log_group_name: stream.group.clone(),
        log_stream_name: stream.name.clone(),
        log_events: events,
        ..Default::default()
    };
    match ctx.call::<PutLogEvents>(input.clone()).await {
        Err(error) if error.name() == "ResourceNotFoundException" => {
            make(&ctx, stream).await?;
            ctx.call::<PutLogEvents>(input).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

async fn make(ctx: &Ctx, stream: &Stream) -> Result<(), ApiError> {
    let group = CreateLogGroupInput { log_group_name: stream.group.clone(), ..Default::default() };
    unless_there(ctx.call::<CreateLogGroup>(group).await.map(|_| ()))?;
    let stream =
        CreateLogStreamInput { log_group_name: stream.group.clone(), log_stream_name: stream.name.clone() };
    unless_there(ctx.call::<CreateLogStream>(stream).await.map(|_| ()))
}

fn unless_there(made: Result<(), ApiError>) -> Result<(), ApiError> {
    match made {
        Err(error) if error.name() == "ResourceAlreadyExistsException" => Ok(()),
        other => other,
    }
}
