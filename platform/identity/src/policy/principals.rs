//! `Principal` and `NotPrincipal`: whom a statement of a resource policy speaks of.

use std::cell::OnceCell;

use crate::account::AccountId;
use crate::principal::Principal;

/// How closely a resource policy's allow names the caller. It decides which other policies still limit the grant
/// ("Policy evaluation logic": resource-based policies and implicit denies in other policy types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Names the caller's account: that account's own policies must allow as well.
    Account,
    /// Names everyone. Treated as narrowly as [`Grant::Role`]: AWS does not document it as exempt from boundaries.
    Anyone,
    /// Names the role, or the user who federated: boundary and session policies limit it.
    Role,
    /// Names the user or the session itself: nothing but an explicit deny limits it.
    Direct,
}

#[derive(Clone, Debug)]
pub(super) struct PrincipalClause {
    pub negated: bool,
    pub names: Vec<PrincipalName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PrincipalName {
    Anyone,
    Account(AccountId),
    Arn(Box<str>),
    /// AIDA... or AROA...: what an ARN becomes once its owner has been deleted.
    UniqueId(Box<str>),
    Service(Box<str>),
    Federated(Box<str>),
    CanonicalUser(Box<str>),
}

/// A principal with its ARNs, which are spelled out only when a policy asks for them.
pub(super) struct Caller<'a> {
    pub principal: &'a Principal,
    arn: OnceCell<String>,
    identity_arn: OnceCell<String>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(principal: &'a Principal) -> Self {
        Self { principal, arn: OnceCell::new(), identity_arn: OnceCell::new() }
    }

    fn arn(&self) -> &str {
        self.arn.get_or_init(|| self.principal.arn())
    }

    fn identity_arn(&self) -> &str {
        self.identity_arn.get_or_init(|| self.principal.identity_arn())
    }
}

impl PrincipalClause {
    /// The closest way in which the clause names the caller; nothing when it does not.
    pub(super) fn grant(&self, caller: &Caller<'_>) -> Option<Grant> {
        if self.negated {
            return (!self.excepts(caller)).then_some(Grant::Anyone);
        }
        self.names.iter().filter_map(|name| name.grant(caller)).max()
    }

    /// Whether `NotPrincipal` lists the caller. As documented, every name counts: the session's, the role's or
    /// user's, and the account's.
    fn excepts(&self, caller: &Caller<'_>) -> bool {
        let names_as = |grant: Grant| self.names.iter().any(|name| name.grant(caller) == Some(grant));
        if names_as(Grant::Anyone) {
            return true;
        }
        match caller.principal {
            Principal::AssumedRole { .. } => {
                names_as(Grant::Direct) && names_as(Grant::Role) && names_as(Grant::Account)
            }
            Principal::User { .. } | Principal::FederatedUser { .. } => {
                names_as(Grant::Direct) && names_as(Grant::Account)
            }
            _ => names_as(Grant::Direct),
        }
    }
}

impl PrincipalName {
    fn grant(&self, caller: &Caller<'_>) -> Option<Grant> {
        match (self, caller.principal) {
            (Self::Anyone, _) => Some(Grant::Anyone),
            (Self::Account(account), Principal::Root { account: own }) => {
                (account == own).then_some(Grant::Direct)
            }
            (Self::Account(account), principal) => {
                (principal.account() == Some(*account)).then_some(Grant::Account)
            }
            (Self::CanonicalUser(id), principal) => {
                let own = principal.account().map(AccountId::canonical_user_id);
                (own.as_deref() == Some(&**id)).then_some(Grant::Account)
            }
            (Self::Service(service), Principal::Service { name }) => {
                (**service == **name || **service == *"*").then_some(Grant::Direct)
            }
            (Self::Federated(provider), Principal::Federated { provider: own, .. }) => {
                (**provider == **own || **provider == *"*").then_some(Grant::Direct)
            }
            (Self::Arn(arn), Principal::AssumedRole { .. }) if **arn == *caller.arn() => Some(Grant::Direct),
            (Self::Arn(arn), Principal::AssumedRole { .. }) => {
                (**arn == *caller.identity_arn()).then_some(Grant::Role)
            }
            (Self::Arn(arn), Principal::FederatedUser { user, .. }) if **arn == **user => Some(Grant::Role),
            (Self::Arn(arn), Principal::User { .. } | Principal::FederatedUser { .. }) => {
                (**arn == *caller.arn()).then_some(Grant::Direct)
            }
            (Self::UniqueId(id), Principal::User { id: own, .. }) => (**id == **own).then_some(Grant::Direct),
            (Self::UniqueId(id), Principal::AssumedRole { role_id, .. }) if **id == **role_id => {
                Some(Grant::Role)
            }
            (Self::UniqueId(id), Principal::AssumedRole { .. }) => {
                (**id == *caller.principal.userid()).then_some(Grant::Direct)
            }
            _ => None,
        }
    }

    /// Reads one entry of an `AWS` principal.
    pub(super) fn parse_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Anyone);
        }
        if let Some(account) = AccountId::parse(text) {
            return Some(Self::Account(account));
        }
        if text.starts_with("arn:") {
            return Self::parse_arn(text);
        }
        let is_id =
            text.len() >= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':' || b == b'-');
        let is_known = ["AIDA", "AROA"].iter().any(|prefix| text.starts_with(prefix));
        (is_id && is_known).then(|| Self::UniqueId(text.into()))
    }

    /// The root of an account, a user, a role or a session: no other ARN is a principal, and none has wildcards.
    fn parse_arn(text: &str) -> Option<Self> {
        let parts = crate::arn::split(text)?;
        let account = parts.account_id()?;
        if text.contains(['*', '?']) || !parts.region.is_empty() {
            return None;
        }
        let (kind, name) = parts.resource.split_once('/').unwrap_or((parts.resource, ""));
        match (parts.service, kind) {
            ("iam", "root") if name.is_empty() => Some(Self::Account(account)),
            ("iam", "user" | "role") | ("sts", "assumed-role" | "federated-user") if !name.is_empty() => {
                Some(Self::Arn(text.into()))
            }
            _ => None,
        }
    }
}
