//! CreateUser, GetUser, ListUsers, UpdateUser, DeleteUser, their tags and boundaries.

use cloud::{Ctx, Guard};
use iam_api::{CreateUserOutput, GetUserOutput, ListUserTagsOutput, ListUsersOutput};
use identity::Principal;
use identity::credentials::{IdKind, new_id};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page, page_of, tagging};
use crate::errors;
use crate::names::USER_NAMES;
use crate::owner::Kind;
use crate::tables::{
    IDS, KEYS_OF_USERS, LOGINS, MEMBERS, MEMBERSHIPS, MFA_OF_USERS, Mark, USERS, account_scope,
};
use crate::tags::{asked, tags_of};
use crate::user::User;

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

/// The guard of making something that may have a boundary and tags.
pub(super) fn boundary_asked(guard: Guard, boundary: Option<&String>) -> Guard {
    match boundary {
        Some(arn) => guard.with("iam:PermissionsBoundary", vec![arn.clone()]),
        None => guard,
    }
}

change! { CreateUser(ctx, rows, input)
    guard {
        let arn = Kind::User.arn(ctx.account(), input.path.as_deref().unwrap_or("/"), &input.user_name);
        Ok(boundary_asked(asked(Guard::resource(arn), input.tags.as_ref()), input.permissions_boundary.as_ref()))
    };
    {
        if USERS.contains(rows, &input.user_name)? {
            return Err(errors::exists("user", &input.user_name));
        }
        USER_NAMES.take(rows, &input.user_name)?;
        let boundary = input.permissions_boundary.clone();
        Kind::User.bound(rows, ctx.account(), &input.user_name, None, boundary.as_deref())?;
        let user = User {
            id: new_id(IdKind::User, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            created: ctx.now(),
            tags: tags_of(input.tags.as_ref())?,
            boundary,
            name: input.user_name.clone(),
        };
        Kind::User.put_id(rows, &user.id, &user.name);
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
        let page = page_of(rows, &USERS, input.marker.as_deref(), input.max_items, |user| {
            user.path.starts_with(&prefix)
        })?;
        let users = page.items.iter().map(|user| user.to_api(ctx.account())).collect();
        Ok(ListUsersOutput { users, is_truncated: page.is_truncated, marker: page.marker })
    }
}

change! { UpdateUser(ctx, rows, input)
    guard {
        let to = |user: &User| {
            let path = input.new_path.as_deref().unwrap_or(&user.path);
            Kind::User.arn(ctx.account(), path, input.new_user_name.as_deref().unwrap_or(&user.name))
        };
        let user = USERS.find(&mut ctx.store().read(&account_scope(ctx.account()))?, &input.user_name)?;
        let guard = Kind::User.guard(ctx, &input.user_name)?;
        Ok(match user {
            Some(user) => guard.and(Guard::resource(to(&user))),
            None => guard,
        })
    };
    {
        let mut user = find(rows, &input.user_name)?;
        if let Some(path) = &input.new_path {
            user.path.clone_from(path);
        }
        if let Some(name) = input.new_user_name.as_ref().filter(|name| **name != input.user_name) {
            if USERS.contains(rows, name)? {
                return Err(errors::exists("user", name));
            }
            USER_NAMES.rename(rows, &input.user_name, name)?;
            USERS.delete(rows, &input.user_name);
            Kind::User.rename(rows, &input.user_name, name)?;
            for ((_, group), _) in MEMBERSHIPS.list(rows, &Range::prefix(&input.user_name), usize::MAX)? {
                MEMBERSHIPS.delete(rows, &(input.user_name.clone(), group.clone()));
                MEMBERS.delete(rows, &(group.clone(), input.user_name.clone()));
                MEMBERSHIPS.put(rows, &(name.clone(), group.clone()), &Mark);
                MEMBERS.put(rows, &(group, name.clone()), &Mark);
            }
            super::login_profiles::rename(rows, &input.user_name, name)?;
            super::mfa_devices::rename(rows, &input.user_name, name)?;
            user.name.clone_from(name);
            Kind::User.put_id(rows, &user.id, &user.name);
        }
        super::access_keys::rename(rows, ctx.account(), &input.user_name, &user)?;
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}

change! { DeleteUser(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let user = find(rows, &input.user_name)?;
        let of_user = Range::prefix(&input.user_name);
        if LOGINS.contains(rows, &input.user_name)? {
            return Err(errors::delete_conflict("Cannot delete entity, must delete login profile first."));
        }
        if !KEYS_OF_USERS.list(rows, &of_user, 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must delete access keys first."));
        }
        if !MFA_OF_USERS.list(rows, &of_user, 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must delete MFA device first."));
        }
        Kind::User.check_bare(rows, &input.user_name)?;
        if !MEMBERSHIPS.list(rows, &of_user, 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must remove users from group first."));
        }
        Kind::User.bound(rows, ctx.account(), &user.name, user.boundary.as_deref(), None)?;
        USER_NAMES.free(rows, &input.user_name)?;
        IDS.delete(rows, &user.id);
        USERS.delete(rows, &input.user_name);
        Ok(Default::default())
    }
}

fn guard(ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
    Kind::User.guard(ctx, name)
}

fn tagged(_: &Ctx, rows: &mut dyn Reader, name: &str) -> Result<User, ApiError> {
    find(rows, name)
}

fn put(rows: &mut Tx<'_>, user: &User) {
    USERS.put(rows, &user.name, user);
}

tagging!(TagUser, UntagUser, ListUserTags -> ListUserTagsOutput, user_name, guard guard, find tagged, put put);

change! { PutUserPermissionsBoundary(ctx, rows, input)
    guard Ok(boundary_asked(Kind::User.guard(ctx, &input.user_name)?, Some(&input.permissions_boundary)));
    {
        let mut user = find(rows, &input.user_name)?;
        let arn = input.permissions_boundary.as_str();
        Kind::User.bound(rows, ctx.account(), &user.name, user.boundary.as_deref(), Some(arn))?;
        user.boundary = Some(arn.to_owned());
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}

change! { DeleteUserPermissionsBoundary(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        let mut user = find(rows, &input.user_name)?;
        let Some(arn) = user.boundary.take() else {
            let name = &input.user_name;
            return Err(errors::no_such_entity(format!("User {name} does not have a permission boundary attached")));
        };
        Kind::User.bound(rows, ctx.account(), &user.name, Some(&arn), None)?;
        USERS.put(rows, &user.name, &user);
        Ok(Default::default())
    }
}
