//! Everything IAM and STS store.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Scope, Table};

use crate::role::Role;

/// Roles of an account by name.
pub(crate) const ROLES: Table<String, Role> = Table::new("iam/role");
/// Inline policies of roles, by role and policy name: documents.
pub(crate) const ROLE_POLICIES: Table<(String, String), Document> = Table::new("iam/role-policy");
/// Access keys of the whole region, by id.
pub(crate) const ACCESS_KEYS: Table<String, AccessKey> = Table::new("iam/access-key");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document(pub String);

store::row!(Document, 1);

/// An access key and whom it stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub secret: String,
    pub principal: identity::Principal,
    pub created: Timestamp,
    /// Temporary keys only.
    pub session: Option<SessionKey>,
}

store::row!(AccessKey, 1);

/// What a temporary key has beyond a long-term one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    pub token: String,
    pub expires: Timestamp,
    /// Session policies.
    pub policies: Vec<String>,
    pub facts: identity::Session,
}

/// Where an account's identities lie.
pub(crate) fn account_scope(account: AccountId) -> Scope {
    Scope::of(&(account.digits().as_str().to_owned(), "aws-global".to_owned()))
}
