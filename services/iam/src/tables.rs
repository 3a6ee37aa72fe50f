//! Everything IAM and STS store.

use std::collections::BTreeMap;

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Scope, Table};

use crate::credentials::{Login, MfaDevice, PasswordPolicy};
use crate::group::Group;
use crate::instance_profile::InstanceProfile;
use crate::managed_policy::{ManagedPolicy, PolicyVersion};
use crate::provider::{OidcProvider, SamlProvider};
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
/// What bounds whom: by the ARN of the policy, the owner's kind and its name.
pub(crate) const BOUNDED: Table<(String, String, String), Mark> = Table::new("iam/bounded");
/// Names in small letters by what they name, since two names may not differ in case alone; and how many there are.
pub(crate) const NAMES: Table<(String, String), Document> = Table::new("iam/name");
pub(crate) const COUNTS: Table<String, Count> = Table::new("iam/count");
/// Users and roles by id: `user/name`.
pub(crate) const IDS: Table<String, Document> = Table::new("iam/id");
/// The ids of whom a role's trust policy names by ARN, by the role's name.
pub(crate) const TRUSTED: Table<String, Trusted> = Table::new("iam/trusted");
/// Users' access keys by user and id; what they are is in [`ACCESS_KEYS`].
pub(crate) const KEYS_OF_USERS: Table<(String, String), Mark> = Table::new("iam/user-key");
pub(crate) const INSTANCE_PROFILES: Table<String, InstanceProfile> = Table::new("iam/instance-profile");
/// Instance profiles by the role that they carry.
pub(crate) const PROFILES_OF_ROLES: Table<(String, String), Mark> = Table::new("iam/role-profile");
/// OpenID Connect providers by their URL without its scheme.
pub(crate) const OIDC_PROVIDERS: Table<String, OidcProvider> = Table::new("iam/oidc-provider");
/// SAML providers by name.
pub(crate) const SAML_PROVIDERS: Table<String, SamlProvider> = Table::new("iam/saml-provider");
/// Passwords of users by name, and what the account asks of them under the empty key.
pub(crate) const LOGINS: Table<String, Login> = Table::new("iam/login");
pub(crate) const PASSWORD_POLICIES: Table<String, PasswordPolicy> = Table::new("iam/password-policy");
/// Second factors by serial number, and those of users by user and serial number.
pub(crate) const MFA_DEVICES: Table<String, MfaDevice> = Table::new("iam/mfa-device");
pub(crate) const MFA_OF_USERS: Table<(String, String), Mark> = Table::new("iam/user-mfa");
/// Deletions of service-linked roles that were asked for, by their task's id.
pub(crate) const ROLE_DELETIONS: Table<String, Document> = Table::new("iam/role-deletion");
/// The account's alias under the empty key, and the accounts of all aliases in the global scope.
pub(crate) const ALIASES: Table<String, Document> = Table::new("iam/alias");
/// Last uses of access keys, by id in the global scope, and of roles, by name.
pub(crate) const KEY_USES: Table<String, Use> = Table::new("iam/key-use");
pub(crate) const ROLE_USES: Table<String, Use> = Table::new("iam/role-use");
/// The region's key for authorization messages, under the empty key in the global scope.
pub(crate) const MESSAGE_KEYS: Table<String, MessageKey> = Table::new("iam/message-key");
/// Access keys of the whole region, by id.
pub(crate) const ACCESS_KEYS: Table<String, AccessKey> = Table::new("iam/access-key");

/// A row that says all by being there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mark;

store::row!(Mark, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document(pub String);

store::row!(Document, 1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Count(pub u64);

store::row!(Count, 1);

/// ARNs with the ids that they stood for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trusted(pub Vec<(String, String)>);

store::row!(Trusted, 1);

/// When something was last used, and for what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub at: Timestamp,
    pub service: String,
    pub region: String,
}

store::row!(Use, 1);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MessageKey(pub [u8; 32]);

store::row!(MessageKey, 1);

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

store::row!(AccessKey, 3, AccessKeyV2);

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
    /// Keys of the session's tags that sessions begun with it have as well.
    pub transitive: Vec<String>,
}

/// Before sessions had transitive tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessKeyV2 {
    secret: String,
    principal: identity::Principal,
    created: Timestamp,
    status: KeyStatus,
    session: Option<SessionKeyV2>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SessionKeyV2 {
    token: String,
    expires: Timestamp,
    policies: Vec<String>,
    facts: identity::Session,
}

store::row!(AccessKeyV2, 2);

impl From<AccessKeyV2> for AccessKey {
    fn from(old: AccessKeyV2) -> Self {
        let AccessKeyV2 { secret, principal, created, status, session } = old;
        let session = session.map(|old| {
            let SessionKeyV2 { token, expires, policies, facts } = old;
            SessionKey { token, expires, policies, facts, transitive: Vec::new() }
        });
        Self { secret, principal, created, status, session }
    }
}

pub(crate) type Tags = BTreeMap<String, String>;

/// Where an account's identities lie.
pub(crate) fn account_scope(account: AccountId) -> Scope {
    Scope::named(&[account.digits().as_str(), "aws-global"])
}

#[cfg(test)]
mod tests {
    use identity::{AccountId, Principal, Session};
    use shapes::Timestamp;
    use store::Row;

    use super::{AccessKey, AccessKeyV2, KeyStatus, SessionKeyV2};

    #[test]
    fn keys_of_the_version_before_are_read() {
        let before = AccessKeyV2 {
            secret: "secret".to_owned(),
            principal: Principal::root(AccountId::DEFAULT),
            created: Timestamp::from_seconds(1),
            status: KeyStatus::Active,
            session: Some(SessionKeyV2 {
                token: "token".to_owned(),
                expires: Timestamp::from_seconds(2),
                policies: vec!["{}".to_owned()],
                facts: Session::default(),
            }),
        };
        let mut bytes = Vec::new();
        before.encode(&mut bytes);
        assert_eq!(bytes[0], 2);
        let now = AccessKey::decode(&bytes)
            .map(|key| key.session.map(|session| (session.token, session.transitive)));
        assert_eq!(now.ok(), Some(Some(("token".to_owned(), Vec::new()))));
    }
}
