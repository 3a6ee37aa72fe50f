//! Replays: a subscription of a FIFO topic gets messages of the topic's archive again (Developer Guide, "Amazon SNS
//! message replay for FIFO topic subscribers").
//!
//! A replay is a row beside its subscription, and a job that delivers the archive in order, a few messages in each
//! transaction. Meanwhile new messages are not delivered: the replay reaches them in the archive. The transaction that
//! finds nothing more ends it, so that no message comes twice or not at all in between.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, Row, Tx};

use crate::archive::{self, Archive, Archived};
use crate::fan_out::Delivered;
use crate::filter_policy::Filterable;
use crate::message::Publication;
use crate::subscription::{Subscription, SubscriptionArn};
use crate::topic::{Topic, TopicArn};
use crate::{PRINCIPAL, Sns, errors, fifo, tables};

const KIND: &str = "sns/replay";
/// Messages delivered in one transaction.
const AT_ONCE: usize = 50;
/// Between looks for messages that are still to be published before the ending point.
const PAUSE: Duration = Duration::from_secs(1);

/// A subscription's replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replay {
    id: u64,
    archive: u64,
    /// As it was set.
    pub policy: String,
    start: Timestamp,
    end: Option<Timestamp>,
    pub status: Status,
    /// The last message that was delivered.
    last: Option<(Timestamp, u64)>,
}

store::row!(Replay, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Completed,
    Failed,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "In progress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }
}

impl Replay {
    /// Whether new messages pass the subscription by: while it is replayed to, and after a replay with an ending point.
    fn silences(&self) -> bool {
        match self.status {
            Status::Pending | Status::InProgress => true,
            Status::Completed => self.end.is_some(),
            Status::Failed => false,
        }
    }
}

/// What a replay policy asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    policy: String,
    start: Timestamp,
    end: Option<Timestamp>,
}

impl Wanted {
    pub(crate) fn is_of(&self, replay: &Replay) -> bool {
        self.policy == replay.policy
    }

    /// `None` when the policy is taken back.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        let invalid = |reason: &str| errors::invalid_because("ReplayPolicy", reason);
        if text.is_empty() {
            return Ok(None);
        }
        let policy: Value = serde_json::from_str(text).map_err(|_| invalid("failed to parse JSON."))?;
        let members = policy.as_object().ok_or_else(|| invalid("it is not a JSON object"))?;
        if members.is_empty() {
            return Ok(None);
        }
        let known = ["PointType", "StartingPoint", "EndingPoint"];
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(invalid(&format!("unknown member {other}")));
        }
        if policy["PointType"] != "Timestamp" {
            return Err(invalid("PointType must be Timestamp"));
        }
        let point = |name: &str| match &policy[name] {
            Value::Null => Ok(None),
            Value::String(text) => parse_time(text)
                .map(Some)
                .ok_or_else(|| invalid(&format!("{name} must be like 2026-01-31T12:00:00.000Z"))),
            _ => Err(invalid(&format!("{name} must be a string"))),
        };
        let start = point("StartingPoint")?.ok_or_else(|| invalid("StartingPoint is missing"))?;
        let end = point("EndingPoint")?;
        if end.is_some_and(|end| end <= start) {
            return Err(invalid("EndingPoint must be after StartingPoint"));
        }
        Ok(Some(Self { policy: text.to_owned(), start, end }))
    }
}

/// `2026-01-31T12:00:00.000Z`, with or without a fraction.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator: char| -> Option<[u32; 3]> {
        let parts: Vec<&str> = text.split(separator).collect();
        let parse = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
        let [a, b, c] = parts[..] else { return None };
        Some([parse(a)?, parse(b)?, parse(c)?])
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if !(1..=9).contains(&fraction.len()) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let millis = format!("{fraction:0<3}")[..3].parse().ok()?;
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    Timestamp::from_utc((i64::from(year), month, day), (hour, minute, second), millis)
}

fn key(arn: &SubscriptionArn) -> (String, String) {
    (arn.topic.name.clone(), arn.id.clone())
}

pub(crate) fn find(reader: &mut dyn Reader, arn: &SubscriptionArn) -> Result<Option<Replay>, ApiError> {
    Ok(tables::REPLAYS.find(reader, &key(arn))?)
}

/// Ids of subscriptions of a topic that new messages pass by.
pub(crate) fn silent(reader: &mut dyn Reader, topic: &Topic) -> Result<HashSet<String>, ApiError> {
    let mut ids = HashSet::new();
    if !topic.is_fifo() {
        return Ok(ids);
    }
    let range = Range::prefix(&topic.name);
    tables::REPLAYS.visit(reader, &range, Order::Ascending, |(_, id), replay| {
        if replay.silences() {
            ids.insert(id);
        }
        ControlFlow::Continue(())
    })?;
    Ok(ids)
}

