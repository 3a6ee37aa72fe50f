//! CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup, and who is in them.

use cloud::Guard;
use iam_api::{CreateGroupOutput, GetGroupOutput, ListGroupsForUserOutput, ListGroupsOutput};
use identity::credentials::{IdKind, new_id};
use shapes::ApiError;
use store::{Range, Reader};

use super::form::{change, look, page, page_of};
use super::users::new_path;
use crate::errors;
use crate::group::Group;
use crate::names::GROUP_NAMES;
use crate::owner::Kind;
use crate::tables::{GROUPS, MEMBERS, MEMBERSHIPS, Mark, USERS};

/// Groups that one user is in at most ("IAM and AWS STS quotas").
const MOST_GROUPS: usize = 10;

fn find(rows: &mut dyn Reader, name: &str) -> Result<Group, ApiError> {
    GROUPS.find(rows, &name.to_owned())?.ok_or_else(|| errors::not_found("group", name))
}

change! { CreateGroup(ctx, rows, input)
    guard Ok(Guard::resource(Kind::Group.arn(ctx.account(), input.path.as_deref().unwrap_or("/"), &input.group_name)));
    {
        if GROUPS.contains(rows, &input.group_name)? {
            return Err(errors::exists("group", &input.group_name));
        }
        GROUP_NAMES.take(rows, &input.group_name)?;
        let group = Group {
            name: input.group_name.clone(),
            id: new_id(IdKind::Group, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            created: ctx.now(),
        };
        GROUPS.put(rows, &group.name, &group);
        Ok(CreateGroupOutput { group: group.to_api(ctx.account()) })
    }
}

look! { GetGroup(ctx, rows, input)
    guard Kind::Group.guard(ctx, &input.group_name);
    {
        let group = find(rows, &input.group_name)?;
        let members = MEMBERS.list(rows, &Range::prefix(&input.group_name), usize::MAX)?;
        let mut users = Vec::new();
        for ((_, name), _) in members {
            if let Some(user) = USERS.find(rows, &name)? {
                users.push((name, user.to_api(ctx.account())));
            }
        }
        let page = page(users, input.marker.as_deref(), input.max_items);
        Ok(GetGroupOutput {
            group: group.to_api(ctx.account()),
            users: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

look! { ListGroups(ctx, rows, input)
    guard Ok(Guard::resource(format!("arn:aws:iam::{}:group/", ctx.account())));
    {
        let prefix = input.path_prefix.unwrap_or_default();
        let page = page_of(rows, &GROUPS, input.marker.as_deref(), input.max_items, |group| {
            group.path.starts_with(&prefix)
        })?;
        let groups = page.items.iter().map(|group| group.to_api(ctx.account())).collect();
        Ok(ListGroupsOutput { groups, is_truncated: page.is_truncated, marker: page.marker })
    }
}

change! { UpdateGroup(ctx, rows, input)
    guard Kind::Group.guard(ctx, &input.group_name);
    {
        let mut group = find(rows, &input.group_name)?;
        if let Some(path) = &input.new_path {
            group.path.clone_from(path);
        }
        if let Some(name) = input.new_group_name.as_ref().filter(|name| **name != input.group_name) {
            if GROUPS.contains(rows, name)? {
                return Err(errors::exists("group", name));
            }
            GROUP_NAMES.rename(rows, &input.group_name, name)?;
            GROUPS.delete(rows, &input.group_name);
            Kind::Group.rename(rows, &input.group_name, name)?;
            for ((_, user), _) in MEMBERS.list(rows, &Range::prefix(&input.group_name), usize::MAX)? {
                MEMBERS.delete(rows, &(input.group_name.clone(), user.clone()));
                MEMBERSHIPS.delete(rows, &(user.clone(), input.group_name.clone()));
                MEMBERS.put(rows, &(name.clone(), user.clone()), &Mark);
                MEMBERSHIPS.put(rows, &(user, name.clone()), &Mark);
            }
            group.name.clone_from(name);
        }
        GROUPS.put(rows, &group.name, &group);
        Ok(Default::default())
    }
}

change! { DeleteGroup(ctx, rows, input)
    guard Kind::Group.guard(ctx, &input.group_name);
    {
        find(rows, &input.group_name)?;
        if !MEMBERS.list(rows, &Range::prefix(&input.group_name), 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must remove users from group first."));
        }
        Kind::Group.check_bare(rows, &input.group_name)?;
        GROUP_NAMES.free(rows, &input.group_name)?;
        GROUPS.delete(rows, &input.group_name);
        Ok(Default::default())
    }
}

change! { AddUserToGroup(ctx, rows, input)
    guard Kind::Group.guard(ctx, &input.group_name);
    {
        find(rows, &input.group_name)?;
        Kind::User.check_exists(rows, &input.user_name)?;
        let groups = MEMBERSHIPS.list(rows, &Range::prefix(&input.user_name), usize::MAX)?;
        let is_member = groups.iter().any(|((_, group), _)| *group == input.group_name);
        if !is_member && groups.len() >= MOST_GROUPS {
            return Err(errors::limit_exceeded(format!("Cannot exceed quota for GroupsPerUser: {MOST_GROUPS}")));
        }
        MEMBERS.put(rows, &(input.group_name.clone(), input.user_name.clone()), &Mark);
        MEMBERSHIPS.put(rows, &(input.user_name.clone(), input.group_name.clone()), &Mark);
        Ok(Default::default())
    }
}

change! { RemoveUserFromGroup(ctx, rows, input)
    guard Kind::Group.guard(ctx, &input.group_name);
    {
        find(rows, &input.group_name)?;
        Kind::User.check_exists(rows, &input.user_name)?;
        MEMBERS.delete(rows, &(input.group_name.clone(), input.user_name.clone()));
        MEMBERSHIPS.delete(rows, &(input.user_name.clone(), input.group_name.clone()));
        Ok(Default::default())
    }
}

look! { ListGroupsForUser(ctx, rows, input)
    guard Kind::User.guard(ctx, &input.user_name);
    {
        Kind::User.check_exists(rows, &input.user_name)?;
        let mut groups = Vec::new();
        for ((_, name), _) in MEMBERSHIPS.list(rows, &Range::prefix(&input.user_name), usize::MAX)? {
            if let Some(group) = GROUPS.find(rows, &name)? {
                groups.push((name, group.to_api(ctx.account())));
            }
        }
        let page = page(groups, input.marker.as_deref(), input.max_items);
        Ok(ListGroupsForUserOutput { groups: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}
