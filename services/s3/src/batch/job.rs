//! A job as it is stored: what it was asked to do, how far it has come, and what became of its tasks.

use identity::{AccountId, Region};
use s3control_api::CreateJobInput;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::Timestamp;

use crate::stored_shape;

/// Account, region and id of a job.
pub(crate) type Place = (u64, String, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BatchJob {
    pub id: String,
    /// Names the job's tasks.
    pub number: u128,
    pub account: AccountId,
    pub region: String,
    /// The request that made it, as JSON by the model's names.
    pub request: String,
    pub tags: Vec<(String, String)>,
    pub priority: i32,
    pub status: Status,
    pub status_reason: Option<String>,
    pub created: Timestamp,
    pub suspended: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// Why it failed: code and reason.
    pub failure: Option<(String, String)>,
    pub preparation: Preparation,
    /// The next task.
    pub cursor: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub active_since: Option<Timestamp>,
    pub active_millis: u64,
    pub report: Report,
}

store::row!(BatchJob, 1);

/// How much of the manifest is tasks by now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Preparation {
    pub tasks: u64,
    /// Of a CSV file: bytes read. Of an inventory: files read.
    pub read: u64,
    /// Of a generated manifest: the last key, and the order of its version.
    pub after: Option<(String, Option<u64>)>,
    pub is_complete: bool,
    /// ARN and entity tag of the manifest that was generated and written.
    pub written: Option<(String, String)>,
    /// Files of the generated manifest.
    #[serde(default)]
    pub files: Vec<ResultFile>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The next task to be reported.
    pub cursor: u64,
    pub files: Vec<ResultFile>,
    pub is_complete: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResultFile {
    pub is_success: bool,
    pub key: String,
    pub md5: String,
    pub size: u64,
}

/// One object of a job's manifest, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub outcome: Option<Outcome>,
}

store::row!(Task, 1);

/// A line of the completion report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub is_success: bool,
    pub http_status: u16,
    /// Empty for a success.
    pub code: String,
    pub message: String,
}

/// What a client token made, and of which request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub id: String,
    pub request: String,
}

store::row!(Token, 1);

/// S3 User Guide, "Tracking job status and completion reports".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    New,
    Preparing,
    Suspended,
    Ready,
    Active,
    Paused,
    Completing,
    Complete,
    Cancelling,
    Cancelled,
    Failing,
    Failed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Preparing => "Preparing",
            Self::Suspended => "Suspended",
            Self::Ready => "Ready",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Completing => "Completing",
            Self::Complete => "Complete",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Failing => "Failing",
            Self::Failed => "Failed",
        }
    }

    pub(crate) fn is_ended(self) -> bool {
        matches!(self, Self::Complete | Self::Cancelled | Self::Failed)
    }

    /// Whether nothing is going to happen to the job but its end.
    pub(crate) fn is_ending(self) -> bool {
        self.is_ended() || matches!(self, Self::Completing | Self::Cancelling | Self::Failing)
    }

    /// What follows once the report is written.
    pub(crate) fn end(self) -> Self {
        match self {
            Self::Cancelling => Self::Cancelled,
            Self::Failing => Self::Failed,
            _ => Self::Complete,
        }
    }
}

impl BatchJob {
    pub(crate) fn place(&self) -> Place {
        (self.account.number(), self.region.clone(), self.id.clone())
    }

    pub(crate) fn arn(&self) -> String {
        arn(&self.region, self.account, &self.id)
    }

    pub(crate) fn region(&self) -> Option<Region> {
        Region::parse(&self.region)
    }

    pub(crate) fn request(&self) -> CreateJobInput {
        let mut request = CreateJobInput::default();
        let json: Value = serde_json::from_str(&self.request).unwrap_or_default();
        stored_shape::from_json(&json, &mut request);
        request
    }

    /// Takes the job to another status, and counts the time it was active.
    pub(crate) fn become_status(&mut self, status: Status, now: Timestamp) {
        if self.status == Status::Active
            && status != Status::Active
            && let Some(since) = self.active_since.take()
        {
            self.active_millis += u64::try_from(now.millis() - since.millis()).unwrap_or(0);
        }
        if status == Status::Active && self.status != Status::Active {
            self.active_since = Some(now);
        }
        if status.is_ended() {
            self.ended = Some(now);
        }
        self.status = status;
    }

    pub(crate) fn fail(&mut self, code: &str, reason: &str, now: Timestamp) {
        self.failure = Some((code.to_owned(), reason.chars().take(256).collect()));
        self.become_status(Status::Failing, now);
    }
}

pub(crate) fn arn(region: &str, account: AccountId, id: &str) -> String {
    format!("arn:aws:s3:{region}:{account}:job/{id}")
}
