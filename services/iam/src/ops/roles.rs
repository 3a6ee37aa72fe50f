//! CreateRole, GetRole, ListRoles, UpdateRole, DeleteRole, their trust policies, tags and boundaries.

use cloud::{Ctx, Guard};
use iam_api::{
    CreateRoleOutput, GetRoleOutput, ListRoleTagsOutput, ListRolesOutput, UpdateRoleDescriptionOutput,
};
use identity::credentials::{IdKind, new_id};
use identity::policy::{Policy, PolicyKind};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page, page_of, tagging};
use super::users::{boundary_asked, new_path};
use crate::errors;
use crate::names::ROLE_NAMES;
use crate::owner::Kind;
use crate::role::Role;
use crate::tables::{IDS, PROFILES_OF_ROLES, ROLE_USES, ROLES, TRUSTED};
use crate::tags::{asked, tags_of};
use crate::trust;

/// Characters of a trust policy, white space aside, at most ("IAM and AWS STS quotas": by default).
const MOST_TRUST_CHARACTERS: usize = 2048;

pub(super) fn find(rows: &mut dyn Reader, name: &str) -> Result<Role, ApiError> {
    ROLES.find(rows, &name.to_owned())?.ok_or_else(|| errors::not_found("role", name))
}

/// A role that its owner may change: those of services are for services alone.
fn find_own(rows: &mut dyn Reader, name: &str) -> Result<Role, ApiError> {
    let role = find(rows, name)?;
    if role.is_service_linked() { Err(errors::unmodifiable(name)) } else { Ok(role) }
}

fn check_trust(document: &str) -> Result<(), ApiError> {
    Policy::parse(document, PolicyKind::Trust).map_err(errors::malformed_policy)?;
    if document.chars().filter(|letter| !letter.is_whitespace()).count() > MOST_TRUST_CHARACTERS {
        let message = format!("Cannot exceed quota for ACLSizePerRole: {MOST_TRUST_CHARACTERS}");
        return Err(errors::limit_exceeded(message));
    }
    Ok(())
}

/// A role with what its row alone does not say.
pub(super) fn told(ctx: &Ctx, rows: &mut dyn Reader, role: &Role) -> Result<iam_api::Role, ApiError> {
    let mut told = role.to_api(ctx.account(), &trust::document(ctx.store(), rows, role)?);
    told.role_last_used = Some(ROLE_USES.find(rows, &role.name)?.map_or_else(Default::default, |last| {
        iam_api::RoleLastUsed { last_used_date: Some(last.at), region: Some(last.region) }
    }));
    Ok(told)
}

change! { CreateRole(ctx, rows, input)
    guard {
        let arn = Kind::Role.arn(ctx.account(), input.path.as_deref().unwrap_or("/"), &input.role_name);
        Ok(boundary_asked(asked(Guard::resource(arn), input.tags.as_ref()), input.permissions_boundary.as_ref()))
    };
    check check_trust(&input.assume_role_policy_document);
    {
        if input.path.as_deref().is_some_and(|path| path.starts_with("/aws-service-role/")) {
            return Err(errors::invalid("Path must not begin with /aws-service-role/: such roles are made by CreateServiceLinkedRole"));
        }
        if ROLES.contains(rows, &input.role_name)? {
            return Err(errors::exists("role", &input.role_name));
        }
        ROLE_NAMES.take(rows, &input.role_name)?;
        let boundary = input.permissions_boundary.clone();
        Kind::Role.bound(rows, ctx.account(), &input.role_name, None, boundary.as_deref())?;
        trust::remember(rows, &input.role_name, &input.assume_role_policy_document)?;
        let role = Role {
            name: input.role_name.clone(),
            id: new_id(IdKind::Role, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            trust: input.assume_role_policy_document.clone(),
            description: input.description.clone(),
            max_session_seconds: input.max_session_duration.unwrap_or(3600),
            created: ctx.now(),
            tags: tags_of(input.tags.as_ref())?,
            boundary,
        };
        Kind::Role.put_id(rows, &role.id, &role.name);
        ROLES.put(rows, &role.name, &role);
        Ok(CreateRoleOutput { role: role.to_api(ctx.account(), &role.trust) })
    }
}

look! { GetRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let role = find(rows, &input.role_name)?;
        Ok(GetRoleOutput { role: told(ctx, rows, &role)? })
    }
}

