//! What a pipe writes into a log group about its executions (EventBridge User Guide, "Logging Amazon EventBridge Pipes
//! performance").

use cloud::Ctx;
use identity::arn;
use pipes_api as api;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::ApiError;
use targets::{AfterFailure, Origin, Target};
use tracing::warn;

use crate::Pipes;
use crate::errors::{not_here_yet, validation};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Log {
    pub group: String,
    pub level: Level,
    /// Payloads go along.
    pub has_data: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Level {
    Off,
    Error,
    Info,
    Trace,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Info => "INFO",
            Self::Trace => "TRACE",
        }
    }
}

impl Log {
    pub(crate) fn parse(
        given: Option<api::PipeLogConfigurationParameters>,
    ) -> Result<Option<Self>, ApiError> {
        let Some(given) = given else { return Ok(None) };
        if given.s3_log_destination.is_some() {
            return Err(not_here_yet("S3LogDestination"));
        }
        if given.firehose_log_destination.is_some() {
            return Err(not_here_yet("FirehoseLogDestination"));
        }
        let level = match given.level.as_str() {
            "ERROR" => Level::Error,
            "INFO" => Level::Info,
            "TRACE" => Level::Trace,
            _ => Level::Off,
        };
        let group = given.cloudwatch_logs_log_destination.map(|destination| destination.log_group_arn);
        match group {
            Some(group) => {
                if arn::split(&group).is_none_or(|parts| parts.service != "logs") {
                    return Err(validation(format!("{group} is not the ARN of a log group.")));
                }
                let has_data = given.include_execution_data.is_some_and(|choices| !choices.is_empty());
                Ok(Some(Self { group, level, has_data }))
            }
            None if level == Level::Off => Ok(None),
            None => Err(validation("A log destination is required unless the level is OFF.")),
        }
    }

    pub(crate) fn to_api(&self) -> api::PipeLogConfiguration {
        api::PipeLogConfiguration {
            cloudwatch_logs_log_destination: Some(api::CloudwatchLogsLogDestination {
                log_group_arn: Some(self.group.clone()),
            }),
            include_execution_data: self.has_data.then(|| vec!["ALL".to_owned()]),
            level: Some(self.level.name().to_owned()),
            ..Default::default()
        }
    }
}

/// The log of one execution: a batch on its way through a pipe. It is written when the execution is over.
pub(crate) struct Execution<'e> {
    log: Option<&'e Log>,
    id: String,
    pipe_arn: &'e str,
    lines: Vec<Value>,
}

impl<'e> Execution<'e> {
    pub(crate) fn begin(ctx: &Ctx, log: Option<&'e Log>, pipe_arn: &'e str) -> Self {
        Self { log, id: ctx.ids().uuid(), pipe_arn, lines: Vec::new() }
    }

    /// A step; its payload is made only where it is written.
    pub(crate) fn note(
        &mut self,
        ctx: &Ctx,
        level: Level,
        kind: &str,
        error: Option<&str>,
        payload: impl FnOnce() -> Value,
    ) {
        let Some(log) = self.log.filter(|log| level <= log.level) else { return };
        let mut line = json!({
            "resourceArn": self.pipe_arn,
            "timestamp": ctx.now().millis(),
            "executionId": self.id,
            "messageType": kind,
            "logLevel": level.name(),
        });
        if log.has_data {
            line["payload"] = Value::String(payload().to_string());
        }
        if let Some(error) = error {
            line["error"] = json!({ "message": error });
        }
        self.lines.push(line);
    }

    /// Writes what was noted. A log that cannot be written stops no pipe.
    pub(crate) async fn write(self, pipes: &Pipes, ctx: &Ctx, origin: &Origin, name: &str) {
        let Some(log) = self.log.filter(|_| !self.lines.is_empty()) else { return };
        let target = Target {
            arn: log.group.clone(),
            log_stream: Some(format!("{name}/executions")),
            ..Target::default()
        };
        let calls = self.lines.iter().map(|line| (target.clone(), line.to_string())).collect();
        for outcome in pipes.courier.call_each(ctx, origin, calls, AfterFailure::Stop).await {
            if let Err(failure) = outcome {
                warn!(group = %log.group, reason = %failure.message, "a pipe's log could not be written");
                return;
            }
        }
    }
}
