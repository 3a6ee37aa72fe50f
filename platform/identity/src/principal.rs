//! Who makes a request, as IAM names it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::account::AccountId;

/// The identity behind a request, after its credentials have been verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Principal {
    /// The owner of an account.
    Root { account: AccountId },
    /// An IAM user. `path` begins and ends with a slash; `id` begins with AIDA.
    User { account: AccountId, path: Arc<str>, name: Arc<str>, id: Arc<str> },
    /// A session of a role. `path` and `role` are the role's, `role_id` begins with AROA.
    AssumedRole { account: AccountId, path: Arc<str>, role: Arc<str>, role_id: Arc<str>, session: Arc<str> },
    /// A session of `GetFederationToken`; `user` is the ARN of the user who asked for it.
    FederatedUser { account: AccountId, name: Arc<str>, user: Arc<str> },
    /// Someone an identity provider vouches for, before they hold a session: callers of `AssumeRoleWithWebIdentity`
    /// and `AssumeRoleWithSAML`. `provider` is as written in a trust policy's `Federated` principal.
    Federated { provider: Arc<str>, subject: Arc<str> },
    /// An AWS service acting for itself, such as `sns.amazonaws.com`.
    Service { name: Arc<str> },
    /// An unsigned request.
    Anonymous,
}

impl Principal {
    pub const fn root(account: AccountId) -> Self {
        Self::Root { account }
    }

    pub fn user(account: AccountId, path: &str, name: &str, id: &str) -> Self {
        Self::User { account, path: path.into(), name: name.into(), id: id.into() }
    }

    pub fn assumed_role(account: AccountId, path: &str, role: &str, role_id: &str, session: &str) -> Self {
        Self::AssumedRole {
            account,
            path: path.into(),
            role: role.into(),
            role_id: role_id.into(),
            session: session.into(),
        }
    }

    pub fn service(name: &str) -> Self {
        Self::Service { name: name.into() }
    }

    /// The account the principal belongs to; services, providers' subjects and anonymous callers have none.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::AssumedRole { account, .. }
            | Self::FederatedUser { account, .. } => Some(*account),
            Self::Federated { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The ARN `GetCallerIdentity` answers and denials name: the session's for sessions. Principals that have no ARN
    /// answer the name that stands for them in policies.
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account } => account.root_arn(),
            Self::User { account, path, name, .. } => format!("arn:aws:iam::{account}:user{path}{name}"),
            Self::AssumedRole { account, role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
            Self::FederatedUser { account, name, .. } => {
                format!("arn:aws:sts::{account}:federated-user/{name}")
            }
            Self::Federated { provider, .. } => provider.to_string(),
            Self::Service { name } => name.to_string(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// The ARN of `aws:PrincipalArn`: the role's for a session of a role, else as [`Principal::arn`].
    pub fn identity_arn(&self) -> String {
        match self {
            Self::AssumedRole { account, path, role, .. } => {
                format!("arn:aws:iam::{account}:role{path}{role}")
            }
            _ => self.arn(),
        }
    }

    /// The value of `aws:userid` and of `UserId` in `GetCallerIdentity`.
    pub fn userid(&self) -> String {
        match self {
            Self::Root { account } => account.to_string(),
            Self::User { id, .. } => id.to_string(),
            Self::AssumedRole { role_id, session, .. } => format!("{role_id}:{session}"),
            Self::FederatedUser { account, name, .. } => format!("{account}:{name}"),
            Self::Federated { subject, .. } => subject.to_string(),
            Self::Service { name } => name.to_string(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// The value of `aws:PrincipalType`; services have none.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Root { .. } => Some("Account"),
            Self::User { .. } => Some("User"),
            Self::AssumedRole { .. } => Some("AssumedRole"),
            Self::FederatedUser { .. } | Self::Federated { .. } => Some("FederatedUser"),
            Self::Service { .. } => None,
            Self::Anonymous => Some("Anonymous"),
        }
    }

    pub fn is_root(&self) -> bool {
        matches!(self, Self::Root { .. })
    }
}

/// What is known of the credentials beside whom they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub source_identity: Option<Arc<str>>,
    /// The principal's own tags and those of the session, as `aws:PrincipalTag` sees them.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// When temporary credentials were issued, in epoch seconds; nothing for long-term ones.
    pub token_issued_at: Option<i64>,
    /// When the holder last used a second factor for these temporary credentials, in epoch seconds.
    pub mfa_authenticated_at: Option<i64>,
    /// The identity provider behind the session: `aws:FederatedProvider`.
    pub federated_provider: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(principal: Principal, arn: &str, identity_arn: &str, userid: &str, kind: Option<&str>) {
        assert_eq!(principal.arn(), arn);
        assert_eq!(principal.identity_arn(), identity_arn);
        assert_eq!(principal.userid(), userid);
        assert_eq!(principal.kind(), kind);
    }

    #[test]
    fn principals_have_names() {
        let account = AccountId::from_number(123_456_789_012).unwrap();
        let root = "arn:aws:iam::123456789012:root";
        check(Principal::root(account), root, root, "123456789012", Some("Account"));
        let user = "arn:aws:iam::123456789012:user/team/ann";
        check(Principal::user(account, "/team/", "ann", "AIDAX"), user, user, "AIDAX", Some("User"));
        check(
            Principal::assumed_role(account, "/svc/", "app", "AROAX", "s1"),
            "arn:aws:sts::123456789012:assumed-role/app/s1",
            "arn:aws:iam::123456789012:role/svc/app",
            "AROAX:s1",
            Some("AssumedRole"),
        );
        check(
            Principal::FederatedUser { account, name: "bob".into(), user: user.into() },
            "arn:aws:sts::123456789012:federated-user/bob",
            "arn:aws:sts::123456789012:federated-user/bob",
            "123456789012:bob",
            Some("FederatedUser"),
        );
        let service = "sns.amazonaws.com";
        check(Principal::service(service), service, service, service, None);
        check(Principal::Anonymous, "anonymous", "anonymous", "anonymous", Some("Anonymous"));
    }
}