/// Starts a replay in place of one that there may be, or stops it. `tx` is in the topic's scope.
pub(crate) fn set(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    arn: &SubscriptionArn,
    subscription: &Subscription,
    wanted: Option<&Wanted>,
) -> Result<(), ApiError> {
    let Some(Wanted { policy, start, end }) = wanted else {
        tables::REPLAYS.delete(tx, &key(arn));
        return Ok(());
    };
    if !fifo::is_fifo(&arn.topic.name) {
        return Err(errors::invalid_because("ReplayPolicy", "only subscriptions of FIFO topics have it"));
    }
    let archive = archive::find(tx, &arn.topic.name)?.ok_or_else(|| {
        errors::invalid_because("ReplayPolicy", "the topic does not have an active ArchivePolicy")
    })?;
    if *start < archive.beginning(ctx.now()) {
        let reason = "StartingPoint must not be before the BeginningArchiveTime of the topic";
        return Err(errors::invalid_because("ReplayPolicy", reason));
    }
    let replay = Replay {
        id: u64::from_le_bytes(ctx.ids().bytes()),
        archive: archive.id,
        policy: policy.clone(),
        start: *start,
        end: *end,
        status: Status::Pending,
        last: None,
    };
    tables::REPLAYS.put(tx, &key(arn), &replay);
    if subscription.is_confirmed() {
        schedule(ctx.cloud(), tx, arn, &replay);
    }
    Ok(())
}

/// The subscription is confirmed: what was to be replayed to it begins.
pub(crate) fn begin(cloud: &Cloud, tx: &mut Tx<'_>, arn: &SubscriptionArn) -> Result<(), ApiError> {
    if let Some(replay) = find(tx, arn)? {
        schedule(cloud, tx, arn, &replay);
    }
    Ok(())
}

/// Forgets the replay of a subscription that ends.
pub(crate) fn forget(tx: &mut Tx<'_>, subscription: &Subscription) {
    tables::REPLAYS.delete(tx, &subscription.key());
}

/// A job's payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    account: AccountId,
    region: String,
    topic: String,
    subscription: String,
    replay: u64,
}

store::row!(Subject, 1);

fn schedule(cloud: &Cloud, tx: &mut Tx<'_>, arn: &SubscriptionArn, replay: &Replay) {
    let subject = Subject {
        account: arn.topic.account,
        region: arn.topic.region.as_str().to_owned(),
        topic: arn.topic.name.clone(),
        subscription: arn.id.clone(),
        replay: replay.id,
    };
    let mut payload = Vec::new();
    subject.encode(&mut payload);
    let now = cloud.clock().now();
    let job = NewJob { kind: KIND, subject: arn.to_string(), payload, due: now };
    Jobs::add(tx, now, cloud.ids().number(), job);
}

