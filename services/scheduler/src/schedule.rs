//! A schedule: its times, its window, and its target.

use std::time::Duration;

use clock::JobId;
use cloud::Ctx;
use schedule_expression::{Schedule, Zone};
use scheduler_api as api;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use targets::{Kind, TargetError};

use crate::{PRINCIPAL, errors};

/// User Guide, "Quotas for EventBridge Scheduler": a flexible window has a day at most.
const MOST_WINDOW_MINUTES: i32 = 1440;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduleRow {
    pub name: String,
    pub group: String,
    pub description: Option<String>,
    pub expression: String,
    pub time_zone: String,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub is_enabled: bool,
    /// Minutes; nothing when the time is exact.
    pub window: Option<u32>,
    pub is_deleted_after: bool,
    pub target: TargetRow,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub client_token: Option<String>,
    pub timer: Option<JobId>,
    /// The time that the timer stands for, which a flexible window moves.
    pub next: Option<Timestamp>,
}

store::row!(ScheduleRow, 1);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetRow {
    pub arn: String,
    pub role_arn: String,
    pub input: Option<String>,
    pub retry_attempts: Option<u32>,
    pub retry_age_seconds: Option<u32>,
    pub dead_letter_queue: Option<String>,
    pub message_group_id: Option<String>,
    pub detail_type: Option<String>,
    pub source: Option<String>,
}

/// What CreateSchedule and UpdateSchedule have in common.
pub(crate) struct Given {
    pub name: String,
    pub group: Option<String>,
    pub description: Option<String>,
    pub expression: String,
    pub time_zone: Option<String>,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub state: Option<String>,
    pub window: api::FlexibleTimeWindow,
    pub after: Option<String>,
    pub target: api::Target,
    pub kms_key: Option<String>,
    pub client_token: Option<String>,
}

/// `arn:aws:scheduler:us-east-1:123456789012:schedule/GROUP/NAME`
pub(crate) fn arn(ctx: &Ctx, group: &str, name: &str) -> String {
    format!("arn:aws:scheduler:{}:{}:schedule/{group}/{name}", ctx.region().as_str(), ctx.account())
}

impl Given {
    /// A schedule without a timer; `created` is an earlier one's.
    pub(crate) fn check(self, ctx: &Ctx, created: Timestamp) -> Result<ScheduleRow, ApiError> {
        if self.kms_key.is_some() {
            return Err(errors::not_here_yet("The parameter KmsKeyArn"));
        }
        let group = self.group.unwrap_or_else(|| crate::group::DEFAULT.to_owned());
        let time_zone = self.time_zone.unwrap_or_else(|| "UTC".to_owned());
        Zone::find(&time_zone).ok_or_else(|| {
            errors::validation(format!("Invalid Schedule Expression Timezone {time_zone}."))
        })?;
        parse(&self.expression)?;
        if let (Some(start), Some(end)) = (self.start, self.end)
            && end <= start
        {
            return Err(errors::validation("The EndDate you specify must come after the StartDate."));
        }
        let window = match (self.window.mode.as_str(), self.window.maximum_window_in_minutes) {
            ("OFF", None) => None,
            ("FLEXIBLE", Some(minutes)) if (1..=MOST_WINDOW_MINUTES).contains(&minutes) => {
                Some(minutes.unsigned_abs())
            }
            _ => {
                let message = "FlexibleTimeWindow needs MaximumWindowInMinutes from 1 to 1440 in the mode FLEXIBLE, and none \
                               in the mode OFF.";
                return Err(errors::validation(message));
            }
        };
        let arn = arn(ctx, &group, &self.name);
        Ok(ScheduleRow {
            target: target(ctx, &arn, self.target)?,
            name: self.name,
            group,
            description: self.description,
            expression: self.expression,
            time_zone,
            start: self.start,
            end: self.end,
            is_enabled: self.state.as_deref() != Some("DISABLED"),
            window,
            is_deleted_after: self.after.as_deref() == Some("DELETE"),
            created,
            modified: ctx.now(),
            client_token: self.client_token,
            timer: None,
            next: None,
        })
    }
}

