//! GetAccountAuthorizationDetails: all identities of an account with all that binds them.

use cloud::Guard;
use iam_api::{
    AttachedPolicy, GetAccountAuthorizationDetailsOutput, GroupDetail, ManagedPolicyDetail, PolicyDetail,
    RoleDetail, UserDetail,
};
use identity::AccountId;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, Row, Store, Table};

use super::attached_policies::attached_to;
use super::form::{look, page};
use super::managed_policies::version_to_api;
use crate::managed_policy::{AwsPolicy, FIRST_POLICIES, PolicyVersion};
use crate::owner::Kind;
use crate::role::url_encoded;
use crate::tables::{
    GROUPS, INSTANCE_PROFILES, MEMBERSHIPS, POLICIES, POLICY_VERSIONS, PROFILES_OF_ROLES, ROLE_USES, ROLES,
    USERS,
};
use crate::tags::{boundary_to_api, tags_to_api};
use crate::trust;

/// The order in which they come, and the names that a filter knows them by.
const KINDS: [&str; 5] = ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"];

/// Names of a table's rows behind `after`, and `limit` at most.
fn names<R: Row>(
    rows: &mut dyn Reader,
    table: &Table<String, R>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, ApiError> {
    let range = after.map_or_else(Range::all, |name| Range::all().after(&name.to_owned()));
    let mut names = Vec::new();
    table.visit(rows, &range, Order::Ascending, |name, _| {
        names.push(name);
        if names.len() < limit {
            std::ops::ControlFlow::Continue(())
        } else {
            std::ops::ControlFlow::Break(())
        }
    })?;
    Ok(names)
}

fn names_of_kind(
    rows: &mut dyn Reader,
    kind: usize,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, ApiError> {
    match kind {
        0 => names(rows, &USERS, after, limit),
        1 => names(rows, &GROUPS, after, limit),
        2 => names(rows, &ROLES, after, limit),
        3 => names(rows, &POLICIES, after, limit),
        _ => {
            // Of AWS's own, those that somebody has.
            let mut used = Vec::new();
            for (name, policy) in AwsPolicy::all() {
                let told = policy.to_api(name, rows)?;
                let is_used =
                    told.attachment_count > Some(0) || told.permissions_boundary_usage_count > Some(0);
                if is_used && after.is_none_or(|after| name.as_str() > after) {
                    used.push(name.clone());
                }
            }
            Ok(used)
        }
    }
}

fn inline(rows: &mut dyn Reader, kind: Kind, name: &str) -> Result<Option<Vec<PolicyDetail>>, ApiError> {
    let policies = kind.inline_policies(rows, name)?.into_iter().map(|(policy, document)| PolicyDetail {
        policy_name: Some(policy),
        policy_document: Some(url_encoded(&document)),
    });
    Ok(Some(policies.collect()))
}

fn attached(rows: &mut dyn Reader, kind: Kind, name: &str) -> Result<Option<Vec<AttachedPolicy>>, ApiError> {
    Ok(Some(attached_to(rows, kind, name, "")?.into_iter().map(|(_, policy)| policy).collect()))
}

fn user(rows: &mut dyn Reader, account: AccountId, name: &String) -> Result<Option<UserDetail>, ApiError> {
    let Some(user) = USERS.find(rows, name)? else { return Ok(None) };
    let groups = MEMBERSHIPS.list(rows, &Range::prefix(name), usize::MAX)?;
    Ok(Some(UserDetail {
        path: Some(user.path.clone()),
        user_name: Some(name.clone()),
        user_id: Some(user.id.clone()),
        arn: Some(user.arn(account)),
        create_date: Some(user.created),
        user_policy_list: inline(rows, Kind::User, name)?,
        group_list: Some(groups.into_iter().map(|((_, group), _)| group).collect()),
        attached_managed_policies: attached(rows, Kind::User, name)?,
        permissions_boundary: boundary_to_api(user.boundary.as_deref()),
        tags: tags_to_api(&user.tags),
    }))
}

fn group(rows: &mut dyn Reader, account: AccountId, name: &String) -> Result<Option<GroupDetail>, ApiError> {
    let Some(group) = GROUPS.find(rows, name)? else { return Ok(None) };
    Ok(Some(GroupDetail {
        arn: Some(Kind::Group.arn(account, &group.path, name)),
        path: Some(group.path),
        group_name: Some(name.clone()),
        group_id: Some(group.id),
        create_date: Some(group.created),
        group_policy_list: inline(rows, Kind::Group, name)?,
        attached_managed_policies: attached(rows, Kind::Group, name)?,
    }))
}

fn role(
    store: &Store,
    rows: &mut dyn Reader,
    account: AccountId,
    name: &String,
) -> Result<Option<RoleDetail>, ApiError> {
    let Some(role) = ROLES.find(rows, name)? else { return Ok(None) };
    let mut profiles = Vec::new();
    for ((_, profile), _) in PROFILES_OF_ROLES.list(rows, &Range::prefix(name), usize::MAX)? {
        if let Some(profile) = INSTANCE_PROFILES.find(rows, &profile)? {
            profiles.push(profile.to_api(account, rows)?);
        }
    }
    let last_used = ROLE_USES.find(rows, name)?.map_or_else(Default::default, |last| iam_api::RoleLastUsed {
        last_used_date: Some(last.at),
        region: Some(last.region),
    });
    Ok(Some(RoleDetail {
        arn: Some(role.arn(account)),
        path: Some(role.path.clone()),
        role_name: Some(name.clone()),
        role_id: Some(role.id.clone()),
        create_date: Some(role.created),
        assume_role_policy_document: Some(url_encoded(&trust::document(store, rows, &role)?)),
        instance_profile_list: Some(profiles),
        role_policy_list: inline(rows, Kind::Role, name)?,
        attached_managed_policies: attached(rows, Kind::Role, name)?,
        permissions_boundary: boundary_to_api(role.boundary.as_deref()),
        tags: tags_to_api(&role.tags),
        role_last_used: Some(last_used),
    }))
}

fn detail(policy: iam_api::Policy, versions: Vec<iam_api::PolicyVersion>) -> ManagedPolicyDetail {
    ManagedPolicyDetail {
        policy_name: policy.policy_name,
        policy_id: policy.policy_id,
        arn: policy.arn,
        path: policy.path,
        default_version_id: policy.default_version_id,
        attachment_count: policy.attachment_count,
        permissions_boundary_usage_count: policy.permissions_boundary_usage_count,
        is_attachable: policy.is_attachable,
        description: policy.description,
        create_date: policy.create_date,
        update_date: policy.update_date,
        policy_version_list: Some(versions),
    }
}

fn own_policy(
    rows: &mut dyn Reader,
    account: AccountId,
    name: &String,
) -> Result<Option<ManagedPolicyDetail>, ApiError> {
    let Some(policy) = POLICIES.find(rows, name)? else { return Ok(None) };
    let versions = POLICY_VERSIONS.list(rows, &Range::prefix(name), usize::MAX)?;
    let versions = versions
        .into_iter()
        .rev()
        .map(|((_, number), version)| version_to_api(number, &version, number == policy.default_version));
    Ok(Some(detail(policy.to_api(account, rows)?, versions.collect())))
}

fn aws_policy(rows: &mut dyn Reader, name: &String) -> Result<Option<ManagedPolicyDetail>, ApiError> {
    let Some(policy) = AwsPolicy::all().get(name) else { return Ok(None) };
    let created = Timestamp::from_seconds(FIRST_POLICIES);
    let version = PolicyVersion { document: policy.document.to_string(), created };
    Ok(Some(detail(policy.to_api(name, rows)?, vec![version_to_api(1, &version, true)])))
}

look! { GetAccountAuthorizationDetails(ctx, rows, input)
    guard Ok(Guard::any());
    {
        let filter = input.filter.unwrap_or_default();
        let limit = input.max_items.unwrap_or(100).clamp(1, 1000).unsigned_abs() as usize;
        // A marker is the kind and the name that the page before ended with.
        let marker = input.marker.as_deref();
        let (from, after) = marker.and_then(|marker| marker.split_once('/')).unwrap_or(("0", ""));
        let from: usize = from.parse().map_err(|_| crate::errors::invalid("Invalid Marker."))?;
        let mut found = Vec::new();
        for kind in (from..KINDS.len()).filter(|kind| filter.is_empty() || filter.iter().any(|f| f == KINDS[*kind])) {
            if found.len() > limit {
                break;
            }
            let after = (kind == from && !after.is_empty()).then_some(after);
            let names = names_of_kind(rows, kind, after, limit + 1 - found.len())?;
            found.extend(names.into_iter().map(|name| (format!("{kind}/{name}"), (kind, name))));
        }
        let page = page(found, None, Some(i32::try_from(limit).unwrap_or(i32::MAX)));
        let (mut users, mut groups, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let account = ctx.account();
        for (kind, name) in &page.items {
            match kind {
                0 => users.extend(user(rows, account, name)?),
                1 => groups.extend(group(rows, account, name)?),
                2 => roles.extend(role(ctx.store(), rows, account, name)?),
                3 => policies.extend(own_policy(rows, account, name)?),
                _ => policies.extend(aws_policy(rows, name)?),
            }
        }
        Ok(GetAccountAuthorizationDetailsOutput {
            user_detail_list: Some(users),
            group_detail_list: Some(groups),
            role_detail_list: Some(roles),
            policies: Some(policies),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
