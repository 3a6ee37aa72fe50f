//! Whether the caller of an operation may do it.

use std::sync::Arc;

use identity::policy::{ContextKeys, Policies, Request, RequestFacts, evaluate, global_keys};
use identity::{AccountId, Principal, arn};
use shapes::{ApiError, Protocol, ServiceSchema};

use crate::{Ctx, Denial, Guard, PrincipalPolicies};

/// Decides a call under every policy that applies to it. `action` is the operation's own.
pub(crate) fn authorize(
    ctx: &Ctx,
    service: &ServiceSchema,
    action: &str,
    guard: &Guard,
) -> Result<(), ApiError> {
    for other in &guard.also {
        authorize(ctx, service, action, other)?;
    }
    if guard.is_open {
        return Ok(());
    }
    let action = guard.action.as_deref().unwrap_or(action);
    let resources: Vec<&str> = match guard.resources.as_slice() {
        [] => vec!["*"],
        arns => arns.iter().map(String::as_str).collect(),
    };
    let principal = ctx.principal();
    let named = || arn::split(resources[0]).and_then(|parts| parts.account_id());
    let owner = guard.owner.or_else(named).unwrap_or(ctx.account());
    // The owner of an account may do anything with what is its own, unless a resource's policy says no.
    let is_owner = matches!(principal, Principal::Root { account } if *account == owner);
    if is_owner && guard.resource_policy.is_none() {
        return Ok(());
    }
    decide(ctx, service, action, guard, &resources, owner)
}

fn decide(
    ctx: &Ctx,
    service: &ServiceSchema,
    action: &str,
    guard: &Guard,
    resources: &[&str],
    owner: AccountId,
) -> Result<(), ApiError> {
    let actor = &ctx.caller().actor;
    let own: Arc<PrincipalPolicies> = ctx.cloud().directory()?.policies_of(&actor.principal)?;
    // Most policies ask nothing of the request, which then need not be described.
    let uses_context = {
        let all = own.identity.iter().chain(&actor.session_policies).map(|policy| &**policy);
        let mut all = all.chain(own.boundary.as_deref()).chain(guard.resource_policy.as_deref());
        all.any(|policy| policy.policy.uses_context())
    };
    let keys = if uses_context { context(ctx, guard, &own) } else { ContextKeys::default() };
    let request = Request {
        principal: &actor.principal,
        action,
        resources,
        resource_account: Some(owner),
        context: &keys,
    };
    let policies = Policies {
        identity: &own.identity,
        boundary: own.boundary.as_deref(),
        session: &actor.session_policies,
        resource: guard.resource_policy.as_deref(),
        resource_must_allow: guard.resource_must_allow,
        is_trust: guard.is_trust,
        control: &[],
    };
    let decision = evaluate(&request, &policies);
    if decision.allowed {
        return Ok(());
    }
    let message = decision.denial_message(&actor.principal, action, decision.resource);
    if service.protocols.first() != Some(&Protocol::Ec2Query) {
        return Err(denied(service, message));
    }
    let context = &context(ctx, guard, &own);
    let denial = Denial { principal: &actor.principal, action, context, decision: &decision };
    let account = actor.principal.account().unwrap_or(ctx.account());
    let sealed = ctx.cloud().directory()?.sealed_denial(account, &denial)?;
    Err(unauthorized(&message, sealed.as_deref()))
}

/// A denial in the words of EC2, which go on with all of the circumstances, sealed.
fn unauthorized(message: &str, sealed: Option<&str>) -> ApiError {
    let mut told = format!("You are not authorized to perform this operation. {message}.");
    if let Some(sealed) = sealed {
        told.push_str(" Encoded authorization failure message: ");
        told.push_str(sealed);
    }
    ApiError::with_status(403, "UnauthorizedOperation", told)
}

/// The condition keys of a call.
fn context(ctx: &Ctx, guard: &Guard, own: &PrincipalPolicies) -> ContextKeys {
    let caller = ctx.caller();
    let source_account = caller.source.as_ref().map(|(_, account)| account.to_string());
    let region = ctx.region();
    let facts = RequestFacts {
        now: ctx.now().seconds(),
        source_ip: caller.source_ip,
        secure_transport: caller.is_tls,
        user_agent: caller.user_agent.as_deref(),
        region: region.as_str(),
        source_arn: caller.source.as_ref().map(|(arn, _)| arn.as_str()),
        source_account: source_account.as_deref(),
        called_via: ctx.called_via(),
    };
    let mut keys = global_keys(&caller.actor.principal, &caller.actor.session, &facts);
    for (name, value) in &own.tags {
        let key = format!("aws:principaltag/{}", name.to_ascii_lowercase());
        // The tags of a session go before those of its role.
        if keys.get(&key).is_none() {
            keys.set(&key, value.as_str());
        }
    }
    for (name, values) in &guard.context {
        keys.set_all(name, values.clone());
    }
    keys
}

/// A denial, under the code and status that the service's clients know.
fn denied(service: &ServiceSchema, message: String) -> ApiError {
    match (service.name, service.protocols.first()) {
        ("sns", _) => ApiError::with_status(403, "AuthorizationError", message),
        ("sqs", _) => ApiError::with_status(403, "AccessDenied", message),
        (_, Some(Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor)) => {
            ApiError::sender("AccessDeniedException", message)
        }
        (_, Some(Protocol::RestJson)) => ApiError::with_status(403, "AccessDeniedException", message),
        _ => ApiError::with_status(403, "AccessDenied", message),
    }
}