fn parse(expression: &str) -> Result<Schedule, ApiError> {
    Schedule::parse(expression)
        .map_err(|_| errors::validation(format!("Invalid Schedule Expression {expression}.")))
}

fn target(ctx: &Ctx, schedule: &str, given: api::Target) -> Result<TargetRow, ApiError> {
    match Kind::of(&given.arn) {
        Ok(Kind::LogGroup | Kind::ApiDestination | Kind::RestApi) | Err(TargetError::NotAnArn) => {
            return Err(errors::validation(format!("Provided Arn is not in correct format: {}", given.arn)));
        }
        Err(TargetError::NotHere(service)) => {
            return Err(errors::not_here_yet(&format!("The target {service}")));
        }
        Ok(Kind::EventBus) if given.event_bridge_parameters.is_none() => {
            return Err(errors::validation("EventBridgeParameters is required for targets of EventBridge."));
        }
        Ok(Kind::Operation) => check_operation(ctx, &given.arn)?,
        Ok(_) => {}
    }
    for (name, is_given) in [
        ("EcsParameters", given.ecs_parameters.is_some()),
        ("KinesisParameters", given.kinesis_parameters.is_some()),
        ("SageMakerPipelineParameters", given.sage_maker_pipeline_parameters.is_some()),
    ] {
        if is_given {
            return Err(errors::not_here_yet(&format!("The parameter {name}")));
        }
    }
    if ctx.with_role(PRINCIPAL, schedule, &given.role_arn).is_err() {
        return Err(errors::validation(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        ));
    }
    if given.event_bridge_parameters.as_ref().is_some_and(|event| event.source.starts_with("aws.")) {
        return Err(errors::validation("The Source of EventBridgeParameters must not begin with aws."));
    }
    let retry = given.retry_policy.unwrap_or_default();
    let (detail_type, source) =
        given.event_bridge_parameters.map(|event| (event.detail_type, event.source)).unzip();
    let positive = |number: Option<i32>| number.map(i32::unsigned_abs);
    Ok(TargetRow {
        arn: given.arn,
        role_arn: given.role_arn,
        input: given.input,
        retry_attempts: positive(retry.maximum_retry_attempts),
        retry_age_seconds: positive(retry.maximum_event_age_in_seconds),
        dead_letter_queue: given.dead_letter_config.and_then(|config| config.arn),
        message_group_id: given.sqs_parameters.and_then(|queue| queue.message_group_id),
        detail_type,
        source,
    })
}

/// Universal targets change something: User Guide, "Using universal targets".
fn check_operation(ctx: &Ctx, arn: &str) -> Result<(), ApiError> {
    const READS: [&str; 8] = ["get", "describe", "list", "poll", "receive", "search", "scan", "query"];
    let (service, operation) = targets::operation(arn).unwrap_or_default();
    let is_read = READS.iter().any(|verb| operation.to_ascii_lowercase().starts_with(verb));
    if is_read || !ctx.cloud().raw_calls()?.knows(service, operation) {
        return Err(errors::validation(format!(
            "Invalid RequestJson provided. Reason The api {operation} of {service} is not supported as a target."
        )));
    }
    Ok(())
}

impl ScheduleRow {
    pub(crate) fn key(&self) -> (String, String) {
        (self.group.clone(), self.name.clone())
    }

