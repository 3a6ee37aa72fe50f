//! ListPoliciesGrantingServiceAccess: which policies of somebody allow anything of a service.

use cloud::Guard;
use iam_api::{
    ListPoliciesGrantingServiceAccessEntry, ListPoliciesGrantingServiceAccessOutput,
    PolicyGrantingServiceAccess,
};
use identity::AccountId;
use identity::policy::glob_matches;
use serde_json::Value;
use shapes::ApiError;
use store::{Range, Reader};

use super::form::look;
use super::simulation::source;
use crate::owner::Kind;
use crate::tables::MEMBERSHIPS;
use crate::{errors, managed_policy};

/// One policy of the principal or of a group of its.
struct Granting {
    told: PolicyGrantingServiceAccess,
    document: Value,
}

fn name_of_policy(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}

fn add(
    found: &mut Vec<Granting>,
    rows: &mut dyn Reader,
    account: AccountId,
    kind: Kind,
    name: &str,
) -> Result<(), ApiError> {
    for (policy, document) in kind.inline_policies(rows, name)? {
        let told = PolicyGrantingServiceAccess {
            policy_name: policy,
            policy_type: "INLINE".to_owned(),
            entity_type: Some(kind.noun().to_ascii_uppercase()),
            entity_name: Some(name.to_owned()),
            ..Default::default()
        };
        let document = serde_json::from_str(&document).map_err(ApiError::internal)?;
        found.push(Granting { told, document });
    }
    for arn in kind.attached_policies(rows, name)? {
        let Some(document) = managed_policy::document(rows, account, &arn)? else { continue };
        let told = PolicyGrantingServiceAccess {
            policy_name: name_of_policy(&arn),
            policy_type: "MANAGED".to_owned(),
            policy_arn: Some(arn),
            ..Default::default()
        };
        let document = serde_json::from_str(&document).map_err(ApiError::internal)?;
        found.push(Granting { told, document });
    }
    Ok(())
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// Whether a pattern of actions has any of the service's.
fn has_some(pattern: &str, service: &str) -> bool {
    pattern == "*"
        || pattern.split_once(':').is_some_and(|(vendor, _)| glob_matches(&vendor.to_lowercase(), service))
}

/// Whether a statement allows anything of the service.
fn grants(statement: &Value, service: &str) -> bool {
    if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
        return false;
    }
    if let Some(actions) = statement.get("Action") {
        return texts(actions).into_iter().any(|pattern| has_some(pattern, service));
    }
    let excepted = statement.get("NotAction").map(texts).unwrap_or_default();
    let is_all = |pattern: &str| pattern == "*" || pattern.eq_ignore_ascii_case(&format!("{service}:*"));
    !excepted.into_iter().any(is_all)
}

fn document_grants(document: &Value, service: &str) -> bool {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().any(|statement| grants(statement, service)),
        Some(statement) => grants(statement, service),
        None => false,
    }
}

look! { ListPoliciesGrantingServiceAccess(ctx, rows, input)
    guard Ok(Guard::resource(input.arn.clone()));
    {
        let (account, kind, name) = source(&input.arn)?;
        if account != ctx.account() {
            return Err(errors::no_such_entity(format!("{} is of another account", input.arn)));
        }
        kind.check_exists(rows, &name)?;
        let mut found = Vec::new();
        add(&mut found, rows, account, kind, &name)?;
        if kind == Kind::User {
            for ((_, group), _) in MEMBERSHIPS.list(rows, &Range::prefix(&name), usize::MAX)? {
                add(&mut found, rows, account, Kind::Group, &group)?;
            }
        }
        let entries = input.service_namespaces.into_iter().map(|service| {
            let granting = found.iter().filter(|policy| document_grants(&policy.document, &service));
            ListPoliciesGrantingServiceAccessEntry {
                policies: Some(granting.map(|policy| policy.told.clone()).collect()),
                service_namespace: Some(service),
            }
        });
        Ok(ListPoliciesGrantingServiceAccessOutput {
            policies_granting_service_access: entries.collect(),
            is_truncated: Some(false),
            marker: None,
        })
    }
}