pub(crate) fn kind(sns: Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 8,
        handler: Arc::new(move |_, job| {
            let sns = Arc::clone(&sns);
            Box::pin(async move {
                let Ok(subject) = Subject::decode(&job.payload) else { return JobOutcome::Done };
                match run(&sns, subject).await {
                    Ok(outcome) => outcome,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

/// What a transaction of a replay came to.
enum Step {
    More,
    Wait,
    Done,
}

async fn run(sns: &Arc<Sns>, subject: Subject) -> Result<JobOutcome, ApiError> {
    let Some(region) = Region::parse(&subject.region) else { return Ok(JobOutcome::Done) };
    let topic = TopicArn { account: subject.account, region, name: subject.topic };
    let ctx = sns.cloud.background(PRINCIPAL, &topic.to_string(), topic.account, region);
    let arn = SubscriptionArn { topic, id: subject.subscription };
    loop {
        let (own, sns, arn) = (ctx.clone(), Arc::clone(sns), arn.clone());
        let id = subject.replay;
        let scope = arn.topic.scope();
        match ctx.store().write(&scope, move |tx| sns.replay_some(&own, tx, &arn, id)).await? {
            Step::More => {}
            Step::Wait => return Ok(JobOutcome::Again(ctx.now() + PAUSE)),
            Step::Done => return Ok(JobOutcome::Done),
        }
    }
}

impl Sns {
    /// Delivers the next messages of a replay.
    fn replay_some(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &SubscriptionArn,
        id: u64,
    ) -> Result<Step, ApiError> {
        let Some(mut replay) = find(tx, arn)?.filter(|replay| replay.id == id) else { return Ok(Step::Done) };
        let topic = tables::TOPICS.find(tx, &arn.topic.name)?;
        let subscription = tables::SUBSCRIPTIONS.find(tx, &key(arn))?;
        let Some((topic, subscription)) = topic.zip(subscription) else { return Ok(Step::Done) };
        let archive = archive::find(tx, &arn.topic.name)?.filter(|archive| archive.id == replay.archive);
        let step = match archive {
            Some(archive) => {
                let due = replay.next(tx, &archive)?;
                let count = due.len();
                let opened: Result<Vec<Publication>, ApiError> =
                    due.into_iter().map(|archived| archived.open(self, ctx, &arn.topic)).collect();
                match opened {
                    Ok(publications) => {
                        for publication in &publications {
                            self.deliver_again(ctx, tx, (arn, &topic), &subscription, publication)?;
                        }
                        replay.step_after(count, ctx.now())
                    }
                    Err(error) if error.status() >= 500 => return Err(error),
                    // The topic's key opens the archive no more.
                    Err(_) => {
                        replay.status = Status::Failed;
                        Step::Done
                    }
                }
            }
            None => {
                replay.status = Status::Failed;
                Step::Done
            }
        };
        tables::REPLAYS.put(tx, &key(arn), &replay);
        Ok(step)
    }

    fn deliver_again(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, topic): (&SubscriptionArn, &Topic),
        subscription: &Subscription,
        publication: &Publication,
    ) -> Result<(), ApiError> {
        let settings = &subscription.settings;
        let filterable = Filterable::new(&publication.message);
        let admits = |policy: &String| self.filters.admits(policy, settings.filters_body, &filterable);
        if !settings.filter_policy.as_ref().is_none_or(admits) {
            return Ok(());
        }
        let letterhead = self.letterhead(topic)?;
        let name = match self.deliver(ctx, tx, (&arn.topic, topic, &letterhead), subscription, publication)? {
            Delivered::Yes => "NumberOfReplayedNotificationsDelivered",
            Delivered::No(_) => "NumberOfReplayedNotificationsFailed",
            Delivered::Later => return Ok(()),
        };
        ctx.publish("AWS/SNS", name, ("TopicName", &arn.topic.name), 1.0);
        Ok(())
    }
}

impl Replay {
    /// The next messages of the archive, which count as delivered from then on.
    fn next(&mut self, reader: &mut dyn Reader, archive: &Archive) -> Result<Vec<Archived>, ApiError> {
        let mut range = Range::prefix(&archive.id).starting_at(&(archive.id, self.start));
        if let Some((at, number)) = self.last {
            range = range.after(&(archive.id, at, number));
        }
        if let Some(end) = self.end {
            range = range.before(&(archive.id, end + Duration::from_millis(1)));
        }
        let mut due = Vec::new();
        tables::ARCHIVED.visit(reader, &range, Order::Ascending, |(_, at, number), archived| {
            self.last = Some((at, number));
            due.push(archived);
            if due.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(due)
    }

    fn step_after(&mut self, delivered: usize, now: Timestamp) -> Step {
        self.status = Status::InProgress;
        if delivered == AT_ONCE {
            return Step::More;
        }
        if self.end.is_some_and(|end| now <= end) {
            return Step::Wait;
        }
        self.status = Status::Completed;
        Step::Done
    }
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::{Wanted, parse_time};

    #[test]
    fn points_are_times() {
        let time = |seconds| Some(Timestamp::from_millis(seconds));
        assert_eq!(parse_time("1970-01-01T00:00:01Z"), time(1000));
        assert_eq!(parse_time("1970-01-01T00:00:01.5Z"), time(1500));
        assert_eq!(parse_time("1970-01-01T00:00:01.123456Z"), time(1123));
        for bad in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:01",
            "1970-13-01T00:00:01Z",
            "1970-01-01T00:00:+1Z",
            "1-1-1T1:1:1.Z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn policies_say_from_when_to_when() {
        let policy = |start: &str, end: &str| {
            format!(r#"{{"PointType":"Timestamp","StartingPoint":"{start}","EndingPoint":"{end}"}}"#)
        };
        let (early, late) = ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z");
        assert!(Wanted::parse(&policy(early, late)).unwrap().is_some());
        assert_eq!(Wanted::parse("{}").unwrap(), None);
        for bad in [
            policy(late, early),
            policy("x", late),
            "[]".to_owned(),
            r#"{"PointType":"Timestamp"}"#.to_owned(),
            format!(r#"{{"PointType":"Offset","StartingPoint":"{early}"}}"#),
            format!(r#"{{"PointType":"Timestamp","StartingPoint":"{early}","Until":1}}"#),
        ] {
            assert_eq!(Wanted::parse(&bad).unwrap_err().code(), "InvalidParameter", "{bad}");
        }
    }
}
