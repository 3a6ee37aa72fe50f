//! Deciding a request under all policies that apply to it ("Policy evaluation logic", "Cross-account policy
//! evaluation logic" and "Permissions boundaries for IAM entities" in the IAM user guide).

use std::sync::Arc;

use super::NamedPolicy;
use super::context::ContextKeys;
use super::decision::{Decision, Layer, Reason, StatementRef};
use super::principals::{Caller, Grant};
use super::statement::{Effect, Statement};
use crate::account::AccountId;
use crate::principal::Principal;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub principal: &'a Principal,
    /// `sqs:SendMessage`.
    pub action: &'a str,
    /// ARNs, all of which must be allowed; `*` for actions that know no resource. Must not be empty.
    pub resources: &'a [&'a str],
    /// Who owns the resources. Without it they belong to the caller's account.
    pub resource_account: Option<AccountId>,
    pub context: &'a ContextKeys,
}

/// What applies to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Of the user, its groups, or the role: inline and attached.
    pub identity: &'a [Arc<NamedPolicy>],
    pub boundary: Option<&'a NamedPolicy>,
    /// Given when the session was made. Empty means none was given, which is no limit for sessions of a role and
    /// leaves those of `GetFederationToken` with what resource policies grant.
    pub session: &'a [Arc<NamedPolicy>],
    /// Attached to the resource, or the trust policy of the role to assume.
    pub resource: Option<&'a NamedPolicy>,
    /// For resources that nobody may use without their own policy's consent, not even their account's users: roles to
    /// assume and KMS keys.
    pub resource_must_allow: bool,
    /// Whether `resource` is a trust policy, for the wording of denials.
    pub is_trust: bool,
    /// Service control policies; empty means that none limits the account.
    pub control: &'a [Arc<NamedPolicy>],
}

/// Decides a request.
pub fn evaluate<'a>(request: &Request<'a>, policies: &Policies<'a>) -> Decision<'a> {
    let caller = Caller::new(request.principal);
    let mut last =
        Decision { allowed: false, reason: Reason::ImplicitDeny { layer: Layer::Identity }, resource: "*" };
    for resource in request.resources {
        let question = Question { request, policies, caller: &caller, resource };
        let reason = question.decide();
        let allowed = matches!(reason, Reason::AllowedBy { .. } | Reason::Root);
        last = Decision { allowed, reason, resource };
        if !allowed {
            return last;
        }
    }
    last
}

/// One request about one resource.
pub(super) struct Question<'q, 'a> {
    pub request: &'q Request<'a>,
    pub policies: &'q Policies<'a>,
    pub caller: &'q Caller<'q>,
    pub resource: &'a str,
}

type Verdict<'a> = Result<StatementRef<'a>, Reason<'a>>;

