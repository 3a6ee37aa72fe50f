//! Whom a role lets assume it.

use cloud::Ctx;
use identity::policy::{NamedPolicy, Policies, PolicyKind, Request, RequestFacts, evaluate, global_keys};
use identity::{AccountId, Principal};
use shapes::ApiError;

use crate::role::Role;
use crate::tables::{ROLES, account_scope};
use crate::{Iam, errors};

/// A role with its trust policy understood.
pub(crate) struct TrustedRole {
    pub account: AccountId,
    pub role: Role,
    trust: NamedPolicy,
}

/// The name at the end of a role's ARN, and its account.
pub(crate) fn parse_role_arn(arn: &str) -> Option<(AccountId, String)> {
    let parts = identity::arn::split(arn)?;
    let name = parts.resource.strip_prefix("role/")?.rsplit('/').next()?;
    Some((parts.account_id()?, name.to_owned()))
}

/// What somebody is told who may not assume a role, or asks for one that is not there.
pub(crate) fn refused(ctx: &Ctx, role_arn: &str) -> ApiError {
    errors::may_not(&ctx.principal().arn(), "sts:AssumeRole", role_arn)
}

impl Iam {
    /// The role of an ARN.
    pub(crate) fn find_role(&self, arn: &str) -> Result<Option<TrustedRole>, ApiError> {
        let (account, name) =
            parse_role_arn(arn).ok_or_else(|| errors::invalid(format!("{arn} is invalid")))?;
        let mut rows = self.cloud.store().read(&account_scope(account))?;
        let role = ROLES.find(&mut rows, &name)?.filter(|role| role.arn(account) == arn);
        let Some(role) = role else { return Ok(None) };
        let trust =
            NamedPolicy::parse("trust policy", &role.trust, PolicyKind::Trust).map_err(ApiError::internal)?;
        Ok(Some(TrustedRole { account, role, trust }))
    }
}

impl TrustedRole {
    /// Refuses a caller whom the trust policy does not let in, or whose own policies do not let it ask. `keys` are
    /// condition keys of the request itself: `sts:ExternalId`.
    pub(crate) fn check(&self, ctx: &Ctx, arn: &str, keys: &[(&str, Vec<String>)]) -> Result<(), ApiError> {
        self.check_as(ctx, ctx.principal(), "sts:AssumeRole", arn, keys)
    }

    /// As [`Self::check`], for a caller that is known by other means than the request's signature.
    pub(crate) fn check_as(
        &self,
        ctx: &Ctx,
        principal: &Principal,
        action: &str,
        arn: &str,
        keys: &[(&str, Vec<String>)],
    ) -> Result<(), ApiError> {
        let caller = ctx.caller();
        let region = ctx.region();
        let source_account = caller.source.as_ref().map(|(_, account)| account.to_string());
        let facts = RequestFacts {
            now: ctx.now().seconds(),
            source_ip: caller.source_ip,
            secure_transport: caller.is_tls,
            user_agent: caller.user_agent.as_deref(),
            region: region.as_str(),
            source_arn: caller.source.as_ref().map(|(arn, _)| arn.as_str()),
            source_account: source_account.as_deref(),
            called_via: &[],
        };
        let own = ctx.cloud().directory()?.policies_of(principal)?;
        let mut context = global_keys(principal, &caller.actor.session, &facts);
        for (name, value) in &own.tags {
            context.set(&format!("aws:principaltag/{name}"), value.as_str());
        }
        for (name, values) in keys {
            context.set_all(name, values.clone());
        }
        let resources = [arn];
        let request = Request {
            principal,
            action,
            resources: &resources,
            resource_account: Some(self.account),
            context: &context,
        };
        let policies = Policies {
            identity: &own.identity,
            boundary: own.boundary.as_deref(),
            session: &caller.actor.session_policies,
            resource: Some(&self.trust),
            resource_must_allow: true,
            is_trust: true,
            ..Policies::default()
        };
        if evaluate(&request, &policies).allowed {
            return Ok(());
        }
        Err(errors::may_not(&principal.arn(), action, arn))
    }
}
