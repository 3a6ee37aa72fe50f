//! Archives: events of a bus, kept to be replayed.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, Row, Scope, Tx};

use crate::bus::BusArn;
use crate::event::{Event, Facts};
use crate::{Events, errors, tables};

const KIND: &str = "events/archive";
/// Events that one transaction of the upkeep takes away.
const STEP: usize = 500;
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Archive {
    pub name: String,
    /// Under which its events lie; an archive that is made anew has another one.
    pub id: u64,
    pub bus: String,
    pub description: Option<String>,
    pub pattern: Option<String>,
    /// 0 is for ever.
    pub retention_days: u32,
    pub created: Timestamp,
    pub events: u64,
    pub bytes: u64,
}

store::row!(Archive, 1);

/// An event in an archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Archived {
    pub facts: Facts,
    pub stored: Timestamp,
}

store::row!(Archived, 1);

/// What the upkeep of an archive is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Upkeep {
    account: AccountId,
    region: Region,
    name: String,
    id: u64,
}

store::row!(Upkeep, 1);

pub(crate) fn arn_of(account: AccountId, region: Region, name: &str) -> String {
    format!("arn:aws:events:{}:{account}:archive/{name}", region.as_str())
}

/// The name in an archive's ARN.
pub(crate) fn parse_arn(text: &str) -> Result<String, ApiError> {
    let parts = arn::split(text).filter(|parts| parts.service == "events");
    let name = parts.and_then(|parts| parts.resource.strip_prefix("archive/"));
    name.map(str::to_owned).ok_or_else(|| errors::invalid_arn("EventSourceArn", text))
}

impl Archive {
    pub(crate) fn get(reader: &mut dyn Reader, name: &str) -> Result<Self, ApiError> {
        let found = tables::ARCHIVES.find(reader, &name.to_owned())?;
        found.ok_or_else(|| errors::resource_does_not_exist("Archive", name))
    }
}

/// Puts an event into an archive. `tx` is in the archive's scope.
pub(crate) fn keep(ctx: &Ctx, tx: &mut Tx<'_>, name: &str, event: &Event) -> Result<(), ApiError> {
    let Some(mut archive) = tables::ARCHIVES.find(tx, &name.to_owned())? else { return Ok(()) };
    let facts = Facts::clone(&event.facts);
    archive.events += 1;
    archive.bytes += size(&facts);
    let (time, id, stored) = (facts.time, facts.id.clone(), ctx.now());
    tables::EXPIRIES.put(tx, &(archive.id, stored, time, id.clone()), &());
    tables::ARCHIVED.put(tx, &(archive.id, time, id), &Archived { facts, stored });
    tables::ARCHIVES.put(tx, &archive.name, &archive);
    Ok(())
}

fn size(facts: &Facts) -> u64 {
    (facts.detail.len() + facts.detail_type.len() + facts.source.len()) as u64
}

/// Has the events of an archive taken away as they expire, or all once it is gone.
pub(crate) fn watch(ctx: &Ctx, tx: &mut Tx<'_>, bus: &BusArn, archive: &Archive, due: Timestamp) {
    let upkeep =
        Upkeep { account: bus.account, region: bus.region, name: archive.name.clone(), id: archive.id };
    let mut payload = Vec::new();
    upkeep.encode(&mut payload);
    let subject = arn_of(bus.account, bus.region, &archive.name);
    Jobs::add(tx, ctx.now(), ctx.ids().number(), NewJob { kind: KIND, subject, payload, due });
}

/// When an archive is looked after next.
pub(crate) fn next_upkeep(ctx: &Ctx) -> Timestamp {
    ctx.now() + DAY
}

pub(crate) fn jobs(events: &Arc<Events>) -> JobKind {
    let events = Arc::clone(events);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 4,
        handler: Arc::new(move |_, job| {
            let events = Arc::clone(&events);
            Box::pin(async move {
                match events.tidy_archive(&job).await {
                    Ok(Some(again)) => JobOutcome::Again(again),
                    Ok(None) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl Events {
    /// Returns when to look again; not at all once the archive and its events are gone.
    async fn tidy_archive(&self, job: &Job) -> Result<Option<Timestamp>, ApiError> {
        let Ok(upkeep) = Upkeep::decode(&job.payload) else { return Ok(None) };
        let scope: Scope = tenant(upkeep.account, upkeep.region);
        let now = self.cloud.clock().now();
        loop {
            let upkeep = upkeep.clone();
            let (has_more, is_there) =
                self.cloud.store().write(&scope, move |tx| upkeep.step(tx, now)).await?;
            match (has_more, is_there) {
                (true, _) => {}
                (false, true) => return Ok(Some(now + DAY)),
                (false, false) => return Ok(None),
            }
        }
    }
}

impl Upkeep {
    /// Takes some away; whether there is more, and whether the archive is still there.
    fn step(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(bool, bool), ApiError> {
        let archive = tables::ARCHIVES.find(tx, &self.name)?.filter(|archive| archive.id == self.id);
        let before = match &archive {
            Some(archive) if archive.retention_days == 0 => return Ok((false, true)),
            Some(archive) => now - DAY * archive.retention_days,
            None => Timestamp::MAX,
        };
        let mut due = Vec::new();
        tables::EXPIRIES.visit(tx, &Range::prefix(&self.id), Order::Ascending, |key, ()| {
            if key.1 > before {
                return ControlFlow::Break(());
            }
            due.push(key);
            if due.len() < STEP { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let (mut events, mut bytes) = (0, 0);
        for (id, stored, time, event) in &due {
            tables::EXPIRIES.delete(tx, &(*id, *stored, *time, event.clone()));
            let key = (*id, *time, event.clone());
            // The same event may have been put twice, and then lies here once.
            if let Some(archived) =
                tables::ARCHIVED.find(tx, &key)?.filter(|archived| archived.stored == *stored)
            {
                tables::ARCHIVED.delete(tx, &key);
                bytes += size(&archived.facts);
            }
            events += 1;
        }
        let is_there = archive.is_some();
        if let Some(mut archive) = archive.filter(|_| events > 0) {
            archive.events = archive.events.saturating_sub(events);
            archive.bytes = archive.bytes.saturating_sub(bytes);
            tables::ARCHIVES.put(tx, &archive.name, &archive);
        }
        Ok((due.len() == STEP, is_there))
    }
}
