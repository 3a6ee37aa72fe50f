//! Who there is: roles, users, groups and the account's own policies.

use cloud::Ctx;
use iam_api::{
    GetGroupInput, GetPolicyInput, GetPolicyVersionInput, GetRoleInput, GetRolePolicyInput, GetUserInput,
    GetUserPolicyInput, ListAccessKeysInput, ListAttachedGroupPoliciesInput, ListAttachedRolePoliciesInput,
    ListAttachedUserPoliciesInput, ListEntitiesForPolicyInput, ListGroupsForUserInput, ListGroupsInput,
    ListPoliciesInput, ListRolePoliciesInput, ListRolesInput, ListUserPoliciesInput, ListUsersInput, op,
};
use serde_json::Value;
use shapes::ApiError;

use crate::admin::decoded;
use crate::admin::document::{at, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

pub(super) async fn list(ctx: &Ctx, kind: &'static str, part: &Part) -> Result<Section, ApiError> {
    let (marker, max_items) = (part.after.clone(), Some(PAGE as i32));
    let (section, answer) = match kind {
        "iam-roles" => {
            let input = ListRolesInput { marker, max_items, ..Default::default() };
            let answer = look::<op::ListRoles>(ctx, input).await?;
            let section = Section::new("iam-roles", "Roles", &["Name", "Path", "Description", "Created"]);
            let paths = ["RoleName", "Path", "Description", "CreateDate"];
            (section.resources(items(&answer, "Roles"), &paths, |role| at(role, "Arn")), answer)
        }
        "iam-users" => {
            let input = ListUsersInput { marker, max_items, ..Default::default() };
            let answer = look::<op::ListUsers>(ctx, input).await?;
            let section = Section::new("iam-users", "Users", &["Name", "Path", "Created", "Password used"]);
            let paths = ["UserName", "Path", "CreateDate", "PasswordLastUsed"];
            (section.resources(items(&answer, "Users"), &paths, |user| at(user, "Arn")), answer)
        }
        "iam-groups" => {
            let input = ListGroupsInput { marker, max_items, ..Default::default() };
            let answer = look::<op::ListGroups>(ctx, input).await?;
            let section = Section::new("iam-groups", "Groups", &["Name", "Path", "Created"]);
            let paths = ["GroupName", "Path", "CreateDate"];
            (section.resources(items(&answer, "Groups"), &paths, |group| at(group, "Arn")), answer)
        }
        _ => {
            let scope = Some("Local".to_owned());
            let input = ListPoliciesInput { marker, max_items, scope, ..Default::default() };
            let answer = look::<op::ListPolicies>(ctx, input).await?;
            let section =
                Section::new("iam-policies", "Policies", &["Name", "Attached to", "Version", "Updated"]);
            let paths = ["PolicyName", "AttachmentCount", "DefaultVersionId", "UpdateDate"];
            (section.resources(items(&answer, "Policies"), &paths, |policy| at(policy, "Arn")), answer)
        }
    };
    Ok(section.next(at(&answer, "Marker")))
}

/// A policy document as the API hands it out: percent-encoded.
fn policy_text(document: &Value, path: &str) -> String {
    let encoded = at(document, path);
    laid_out(&decoded(&encoded).unwrap_or(encoded))
}

/// Kind and name in `role/path/NAME`.
fn names_in(resource: &str) -> (&str, String) {
    let kind = resource.split('/').next().unwrap_or_default();
    (kind, resource.rsplit('/').next().unwrap_or_default().to_owned())
}

pub(super) async fn describe(ctx: &Ctx, arn: &str, resource: &str) -> Result<Found, ApiError> {
    let (kind, name) = names_in(resource);
    let found = Found::titled(&name);
    match kind {
        "role" => {
            let answer = look::<op::GetRole>(ctx, GetRoleInput { role_name: name }).await?;
            Ok(found
                .facts(
                    &answer,
                    &[
                        ("Path", "Role/Path"),
                        ("Description", "Role/Description"),
                        ("Longest session (s)", "Role/MaxSessionDuration"),
                        ("Boundary", "Role/PermissionsBoundary/PermissionsBoundaryArn"),
                        ("Last used", "Role/RoleLastUsed/LastUsedDate"),
                        ("Created", "Role/CreateDate"),
                    ],
                )
                .sections(&["attached", "inline"])
                .document("Trust policy", policy_text(&answer, "Role/AssumeRolePolicyDocument")))
        }
        "user" => {
            let answer = look::<op::GetUser>(ctx, GetUserInput { user_name: Some(name) }).await?;
            Ok(found
                .facts(
                    &answer,
                    &[
                        ("Path", "User/Path"),
                        ("Id", "User/UserId"),
                        ("Boundary", "User/PermissionsBoundary/PermissionsBoundaryArn"),
                        ("Password used", "User/PasswordLastUsed"),
                        ("Created", "User/CreateDate"),
                    ],
                )
                .sections(&["attached", "inline", "keys", "groups"]))
        }
        "group" => {
            let input = GetGroupInput { group_name: name, ..Default::default() };
            let answer = look::<op::GetGroup>(ctx, input).await?;
            Ok(found
                .facts(&answer, &[("Path", "Group/Path"), ("Created", "Group/CreateDate")])
                .sections(&["members", "attached"]))
        }
        "policy" => {
            let answer = look::<op::GetPolicy>(ctx, GetPolicyInput { policy_arn: arn.to_owned() }).await?;
            let input = GetPolicyVersionInput {
                policy_arn: arn.to_owned(),
                version_id: at(&answer, "Policy/DefaultVersionId"),
            };
            let version = look::<op::GetPolicyVersion>(ctx, input).await?;
            Ok(found
                .facts(
                    &answer,
                    &[
                        ("Description", "Policy/Description"),
                        ("Version", "Policy/DefaultVersionId"),
                        ("Attached to", "Policy/AttachmentCount"),
                        ("Updated", "Policy/UpdateDate"),
                    ],
                )
                .sections(&["entities"])
                .document("Policy", policy_text(&version, "PolicyVersion/Document")))
        }
        _ => Ok(found),
    }
}

pub(super) async fn section(
    ctx: &Ctx,
    arn: &str,
    resource: &str,
    id: &str,
    part: &Part,
) -> Result<Section, ApiError> {
    let (kind, name) = names_in(resource);
    let (marker, max_items) = (part.after.clone(), Some(PAGE as i32));
    let (section, answer) = match (kind, id) {
        (_, "attached") => {
            let answer = match kind {
                "role" => {
                    let input = ListAttachedRolePoliciesInput {
                        role_name: name,
                        marker,
                        max_items,
                        ..Default::default()
                    };
                    look::<op::ListAttachedRolePolicies>(ctx, input).await?
                }
                "user" => {
                    let input = ListAttachedUserPoliciesInput {
                        user_name: name,
                        marker,
                        max_items,
                        ..Default::default()
                    };
                    look::<op::ListAttachedUserPolicies>(ctx, input).await?
                }
                _ => {
                    let input = ListAttachedGroupPoliciesInput {
                        group_name: name,
                        marker,
                        max_items,
                        ..Default::default()
                    };
                    look::<op::ListAttachedGroupPolicies>(ctx, input).await?
                }
            };
            let section = Section::new("attached", "Attached policies", &["Name", "Policy"]);
            let paths = ["PolicyName", "PolicyArn"];
            let policy = |policy: &Value| at(policy, "PolicyArn");
            (section.resources(items(&answer, "AttachedPolicies"), &paths, policy), answer)
        }
        (_, "inline") => return inline(ctx, kind, &name, part).await,
        (_, "keys") => {
            let input = ListAccessKeysInput { user_name: Some(name), marker, max_items };
            let answer = look::<op::ListAccessKeys>(ctx, input).await?;
            let section = Section::new("keys", "Access keys", &["Id", "Status", "Created"]);
            let paths = ["AccessKeyId", "Status", "CreateDate"];
            (section.documents(items(&answer, "AccessKeyMetadata"), &paths), answer)
        }
        (_, "groups") => {
            let input = ListGroupsForUserInput { user_name: name, marker, max_items };
            let answer = look::<op::ListGroupsForUser>(ctx, input).await?;
            let section = Section::new("groups", "Groups", &["Name"]);
            (section.resources(items(&answer, "Groups"), &["GroupName"], |group| at(group, "Arn")), answer)
        }
        (_, "members") => {
            let answer =
                look::<op::GetGroup>(ctx, GetGroupInput { group_name: name, marker, max_items }).await?;
            let section = Section::new("members", "Members", &["Name"]);
            (section.resources(items(&answer, "Users"), &["UserName"], |user| at(user, "Arn")), answer)
        }
        _ => {
            let input = ListEntitiesForPolicyInput {
                policy_arn: arn.to_owned(),
                marker,
                max_items,
                ..Default::default()
            };
            let answer = look::<op::ListEntitiesForPolicy>(ctx, input).await?;
            let mut section = Section::new("entities", "Attached to", &["Name", "Kind"]);
            for (list, member, kind) in [
                ("PolicyRoles", "RoleName", "role"),
                ("PolicyUsers", "UserName", "user"),
                ("PolicyGroups", "GroupName", "group"),
            ] {
                section.rows.extend(items(&answer, list).iter().map(|entity| Row {
                    cells: vec![at(entity, member), kind.to_owned()],
                    arn: format!("arn:aws:iam::{}:{kind}/{}", ctx.account(), at(entity, member)),
                    ..Row::default()
                }));
            }
            (section, answer)
        }
    };
    Ok(section.next(at(&answer, "Marker")))
}

/// A role's or user's own policies, with their texts.
async fn inline(ctx: &Ctx, kind: &str, name: &str, part: &Part) -> Result<Section, ApiError> {
    let (marker, max_items) = (part.after.clone(), Some(PAGE as i32));
    let answer = if kind == "role" {
        let input = ListRolePoliciesInput { role_name: name.to_owned(), marker, max_items };
        look::<op::ListRolePolicies>(ctx, input).await?
    } else {
        let input = ListUserPoliciesInput { user_name: name.to_owned(), marker, max_items };
        look::<op::ListUserPolicies>(ctx, input).await?
    };
    let mut section = Section::new("inline", "Inline policies", &["Name"]);
    for policy_name in items(&answer, "PolicyNames").iter().filter_map(Value::as_str) {
        let (name, policy_name) = (name.to_owned(), policy_name.to_owned());
        let cells = vec![policy_name.clone()];
        let policy = if kind == "role" {
            look::<op::GetRolePolicy>(ctx, GetRolePolicyInput { role_name: name, policy_name }).await
        } else {
            look::<op::GetUserPolicy>(ctx, GetUserPolicyInput { user_name: name, policy_name }).await
        };
        let detail = policy.map_or_else(
            |error| pretty(&error.to_string().into()),
            |policy| policy_text(&policy, "PolicyDocument"),
        );
        section.rows.push(Row { cells, detail, ..Row::default() });
    }
    Ok(section.next(at(&answer, "Marker")))
}
