//! Attach-, Detach- and ListAttached- of users, groups and roles, and ListEntitiesForPolicy.

use std::collections::BTreeMap;

use cloud::{Ctx, Guard};
use iam_api::{
    AttachedPolicy, ListAttachedGroupPoliciesOutput, ListAttachedRolePoliciesOutput,
    ListAttachedUserPoliciesOutput, ListEntitiesForPolicyOutput, PolicyGroup, PolicyRole, PolicyUser,
};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page};
use crate::owner::Kind;
use crate::tables::{ATTACHED, ATTACHED_TO, BOUNDED};
use crate::{errors, managed_policy};

/// Managed policies of one owner at most ("IAM and AWS STS quotas").
const MOST: usize = 10;

/// Refuses roles that are a service's.
pub(super) fn check_changeable(rows: &mut dyn Reader, kind: Kind, owner: &str) -> Result<(), ApiError> {
    let facts = kind.facts(rows, owner)?.ok_or_else(|| errors::not_found(kind.noun(), owner))?;
    if kind == Kind::Role && facts.path.starts_with("/aws-service-role/") {
        return Err(errors::unmodifiable(owner));
    }
    Ok(())
}

fn attach(ctx: &Ctx, rows: &mut Tx<'_>, kind: Kind, owner: &str, arn: &str) -> Result<(), ApiError> {
    check_changeable(rows, kind, owner)?;
    managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::not_attachable(arn))?;
    let attached = kind.attached_policies(rows, owner)?;
    if attached.len() >= MOST && !attached.iter().any(|other| other == arn) {
        let noun = match kind {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::Role => "Role",
        };
        return Err(errors::limit_exceeded(format!("Cannot exceed quota for PoliciesPer{noun}: {MOST}")));
    }
    kind.attach(rows, owner, arn);
    Ok(())
}

fn detach(rows: &mut Tx<'_>, kind: Kind, owner: &str, arn: &str) -> Result<(), ApiError> {
    check_changeable(rows, kind, owner)?;
    let key = (kind.noun().to_owned(), owner.to_owned(), arn.to_owned());
    if !ATTACHED.contains(rows, &key)? {
        return Err(errors::no_such_entity(format!("Policy {arn} was not found.")));
    }
    kind.detach(rows, owner, arn);
    Ok(())
}

/// Name and ARN of each attached policy whose path begins with `prefix`.
pub(super) fn attached_to(
    rows: &mut dyn Reader,
    kind: Kind,
    owner: &str,
    prefix: &str,
) -> Result<Vec<(String, AttachedPolicy)>, ApiError> {
    kind.check_exists(rows, owner)?;
    let policies = kind.attached_policies(rows, owner)?.into_iter().filter_map(|arn| {
        let place = arn.split_once(":policy").map_or("", |(_, place)| place);
        let name = place.rsplit('/').next().unwrap_or_default().to_owned();
        let policy = AttachedPolicy { policy_name: Some(name), policy_arn: Some(arn.clone()) };
        place.starts_with(prefix).then_some((arn, policy))
    });
    Ok(policies.collect())
}

macro_rules! attached_policies {
    ($kind:expr, $owner:ident, $attach:ident, $detach:ident, $list:ident, $listed:ident) => {
        change! { $attach(ctx, rows, input)
            guard Ok($kind.guard(ctx, &input.$owner)?.with("iam:PolicyARN", vec![input.policy_arn.clone()]));
            {
                attach(ctx, rows, $kind, &input.$owner, &input.policy_arn)?;
                Ok(Default::default())
            }
        }

        change! { $detach(ctx, rows, input)
            guard Ok($kind.guard(ctx, &input.$owner)?.with("iam:PolicyARN", vec![input.policy_arn.clone()]));
            {
                detach(rows, $kind, &input.$owner, &input.policy_arn)?;
                Ok(Default::default())
            }
        }

        look! { $list(ctx, rows, input)
            guard $kind.guard(ctx, &input.$owner);
            {
                let prefix = input.path_prefix.unwrap_or_default();
                let policies = attached_to(rows, $kind, &input.$owner, &prefix)?;
                let page = page(policies, input.marker.as_deref(), input.max_items);
                Ok($listed {
                    attached_policies: Some(page.items),
                    is_truncated: page.is_truncated,
                    marker: page.marker,
                })
            }
        }
    };
}

attached_policies!(
    Kind::User,
    user_name,
    AttachUserPolicy,
    DetachUserPolicy,
    ListAttachedUserPolicies,
    ListAttachedUserPoliciesOutput
);
attached_policies!(
    Kind::Group,
    group_name,
    AttachGroupPolicy,
    DetachGroupPolicy,
    ListAttachedGroupPolicies,
    ListAttachedGroupPoliciesOutput
);
attached_policies!(
    Kind::Role,
    role_name,
    AttachRolePolicy,
    DetachRolePolicy,
    ListAttachedRolePolicies,
    ListAttachedRolePoliciesOutput
);

/// Who has a policy, attached or as a boundary.
enum Entity {
    User(PolicyUser),
    Group(PolicyGroup),
    Role(PolicyRole),
}

fn entity(noun: &str, name: String, id: String) -> Entity {
    match noun {
        "user" => Entity::User(PolicyUser { user_name: Some(name), user_id: Some(id) }),
        "group" => Entity::Group(PolicyGroup { group_name: Some(name), group_id: Some(id) }),
        _ => Entity::Role(PolicyRole { role_name: Some(name), role_id: Some(id) }),
    }
}

look! { ListEntitiesForPolicy(ctx, rows, input)
    guard Ok(Guard::resource(input.policy_arn.clone()));
    {
        let arn = &input.policy_arn;
        managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::no_such_policy(arn))?;
        let filter = input.entity_filter.as_deref().unwrap_or_default().to_ascii_lowercase();
        let prefix = input.path_prefix.unwrap_or_default();
        let tables = match input.policy_usage_filter.as_deref() {
            Some("PermissionsBoundary") => vec![BOUNDED],
            Some(_) => vec![ATTACHED_TO],
            None => vec![ATTACHED_TO, BOUNDED],
        };
        let mut entities = BTreeMap::new();
        for table in tables {
            for ((_, noun, name), _) in table.list(rows, &Range::prefix(arn), usize::MAX)? {
                let Some(kind) = Kind::of_noun(&noun) else { continue };
                let Some(facts) = kind.facts(rows, &name)? else { continue };
                if (filter.is_empty() || filter == noun) && facts.path.starts_with(&prefix) {
                    entities.insert(format!("{noun}/{name}"), entity(&noun, name, facts.id));
                }
            }
        }
        let page = page(entities, input.marker.as_deref(), input.max_items);
        let (mut users, mut groups, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        for entity in page.items {
            match entity {
                Entity::User(user) => users.push(user),
                Entity::Group(group) => groups.push(group),
                Entity::Role(role) => roles.push(role),
            }
        }
        Ok(ListEntitiesForPolicyOutput {
            policy_users: Some(users),
            policy_groups: Some(groups),
            policy_roles: Some(roles),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
