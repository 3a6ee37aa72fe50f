//! Rotation: a function makes a new version in four steps (User Guide, "Lambda rotation functions").

use std::sync::Arc;
use std::time::Duration;

use clock::JobOutcome;
use cloud::Ctx;
use lambda_api::InvokeInput;
use lambda_api::op::Invoke;
use schedule_expression::{Schedule, Zone};
use serde_json::json;
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::jobs::{self, Event};
use crate::secret::{CURRENT, PENDING, Rotation, Secret, Version};
use crate::secret_id::SecretId;
use crate::{SecretsManager, errors};

const DAY: Duration = Duration::from_secs(86_400);
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

impl Rotation {
    /// When the next rotation is due.
    fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(schedule) = &self.schedule {
            let schedule = Schedule::parse(schedule).ok()?;
            let next = schedule.next_after(now.seconds(), now.seconds(), &Zone::utc())?;
            return Some(Timestamp::from_seconds(next));
        }
        let days = u32::try_from(self.after_days?).ok()?;
        Some(now + DAY * days)
    }

    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match &self.schedule {
            Some(_) if self.after_days.is_some() => {
                let message = "You can't specify both AutomaticallyAfterDays and ScheduleExpression.";
                Err(errors::invalid_parameter(message))
            }
            Some(schedule) => match Schedule::parse(schedule) {
                Ok(schedule) if !schedule.is_once() => Ok(()),
                _ => Err(errors::invalid_parameter(format!(
                    "The schedule expression {schedule} is not valid."
                ))),
            },
            None => Ok(()),
        }
    }
}

/// Schedules the next rotation instead of the one that was scheduled.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, secret: &mut Secret) {
    cancel(tx, secret);
    let Some(rotation) = secret.rotation.as_mut().filter(|rotation| rotation.is_enabled) else { return };
    if let Some(due) = rotation.next_after(ctx.now()) {
        rotation.next = Some(jobs::schedule(ctx, tx, &secret.arn, Event::Rotation, due));
    }
}

pub(crate) fn cancel(tx: &mut Tx<'_>, secret: &mut Secret) {
    if let Some(job) = secret.rotation.as_mut().and_then(|rotation| rotation.next.take()) {
        clock::Jobs::cancel(tx, job);
    }
}

/// Begins a rotation: a version that has nothing yet but its stage. The version's id.
pub(crate) fn begin(ctx: &Ctx, secret: &mut Secret, version: String) -> Result<String, ApiError> {
    let pending = secret.version_at(PENDING).map(str::to_owned);
    let is_under_way = pending.as_deref().is_some_and(|id| secret.version_at(CURRENT) != Some(id));
    if is_under_way && pending.as_ref() != Some(&version) {
        return Err(errors::invalid_request(format!(
            "A previous rotation isn't complete. That rotation will be reattempted. Version {} is still pending.",
            pending.unwrap_or_default()
        )));
    }
    secret.versions.entry(version.clone()).or_insert_with(|| Version {
        created: ctx.now(),
        stages: Vec::new(),
        key_arn: None,
    });
    secret.move_stage(PENDING, &version);
    if let Some(rotation) = &mut secret.rotation {
        rotation.making = Some(version.clone());
    }
    Ok(version)
}

/// Whether Secrets Manager may call a function for a secret.
pub(crate) async fn check_function(ctx: &Ctx, secret: &str, function: &str) -> Result<(), ApiError> {
    let call = invocation(function, "DryRun", String::new());
    match ctx.as_service(crate::PRINCIPAL, secret).call::<Invoke>(call).await {
        Ok(_) => Ok(()),
        Err(error) if error.status() >= 500 => Err(error),
        Err(_) => Err(errors::cannot_invoke()),
    }
}

fn invocation(function: &str, mode: &str, payload: String) -> InvokeInput {
    InvokeInput {
        function_name: function.to_owned(),
        invocation_type: Some(mode.to_owned()),
        payload: Some(payload.into()),
        ..InvokeInput::default()
    }
}

/// The job of a rotation: begins one if none is under way, has the function make the version, and schedules the next.
pub(crate) async fn run(
    manager: &Arc<SecretsManager>,
    ctx: &Ctx,
    id: &SecretId,
) -> Result<JobOutcome, ApiError> {
    let (owned, fresh) = (ctx.clone(), ctx.ids().uuid());
    let begun = manager
        .change(id, move |_, secret| {
            let Some(rotation) = secret.rotation.as_ref().filter(|rotation| rotation.is_enabled) else {
                return Ok(None);
            };
            if secret.deletion.is_some() {
                return Ok(None);
            }
            let function = rotation.function.clone();
            let version = match rotation.making.clone() {
                Some(version) => version,
                None => begin(&owned, secret, fresh.clone())?,
            };
            Ok(Some((secret.arn.clone(), function, version)))
        })
        .await?;
    let Some((arn, function, version)) = begun else { return Ok(JobOutcome::Done) };
    for step in STEPS {
        let event = json!({ "SecretId": arn, "ClientRequestToken": version, "Step": step });
        let call = invocation(&function, "RequestResponse", event.to_string());
        let output = match ctx.call::<Invoke>(call).await {
            Ok(output) => output,
            Err(error) => return Ok(JobOutcome::Failed(format!("{step}: {error}"))),
        };
        if output.function_error.is_some() {
            let answer = output.payload.unwrap_or_default();
            return Ok(JobOutcome::Failed(format!("{step}: {}", String::from_utf8_lossy(&answer))));
        }
    }
    let owned = ctx.clone();
    manager
        .change(id, move |tx, secret| {
            if secret.version_at(CURRENT) != Some(&version) {
                return Ok(JobOutcome::Failed("the function finished without moving AWSCURRENT".to_owned()));
            }
            let now = owned.now();
            secret.rotated = Some(now);
            secret.changed = now;
            if let Some(rotation) = &mut secret.rotation {
                rotation.making = None;
            }
            schedule(&owned, tx, secret);
            Ok(JobOutcome::Done)
        })
        .await
}
