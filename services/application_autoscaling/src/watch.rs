//! The job of a target: bringing its capacity within new bounds, and tracking what is consumed, minute by minute.

use std::sync::Arc;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use identity::{AccountId, Region};
use shapes::{ApiError, Timestamp};
use store::{Range, Tx};

use crate::activity::Activity;
use crate::dimension::Place;
use crate::policy::PolicyRow;
use crate::tables::{POLICIES, TARGETS};
use crate::target::{self, TargetRow};
use crate::tracking::{Direction, decide};
use crate::{AutoScaling, capacity};

const KIND: &str = "application-autoscaling/target";
const CONCURRENCY: usize = 16;
const MINUTE: i64 = 60;

/// A change that was tried.
struct Change {
    activity: Activity,
    /// Which cooldown begins with it.
    scaled: Option<Direction>,
}

/// Has the target looked at: now when its bounds changed, else at the next full minute.
pub(crate) fn set(ctx: &Ctx, tx: &mut Tx<'_>, place: &Place, row: &mut TargetRow) {
    let due = if row.unfit.is_some() { ctx.now() } else { next_minute(ctx) };
    set_for(ctx, tx, place, row, due);
}

fn next_minute(ctx: &Ctx) -> Timestamp {
    Timestamp::from_seconds((ctx.now().seconds() / MINUTE + 1) * MINUTE)
}

fn set_for(ctx: &Ctx, tx: &mut Tx<'_>, place: &Place, row: &mut TargetRow, due: Timestamp) {
    stop(tx, row);
    let payload = tenant_of(ctx, &place.key());
    let job = NewJob { kind: KIND, subject: target::arn(ctx, &row.id), payload, due };
    row.timer = Some(Jobs::add(tx, ctx.now(), ctx.ids().number(), job));
}

pub(crate) fn stop(tx: &mut Tx<'_>, row: &mut TargetRow) {
    if let Some(job) = row.timer.take() {
        Jobs::cancel(tx, job);
    }
}

/// The kind of job that watches targets.
pub(crate) fn jobs(service: &Arc<AutoScaling>) -> JobKind {
    let service = Arc::clone(service);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |id, job| {
            let service = Arc::clone(&service);
            Box::pin(async move { service.look(id, &job).await })
        }),
        given_up: None,
    }
}

/// Whose job it is, as its payload.
pub(crate) fn tenant_of(ctx: &Ctx, key: &str) -> Vec<u8> {
    format!("{}/{}/{key}", ctx.account(), ctx.region().as_str()).into_bytes()
}

/// What [`tenant_of`] wrote.
pub(crate) fn tenant(payload: &[u8]) -> Option<(AccountId, Region, &str)> {
    let mut parts = std::str::from_utf8(payload).ok()?.splitn(3, '/');
    Some((AccountId::parse(parts.next()?)?, Region::parse(parts.next()?)?, parts.next()?))
}