look! { ListRoles(ctx, rows, input)
    guard Ok(Guard::resource(format!("arn:aws:iam::{}:role/", ctx.account())));
    {
        let prefix = input.path_prefix.unwrap_or_default();
        let page = page_of(rows, &ROLES, input.marker.as_deref(), input.max_items, |role| {
            role.path.starts_with(&prefix)
        })?;
        let mut roles = Vec::with_capacity(page.items.len());
        for role in &page.items {
            // "This operation does not return" boundary, last use and tags (IAM API Reference, ListRoles).
            let document = trust::document(ctx.store(), rows, role)?;
            roles.push(iam_api::Role {
                permissions_boundary: None,
                tags: None,
                ..role.to_api(ctx.account(), &document)
            });
        }
        Ok(ListRolesOutput { roles, is_truncated: page.is_truncated, marker: page.marker })
    }
}

change! { UpdateRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find_own(rows, &input.role_name)?;
        if input.description.is_some() {
            role.description.clone_from(&input.description);
        }
        role.max_session_seconds = input.max_session_duration.unwrap_or(role.max_session_seconds);
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

change! { UpdateRoleDescription(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find(rows, &input.role_name)?;
        role.description = Some(input.description.clone());
        ROLES.put(rows, &role.name, &role);
        Ok(UpdateRoleDescriptionOutput { role: Some(told(ctx, rows, &role)?) })
    }
}

change! { UpdateAssumeRolePolicy(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    check check_trust(&input.policy_document);
    {
        let mut role = find_own(rows, &input.role_name)?;
        trust::remember(rows, &input.role_name, &input.policy_document)?;
        role.trust.clone_from(&input.policy_document);
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

change! { DeleteRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let role = find_own(rows, &input.role_name)?;
        if !PROFILES_OF_ROLES.list(rows, &Range::prefix(&input.role_name), 1)?.is_empty() {
            return Err(errors::delete_conflict(
                "Cannot delete entity, must remove roles from instance profile first.",
            ));
        }
        Kind::Role.check_bare(rows, &input.role_name)?;
        remove(ctx, rows, &role)?;
        Ok(Default::default())
    }
}

/// Takes a role away that nothing hangs on any more.
pub(super) fn remove(ctx: &Ctx, rows: &mut Tx<'_>, role: &Role) -> Result<(), ApiError> {
    Kind::Role.bound(rows, ctx.account(), &role.name, role.boundary.as_deref(), None)?;
    ROLE_NAMES.free(rows, &role.name)?;
    TRUSTED.delete(rows, &role.name);
    ROLE_USES.delete(rows, &role.name);
    IDS.delete(rows, &role.id);
    ROLES.delete(rows, &role.name);
    Ok(())
}

fn guard(ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
    Kind::Role.guard(ctx, name)
}

fn tagged(_: &Ctx, rows: &mut dyn Reader, name: &str) -> Result<Role, ApiError> {
    find(rows, name)
}

fn put(rows: &mut Tx<'_>, role: &Role) {
    ROLES.put(rows, &role.name, role);
}

tagging!(TagRole, UntagRole, ListRoleTags -> ListRoleTagsOutput, role_name, guard guard, find tagged, put put);

change! { PutRolePermissionsBoundary(ctx, rows, input)
    guard Ok(boundary_asked(Kind::Role.guard(ctx, &input.role_name)?, Some(&input.permissions_boundary)));
    {
        let mut role = find_own(rows, &input.role_name)?;
        let arn = input.permissions_boundary.as_str();
        Kind::Role.bound(rows, ctx.account(), &role.name, role.boundary.as_deref(), Some(arn))?;
        role.boundary = Some(arn.to_owned());
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

change! { DeleteRolePermissionsBoundary(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find_own(rows, &input.role_name)?;
        let Some(arn) = role.boundary.take() else {
            let name = &input.role_name;
            return Err(errors::no_such_entity(format!("Role {name} does not have a permission boundary attached")));
        };
        Kind::Role.bound(rows, ctx.account(), &role.name, Some(&arn), None)?;
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}
