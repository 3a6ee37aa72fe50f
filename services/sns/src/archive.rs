//! Archives of FIFO topics: every message once, for as long as the topic's owner wants (Developer Guide, "Amazon SNS
//! message archiving for FIFO topic owners"). [`crate::replay`] reads them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, Row, StoreError, Tx};

use crate::kms_keys::Kept;
use crate::message::{Message, Publication};
use crate::topic::{Topic, TopicArn};
use crate::{Sns, errors, tables};

const KIND: &str = "sns/archive";
const DAY: Duration = Duration::from_secs(86_400);
const LONGEST_DAYS: u32 = 365;
/// Between two looks for messages that have outlived their retention.
const PAUSE: Duration = Duration::from_secs(3600);
/// Messages deleted in one transaction.
const ROWS_AT_ONCE: usize = 500;

/// A topic's archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Archive {
    /// Messages lie under it: one that is begun anew has another.
    pub id: u64,
    pub since: Timestamp,
    pub retention_days: u32,
}

store::row!(Archive, 1);

/// A message as it was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Archived {
    message: Kept,
    group: Option<String>,
    deduplication_id: Option<String>,
    sequence_number: Option<String>,
}

store::row!(Archived, 2, FirstArchived);

/// Before there were messages under KMS keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FirstArchived {
    message: Message,
    group: Option<String>,
    deduplication_id: Option<String>,
    sequence_number: Option<String>,
}

store::row!(FirstArchived, 1);

impl From<FirstArchived> for Archived {
    fn from(first: FirstArchived) -> Self {
        let FirstArchived { message, group, deduplication_id, sequence_number } = first;
        Self { message: Kept::Plain(message), group, deduplication_id, sequence_number }
    }
}

impl Archive {
    /// From when on its messages can be replayed.
    pub(crate) fn beginning(&self, now: Timestamp) -> Timestamp {
        self.since.max(now - DAY * self.retention_days)
    }
}

impl Archived {
    /// The message to be published again. Errors are those about KMS keys.
    pub(crate) fn open(self, sns: &Sns, ctx: &Ctx, arn: &TopicArn) -> Result<Publication, ApiError> {
        let Self { message, group, deduplication_id, sequence_number } = self;
        let (message, sealed) = match message {
            Kept::Plain(message) => (message, None),
            Kept::Sealed(sealed) => (sns.open(ctx, arn, &sealed)?, Some(Arc::from(sealed))),
        };
        Ok(Publication {
            message,
            group,
            deduplication_id,
            sequence_number,
            is_replayed: true,
            sealed,
            audit: None,
        })
    }
}

/// The days that an archive policy says; `None` when it says that there is no archive.
pub(crate) fn parse_policy(text: &str) -> Result<Option<u32>, ApiError> {
    let invalid = |reason: &str| errors::invalid_because("ArchivePolicy", reason);
    if text.is_empty() {
        return Ok(None);
    }
    let policy: Value = serde_json::from_str(text).map_err(|_| invalid("failed to parse JSON."))?;
    let members = policy.as_object().ok_or_else(|| invalid("it is not a JSON object"))?;
    if members.is_empty() {
        return Ok(None);
    }
    if let Some(other) = members.keys().find(|name| *name != "MessageRetentionPeriod") {
        return Err(invalid(&format!("unknown member {other}")));
    }
    let days = &members["MessageRetentionPeriod"];
    let days = days.as_u64().or_else(|| days.as_str()?.parse().ok());
    days.and_then(|days| u32::try_from(days).ok())
        .filter(|days| (1..=LONGEST_DAYS).contains(days))
        .map(Some)
        .ok_or_else(|| invalid("MessageRetentionPeriod must be from 1 to 365 days"))
}

pub(crate) fn find(reader: &mut dyn Reader, topic: &str) -> Result<Option<Archive>, ApiError> {
    Ok(tables::ARCHIVES.find(reader, &topic.to_owned())?)
}

/// Begins, changes or ends the archive of a topic as its attributes say. `tx` is in the topic's scope.
pub(crate) fn follow(ctx: &Ctx, tx: &mut Tx<'_>, arn: &TopicArn, topic: &Topic) -> Result<(), ApiError> {
    let policy = topic.attributes.get("ArchivePolicy");
    let days = policy.map(|text| parse_policy(text)).transpose()?.flatten();
    match (find(tx, &arn.name)?, days) {
        (Some(archive), Some(retention_days)) => {
            tables::ARCHIVES.put(tx, &arn.name, &Archive { retention_days, ..archive });
        }
        (None, Some(retention_days)) => {
            let id = u64::from_le_bytes(ctx.ids().bytes());
            tables::ARCHIVES.put(tx, &arn.name, &Archive { id, since: ctx.now(), retention_days });
            schedule(ctx, tx, arn, id, ctx.now() + PAUSE);
        }
        (Some(archive), None) => {
            tables::ARCHIVES.delete(tx, &arn.name);
            schedule(ctx, tx, arn, archive.id, ctx.now());
        }
        (None, None) => {}
    }
    Ok(())
}