impl AutoScaling {
    async fn look(self: &Arc<Self>, id: JobId, job: &Job) -> JobOutcome {
        let Some((account, region, key)) = tenant(&job.payload) else { return JobOutcome::Done };
        let Some(place) = Place::of_key(key) else { return JobOutcome::Done };
        let ctx = self.cloud.background(capacity::PRINCIPAL, &job.subject, account, region);
        match adjust(&ctx, &place, id, &job.subject).await {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }
}

async fn adjust(ctx: &Ctx, place: &Place, id: JobId, arn: &str) -> Result<(), ApiError> {
    let key = place.key();
    let (row, policy) = {
        let mut rows = ctx.read()?;
        // It may have changed, and then another job is its timer.
        let found = TARGETS.find(&mut rows, &key)?.filter(|row| row.timer == Some(id));
        let Some(row) = found else { return Ok(()) };
        (row, tracking_policy(&mut rows, &key)?)
    };
    let outcome = change(ctx, place, arn, &row, policy.as_ref()).await;
    if let Err(error) = &outcome {
        // Its role is gone, perhaps for a while.
        tracing::warn!(target = %arn, %error, "the capacity of a scalable target is out of reach");
    }
    let is_done = outcome
        .as_ref()
        .is_ok_and(|change| change.as_ref().is_none_or(|change| change.activity.is_successful));
    let change = outcome.unwrap_or_default();
    let (own, place) = (ctx.clone(), place.clone());
    ctx.write(move |tx| {
        let found = TARGETS.find(tx, &key)?.filter(|row| row.timer == Some(id));
        let Some(mut row) = found else { return Ok(()) };
        if is_done {
            row.unfit = None;
        }
        if let Some(Change { activity, scaled }) = &change {
            activity.keep(tx, &key)?;
            let now = activity.is_successful.then_some(activity.start);
            match scaled {
                Some(Direction::Out) => row.last_out = now.or(row.last_out),
                Some(Direction::In) => row.last_in = now.or(row.last_in),
                None => {}
            }
        }
        row.timer = None;
        if row.unfit.is_some() || has_policy(tx, &key)? {
            set_for(&own, tx, &place, &mut row, next_minute(&own));
        }
        TARGETS.put(tx, &key, &row);
        Ok(())
    })
    .await
}

/// The target's policy: it has one metric, and a metric one policy.
fn tracking_policy(
    rows: &mut impl store::Reader,
    key: &str,
) -> Result<Option<(String, PolicyRow)>, ApiError> {
    let found = POLICIES.list(rows, &Range::prefix(&key.to_owned()), 1)?.pop();
    Ok(found.map(|((_, name), row)| (name, row)))
}

pub(crate) fn has_policy(rows: &mut impl store::Reader, key: &str) -> Result<bool, ApiError> {
    Ok(!POLICIES.list(rows, &Range::prefix(&key.to_owned()), 1)?.is_empty())
}

async fn change(
    ctx: &Ctx,
    place: &Place,
    arn: &str,
    row: &TargetRow,
    policy: Option<&(String, PolicyRow)>,
) -> Result<Option<Change>, ApiError> {
    let acting = capacity::acting(ctx, arn)?;
    let Some(before) = capacity::provisioned(&acting, place).await? else { return Ok(None) };
    let now = before.of(place.units);
    if now == 0 {
        // Billed on demand.
        return Ok(None);
    }
    let (capacity, cause, scaled) = match (&row.unfit, policy) {
        (Some(cause), _) => {
            let capacity = row.fit(now);
            let bound = if capacity > now { "minimum" } else { "maximum" };
            let bound = format!("{bound} capacity was set to {capacity}");
            let cause = if cause.is_empty() { bound } else { format!("{bound}, {cause}") };
            (capacity, cause, None)
        }
        (None, Some((name, policy))) => match track(ctx, place, row, now, policy) {
            Some((direction, capacity)) => {
                let alarm = policy.alarm(place, if direction == Direction::Out { "High" } else { "Low" });
                let cause = format!("monitor alarm {alarm} in state ALARM triggered policy {name}");
                (capacity, cause, Some(direction))
            }
            None => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    if capacity == now {
        return Ok(None);
    }
    let outcome = capacity::provision(&acting, place, before, capacity).await;
    Ok(Some(Change { activity: Activity::new(ctx, place, cause, capacity, &outcome), scaled }))
}

/// Where target tracking wants to go, within the bounds and unless it is suspended, disabled or cooling down.
fn track(
    ctx: &Ctx,
    place: &Place,
    row: &TargetRow,
    capacity: i64,
    policy: &PolicyRow,
) -> Option<(Direction, i64)> {
    let points = capacity::consumed(ctx, place);
    let under_way = ctx.now().seconds() / MINUTE * MINUTE;
    let consumed = |back: i64| {
        let minute = under_way - back * MINUTE;
        points.iter().find(|point| point.minute == minute).map(|point| point.sum / MINUTE as f64)
    };
    let (direction, wanted) = decide(policy.target_percent, capacity, consumed)?;
    let wanted = row.fit(wanted);
    let (is_suspended, last) = match direction {
        Direction::Out => (row.suspended.scaling_out || wanted <= capacity, row.last_out),
        Direction::In => {
            let is_disabled = policy.is_in_disabled == Some(true);
            (row.suspended.scaling_in || is_disabled || wanted >= capacity, row.last_in)
        }
    };
    let is_cooling = last.is_some_and(|last| last + policy.cooldown(direction) > ctx.now());
    // User Guide, "Target tracking scaling policies": capacity does not shrink while it cools down from growing.
    let has_just_grown = direction == Direction::In
        && row.last_out.is_some_and(|last| last + policy.cooldown(Direction::Out) > ctx.now());
    (!is_suspended && !is_cooling && !has_just_grown).then_some((direction, wanted))
}
