//! Whom a role lets assume it.

use std::sync::Arc;

use cloud::{Ctx, PrincipalPolicies};
use identity::policy::{
    ContextKeys, NamedPolicy, Policies, PolicyKind, Request, RequestFacts, evaluate, global_keys,
};
use identity::{AccountId, Principal};
use serde_json::Value;
use shapes::ApiError;
use store::{Reader, Store, Tx};

use crate::owner::Kind;
use crate::role::Role;
use crate::tables::{IDS, ROLES, TRUSTED, Trusted, account_scope};
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
        let document = document(self.cloud.store(), &mut rows, &role)?;
        let trust =
            NamedPolicy::parse("trust policy", &document, PolicyKind::Trust).map_err(ApiError::internal)?;
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
        let own = ctx.cloud().directory()?.policies_of(principal)?;
        // Whoever a provider vouches for has no session yet.
        let session: &[Arc<NamedPolicy>] = match principal {
            Principal::Federated { .. } => &[],
            _ => &caller.actor.session_policies,
        };
        let mut all = own
            .identity
            .iter()
            .map(|policy| &**policy)
            .chain(own.boundary.as_deref())
            .chain(session.iter().map(|policy| &**policy));
        let context = if self.trust.policy.uses_context() || all.any(|policy| policy.policy.uses_context()) {
            context(ctx, principal, &own, keys)
        } else {
            ContextKeys::default()
        };
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
            session,
            resource: Some(&self.trust),
            resource_must_allow: true,
            is_trust: true,
            ..Policies::default()
        };
        if evaluate(&request, &policies).allowed {
            return Ok(());
        }
        Err(match principal {
            Principal::Federated { .. } => errors::may_not_federate(action),
            _ => errors::may_not(&principal.arn(), action, arn),
        })
    }
}

/// What the policies may ask about somebody who wants a role.
fn context(
    ctx: &Ctx,
    principal: &Principal,
    own: &PrincipalPolicies,
    keys: &[(&str, Vec<String>)],
) -> ContextKeys {
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
    let mut context = global_keys(principal, &caller.actor.session, &facts);
    for (name, value) in &own.tags {
        let key = format!("aws:principaltag/{}", name.to_ascii_lowercase());
        // A session's tag goes before the role's own of the same key.
        if context.get(&key).is_none() {
            context.set(&key, value.as_str());
        }
    }
    for (name, values) in keys {
        context.set_all(name, values.clone());
    }
    context
}

/// The users and roles that a trust policy names by ARN.
fn named(document: &Value) -> Vec<&str> {
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    let names = statements.iter().filter_map(|statement| statement.get("Principal")?.get("AWS"));
    let names = names.flat_map(|names| match names {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    });
    names.filter_map(Value::as_str).filter(|arn| identity_of(arn).is_some()).collect()
}

/// The account, kind and name of a user's or role's ARN.
fn identity_of(arn: &str) -> Option<(AccountId, Kind, &str)> {
    let parts = identity::arn::split(arn).filter(|parts| parts.service == "iam")?;
    let (noun, name) = parts.resource.split_once('/')?;
    let kind = match noun {
        "user" => Kind::User,
        "role" => Kind::Role,
        _ => return None,
    };
    Some((parts.account_id()?, kind, name.rsplit('/').next().unwrap_or(name)))
}

/// Remembers by their ids whom a role's trust policy names, since a name that is given to somebody else is not trusted
/// ("AWS JSON policy elements: Principal"). Refuses names that nobody has.
pub(crate) fn remember(rows: &mut Tx<'_>, role: &str, document: &str) -> Result<(), ApiError> {
    let document: Value = serde_json::from_str(document).map_err(errors::malformed_policy)?;
    let mut trusted = Trusted::default();
    for arn in named(&document) {
        let Some((account, kind, name)) = identity_of(arn) else { continue };
        let id = rows.with_scope(&account_scope(account), |rows| {
            let facts = kind.facts(rows, name)?;
            let facts = facts.filter(|facts| kind.arn(account, &facts.path, name) == arn);
            let id = facts.map(|facts| facts.id);
            if let Some(id) = &id {
                kind.put_id(rows, id, name);
            }
            Ok::<_, ApiError>(id)
        })?;
        let nobody = || errors::malformed_policy(format!("Invalid principal in policy: \"AWS\":\"{arn}\""));
        trusted.0.push((arn.to_owned(), id.ok_or_else(nobody)?));
    }
    if trusted.0.is_empty() {
        TRUSTED.delete(rows, &role.to_owned());
    } else {
        TRUSTED.put(rows, &role.to_owned(), &trusted);
    }
    Ok(())
}

/// A role's trust policy as it stands now: those who have another name by now are under it, and those who are gone
/// under their ids.
pub(crate) fn document(store: &Store, rows: &mut dyn Reader, role: &Role) -> Result<String, ApiError> {
    let mut moved = Vec::new();
    for (arn, id) in TRUSTED.find(rows, &role.name)?.unwrap_or_default().0 {
        let Some((account, ..)) = identity_of(&arn) else { continue };
        let mut theirs = store.read(&account_scope(account))?;
        let now = match IDS.find(&mut theirs, &id)? {
            Some(place) => Kind::of_place(&place.0).map(|(kind, name)| {
                let facts = kind.facts(&mut theirs, name)?;
                Ok::<_, ApiError>(facts.map(|facts| kind.arn(account, &facts.path, name)))
            }),
            None => None,
        };
        let now = now.transpose()?.flatten().unwrap_or(id);
        if now != arn {
            moved.push((arn, now));
        }
    }
    if moved.is_empty() {
        return Ok(role.trust.clone());
    }
    let mut document: Value = serde_json::from_str(&role.trust).map_err(ApiError::internal)?;
    rewrite(&mut document, &moved);
    Ok(document.to_string())
}

fn rewrite(value: &mut Value, moved: &[(String, String)]) {
    match value {
        Value::String(text) => {
            if let Some((_, now)) = moved.iter().find(|(arn, _)| arn == text) {
                text.clone_from(now);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rewrite(value, moved)),
        Value::Object(members) => {
            // Conditions are texts that stay what they are.
            let members = members.iter_mut().filter(|(name, _)| *name != "Condition");
            members.for_each(|(_, value)| rewrite(value, moved));
        }
        _ => {}
    }
}
