//! The way of log lines to CloudWatch Logs: requests leave them in a queue that has an end, and one task writes them down.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use cloud::{Cloud, tenant};
use identity::{AccountId, Region};
use logs_api::op::{CreateLogGroup, CreateLogStream, PutLogEvents};
use logs_api::{CreateLogGroupInput, CreateLogStreamInput, InputLogEvent, PutLogEventsInput};
use shapes::{ApiError, Timestamp};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tracing::warn;

use crate::PRINCIPAL;
use crate::tables::ACCOUNTS;

/// Entries that wait to be written; past it they are counted and dropped, since no request waits for its log.
const WAITING: usize = 10_000;
/// Entries that are taken from the queue at once.
const AT_ONCE: usize = 500;

/// Where lines go. Ordered, so that entries are gathered by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub account: AccountId,
    pub region: Region,
    /// ARN of the stage that writes.
    pub stage: String,
    pub group: String,
    pub stream: String,
}

/// What one request has to say in one place.
pub(super) struct Entry {
    pub place: Place,
    pub time: Timestamp,
    pub lines: Vec<String>,
}

#[derive(Default)]
pub(super) struct Journal {
    queue: OnceLock<Sender<Entry>>,
    dropped: AtomicU64,
}

impl Journal {
    /// Hands an entry to the task that writes, which begins with the first one.
    pub(super) fn put(&self, cloud: &Cloud, entry: Entry) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let queue = self.queue.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(WAITING);
            runtime.spawn(write_all(cloud.clone(), receiver));
            sender
        });
        if queue.try_send(entry).is_err() {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                warn!(
                    dropped,
                    "log entries of APIs were dropped, for they come faster than they are written"
                );
            }
        }
    }
}

/// Ends when the endpoint whose journal it is does.
async fn write_all(cloud: Cloud, mut queue: Receiver<Entry>) {
    let mut taken = Vec::with_capacity(AT_ONCE);
    while queue.recv_many(&mut taken, AT_ONCE).await > 0 {
        let mut by_place: BTreeMap<Place, Vec<InputLogEvent>> = BTreeMap::new();
        for Entry { place, time, lines } in taken.drain(..) {
            let events = lines.into_iter().map(|message| InputLogEvent { message, timestamp: time.millis() });
            by_place.entry(place).or_default().extend(events);
        }
        for (place, events) in by_place {
            if let Err(error) = write(&cloud, &place, events).await {
                warn!(group = %place.group, %error, "the log of an API could not be written");
            }
        }
    }
}

/// With the role of the account's settings, as they are by now.
async fn write(cloud: &Cloud, place: &Place, events: Vec<InputLogEvent>) -> Result<(), ApiError> {
    let scope = tenant(place.account, place.region);
    let account = ACCOUNTS.find(&mut cloud.store().read(&scope)?, &())?.unwrap_or_default();
    let Some(role) = account.cloudwatch_role_arn else { return Ok(()) };
    let ctx = cloud.background(PRINCIPAL, &place.stage, place.account, place.region);
    let ctx = ctx.with_role(PRINCIPAL, &place.stage, &role)?;
    let input = PutLogEventsInput {
        log_group_name: place.group.clone(),
        log_stream_name: place.stream.clone(),
        log_events: events,
        ..Default::default()
    };
    match ctx.call::<PutLogEvents>(input.clone()).await {
        Err(error) if error.name() == "ResourceNotFoundException" => {}
        other => return other.map(|_| ()),
    }
    let group = CreateLogGroupInput { log_group_name: place.group.clone(), ..Default::default() };
    unless_there(ctx.call::<CreateLogGroup>(group).await.map(|_| ()))?;
    let stream =
        CreateLogStreamInput { log_group_name: place.group.clone(), log_stream_name: place.stream.clone() };
    unless_there(ctx.call::<CreateLogStream>(stream).await.map(|_| ()))?;
    ctx.call::<PutLogEvents>(input).await.map(|_| ())
}

fn unless_there(made: Result<(), ApiError>) -> Result<(), ApiError> {
    match made {
        Err(error) if error.name() == "ResourceAlreadyExistsException" => Ok(()),
        other => other,
    }
}
