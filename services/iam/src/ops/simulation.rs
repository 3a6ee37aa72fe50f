//! SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloud::Guard;
use iam_api::{
    ContextEntry, EvaluationResult, GetContextKeysForCustomPolicyOutput,
    GetContextKeysForPrincipalPolicyOutput, SimulateCustomPolicyOutput, SimulatePrincipalPolicyOutput,
    Statement,
};
use identity::policy::{ContextKeys, NamedPolicy, Policies, PolicyKind, Reason, Request, evaluate};
use identity::{AccountId, Principal};
use shapes::ApiError;
use store::Reader;

use super::form::look;
use crate::directory::policies_of_owner;
use crate::errors;
use crate::owner::Kind;

/// What a simulation decides by.
struct Simulation<'a> {
    principal: &'a Principal,
    identity: Vec<Arc<NamedPolicy>>,
    boundary: Option<Arc<NamedPolicy>>,
    resource: Option<NamedPolicy>,
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

impl Simulation<'_> {
    fn results(&self, actions: &[String], resources: Option<Vec<String>>) -> Vec<EvaluationResult> {
        let resources =
            resources.filter(|resources| !resources.is_empty()).unwrap_or_else(|| vec!["*".to_owned()]);
        let pairs =
            actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        pairs.map(|(action, resource)| self.result(action, resource)).collect()
    }

    fn result(&self, action: &str, resource: &str) -> EvaluationResult {
        let resources = [resource];
        let request = Request {
            principal: self.principal,
            action,
            resources: &resources,
            resource_account: None,
            context: &self.context,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_deref(),
            resource: self.resource.as_ref(),
            ..Policies::default()
        };
        let decision = evaluate(&request, &policies);
        let (decided, statement) = match decision.reason {
            Reason::ExplicitDeny { statement, .. } => ("explicitDeny", Some(statement)),
            Reason::ImplicitDeny { .. } => ("implicitDeny", None),
            Reason::AllowedBy { statement, .. } => ("allowed", Some(statement)),
            Reason::Root => ("allowed", None),
        };
        let matched = statement.map(|statement| Statement {
            source_policy_id: Some(statement.policy.name.to_string()),
            source_policy_type: Some("IAM Policy".to_owned()),
            ..Default::default()
        });
        EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(resource.to_owned()),
            eval_decision: decided.to_owned(),
            matched_statements: Some(matched.into_iter().collect()),
            missing_context_values: Some(Vec::new()),
            ..Default::default()
        }
    }
}

/// A user, group or role by its ARN.
fn source(arn: &str) -> Result<(AccountId, Kind, String), ApiError> {
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
    let path = kind.path(rows, name)?.ok_or_else(|| errors::not_found(kind.noun(), name))?;
    Ok(match kind {
        Kind::Role => Principal::assumed_role(account, &path, name, "AROASIMULATION", "simulation"),
        _ => Principal::user(account, &path, name, "AIDASIMULATION"),
    })
}

look! { SimulatePrincipalPolicy(ctx, rows, input)
    guard Ok(Guard::resource(input.policy_source_arn.clone()));
    {
        let (account, kind, name) = source(&input.policy_source_arn)?;
        if account != ctx.account() {
            return Err(errors::no_such_entity(format!("{} is of another account", input.policy_source_arn)));
        }
        let principal = principal_of(rows, account, kind, &name)?;
        let mut own = policies_of_owner(rows, account, kind, &name)?;
        own.identity.extend(parse(input.policy_input_list)?);
        let given = parse(input.permissions_boundary_policy_input_list)?;
        let simulation = Simulation {
            principal: &principal,
            identity: own.identity,
            boundary: given.into_iter().next().or(own.boundary),
            resource: resource_policy(input.resource_policy.as_ref())?,
            context: context_of(input.context_entries),
        };
        let results = simulation.results(&input.action_names, input.resource_arns);
        Ok(SimulatePrincipalPolicyOutput {
            evaluation_results: Some(results),
            is_truncated: Some(false),
            marker: None,
        })
    }
}

look! { SimulateCustomPolicy(ctx, _rows, input)
    guard Ok(Guard::any());
    {
        let principal = Principal::user(ctx.account(), "/", "simulation", "AIDASIMULATION");
        let boundary = parse(input.permissions_boundary_policy_input_list)?;
        let simulation = Simulation {
            principal: &principal,
            identity: parse(Some(input.policy_input_list))?,
            boundary: boundary.into_iter().next(),
            resource: resource_policy(input.resource_policy.as_ref())?,
            context: context_of(input.context_entries),
        };
        let results = simulation.results(&input.action_names, input.resource_arns);
        Ok(SimulateCustomPolicyOutput {
            evaluation_results: Some(results),
            is_truncated: Some(false),
            marker: None,
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
