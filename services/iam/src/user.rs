//! Users.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::owner::Kind;
use crate::tables::Tags;
use crate::tags::{boundary_to_api, tags_to_api};

/// A user's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub name: String,
    pub id: String,
    pub path: String,
    pub created: Timestamp,
    pub tags: Tags,
    /// ARN of the policy that bounds what the user may do.
    pub boundary: Option<String>,
}

store::row!(User, 1);

impl User {
    pub(crate) fn arn(&self, account: AccountId) -> String {
        Kind::User.arn(account, &self.path, &self.name)
    }

    pub(crate) fn to_api(&self, account: AccountId) -> iam_api::User {
        iam_api::User {
            path: self.path.clone(),
            user_name: self.name.clone(),
            user_id: self.id.clone(),
            arn: self.arn(account),
            create_date: self.created,
            permissions_boundary: boundary_to_api(self.boundary.as_deref()),
            tags: tags_to_api(&self.tags),
            ..Default::default()
        }
    }
}