impl<'a> Question<'_, 'a> {
    fn decide(&self) -> Reason<'a> {
        if let Some((layer, statement)) = self.first_deny() {
            return Reason::ExplicitDeny { layer, statement };
        }
        let Some(own_account) = self.request.principal.account() else {
            return self.by_resource_policy_alone();
        };
        if !self.policies.control.is_empty() && self.allow_in(self.policies.control).is_none() {
            return Reason::ImplicitDeny { layer: Layer::ServiceControl };
        }
        let owner = self.request.resource_account.unwrap_or(own_account);
        let outcome = if owner == own_account { self.within_account() } else { self.across_accounts() };
        outcome.unwrap_or_else(|denied| denied)
    }

    /// Services, anonymous callers and subjects of identity providers have no policies of their own.
    fn by_resource_policy_alone(&self) -> Reason<'a> {
        match self.resource_grant() {
            Some((_, statement)) => Reason::AllowedBy { layer: self.resource_layer(), statement },
            None => Reason::ImplicitDeny { layer: self.resource_layer() },
        }
    }

    fn within_account(&self) -> Result<Reason<'a>, Reason<'a>> {
        let layer = self.resource_layer();
        match self.resource_grant() {
            Some((Grant::Direct, statement)) => return Ok(Reason::AllowedBy { layer, statement }),
            Some((Grant::Role | Grant::Anyone, statement)) => {
                self.check_limits()?;
                return Ok(Reason::AllowedBy { layer, statement });
            }
            Some((Grant::Account, _)) => {}
            None if self.policies.resource_must_allow => return Err(Reason::ImplicitDeny { layer }),
            None => {}
        }
        self.by_identity()
    }

    /// Both sides must allow: the caller's account and the resource's owner.
    fn across_accounts(&self) -> Result<Reason<'a>, Reason<'a>> {
        self.by_identity()?;
        let layer = self.resource_layer();
        let (_, statement) = self.resource_grant().ok_or(Reason::ImplicitDeny { layer })?;
        Ok(Reason::AllowedBy { layer, statement })
    }

    fn by_identity(&self) -> Result<Reason<'a>, Reason<'a>> {
        if self.request.principal.is_root() {
            self.check_limits()?;
            return Ok(Reason::Root);
        }
        let statement = self.allow_in(self.policies.identity);
        let statement = statement.ok_or(Reason::ImplicitDeny { layer: Layer::Identity })?;
        self.check_limits()?;
        Ok(Reason::AllowedBy { layer: Layer::Identity, statement })
    }

    /// Boundary and session policies grant nothing, but what they do not allow is not to be had.
    fn check_limits(&self) -> Result<(), Reason<'a>> {
        if let Some(boundary) = self.policies.boundary {
            self.allow(boundary).ok_or(Reason::ImplicitDeny { layer: Layer::Boundary })?;
        }
        let needs_session_policy = matches!(self.request.principal, Principal::FederatedUser { .. });
        if !self.policies.session.is_empty() || needs_session_policy {
            self.session_allow()?;
        }
        Ok(())
    }

    fn session_allow(&self) -> Verdict<'a> {
        self.allow_in(self.policies.session).ok_or(Reason::ImplicitDeny { layer: Layer::Session })
    }

    fn resource_layer(&self) -> Layer {
        if self.policies.is_trust { Layer::Trust } else { Layer::Resource }
    }

    fn first_deny(&self) -> Option<(Layer, StatementRef<'a>)> {
        self.matching(Effect::Deny).next()
    }

    /// The statements of this effect that apply, layer by layer.
    pub(super) fn matching(&self, effect: Effect) -> impl Iterator<Item = (Layer, StatementRef<'a>)> {
        let policies = self.policies;
        let listed =
            |layer: Layer, list: &'a [Arc<NamedPolicy>]| list.iter().map(move |policy| (layer, &**policy));
        let all = listed(Layer::ServiceControl, policies.control)
            .chain(policies.resource.map(|policy| (self.resource_layer(), policy)))
            .chain(listed(Layer::Identity, policies.identity))
            .chain(policies.boundary.map(|policy| (Layer::Boundary, policy)))
            .chain(listed(Layer::Session, policies.session));
        all.flat_map(move |(layer, policy)| {
            let statements = policy.policy.statements.iter().enumerate();
            let applying = statements.filter(move |(_, s)| self.applies(s, effect) && self.names_caller(s));
            applying.map(move |(index, _)| (layer, StatementRef { policy, index }))
        })
    }

    fn applies(&self, statement: &Statement, effect: Effect) -> bool {
        statement.effect == effect
            && statement.applies(self.request.action, self.resource, self.request.context)
    }

    fn names_caller(&self, statement: &Statement) -> bool {
        statement.principals.as_ref().is_none_or(|clause| clause.grant(self.caller).is_some())
    }

    fn allow_in(&self, policies: &'a [Arc<NamedPolicy>]) -> Option<StatementRef<'a>> {
        policies.iter().find_map(|policy| self.allow(policy))
    }

    fn allow(&self, policy: &'a NamedPolicy) -> Option<StatementRef<'a>> {
        let index = policy.policy.statements.iter().position(|s| self.applies(s, Effect::Allow))?;
        Some(StatementRef { policy, index })
    }

    /// The allow of the resource's policy that names the caller most closely.
    fn resource_grant(&self) -> Option<(Grant, StatementRef<'a>)> {
        let policy = self.policies.resource?;
        let mut best: Option<(Grant, StatementRef<'a>)> = None;
        for (index, statement) in policy.policy.statements.iter().enumerate() {
            if !self.applies(statement, Effect::Allow) {
                continue;
            }
            let grant = statement.principals.as_ref().and_then(|clause| clause.grant(self.caller));
            if let Some(grant) = grant
                && best.is_none_or(|(found, _)| grant > found)
            {
                best = Some((grant, StatementRef { policy, index }));
            }
        }
        best
    }
}
