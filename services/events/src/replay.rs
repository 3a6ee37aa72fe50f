//! Replays: events of an archive that go over their bus again.

use std::ops::ControlFlow;
use std::sync::Arc;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, Row, Tx};

use crate::archive::{Archive, Archived};
use crate::bus::BusArn;
use crate::event::{Event, Replayed};
use crate::{Events, PRINCIPAL, errors, tables};

const KIND: &str = "events/replay";
/// Events that one transaction sends.
const STEP: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replay {
    pub name: String,
    pub description: Option<String>,
    pub archive: String,
    pub archive_id: u64,
    pub bus: String,
    /// ARNs of the rules that get the events; all when empty.
    pub rules: Vec<String>,
    pub from: Timestamp,
    pub to: Timestamp,
    pub state: State,
    /// Time and id of the last event that was sent.
    pub cursor: Option<(Timestamp, String)>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
}

store::row!(Replay, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Starting,
    Running,
    Cancelling,
    Completed,
    Cancelled,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Errand {
    account: AccountId,
    region: Region,
    name: String,
}

store::row!(Errand, 1);

pub(crate) fn arn_of(ctx: &Ctx, name: &str) -> String {
    format!("arn:aws:events:{}:{}:replay/{name}", ctx.region().as_str(), ctx.account())
}

impl Replay {
    pub(crate) fn get(reader: &mut dyn Reader, name: &str) -> Result<Self, ApiError> {
        let found = tables::REPLAYS.find(reader, &name.to_owned())?;
        found.ok_or_else(|| errors::resource_does_not_exist("Replay", name))
    }
}

/// Has a replay made.
pub(crate) fn begin(ctx: &Ctx, tx: &mut Tx<'_>, name: &str) {
    let errand = Errand { account: ctx.account(), region: ctx.region(), name: name.to_owned() };
    let mut payload = Vec::new();
    errand.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn_of(ctx, name), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
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
                match events.replay(&job).await {
                    Ok(()) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl Events {
    async fn replay(self: &Arc<Self>, job: &Job) -> Result<(), ApiError> {
        let Ok(errand) = Errand::decode(&job.payload) else { return Ok(()) };
        let ctx = self.cloud.background(PRINCIPAL, &job.subject, errand.account, errand.region);
        let mut has_more = true;
        while has_more {
            let (events, own, name) = (Arc::clone(self), ctx.clone(), errand.name.clone());
            has_more = ctx.write(move |tx| events.replay_some(&own, tx, &name)).await?;
        }
        Ok(())
    }

    /// Sends the next events of a replay; whether there are more.
    fn replay_some(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &str) -> Result<bool, ApiError> {
        let Some(mut replay) = tables::REPLAYS.find(tx, &name.to_owned())? else { return Ok(false) };
        match replay.state {
            State::Completed | State::Cancelled => return Ok(false),
            State::Cancelling => {
                replay.state = State::Cancelled;
                replay.ended = Some(ctx.now());
                tables::REPLAYS.put(tx, &replay.name, &replay);
                return Ok(false);
            }
            State::Starting | State::Running => replay.state = State::Running,
        }
        let batch = next_events(tx, &replay)?;
        let bus = BusArn::here(ctx, &replay.bus);
        for Archived { facts, .. } in &batch {
            let detail = serde_json::from_str(&facts.detail).map_err(ApiError::internal)?;
            let replayed = Replayed { replay: replay.name.clone(), rules: replay.rules.clone() };
            let event = Event::new(ctx, facts.clone(), detail, Some(replayed));
            self.route(ctx, tx, &bus, &event, None)?;
        }
        let has_more = batch.len() == STEP;
        if let Some(Archived { facts, .. }) = batch.last() {
            replay.cursor = Some((facts.time, facts.id.clone()));
        }
        if !has_more {
            replay.state = State::Completed;
            replay.ended = Some(ctx.now());
        }
        tables::REPLAYS.put(tx, &replay.name, &replay);
        Ok(has_more)
    }
}

fn next_events(reader: &mut dyn Reader, replay: &Replay) -> Result<Vec<Archived>, ApiError> {
    let id = replay.archive_id;
    let mut range = Range::between(&(id, replay.from), &(id, replay.to));
    if let Some((time, event)) = &replay.cursor {
        range = range.after(&(id, *time, event.clone()));
    }
    let mut batch = Vec::new();
    // An archive that was deleted meanwhile has no events for anybody.
    if Archive::get(reader, &replay.archive).is_ok_and(|archive| archive.id == id) {
        tables::ARCHIVED.visit(reader, &range, Order::Ascending, |_, archived| {
            batch.push(archived);
            if batch.len() < STEP { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    Ok(batch)
}
