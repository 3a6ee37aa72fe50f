//! Attach-, Detach- and ListAttached- of users, groups and roles, and ListEntitiesForPolicy.

use cloud::{Ctx, Guard};
use iam_api::{
    AttachedPolicy, ListAttachedGroupPoliciesOutput, ListAttachedRolePoliciesOutput,
    ListAttachedUserPoliciesOutput, ListEntitiesForPolicyOutput, PolicyGroup, PolicyRole, PolicyUser,
};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page};
use crate::owner::Kind;
use crate::tables::{ATTACHED, ATTACHED_TO, GROUPS, ROLES, USERS};
use crate::{errors, managed_policy};

/// Managed policies of one owner at most ("IAM and AWS STS quotas").
const MOST: usize = 10;

fn attach(ctx: &Ctx, rows: &mut Tx<'_>, kind: Kind, owner: &str, arn: &str) -> Result<(), ApiError> {
    kind.check_exists(rows, owner)?;
    managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::not_attachable(arn))?;
    let attached = kind.attached_policies(rows, owner)?;
    if attached.len() >= MOST && !attached.iter().any(|other| other == arn) {
        let noun = kind.noun();
        let noun = format!("{}{}", noun[..1].to_uppercase(), &noun[1..]);
        return Err(errors::limit_exceeded(format!("Cannot exceed quota for PoliciesPer{noun}: {MOST}")));
    }
    kind.attach(rows, owner, arn);
    Ok(())
}

fn detach(rows: &mut Tx<'_>, kind: Kind, owner: &str, arn: &str) -> Result<(), ApiError> {
    kind.check_exists(rows, owner)?;
    let key = (kind.noun().to_owned(), owner.to_owned(), arn.to_owned());
    if !ATTACHED.contains(rows, &key)? {
        return Err(errors::no_such_entity(format!("Policy {arn} was not found.")));
    }
    kind.detach(rows, owner, arn);
    Ok(())
}

/// Name and ARN of each attached policy whose path begins with `prefix`.
fn attached(
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
                let policies = attached(rows, $kind, &input.$owner, &prefix)?;
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

look! { ListEntitiesForPolicy(ctx, rows, input)
    guard Ok(Guard::resource(input.policy_arn.clone()));
    {
        let arn = &input.policy_arn;
        managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::no_such_policy(arn))?;
        let (mut users, mut groups, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        for ((_, noun, name), _) in ATTACHED_TO.list(rows, &Range::prefix(arn), usize::MAX)? {
            match noun.as_str() {
                "user" => users.extend(USERS.find(rows, &name)?.map(|user| PolicyUser {
                    user_name: Some(name),
                    user_id: Some(user.id),
                })),
                "group" => groups.extend(GROUPS.find(rows, &name)?.map(|group| PolicyGroup {
                    group_name: Some(name),
                    group_id: Some(group.id),
                })),
                _ => roles.extend(ROLES.find(rows, &name)?.map(|role| PolicyRole {
                    role_name: Some(name),
                    role_id: Some(role.id),
                })),
            }
        }
        Ok(ListEntitiesForPolicyOutput {
            policy_users: Some(users),
            policy_groups: Some(groups),
            policy_roles: Some(roles),
            is_truncated: Some(false),
            marker: None,
        })
    }
}
