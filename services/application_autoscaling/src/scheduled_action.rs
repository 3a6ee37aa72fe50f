//! Scheduled actions: bounds that change at set times.

use std::sync::Arc;

use application_autoscaling_api as api;
use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use schedule_expression::{Schedule, Zone};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::dimension::{NAMESPACE, Place};
use crate::tables::{ACTIONS, TARGETS};
use crate::watch::{self, tenant, tenant_of};
use crate::{AutoScaling, capacity, errors};

const KIND: &str = "application-autoscaling/scheduled-action";
const CONCURRENCY: usize = 16;
/// User Guide, "Quotas for Application Auto Scaling".
pub(crate) const MOST: usize = 200;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActionRow {
    pub id: String,
    pub schedule: String,
    pub time_zone: Option<String>,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub min: Option<i32>,
    pub max: Option<i32>,
    pub created: Timestamp,
    pub timer: Option<JobId>,
}

store::row!(ActionRow, 1);

/// What a request says of an action, on top of the one that there is.
pub(crate) fn of(
    ctx: &Ctx,
    input: &api::PutScheduledActionInput,
    known: Option<ActionRow>,
) -> Result<ActionRow, ApiError> {
    let bounds = input.scalable_target_action.clone();
    let mut row = match (known, &input.schedule) {
        (Some(known), _) => known,
        (None, Some(schedule)) => ActionRow {
            id: ctx.ids().uuid(),
            schedule: schedule.clone(),
            time_zone: None,
            start: None,
            end: None,
            min: None,
            max: None,
            created: ctx.now(),
            timer: None,
        },
        (None, None) => return Err(errors::validation("Schedule is required for a new scheduled action")),
    };
    row.schedule = input.schedule.clone().unwrap_or(row.schedule);
    row.time_zone = input.timezone.clone().or(row.time_zone);
    row.start = input.start_time.or(row.start);
    row.end = input.end_time.or(row.end);
    if let Some(bounds) = bounds {
        (row.min, row.max) = (bounds.min_capacity, bounds.max_capacity);
    }
    if row.min.is_none() && row.max.is_none() {
        return Err(errors::validation(
            "A scheduled action must set a minimum capacity, a maximum capacity or both",
        ));
    }
    if row.min.or(row.max).is_some_and(|bound| bound < 1)
        || row.min.zip(row.max).is_some_and(|(min, max)| max < min)
    {
        return Err(errors::validation("Maximum capacity cannot be less than minimum capacity"));
    }
    if row.start.zip(row.end).is_some_and(|(start, end)| end <= start) {
        return Err(errors::validation("The end time must be after the start time"));
    }
    Schedule::parse(&row.schedule)
        .map_err(|_| errors::validation(format!("Invalid schedule expression: {}", row.schedule)))?;
    row.zone().ok_or_else(|| {
        errors::validation(format!("Invalid time zone: {}", row.time_zone.as_deref().unwrap_or_default()))
    })?;
    Ok(row)
}

/// Gives the action the job for its next time after `after`, in the place of one that it has.
pub(crate) fn set(ctx: &Ctx, tx: &mut Tx<'_>, key: &(String, String), row: &mut ActionRow, after: Timestamp) {
    stop(tx, row);
    row.timer = row.time_after(after).map(|due| {
        let payload = tenant_of(ctx, &format!("{}|{}", key.0, key.1));
        let job = NewJob { kind: KIND, subject: format!("{} {}", key.0, key.1), payload, due };
        Jobs::add(tx, ctx.now(), ctx.ids().number(), job)
    });
}

pub(crate) fn stop(tx: &mut Tx<'_>, row: &mut ActionRow) {
    if let Some(job) = row.timer.take() {
        Jobs::cancel(tx, job);
    }
}

