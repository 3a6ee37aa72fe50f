//! Roles.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::owner::Kind;
use crate::tables::Tags;
use crate::tags::{boundary_to_api, tags_to_api};

/// A role's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub name: String,
    pub id: String,
    pub path: String,
    pub trust: String,
    pub description: Option<String>,
    pub max_session_seconds: i32,
    pub created: Timestamp,
    pub tags: Tags,
    /// ARN of the policy that bounds what the role may do.
    pub boundary: Option<String>,
}

store::row!(Role, 2);

impl Role {
    pub(crate) fn arn(&self, account: AccountId) -> String {
        Kind::Role.arn(account, &self.path, &self.name)
    }

    /// Whether a service keeps the role for itself.
    pub(crate) fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }

    /// `trust` is the document as it stands now; see [`crate::trust::document`].
    pub(crate) fn to_api(&self, account: AccountId, trust: &str) -> iam_api::Role {
        iam_api::Role {
            path: self.path.clone(),
            role_name: self.name.clone(),
            role_id: self.id.clone(),
            arn: self.arn(account),
            create_date: self.created,
            assume_role_policy_document: Some(url_encoded(trust)),
            description: self.description.clone(),
            max_session_duration: Some(self.max_session_seconds),
            permissions_boundary: boundary_to_api(self.boundary.as_deref()),
            tags: tags_to_api(&self.tags),
            ..Default::default()
        }
    }
}

/// Policy documents are percent-encoded in answers (RFC 3986).
pub(crate) fn url_encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