    /// The first time after `after`, within the schedule's dates.
    pub(crate) fn time_after(&self, after: Timestamp) -> Option<Timestamp> {
        let schedule = Schedule::parse(&self.expression).ok()?;
        let zone = Zone::find(&self.time_zone)?;
        if schedule.is_once() {
            // Its own time is the only one; start and end mean nothing to it.
            return schedule.next_after(after.seconds(), 0, &zone).map(Timestamp::from_seconds);
        }
        let start = self.start.filter(|start| *start > after);
        let is_rate = self.expression.starts_with("rate");
        let next = match start {
            Some(start) if is_rate => start.seconds(),
            Some(start) => schedule.next_after(start.seconds() - 1, start.seconds(), &zone)?,
            None => {
                let anchor = self.start.unwrap_or(self.created);
                schedule.next_after(after.seconds(), anchor.seconds(), &zone)?
            }
        };
        let next = Timestamp::from_seconds(next);
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    /// How long after its time it may be set off.
    pub(crate) fn delay(&self, ctx: &Ctx) -> Duration {
        let seconds = self.window.map_or(0, |minutes| ctx.ids().below(minutes as usize * 60));
        Duration::from_secs(seconds as u64)
    }

    pub(crate) fn to_api(&self, ctx: &Ctx) -> api::GetScheduleOutput {
        api::GetScheduleOutput {
            arn: Some(arn(ctx, &self.group, &self.name)),
            name: Some(self.name.clone()),
            group_name: Some(self.group.clone()),
            description: self.description.clone(),
            schedule_expression: Some(self.expression.clone()),
            schedule_expression_timezone: Some(self.time_zone.clone()),
            start_date: self.start,
            end_date: self.end,
            state: Some(self.state().to_owned()),
            flexible_time_window: Some(api::FlexibleTimeWindow {
                mode: if self.window.is_some() { "FLEXIBLE" } else { "OFF" }.to_owned(),
                maximum_window_in_minutes: self.window.and_then(|minutes| i32::try_from(minutes).ok()),
            }),
            action_after_completion: Some(if self.is_deleted_after { "DELETE" } else { "NONE" }.to_owned()),
            creation_date: Some(self.created),
            last_modification_date: Some(self.modified),
            target: Some(self.target.to_api()),
            kms_key_arn: None,
        }
    }

    pub(crate) fn summary(&self, ctx: &Ctx) -> api::ScheduleSummary {
        api::ScheduleSummary {
            arn: Some(arn(ctx, &self.group, &self.name)),
            name: Some(self.name.clone()),
            group_name: Some(self.group.clone()),
            state: Some(self.state().to_owned()),
            creation_date: Some(self.created),
            last_modification_date: Some(self.modified),
            target: Some(api::TargetSummary { arn: self.target.arn.clone() }),
        }
    }

    pub(crate) fn state(&self) -> &'static str {
        if self.is_enabled { "ENABLED" } else { "DISABLED" }
    }
}

impl TargetRow {
    /// User Guide, "Retry policy": a day and 185 attempts, where nothing else is said.
    pub(crate) fn retry(&self) -> targets::Retry {
        let usual = targets::Retry::default();
        targets::Retry {
            attempts: self.retry_attempts.unwrap_or(usual.attempts),
            age_seconds: self.retry_age_seconds.unwrap_or(usual.age_seconds),
        }
    }

    fn to_api(&self) -> api::Target {
        let retry = self.retry();
        api::Target {
            arn: self.arn.clone(),
            role_arn: self.role_arn.clone(),
            input: self.input.clone(),
            retry_policy: Some(api::RetryPolicy {
                maximum_retry_attempts: i32::try_from(retry.attempts).ok(),
                maximum_event_age_in_seconds: i32::try_from(retry.age_seconds).ok(),
            }),
            dead_letter_config: self
                .dead_letter_queue
                .clone()
                .map(|queue| api::DeadLetterConfig { arn: Some(queue) }),
            sqs_parameters: self
                .message_group_id
                .clone()
                .map(|group| api::SqsParameters { message_group_id: Some(group) }),
            event_bridge_parameters: self
                .detail_type
                .clone()
                .zip(self.source.clone())
                .map(|(detail_type, source)| api::EventBridgeParameters { detail_type, source }),
            ..Default::default()
        }
    }
}
