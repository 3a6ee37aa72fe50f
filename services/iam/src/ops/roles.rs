//! CreateRole, GetRole, ListRoles, UpdateRole, DeleteRole, their trust policies, tags and boundaries.

use cloud::Guard;
use iam_api::{
    CreateRoleOutput, GetRoleOutput, ListRoleTagsOutput, ListRolesOutput, UpdateRoleDescriptionOutput,
};
use identity::credentials::{IdKind, new_id};
use identity::policy::{Policy, PolicyKind};
use shapes::ApiError;
use store::{Range, Reader};

use super::form::{change, look, page};
use super::users::new_path;
use crate::owner::Kind;
use crate::role::Role;
use crate::tables::{INSTANCE_PROFILES, ROLES};
use crate::tags::{self, tag_list, tags_of};
use crate::{errors, managed_policy};

pub(super) fn find(rows: &mut dyn Reader, name: &str) -> Result<Role, ApiError> {
    ROLES.find(rows, &name.to_owned())?.ok_or_else(|| errors::not_found("role", name))
}

fn check_trust(document: &str) -> Result<(), ApiError> {
    Policy::parse(document, PolicyKind::Trust).map(drop).map_err(errors::malformed_policy)
}

change! { CreateRole(ctx, rows, input)
    guard Ok(Guard::resource(Kind::Role.arn(ctx.account(), input.path.as_deref().unwrap_or("/"), &input.role_name)));
    check check_trust(&input.assume_role_policy_document);
    {
        if ROLES.contains(rows, &input.role_name)? {
            return Err(errors::exists("role", &input.role_name));
        }
        if let Some(arn) = &input.permissions_boundary {
            managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::not_attachable(arn))?;
        }
        let role = Role {
            name: input.role_name.clone(),
            id: new_id(IdKind::Role, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            trust: input.assume_role_policy_document.clone(),
            description: input.description.clone(),
            max_session_seconds: input.max_session_duration.unwrap_or(3600),
            created: ctx.now(),
            tags: tags_of(input.tags.clone()),
            boundary: input.permissions_boundary.clone(),
        };
        tags::check(&role.tags)?;
        ROLES.put(rows, &role.name, &role);
        Ok(CreateRoleOutput { role: role.to_api(ctx.account()) })
    }
}

look! { GetRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    { Ok(GetRoleOutput { role: find(rows, &input.role_name)?.to_api(ctx.account()) }) }
}

look! { ListRoles(ctx, rows, input)
    guard Ok(Guard::resource(format!("arn:aws:iam::{}:role/", ctx.account())));
    {
        let prefix = input.path_prefix.unwrap_or_default();
        let roles = ROLES.list(rows, &Range::all(), usize::MAX)?;
        let roles = roles.into_iter().filter(|(_, role)| role.path.starts_with(&prefix));
        let roles = roles.map(|(name, role)| (name, role.to_api(ctx.account())));
        let page = page(roles, input.marker.as_deref(), input.max_items);
        Ok(ListRolesOutput { roles: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}

change! { UpdateRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find(rows, &input.role_name)?;
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
        Ok(UpdateRoleDescriptionOutput { role: Some(role.to_api(ctx.account())) })
    }
}

change! { UpdateAssumeRolePolicy(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    check check_trust(&input.policy_document);
    {
        let mut role = find(rows, &input.role_name)?;
        role.trust.clone_from(&input.policy_document);
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

change! { DeleteRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        find(rows, &input.role_name)?;
        Kind::Role.check_bare(rows, &input.role_name)?;
        let profiles = INSTANCE_PROFILES.list(rows, &Range::all(), usize::MAX)?;
        if profiles.iter().any(|(_, profile)| profile.role.as_ref() == Some(&input.role_name)) {
            return Err(errors::delete_conflict(
                "Cannot delete entity, must remove roles from instance profile first.",
            ));
        }
        ROLES.delete(rows, &input.role_name);
        Ok(Default::default())
    }
}

change! { TagRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find(rows, &input.role_name)?;
        tags::add(&mut role.tags, &input.tags)?;
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

change! { UntagRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find(rows, &input.role_name)?;
        role.tags.retain(|key, _| !input.tag_keys.contains(key));
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

look! { ListRoleTags(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let role = find(rows, &input.role_name)?;
        Ok(ListRoleTagsOutput { tags: tag_list(&role.tags), is_truncated: Some(false), marker: None })
    }
}

change! { PutRolePermissionsBoundary(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let arn = &input.permissions_boundary;
        managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::not_attachable(arn))?;
        let mut role = find(rows, &input.role_name)?;
        role.boundary = Some(arn.clone());
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}

change! { DeleteRolePermissionsBoundary(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let mut role = find(rows, &input.role_name)?;
        if role.boundary.take().is_none() {
            let name = &input.role_name;
            return Err(errors::no_such_entity(format!("Role {name} does not have a permission boundary attached")));
        }
        ROLES.put(rows, &role.name, &role);
        Ok(Default::default())
    }
}