/// Keeps a message that was admitted.
pub(crate) fn keep(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    topic: &Topic,
    publication: &Publication,
) -> Result<(), ApiError> {
    if !topic.attributes.contains_key("ArchivePolicy") {
        return Ok(());
    }
    let Some(archive) = find(tx, &topic.name)? else { return Ok(()) };
    let number = publication.sequence_number.as_deref().and_then(|number| number.parse().ok());
    let archived = Archived {
        message: publication.kept(),
        group: publication.group.clone(),
        deduplication_id: publication.deduplication_id.clone(),
        sequence_number: publication.sequence_number.clone(),
    };
    // By when it is kept and not by when its publish began: a replay that has come so far must not miss it.
    tables::ARCHIVED.put(tx, &(archive.id, ctx.now(), number.unwrap_or(0)), &archived);
    for (name, value) in [
        ("NumberOfMessagesArchiveProcessing", 1.0),
        ("NumberOfBytesArchiveProcessing", publication.message.size() as f64),
    ] {
        ctx.publish("AWS/SNS", name, ("TopicName", &topic.name), value);
    }
    Ok(())
}

/// A job's payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    account: AccountId,
    region: String,
    topic: String,
    archive: u64,
}

store::row!(Subject, 1);

fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, arn: &TopicArn, archive: u64, due: Timestamp) {
    let region = arn.region.as_str().to_owned();
    let subject = Subject { account: arn.account, region, topic: arn.name.clone(), archive };
    let mut payload = Vec::new();
    subject.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn.to_string(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

/// The job that deletes what has outlived its retention, and all of an archive that is no more.
pub(crate) fn kind(sns: Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let sns = Arc::clone(&sns);
            Box::pin(async move {
                match tidy(&sns, &job).await {
                    Ok(outcome) => outcome,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

async fn tidy(sns: &Sns, job: &Job) -> Result<JobOutcome, ApiError> {
    let Ok(subject) = Subject::decode(&job.payload) else { return Ok(JobOutcome::Done) };
    let Some(region) = Region::parse(&subject.region) else { return Ok(JobOutcome::Done) };
    let scope = tenant(subject.account, region);
    let (store, now) = (sns.cloud.store(), sns.cloud.clock().now());
    let archive = find(&mut store.read(&scope)?, &subject.topic)?;
    let archive = archive.filter(|archive| archive.id == subject.archive);
    let mut range = Range::prefix(&subject.archive);
    if let Some(archive) = &archive {
        range = range.before(&(archive.id, archive.beginning(now)));
    }
    loop {
        let part = range.clone();
        match store.write(&scope, move |tx| delete_some(tx, &part)).await? {
            Some(last) => range = range.after(&last),
            None => break,
        }
    }
    Ok(if archive.is_some() { JobOutcome::Again(now + PAUSE) } else { JobOutcome::Done })
}

/// Deletes the first messages of a range. Returns the last one's key when there may be more.
fn delete_some(tx: &mut Tx<'_>, range: &Range) -> Result<Option<(u64, Timestamp, u64)>, StoreError> {
    let mut keys = Vec::new();
    tables::ARCHIVED.visit(tx, range, Order::Ascending, |key, _| {
        keys.push(key);
        if keys.len() < ROWS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    keys.iter().for_each(|key| tables::ARCHIVED.delete(tx, key));
    Ok(keys.pop().filter(|_| keys.len() + 1 == ROWS_AT_ONCE))
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;
    use store::Row;

    use super::{Archived, FirstArchived, parse_policy};
    use crate::kms_keys::Kept;
    use crate::message::{Message, Parts};

    #[test]
    fn messages_of_before_kms_keys_are_read() {
        let parts = Parts { message: "text".to_owned(), ..Default::default() };
        let message = Message::parse("id".to_owned(), Timestamp::EPOCH, parts).unwrap();
        let first = FirstArchived {
            message: message.clone(),
            group: Some("g".to_owned()),
            deduplication_id: None,
            sequence_number: Some("1".to_owned()),
        };
        let mut row = Vec::new();
        first.encode(&mut row);
        let stored = b"\x01\x02id\x00\x04text\x00\x00\x00\x01\x01g\x00\x01\x011";
        assert_eq!(row, stored, "what was written before");
        let read = Archived::decode(stored).unwrap();
        assert_eq!((read.message, read.group.as_deref()), (Kept::Plain(message), Some("g")));
    }

    #[test]
    fn policies_say_days_or_nothing() {
        for (text, expected) in [
            (r#"{"MessageRetentionPeriod":"30"}"#, Some(30)),
            (r#"{"MessageRetentionPeriod":365}"#, Some(365)),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(parse_policy(text).unwrap(), expected, "{text}");
        }
        for bad in [
            "x",
            "[]",
            r#"{"MessageRetentionPeriod":"0"}"#,
            r#"{"MessageRetentionPeriod":366}"#,
            r#"{"MessageRetentionPeriod":-1}"#,
            r#"{"MessageRetentionPeriod":"1","Other":1}"#,
        ] {
            assert_eq!(parse_policy(bad).unwrap_err().code(), "InvalidParameter", "{bad}");
        }
    }
}
