//! A secret: its attributes, and the stages of its versions.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::JobId;
use secretsmanager_api::{RotationRulesType, SecretListEntry, Tag};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map, Timestamp};

use crate::errors;

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
pub(crate) const PENDING: &str = "AWSPENDING";

/// User Guide, "Secrets Manager quotas".
const MOST_VERSIONS: usize = 100;
const MOST_STAGES: usize = 20;
const MOST_TAGS: usize = 50;
/// Versions younger than this are kept whatever their number.
const KEPT_FOR: Duration = Duration::from_secs(86_400);

/// Everything of a secret but its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub name: String,
    pub arn: String,
    pub created: Timestamp,
    pub changed: Timestamp,
    /// A day; reads are not noted more often.
    pub accessed: Option<Timestamp>,
    pub description: Option<String>,
    /// As it was given; `None` for the account's own key of Secrets Manager.
    pub kms_key_id: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub policy: Option<String>,
    /// By id.
    pub versions: BTreeMap<String, Version>,
    pub rotation: Option<Rotation>,
    pub rotated: Option<Timestamp>,
    pub deletion: Option<Deletion>,
}

store::row!(Secret, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub created: Timestamp,
    pub stages: Vec<String>,
    /// The ARN of the key that seals its value; `None` while it has none.
    pub key_arn: Option<String>,
}

/// How a secret is rotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub is_enabled: bool,
    pub function: String,
    pub after_days: Option<i64>,
    pub schedule: Option<String>,
    pub duration: Option<String>,
    /// The next rotation.
    pub next: Option<JobId>,
    /// Version that a rotation under way is making.
    pub making: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub since: Timestamp,
    pub job: JobId,
}

impl Secret {
    pub(crate) fn check_not_deleted(&self) -> Result<(), ApiError> {
        if self.deletion.is_some() { Err(errors::is_deleted()) } else { Ok(()) }
    }

    /// The id of the version that has a stage.
    pub(crate) fn version_at(&self, stage: &str) -> Option<&str> {
        let has = |version: &Version| version.stages.iter().any(|own| own == stage);
        self.versions.iter().find(|(_, version)| has(version)).map(|(id, _)| id.as_str())
    }

    /// Gives a version a stage, which no other has afterwards. The version that was current becomes the previous one.
    pub(crate) fn move_stage(&mut self, stage: &str, to: &str) {
        let before = self.version_at(stage).map(str::to_owned);
        if before.as_deref() == Some(to) {
            return;
        }
        self.take_stage(stage);
        if let Some(version) = self.versions.get_mut(to) {
            version.stages.push(stage.to_owned());
        }
        if stage == CURRENT
            && let Some(before) = before
        {
            self.move_stage(PREVIOUS, &before);
        }
    }

    /// Takes a stage from the version that has it.
    pub(crate) fn take_stage(&mut self, stage: &str) {
        for version in self.versions.values_mut() {
            version.stages.retain(|own| own != stage);
        }
    }

    /// Takes out versions without a stage while there are too many; their ids.
    pub(crate) fn drop_deprecated(&mut self, now: Timestamp) -> Vec<String> {
        let excess = self.versions.len().saturating_sub(MOST_VERSIONS);
        let is_old = |version: &Version| version.stages.is_empty() && version.created + KEPT_FOR < now;
        let mut old: Vec<(Timestamp, String)> = Vec::new();
        for (id, version) in self.versions.iter().filter(|(_, version)| is_old(version)) {
            old.push((version.created, id.clone()));
        }
        old.sort();
        let dropped: Vec<String> = old.into_iter().take(excess).map(|(_, id)| id).collect();
        self.versions.retain(|id, _| !dropped.contains(id));
        dropped
    }

    pub(crate) fn check_stages(&self) -> Result<(), ApiError> {
        if self.versions.values().any(|version| version.stages.len() > MOST_STAGES) {
            return Err(errors::limit_exceeded(format!(
                "You can have a maximum of {MOST_STAGES} staging labels on a version."
            )));
        }
        Ok(())
    }

    pub(crate) fn stages(&self) -> Option<Map<Vec<String>>> {
        let staged = self.versions.iter().filter(|(_, version)| !version.stages.is_empty());
        let stages: Map<Vec<String>> =
            staged.map(|(id, version)| (id.clone(), version.stages.clone())).collect();
        (!stages.is_empty()).then_some(stages)
    }

    pub(crate) fn api_tags(&self) -> Option<Vec<Tag>> {
        let tags =
            self.tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) });
        (!self.tags.is_empty()).then(|| tags.collect())
    }

    pub(crate) fn entry(&self) -> SecretListEntry {
        let rotation = self.rotation.as_ref();
        SecretListEntry {
            arn: Some(self.arn.clone()),
            name: Some(self.name.clone()),
            description: self.description.clone(),
            kms_key_id: self.kms_key_id.clone(),
            rotation_enabled: rotation.map(|rotation| rotation.is_enabled),
            rotation_lambda_arn: rotation.map(|rotation| rotation.function.clone()),
            rotation_rules: rotation.map(Rotation::rules),
            last_rotated_date: self.rotated,
            last_changed_date: Some(self.changed),
            last_accessed_date: self.accessed,
            deleted_date: self.deletion.map(|deletion| deletion.since),
            next_rotation_date: rotation.and_then(|rotation| rotation.next).map(|job| job.due),
            tags: self.api_tags(),
            secret_versions_to_stages: self.stages(),
            created_date: Some(self.created),
            ..SecretListEntry::default()
        }
    }
}

impl Rotation {
    pub(crate) fn rules(&self) -> RotationRulesType {
        RotationRulesType {
            automatically_after_days: self.after_days,
            duration: self.duration.clone(),
            schedule_expression: self.schedule.clone(),
        }
    }
}

/// The tags of a request, checked.
pub(crate) fn tags(given: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in given {
        let key = tag.key.unwrap_or_default();
        if key.is_empty() || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(errors::invalid_parameter(format!("The tag key '{key}' is not valid.")));
        }
        tags.insert(key, tag.value.unwrap_or_default());
    }
    check_tags(&tags)?;
    Ok(tags)
}

pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::invalid_parameter(format!("A secret can have {MOST_TAGS} tags at most.")));
    }
    Ok(())
}
