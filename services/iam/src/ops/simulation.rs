//! SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloud::Guard;
use iam_api::{
    ContextEntry, EvaluationResult, GetContextKeysForCustomPolicyOutput,
    GetContextKeysForPrincipalPolicyOutput, PermissionsBoundaryDecisionDetail, Position,
    ResourceSpecificResult, SimulateCustomPolicyOutput, SimulatePrincipalPolicyOutput, Statement,
};
use identity::policy::{
    ContextKeys, NamedPolicy, Policies, PolicyKind, Request, StatementRef, evaluate, simulate,
};
use identity::{AccountId, Principal};
use shapes::ApiError;
use store::Reader;

use super::form::{Page, look, page};
use crate::directory::policies_of_owner;
use crate::errors;
use crate::owner::Kind;

/// What a simulation decides by.
struct Simulation<'a> {
    principal: &'a Principal,
    identity: Vec<Arc<NamedPolicy>>,
    boundary: Option<Arc<NamedPolicy>>,
    resource: Option<NamedPolicy>,
    /// Whose the resources are, if that was said.
    owner: Option<AccountId>,
    context: ContextKeys,
}

fn parse(documents: Option<Vec<String>>) -> Result<Vec<Arc<NamedPolicy>>, ApiError> {
    let documents = documents.unwrap_or_default().into_iter().enumerate();
    let parsed = documents.map(|(index, document)| {
        let name = format!("PolicyInputList.{}", index + 1);
        NamedPolicy::parse(name, &document, PolicyKind::Identity)
            .map(Arc::new)
            .map_err(errors::malformed_policy)
    });
    parsed.collect()
}

fn resource_policy(document: Option<&String>) -> Result<Option<NamedPolicy>, ApiError> {
    let parse = |document: &String| NamedPolicy::parse("ResourcePolicy", document, PolicyKind::Resource);
    document.map(parse).transpose().map_err(errors::malformed_policy)
}

fn context_of(entries: Option<Vec<ContextEntry>>) -> ContextKeys {
    let mut context = ContextKeys::default();
    for entry in entries.unwrap_or_default() {
        let (Some(name), values) = (entry.context_key_name, entry.context_key_values) else { continue };
        context.set_all(&name.to_ascii_lowercase(), values.unwrap_or_default());
    }
    context
}

/// Where a statement that decided stands.
fn matched(statement: &StatementRef<'_>) -> Statement {
    let position = |at: identity::policy::Position| Position {
        line: i32::try_from(at.line).ok(),
        column: i32::try_from(at.column).ok(),
    };
    let span = statement.statement().map(|statement| statement.span).unwrap_or_default();
    let name = statement.policy.name.as_str();
    Statement {
        source_policy_id: Some(name.rsplit('/').next().unwrap_or(name).to_owned()),
        source_policy_type: Some("IAM Policy".to_owned()),
        start_position: Some(position(span.start)),
        end_position: Some(position(span.end)),
    }
}

impl Simulation<'_> {
    fn results(
        &self,
        actions: &[String],
        resources: Option<Vec<String>>,
        marker: Option<&str>,
        max_items: Option<i32>,
    ) -> Result<Page<EvaluationResult>, ApiError> {
        if let Some(wrong) = actions.iter().find(|action| !is_action(action)) {
            return Err(errors::invalid_input(format!("Invalid Action Name: {wrong}")));
        }
        let named = resources.filter(|resources| !resources.is_empty());
        let is_named = named.is_some();
        let resources = named.unwrap_or_else(|| vec!["*".to_owned()]);
        let pairs =
            actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        let results = pairs.enumerate().map(|(place, (action, resource))| {
            (format!("{place:06}"), self.result(action, resource, is_named))
        });
        Ok(page(results, marker, max_items))
    }

    fn result(&self, action: &str, resource: &str, is_named: bool) -> EvaluationResult {
        let resources = [resource];
        let request = Request {
            principal: self.principal,
            action,
            resources: &resources,
            resource_account: self.owner,
            context: &self.context,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_deref(),
            resource: self.resource.as_ref(),
            ..Policies::default()
        };
        let simulated = simulate(&request, &policies);
        let verdict = simulated.verdict.as_str().to_owned();
        let statements: Vec<_> = simulated.matched.iter().map(|(_, statement)| matched(statement)).collect();
        let boundary = self.boundary.as_ref().map(|boundary| {
            let alone = [Arc::clone(boundary)];
            let decision = evaluate(&request, &Policies { identity: &alone, ..Policies::default() });
            PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(decision.allowed) }
        });
        let specific = ResourceSpecificResult {
            eval_resource_name: resource.to_owned(),
            eval_resource_decision: verdict.clone(),
            matched_statements: Some(statements.clone()),
            missing_context_values: Some(simulated.missing_context.clone()),
            permissions_boundary_decision_detail: boundary.clone(),
            ..Default::default()
        };
        EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(resource.to_owned()),
            eval_decision: verdict,
            matched_statements: Some(statements),
            missing_context_values: Some(simulated.missing_context),
            permissions_boundary_decision_detail: boundary,
            resource_specific_results: is_named.then(|| vec![specific]),
            ..Default::default()
        }
    }
}

/// A service and one of its actions; wildcards are not for simulations.
fn is_action(action: &str) -> bool {
    action.split_once(':').is_some_and(|(service, name)| {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        is_word(service) && is_word(name)
    })
}

