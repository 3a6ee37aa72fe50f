//! CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser, their tags and boundaries.

use cloud::{Ctx, Guard};
use iam_api::{CreateUserOutput, GetUserOutput, ListUserTagsOutput, ListUsersOutput};
use identity::Principal;
use identity::credentials::{IdKind, new_id};
use shapes::ApiError;
use store::{Range, Reader};

use super::form::{change, look, page};
use crate::owner::Kind;
use crate::tables::{KEYS_OF_USERS, MEMBERS, MEMBERSHIPS, Mark, USERS};
use crate::tags::{self, tag_list, tags_of};
use crate::user::User;
use crate::{errors, managed_policy};

pub(super) fn find(rows: &mut dyn Reader, name: &str) -> Result<User, ApiError> {
    USERS.find(rows, &name.to_owned())?.ok_or_else(|| errors::not_found("user", name))
}

/// The user that a request names, or the one that makes it.
pub(super) fn named_or_own(ctx: &Ctx, name: Option<&str>) -> Result<String, ApiError> {
    match (name, ctx.principal()) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, Principal::User { name, .. }) => Ok(name.to_string()),
        (None, _) => Err(errors::invalid("Must specify userName when calling with non-User credentials")),
    }
}

pub(super) fn new_path(path: Option<&String>) -> String {
    path.map_or_else(|| "/".to_owned(), Clone::clone)
}

change! { CreateUser(ctx, rows, input)
    guard Ok(Guard::resource(Kind::User.arn(ctx.account(), input.path.as_deref().unwrap_or("/"), &input.user_name)));
    {
        if USERS.contains(rows, &input.user_name)? {
            return Err(errors::exists("user", &input.user_name));
        }
        if let Some(arn) = &input.permissions_boundary {
            managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::not_attachable(arn))?;
        }
        let user = User {
            id: new_id(IdKind::User, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            created: ctx.now(),
            tags: tags_of(input.tags.clone()),
            boundary: input.permissions_boundary.clone(),
            name: input.user_name.clone(),
        };
        tags::check(&user.tags)?;
        USERS.put(rows, &user.name, &user);
        Ok(CreateUserOutput { user: Some(user.to_api(ctx.account())) })
    }
}

look! { GetUser(ctx, rows, input)
    guard match &input.user_name {
        Some(name) => Kind::User.guard(ctx, name),
        None => Ok(Guard::resource(ctx.principal().arn())),
    };
    {
        let user = match (&input.user_name, ctx.principal()) {
            (None, Principal::Root { account }) => iam_api::User {
                path: "/".to_owned(),
                user_id: account.to_string(),
                arn: account.root_arn(),
                ..Default::default()
            },
            (name, _) => {
                let name = named_or_own(ctx, name.as_deref())?;
                find(rows, &name)?.to_api(ctx.account())
            }
        };
        Ok(GetUserOutput { user })
    }
}

look! { ListUsers(ctx, rows, input)
    guard Ok(Guard::resource(format!("arn:aws:iam::{}:user/", ctx.account())));
    {
        let prefix = input.path_prefix.unwrap_or_default();
        let users = USERS.list(rows, &Range::all(), usize::MAX)?;
        let users = users.into_iter().filter(|(_, user)| user.path.starts_with(&prefix));
        let page = page(
            users.map(|(name, user)| (name, user.to_api(ctx.account()))),
            input.marker.as_deref(),
            input.max_items,
        );
        Ok(ListUsersOutput { users: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}

change! { UpdateUser(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let mut user = find(rows, &input.user_name)?;
        if let Some(path) = &input.new_path {
            user.path.clone_from(path);
        }
        if let Some(name) = input.new_user_name.as_ref().filter(|name| **name != input.user_name) {
            if USERS.contains(rows, name)? {
                return Err(errors::exists("user", name));
            }
            USERS.delete(rows, &input.user_name);
            Kind::User.rename(rows, &input.user_name, name)?;
            for ((_, group), _) in MEMBERSHIPS.list(rows, &Range::prefix(&input.user_name), usize::MAX)? {
                MEMBERSHIPS.delete(rows, &(input.user_name.clone(), group.clone()));
                MEMBERS.delete(rows, &(group.clone(), input.user_name.clone()));
                MEMBERSHIPS.put(rows, &(name.clone(), group.clone()), &Mark);
                MEMBERS.put(rows, &(group, name.clone()), &Mark);
            }
            user.name.clone_from(name);
            super::access_keys::rename(rows, ctx.account(), &input.user_name, &user)?;
        }
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}

change! { DeleteUser(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        find(rows, &input.user_name)?;
        Kind::User.check_bare(rows, &input.user_name)?;
        let of_user = Range::prefix(&input.user_name);
        if !KEYS_OF_USERS.list(rows, &of_user, 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must delete access keys first."));
        }
        if !MEMBERSHIPS.list(rows, &of_user, 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must remove users from group first."));
        }
        USERS.delete(rows, &input.user_name);
        Ok(Default::default())
    }
}

change! { TagUser(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let mut user = find(rows, &input.user_name)?;
        tags::add(&mut user.tags, &input.tags)?;
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}

change! { UntagUser(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let mut user = find(rows, &input.user_name)?;
        user.tags.retain(|key, _| !input.tag_keys.contains(key));
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}

look! { ListUserTags(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let user = find(rows, &input.user_name)?;
        Ok(ListUserTagsOutput { tags: tag_list(&user.tags), is_truncated: Some(false), marker: None })
    }
}

change! { PutUserPermissionsBoundary(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let arn = &input.permissions_boundary;
        managed_policy::document(rows, ctx.account(), arn)?.ok_or_else(|| errors::not_attachable(arn))?;
        let mut user = find(rows, &input.user_name)?;
        user.boundary = Some(arn.clone());
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}

change! { DeleteUserPermissionsBoundary(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let mut user = find(rows, &input.user_name)?;
        if user.boundary.take().is_none() {
            let name = &input.user_name;
            return Err(errors::no_such_entity(format!("User {name} does not have a permission boundary attached")));
        }
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}
