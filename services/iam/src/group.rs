//! Groups of users.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::owner::Kind;

/// A group's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub name: String,
    pub id: String,
    pub path: String,
    pub created: Timestamp,
}

store::row!(Group, 1);

impl Group {
    pub(crate) fn to_api(&self, account: AccountId) -> iam_api::Group {
        iam_api::Group {
            path: self.path.clone(),
            group_name: self.name.clone(),
            group_id: self.id.clone(),
            arn: Kind::Group.arn(account, &self.path, &self.name),
            create_date: self.created,
        }
    }
}
