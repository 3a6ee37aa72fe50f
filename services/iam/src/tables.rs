//! Everything IAM and STS store.

use std::collections::BTreeMap;

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Scope, Table};

use crate::group::Group;
use crate::instance_profile::InstanceProfile;
use crate::managed_policy::{ManagedPolicy, PolicyVersion};
use crate::provider::OidcProvider;
use crate::role::Role;
use crate::user::User;

/// Identities of an account by name.
pub(crate) const USERS: Table<String, User> = Table::new("iam/user");
pub(crate) const GROUPS: Table<String, Group> = Table::new("iam/group");
pub(crate) const ROLES: Table<String, Role> = Table::new("iam/role");
/// Who is in which group, both ways round: (group, user) and (user, group).
pub(crate) const MEMBERS: Table<(String, String), Mark> = Table::new("iam/member");
pub(crate) const MEMBERSHIPS: Table<(String, String), Mark> = Table::new("iam/membership");
/// Inline policies, by the owner's kind and name and the policy's name: documents.
pub(crate) const INLINE_POLICIES: Table<(String, String, String), Document> = Table::new("iam/inline-policy");
/// Managed policies of the account by name, and their versions' documents by name and number.
pub(crate) const POLICIES: Table<String, ManagedPolicy> = Table::new("iam/policy");
pub(crate) const POLICY_VERSIONS: Table<(String, u64), PolicyVersion> = Table::new("iam/policy-version");
/// Attached managed policies, both ways round: by the owner's kind, its name and the ARN, and by the ARN first.
pub(crate) const ATTACHED: Table<(String, String, String), Mark> = Table::new("iam/attached");
pub(crate) const ATTACHED_TO: Table<(String, String, String), Mark> = Table::new("iam/attached-to");
/// Users' access keys by user and id; what they are is in [`ACCESS_KEYS`].
pub(crate) const KEYS_OF_USERS: Table<(String, String), Mark> = Table::new("iam/user-key");
pub(crate) const INSTANCE_PROFILES: Table<String, InstanceProfile> = Table::new("iam/instance-profile");
/// OpenID Connect providers by their URL without its scheme.
pub(crate) const OIDC_PROVIDERS: Table<String, OidcProvider> = Table::new("iam/oidc-provider");
/// The account's alias under the empty key, and the accounts of all aliases in the global scope.
pub(crate) const ALIASES: Table<String, Document> = Table::new("iam/alias");
/// Access keys of the whole region, by id.
pub(crate) const ACCESS_KEYS: Table<String, AccessKey> = Table::new("iam/access-key");

/// A row that says all by being there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mark;

store::row!(Mark, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document(pub String);

store::row!(Document, 1);

/// An access key and whom it stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub secret: String,
    pub principal: identity::Principal,
    pub created: Timestamp,
    pub status: KeyStatus,
    /// Temporary keys only.
    pub session: Option<SessionKey>,
}

store::row!(AccessKey, 2);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyStatus {
    Active,
    Inactive,
    /// Was deleted. A key that was given out once is nobody's to use ever after.
    Deleted,
}

/// What a temporary key has beyond a long-term one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionKey {
    pub token: String,
    pub expires: Timestamp,
    /// Documents of session policies.
    pub policies: Vec<String>,
    pub facts: identity::Session,
}

pub(crate) type Tags = BTreeMap<String, String>;

/// Where an account's identities lie.
pub(crate) fn account_scope(account: AccountId) -> Scope {
    Scope::named(&[account.digits().as_str(), "aws-global"])
}
