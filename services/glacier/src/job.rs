//! Jobs: retrievals of archives and of inventories (Glacier API, "Initiate Job").

use std::ops::Range;
use std::time::Duration;

use glacier_api::{GlacierJobDescription, InventoryRetrievalJobDescription};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shapes::Timestamp;

use crate::place::Place;
use crate::range;
use crate::tree_hash::{Digest, MEGABYTE, is_aligned};

/// For which a job and its output stay once it is done.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub task: Task,
    pub description: Option<String>,
    pub topic: Option<String>,
    pub created: Timestamp,
    pub state: State,
}

store::row!(Job, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Task {
    Archive { id: String, size: u64, tree_hash: Digest, range: Range<u64>, tier: Tier },
    Inventory(Query),
}

/// What of an inventory is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Query {
    pub is_csv: bool,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    pub limit: Option<u64>,
    pub marker: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tier {
    Expedited,
    Standard,
    Bulk,
}

impl Tier {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "Expedited" => Some(Self::Expedited),
            "Standard" => Some(Self::Standard),
            "Bulk" => Some(Self::Bulk),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Expedited => "Expedited",
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
        }
    }

    /// How long a retrieval takes: 1 to 5 minutes, 3 to 5 hours, 5 to 12 hours (Glacier Developer Guide, "Archive Retrieval
    /// Options").
    pub(crate) const fn takes(self) -> Duration {
        Duration::from_secs(match self {
            Self::Expedited => 5 * 60,
            Self::Standard => 5 * 3600,
            Self::Bulk => 12 * 3600,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    InProgress,
    Succeeded { when: Timestamp, output: Output },
    Failed { when: Timestamp, message: String },
}

/// What a job has prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Output {
    /// Of the contents; the job is one of its uses.
    pub content: u128,
    /// Where in the content it lies.
    pub range: Range<u64>,
    /// Of archives, when the range is tree-hash aligned.
    pub tree_hash: Option<Digest>,
    /// Of archives.
    pub description: String,
    /// Of inventories: where the next page begins.
    pub marker: Option<String>,
}

impl State {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Succeeded { .. } => "Succeeded",
            Self::Failed { .. } => "Failed",
        }
    }

    pub(crate) const fn completed(&self) -> Option<Timestamp> {
        match self {
            Self::InProgress => None,
            Self::Succeeded { when, .. } | Self::Failed { when, .. } => Some(*when),
        }
    }
}

impl Task {
    pub(crate) const fn tier(&self) -> Tier {
        match self {
            Self::Archive { tier, .. } => *tier,
            Self::Inventory(_) => Tier::Standard,
        }
    }

    /// The event that a vault's notifications know its end by.
    pub(crate) const fn event(&self) -> &'static str {
        match self {
            Self::Archive { .. } => "ArchiveRetrievalCompleted",
            Self::Inventory(_) => "InventoryRetrievalCompleted",
        }
    }
}

/// Whether a range of an archive has a hash of its own in the archive's tree.
pub(crate) fn has_tree_hash(range: &Range<u64>, size: u64) -> bool {
    let is_whole =
        range.start.is_multiple_of(MEGABYTE) && (range.end.is_multiple_of(MEGABYTE) || range.end == size);
    is_whole && is_aligned(range.start / MEGABYTE, range.end.div_ceil(MEGABYTE), size.div_ceil(MEGABYTE))
}

impl Job {
    pub(crate) fn describe(&self, place: &Place, id: &str) -> GlacierJobDescription {
        let output = match &self.state {
            State::Succeeded { output, .. } => Some(output),
            _ => None,
        };
        let mut described = GlacierJobDescription {
            job_id: Some(id.to_owned()),
            job_description: self.description.clone(),
            vault_arn: Some(place.arn()),
            creation_date: Some(self.created.iso8601_millis()),
            completed: Some(self.state.completed().is_some()),
            completion_date: self.state.completed().map(Timestamp::iso8601_millis),
            status_code: Some(self.state.name().to_owned()),
            status_message: match &self.state {
                State::Failed { message, .. } => Some(message.clone()),
                state => Some(state.name().to_owned()),
            },
            sns_topic: self.topic.clone(),
            ..Default::default()
        };
        match &self.task {
            Task::Archive { id, size, tree_hash, range, tier } => {
                described.action = Some("ArchiveRetrieval".to_owned());
                described.archive_id = Some(id.clone());
                described.archive_size_in_bytes = i64::try_from(*size).ok();
                described.archive_sha256_tree_hash = Some(tree_hash.hex());
                described.sha256_tree_hash = match output {
                    Some(output) => output.tree_hash.map(Digest::hex),
                    None => (*range == (0..*size)).then(|| tree_hash.hex()),
                };
                described.retrieval_byte_range = Some(range::text(range));
                described.tier = Some(tier.name().to_owned());
            }
            Task::Inventory(query) => {
                described.action = Some("InventoryRetrieval".to_owned());
                let size = output.map(|output| output.range.end - output.range.start);
                described.inventory_size_in_bytes = size.and_then(|size| i64::try_from(size).ok());
                described.inventory_retrieval_parameters = Some(InventoryRetrievalJobDescription {
                    format: Some(if query.is_csv { "CSV" } else { "JSON" }.to_owned()),
                    start_date: query.start.map(Timestamp::iso8601),
                    end_date: query.end.map(Timestamp::iso8601),
                    limit: query.limit.map(|limit| limit.to_string()),
                    marker: output.and_then(|output| output.marker.clone()).or_else(|| query.marker.clone()),
                });
            }
        }
        described
    }

    /// What topics are told: the description as JSON.
    pub(crate) fn message(&self, place: &Place, id: &str) -> String {
        let described = self.describe(place, id);
        let mut message = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            message.insert(name.to_owned(), value.unwrap_or(Value::Null));
        };
        put("Action", described.action.map(Value::from));
        put("ArchiveId", described.archive_id.map(Value::from));
        put("ArchiveSHA256TreeHash", described.archive_sha256_tree_hash.map(Value::from));
        put("ArchiveSizeInBytes", described.archive_size_in_bytes.map(Value::from));
        put("Completed", described.completed.map(Value::from));
        put("CompletionDate", described.completion_date.map(Value::from));
        put("CreationDate", described.creation_date.map(Value::from));
        let parameters = described.inventory_retrieval_parameters.map(|parameters| {
            serde_json::json!({
                "EndDate": parameters.end_date,
                "Format": parameters.format,
                "Limit": parameters.limit,
                "Marker": parameters.marker,
                "StartDate": parameters.start_date,
            })
        });
        put("InventoryRetrievalParameters", parameters);
        put("InventorySizeInBytes", described.inventory_size_in_bytes.map(Value::from));
        put("JobDescription", described.job_description.map(Value::from));
        put("JobId", described.job_id.map(Value::from));
        put("RetrievalByteRange", described.retrieval_byte_range.map(Value::from));
        put("SHA256TreeHash", described.sha256_tree_hash.map(Value::from));
        put("SNSTopic", described.sns_topic.map(Value::from));
        put("StatusCode", described.status_code.map(Value::from));
        put("StatusMessage", described.status_message.map(Value::from));
        put("Tier", described.tier.map(Value::from));
        put("VaultARN", described.vault_arn.map(Value::from));
        Value::Object(message).to_string()
    }
}
