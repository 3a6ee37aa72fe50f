//! Takes events away that are past their group's retention period.
//!
//! A group has at most one such job, and only while it has both a period and events. The job sleeps until its earliest
//! event expires; meanwhile readers leave out what has expired already.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx};
use shapes::Timestamp;
use store::{Order, Range, Row, StoreError, Tx};

use super::{ROWS_AT_ONCE, Tenant};
use crate::group::{self, Group};
use crate::stream::Stream;
use crate::tables;

const KIND: &str = "logs/retention";
/// Expired events wait this long at most for their rows to go, so that they go in bulk.
const SHORTEST_PAUSE: Duration = Duration::from_secs(3600);
/// Streams with expired events that one transaction looks into.
const STREAMS_AT_ONCE: usize = 200;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Sweep {
    tenant: Tenant,
    group: String,
    number: u128,
}

store::row!(Sweep, 1);

/// Sees to it that there is a job when `group` has a retention period and now holds an event of the time `first`.
pub(crate) fn ensure(ctx: &Ctx, tx: &mut Tx<'_>, group: &mut Group, first: i64) {
    if let (Some(retention), None) = (group.retention(), group.sweep) {
        let expires = Timestamp::from_millis(first) + retention;
        begin(ctx, tx, group, expires.max(ctx.now() + SHORTEST_PAUSE));
    }
}

/// Begins a new job for `group`, which makes an earlier one end itself, and stores the group.
pub(crate) fn begin(ctx: &Ctx, tx: &mut Tx<'_>, group: &mut Group, due: Timestamp) {
    let number = ctx.ids().number();
    let sweep = Sweep { tenant: Tenant::of(ctx), group: group.name.clone(), number };
    let mut payload = Vec::new();
    sweep.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: group::arn(ctx, &group.name), payload, due };
    Jobs::add(tx, ctx.now(), number, job);
    group.sweep = Some(number);
    tables::GROUPS.put(tx, &group.name, group);
}

pub(crate) fn kind(cloud: Cloud) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let cloud = cloud.clone();
            Box::pin(async move { run(&cloud, &job.payload).await })
        }),
        given_up: None,
    }
}

/// What is left after one transaction.
enum Left {
    Expired,
    Until(Timestamp),
    Nothing,
}

async fn run(cloud: &Cloud, payload: &[u8]) -> JobOutcome {
    let Some((sweep, scope)) = Sweep::decode(payload).ok().and_then(|sweep| {
        let scope = sweep.tenant.scope()?;
        Some((sweep, scope))
    }) else {
        return JobOutcome::Done;
    };
    loop {
        let (sweep, now) = (sweep.clone(), cloud.clock().now());
        match cloud.store().write(&scope, move |tx| sweep.some(tx, now)).await {
            Ok(Left::Expired) => {}
            Ok(Left::Until(due)) => return JobOutcome::Again(due),
            Ok(Left::Nothing) => return JobOutcome::Done,
            Err(error) => return JobOutcome::Failed(error.to_string()),
        }
    }
}

impl Sweep {
    fn some(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Left, StoreError> {
        let group = tables::GROUPS.find(tx, &self.group)?.filter(|group| group.sweep == Some(self.number));
        let Some(mut group) = group else { return Ok(Left::Nothing) };
        let Some(retention) = group.retention() else { return Ok(Left::Nothing) };
        let cutoff = group.expired_before(now);

        let (mut stale, mut next) = (Vec::new(), None::<i64>);
        tables::STREAMS.visit(tx, &Range::prefix(&group.id), Order::Ascending, |_, stream| {
            match stream.first_event {
                Some(first) if first < cutoff => stale.push(stream),
                Some(first) => next = Some(next.map_or(first, |next| next.min(first))),
                None => {}
            }
            if stale.len() < STREAMS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if !stale.is_empty() {
            let mut budget = ROWS_AT_ONCE;
            for stream in stale {
                budget = trim(tx, &group, stream, cutoff, budget)?;
                if budget == 0 {
                    break;
                }
            }
            return Ok(Left::Expired);
        }
        let Some(next) = next else {
            group.sweep = None;
            tables::GROUPS.put(tx, &group.name, &group);
            return Ok(Left::Nothing);
        };
        Ok(Left::Until((Timestamp::from_millis(next) + retention).max(now + SHORTEST_PAUSE)))
    }
}

/// Deletes events of a stream from before `cutoff`, `budget` at most; returns what is left of the budget.
fn trim(
    tx: &mut Tx<'_>,
    group: &Group,
    mut stream: Stream,
    cutoff: i64,
    budget: usize,
) -> Result<usize, StoreError> {
    let (mut gone, mut bytes, mut first) = (Vec::new(), 0, None);
    let range = Range::prefix(&(group.id, stream.id));
    tables::EVENTS.visit(tx, &range, Order::Ascending, |key, event| {
        if key.2 >= cutoff || gone.len() == budget {
            first = Some(key.2);
            return ControlFlow::Break(());
        }
        bytes += event.size() as u64;
        gone.push(key);
        ControlFlow::Continue(())
    })?;
    for key in &gone {
        tables::EVENTS.delete(tx, key);
    }
    stream.first_event = first;
    if first.is_none() {
        stream.last_event = None;
    }
    stream.stored_bytes = stream.stored_bytes.saturating_sub(bytes);
    tables::STREAMS.put(tx, &(group.id, stream.name.clone()), &stream);
    Ok(budget - gone.len())
}
