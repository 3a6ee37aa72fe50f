//! A pipe as it is stored.

use std::collections::BTreeMap;

use cloud::Ctx;
use pipes_api as api;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::earlier_rows::FirstPipe;
use crate::errors;
use crate::log::Log;
use crate::settings::{Enrichment, SourceSettings, TargetSettings, source_kind};
use crate::state::State;
use crate::tables::PIPES;

/// A pipe's row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pipe {
    /// Names its checkpoints: a pipe of the same name that is made later begins anew.
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// Whether it is asked to run.
    pub runs: bool,
    pub source: String,
    pub source_settings: SourceSettings,
    pub enrichment: Option<Enrichment>,
    pub target: TargetSettings,
    pub role: String,
    pub log: Option<Log>,
    pub tags: BTreeMap<String, String>,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub state: State,
    /// Why the pipe cannot run.
    pub reason: Option<String>,
}

store::row!(Pipe, 2, FirstPipe);

pub(crate) fn pipe_arn(ctx: &Ctx, name: &str) -> String {
    format!("arn:aws:pipes:{}:{}:pipe/{name}", ctx.region().as_str(), ctx.account())
}

/// `RUNNING` or `STOPPED`, as requests ask for it.
pub(crate) fn requested(runs: bool) -> &'static str {
    if runs { "RUNNING" } else { "STOPPED" }
}

pub(crate) fn find(reader: &mut dyn Reader, name: &str) -> Result<Pipe, ApiError> {
    PIPES.find(reader, &name.to_owned())?.ok_or_else(|| errors::no_such_pipe(name))
}

impl Pipe {
    /// DesiredState.
    pub(crate) fn desired(&self) -> &'static str {
        if self.state == State::Deleting { "DELETED" } else { requested(self.runs) }
    }

    fn state_reason(&self, problem: Option<String>) -> Option<String> {
        let reason = self.reason.clone().or(problem).unwrap_or_else(|| "USER_INITIATED".to_owned());
        // PipeStateReason: 512 characters.
        Some(reason.chars().take(512).collect())
    }

    /// Records that enrichment and target take at once.
    pub(crate) fn most_records(&self) -> Option<u32> {
        let enrichment = self.enrichment.as_ref().and_then(Enrichment::most_events);
        enrichment.into_iter().chain(self.target.most_events()).min()
    }

    /// As DescribePipe tells it. `problem` is what the last batch failed with.
    pub(crate) fn to_api(&self, ctx: &Ctx, problem: Option<String>) -> api::DescribePipeOutput {
        let text = |text: &str| Some(text.to_owned());
        api::DescribePipeOutput {
            arn: Some(pipe_arn(ctx, &self.name)),
            name: text(&self.name),
            description: self.description.clone(),
            desired_state: text(self.desired()),
            current_state: text(self.state.name()),
            state_reason: self.state_reason(problem),
            source: text(&self.source),
            source_parameters: source_kind(&self.source)
                .ok()
                .map(|kind| self.source_settings.to_api(kind, self.most_records())),
            enrichment: self.enrichment.as_ref().map(|enrichment| enrichment.arn.clone()),
            enrichment_parameters: self.enrichment.as_ref().map(Enrichment::to_api),
            target: text(&self.target.arn),
            target_parameters: Some(self.target.to_api()),
            role_arn: text(&self.role),
            tags: (!self.tags.is_empty()).then(|| self.tags.clone()),
            creation_time: Some(self.created),
            last_modified_time: Some(self.modified),
            log_configuration: self.log.as_ref().map(Log::to_api),
            kms_key_identifier: None,
        }
    }

    /// As ListPipes tells it.
    pub(crate) fn summary(&self, ctx: &Ctx) -> api::Pipe {
        let text = |text: &str| Some(text.to_owned());
        api::Pipe {
            arn: Some(pipe_arn(ctx, &self.name)),
            name: text(&self.name),
            desired_state: text(self.desired()),
            current_state: text(self.state.name()),
            state_reason: self.state_reason(None),
            source: text(&self.source),
            enrichment: self.enrichment.as_ref().map(|enrichment| enrichment.arn.clone()),
            target: text(&self.target.arn),
            creation_time: Some(self.created),
            last_modified_time: Some(self.modified),
        }
    }
}