/// Whom the simulated requests come from, where the request says so itself: a user's ARN.
fn caller(arn: Option<&String>) -> Result<Option<Principal>, ApiError> {
    let Some(arn) = arn else { return Ok(None) };
    let (account, kind, name) = source(arn)?;
    if kind != Kind::User {
        return Err(errors::invalid_input(format!("CallerArn has to be the ARN of a user, not {arn}")));
    }
    let path =
        arn.split_once(":user").map_or("/", |(_, place)| place.strip_suffix(name.as_str()).unwrap_or("/"));
    Ok(Some(Principal::user(account, path, &name, SIMULATED)))
}

/// The account that owns the resources: an account's number, or the ARN of its root.
fn owner(text: Option<&String>) -> Result<Option<AccountId>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let account = AccountId::parse(text).or_else(|| identity::arn::split(text)?.account_id());
    account.map(Some).ok_or_else(|| errors::invalid_input(format!("Invalid ResourceOwner: {text}")))
}

/// The id of whoever makes simulated requests.
const SIMULATED: &str = "AIDASIMULATEDCALLER";

/// A user, group or role by its ARN.
pub(super) fn source(arn: &str) -> Result<(AccountId, Kind, String), ApiError> {
    let invalid = || errors::invalid_input(format!("{arn} is not the ARN of a user, group or role"));
    let parts = identity::arn::split(arn).ok_or_else(invalid)?;
    let (kind, rest) = parts.resource.split_once('/').ok_or_else(invalid)?;
    let kind = match kind {
        "user" => Kind::User,
        "group" => Kind::Group,
        "role" => Kind::Role,
        _ => return Err(invalid()),
    };
    let name = rest.rsplit('/').next().unwrap_or(rest);
    Ok((parts.account_id().ok_or_else(invalid)?, kind, name.to_owned()))
}

fn principal_of(
    rows: &mut dyn Reader,
    account: AccountId,
    kind: Kind,
    name: &str,
) -> Result<Principal, ApiError> {
    let facts = kind.facts(rows, name)?.ok_or_else(|| errors::not_found(kind.noun(), name))?;
    Ok(match kind {
        Kind::Role => Principal::assumed_role(account, &facts.path, name, &facts.id, "simulation"),
        _ => Principal::user(account, &facts.path, name, &facts.id),
    })
}

look! { SimulatePrincipalPolicy(ctx, rows, input)
    guard Ok(Guard::resource(input.policy_source_arn.clone()));
    {
        let (account, kind, name) = source(&input.policy_source_arn)?;
        if account != ctx.account() {
            return Err(errors::no_such_entity(format!("{} is of another account", input.policy_source_arn)));
        }
        let own_principal = principal_of(rows, account, kind, &name)?;
        let principal = caller(input.caller_arn.as_ref())?.unwrap_or(own_principal);
        let mut own = policies_of_owner(rows, account, kind, &name)?;
        own.identity.extend(parse(input.policy_input_list)?);
        let given = parse(input.permissions_boundary_policy_input_list)?;
        let simulation = Simulation {
            principal: &principal,
            identity: own.identity,
            boundary: given.into_iter().next().or(own.boundary),
            resource: resource_policy(input.resource_policy.as_ref())?,
            owner: owner(input.resource_owner.as_ref())?,
            context: context_of(input.context_entries),
        };
        let page = simulation.results(
            &input.action_names,
            input.resource_arns,
            input.marker.as_deref(),
            input.max_items,
        )?;
        Ok(SimulatePrincipalPolicyOutput {
            evaluation_results: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

look! { SimulateCustomPolicy(ctx, _rows, input)
    guard Ok(Guard::any());
    {
        let anybody = Principal::user(ctx.account(), "/", "simulation", SIMULATED);
        let principal = caller(input.caller_arn.as_ref())?.unwrap_or(anybody);
        let boundary = parse(input.permissions_boundary_policy_input_list)?;
        let simulation = Simulation {
            principal: &principal,
            identity: parse(Some(input.policy_input_list))?,
            boundary: boundary.into_iter().next(),
            resource: resource_policy(input.resource_policy.as_ref())?,
            owner: owner(input.resource_owner.as_ref())?,
            context: context_of(input.context_entries),
        };
        let page = simulation.results(
            &input.action_names,
            input.resource_arns,
            input.marker.as_deref(),
            input.max_items,
        )?;
        Ok(SimulateCustomPolicyOutput {
            evaluation_results: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn context_keys(policies: &[Arc<NamedPolicy>]) -> Vec<String> {
    let keys: BTreeSet<String> = policies.iter().flat_map(|policy| policy.policy.context_keys()).collect();
    keys.into_iter().collect()
}

look! { GetContextKeysForCustomPolicy(ctx, _rows, input)
    guard Ok(Guard::any());
    {
        let policies = parse(Some(input.policy_input_list))?;
        Ok(GetContextKeysForCustomPolicyOutput { context_key_names: Some(context_keys(&policies)) })
    }
}

look! { GetContextKeysForPrincipalPolicy(ctx, rows, input)
    guard Ok(Guard::resource(input.policy_source_arn.clone()));
    {
        let (account, kind, name) = source(&input.policy_source_arn)?;
        principal_of(rows, account, kind, &name)?;
        let mut policies = policies_of_owner(rows, account, kind, &name)?.identity;
        policies.extend(parse(input.policy_input_list)?);
        Ok(GetContextKeysForPrincipalPolicyOutput { context_key_names: Some(context_keys(&policies)) })
    }
}