/// The kind of job that carries scheduled actions out.
pub(crate) fn jobs(service: &Arc<AutoScaling>) -> JobKind {
    let service = Arc::clone(service);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |id, job| {
            let service = Arc::clone(&service);
            Box::pin(async move { service.act(id, &job).await })
        }),
        given_up: None,
    }
}

impl AutoScaling {
    async fn act(self: &Arc<Self>, id: JobId, job: &Job) -> JobOutcome {
        let Some((account, region, key)) = tenant(&job.payload) else { return JobOutcome::Done };
        // An action's name has no such character.
        let Some((place, name)) = key.rsplit_once('|') else { return JobOutcome::Done };
        let key = (place.to_owned(), name.to_owned());
        let ctx = self.cloud.background(capacity::PRINCIPAL, &job.subject, account, region);
        let own = ctx.clone();
        match ctx.write(move |tx| carry_out(&own, tx, &key, id)).await {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }
}

/// Moves the target's bounds, and has the target looked at.
fn carry_out(ctx: &Ctx, tx: &mut Tx<'_>, key: &(String, String), id: JobId) -> Result<(), ApiError> {
    let found = ACTIONS.find(tx, key)?.filter(|row| row.timer == Some(id));
    let Some(mut row) = found else { return Ok(()) };
    // Times that were missed come once together.
    set(ctx, tx, key, &mut row, ctx.now());
    ACTIONS.put(tx, key, &row);
    let (Some(mut target), Some(place)) = (TARGETS.find(tx, &key.0)?, Place::of_key(&key.0)) else {
        return Ok(());
    };
    if !target.suspended.schedules {
        // One bound that passes the other takes it along.
        let min = row.min.or(row.max.map(|max| max.min(target.min)));
        let max = row.max.or(row.min.map(|min| min.max(target.max)));
        target.set_bounds(min, max, Some(&format!("scheduled action name {} was triggered", key.1)));
        watch::set(ctx, tx, &place, &mut target);
        TARGETS.put(tx, &key.0, &target);
    }
    Ok(())
}

impl ActionRow {
    fn zone(&self) -> Option<Zone> {
        self.time_zone.as_deref().map_or_else(|| Some(Zone::utc()), Zone::find)
    }

    /// The first time after `after`, within the action's dates.
    fn time_after(&self, after: Timestamp) -> Option<Timestamp> {
        let schedule = Schedule::parse(&self.schedule).ok()?;
        let zone = self.zone()?;
        if schedule.is_once() {
            return schedule.next_after(after.seconds(), 0, &zone).map(Timestamp::from_seconds);
        }
        let anchor = self.start.unwrap_or(self.created).seconds();
        let next = match self.start.filter(|start| *start > after) {
            Some(start) if self.schedule.starts_with("rate") => start.seconds(),
            Some(start) => schedule.next_after(start.seconds() - 1, anchor, &zone)?,
            None => schedule.next_after(after.seconds(), anchor, &zone)?,
        };
        let next = Timestamp::from_seconds(next);
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    pub(crate) fn to_api(&self, ctx: &Ctx, place: &Place, name: &str) -> api::ScheduledAction {
        let (region, account, id) = (ctx.region(), ctx.account(), &self.id);
        let resource = place.resource();
        let arn = format!(
            "arn:aws:autoscaling:{}:{account}:scheduledAction:{id}:resource/{NAMESPACE}/{resource}:scheduledActionName/{name}",
            region.as_str()
        );
        api::ScheduledAction {
            scheduled_action_name: name.to_owned(),
            scheduled_action_arn: arn,
            service_namespace: NAMESPACE.to_owned(),
            schedule: self.schedule.clone(),
            timezone: self.time_zone.clone(),
            resource_id: place.resource(),
            scalable_dimension: Some(place.dimension().to_owned()),
            start_time: self.start,
            end_time: self.end,
            scalable_target_action: Some(api::ScalableTargetAction {
                min_capacity: self.min,
                max_capacity: self.max,
            }),
            creation_time: self.created,
        }
    }
}
