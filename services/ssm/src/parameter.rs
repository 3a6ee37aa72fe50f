//! A parameter and its versions.

use std::collections::BTreeMap;

use clock::JobId;
use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use ssm_api::{ParameterHistory, ParameterInlinePolicy, ParameterMetadata};

use crate::name::arn_of;
use crate::policies::Policy;
use crate::value::Value;

/// What all versions of a parameter have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parameter {
    pub name: String,
    /// The number of the newest version.
    pub latest: u64,
    pub tags: BTreeMap<String, String>,
    /// What the policies of the newest version wait for.
    pub jobs: Vec<JobId>,
    /// The newest version without its value, for those who list.
    pub head: Head,
    /// Versions by label.
    pub labels: BTreeMap<String, u64>,
}

store::row!(Parameter, 1);

/// A version without its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub kind: Kind,
    pub modified: Timestamp,
    pub modified_by: String,
    pub description: Option<String>,
    /// Of a SecureString, as it was given.
    pub key_id: Option<String>,
    pub allowed_pattern: Option<String>,
    pub is_advanced: bool,
    pub data_type: String,
    pub policies: Vec<Policy>,
}

/// One version of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub head: Head,
    pub value: Value,
}

store::row!(Version, 1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    String,
    StringList,
    SecureString,
}

impl Kind {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "String" => Some(Self::String),
            "StringList" => Some(Self::StringList),
            "SecureString" => Some(Self::SecureString),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

impl Head {
    pub(crate) fn tier(&self) -> &'static str {
        if self.is_advanced { "Advanced" } else { "Standard" }
    }

    fn api_policies(&self, now: Timestamp) -> Vec<ParameterInlinePolicy> {
        let told = |policy: &Policy| ParameterInlinePolicy {
            policy_text: Some(policy.text.clone()),
            policy_type: Some(policy.kind.as_str().to_owned()),
            policy_status: Some(if policy.due <= now { "Finished" } else { "Pending" }.to_owned()),
        };
        self.policies.iter().map(told).collect()
    }
}

impl Parameter {
    pub(crate) fn metadata(&self, ctx: &Ctx) -> ParameterMetadata {
        let head = &self.head;
        ParameterMetadata {
            name: Some(self.name.clone()),
            arn: Some(arn_of(ctx, &self.name)),
            r#type: Some(head.kind.as_str().to_owned()),
            key_id: head.key_id.clone(),
            last_modified_date: Some(head.modified),
            last_modified_user: Some(head.modified_by.clone()),
            description: head.description.clone(),
            allowed_pattern: head.allowed_pattern.clone(),
            version: i64::try_from(self.latest).ok(),
            tier: Some(head.tier().to_owned()),
            policies: Some(head.api_policies(ctx.now())),
            data_type: Some(head.data_type.clone()),
        }
    }

    /// The labels of a version.
    pub(crate) fn labels_of(&self, version: u64) -> Vec<String> {
        self.labels
            .iter()
            .filter(|(_, labelled)| **labelled == version)
            .map(|(label, _)| label.clone())
            .collect()
    }

    pub(crate) fn history(&self, ctx: &Ctx, number: u64, head: &Head, value: String) -> ParameterHistory {
        ParameterHistory {
            name: Some(self.name.clone()),
            r#type: Some(head.kind.as_str().to_owned()),
            key_id: head.key_id.clone(),
            last_modified_date: Some(head.modified),
            last_modified_user: Some(head.modified_by.clone()),
            description: head.description.clone(),
            value: Some(value),
            allowed_pattern: head.allowed_pattern.clone(),
            version: i64::try_from(number).ok(),
            labels: Some(self.labels_of(number)),
            tier: Some(head.tier().to_owned()),
            policies: Some(head.api_policies(ctx.now())),
            data_type: Some(head.data_type.clone()),
        }
    }
}
