//! Rules that fall due by a schedule.
//!
//! An enabled rule with a schedule has one job, due at the schedule's next time. The job sends the event and adds the
//! next job in one transaction, so that each time comes once. Times that were missed, because the region did not run or
//! its clock was advanced, come once together.

use std::sync::Arc;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use schedule_expression::{Schedule, Zone};
use serde_json::json;
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::event::{Event, Facts};
use crate::matching::CompiledRule;
use crate::rule::{Rule, RuleArn};
use crate::{Events, PRINCIPAL, errors, tables};

const KIND: &str = "events/schedule";
const CONCURRENCY: usize = 32;

pub(crate) fn parse(text: &str) -> Result<Schedule, ApiError> {
    let schedule = Schedule::parse(text).ok();
    schedule
        .filter(|schedule| schedule.is_grammatical() && !schedule.is_once())
        .ok_or_else(|| errors::validation("Parameter ScheduleExpression is not valid."))
}

/// Gives a rule the job that its schedule needs, in the place of one that it has.
pub(crate) fn set(ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn, rule: &mut Rule) -> Result<(), ApiError> {
    stop(tx, rule);
    if let Some(schedule) = rule.schedule.as_deref().filter(|_| rule.is_enabled()) {
        rule.timer = add(ctx, tx, arn, &parse(schedule)?, ctx.now());
    }
    Ok(())
}

pub(crate) fn stop(tx: &mut Tx<'_>, rule: &mut Rule) {
    if let Some(job) = rule.timer.take() {
        Jobs::cancel(tx, job);
    }
}

/// Adds the job for the next time; rates count from `anchor`.
fn add(ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn, schedule: &Schedule, anchor: Timestamp) -> Option<JobId> {
    let next = schedule.next_after(ctx.now().seconds(), anchor.seconds(), &Zone::utc())?;
    let subject = arn.to_string();
    let payload = subject.clone().into_bytes();
    let job = NewJob { kind: KIND, subject, payload, due: Timestamp::from_seconds(next) };
    Some(Jobs::add(tx, ctx.now(), ctx.ids().number(), job))
}

/// The kind of job that sends scheduled events.
pub(crate) fn jobs(events: &Arc<Events>) -> JobKind {
    let events = Arc::clone(events);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |id, job| {
            let events = Arc::clone(&events);
            Box::pin(async move { events.fall_due(id, &job).await })
        }),
        given_up: None,
    }
}

impl Events {
    async fn fall_due(self: &Arc<Self>, id: JobId, job: &Job) -> JobOutcome {
        let arn = std::str::from_utf8(&job.payload).ok().and_then(RuleArn::parse);
        let Some(arn) = arn else { return JobOutcome::Done };
        let ctx = self.cloud.background(PRINCIPAL, &arn.to_string(), arn.bus.account, arn.bus.region);
        let events = Arc::clone(self);
        let own = ctx.clone();
        let sent = ctx.write(move |tx| events.send_scheduled(&own, tx, &arn, id)).await;
        match sent {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }

    fn send_scheduled(&self, ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn, id: JobId) -> Result<(), ApiError> {
        // The rule may have changed, and then another job is its timer.
        let found = arn.find(tx)?.filter(|rule| rule.timer == Some(id));
        let Some(mut rule) = found else { return Ok(()) };
        let Some(schedule) = rule.schedule.as_deref().map(parse).transpose()? else { return Ok(()) };
        stop(tx, &mut rule);
        rule.timer = add(ctx, tx, arn, &schedule, id.due);
        tables::RULES.put(tx, &arn.key(), &rule);
        let facts = Facts {
            id: ctx.ids().uuid(),
            detail_type: "Scheduled Event".to_owned(),
            source: "aws.events".to_owned(),
            account: arn.bus.account,
            region: arn.bus.region,
            time: id.due,
            resources: vec![arn.to_string()],
            detail: "{}".to_owned(),
        };
        let event = Event::new(ctx, facts, json!({}), None);
        let compiled = CompiledRule::read(tx, arn.clone(), &rule)?;
        self.set_off(ctx, tx, &compiled, &event)
    }
}
