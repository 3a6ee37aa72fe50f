//! Instance profiles: how a role reaches an instance.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::tables::{ROLES, Tags};
use crate::tags::tags_to_api;

/// An instance profile's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub name: String,
    pub id: String,
    pub path: String,
    pub created: Timestamp,
    pub role: Option<String>,
    pub tags: Tags,
}

store::row!(InstanceProfile, 1);

impl InstanceProfile {
    pub(crate) fn to_api(
        &self,
        account: AccountId,
        rows: &mut dyn Reader,
    ) -> Result<iam_api::InstanceProfile, ApiError> {
        let role = match &self.role {
            Some(role) => ROLES.find(rows, role)?,
            None => None,
        };
        Ok(iam_api::InstanceProfile {
            path: self.path.clone(),
            instance_profile_name: self.name.clone(),
            instance_profile_id: self.id.clone(),
            arn: arn(account, &self.path, &self.name),
            create_date: self.created,
            roles: role.iter().map(|role| role.to_api(account, &role.trust)).collect(),
            tags: tags_to_api(&self.tags),
        })
    }
}

pub(crate) fn arn(account: AccountId, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:instance-profile{path}{name}")
}
