//! CreateInstanceProfile, GetInstanceProfile, ListInstanceProfiles, ListInstanceProfilesForRole, AddRoleToInstanceProfile,
//! RemoveRoleFromInstanceProfile, DeleteInstanceProfile.

use cloud::{Ctx, Guard};
use iam_api::{
    CreateInstanceProfileOutput, GetInstanceProfileOutput, ListInstanceProfileTagsOutput,
    ListInstanceProfilesForRoleOutput, ListInstanceProfilesOutput,
};
use identity::credentials::{IdKind, new_id};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page, page_of, tagging};
use super::roles;
use super::users::new_path;
use crate::errors;
use crate::instance_profile::{InstanceProfile, arn};
use crate::names::PROFILE_NAMES;
use crate::owner::Kind;
use crate::tables::{INSTANCE_PROFILES, Mark, PROFILES_OF_ROLES, account_scope};
use crate::tags::{asked, tags_of};

fn find(rows: &mut dyn Reader, name: &str) -> Result<InstanceProfile, ApiError> {
    let not_found = || errors::no_such_entity(format!("Instance Profile {name} cannot be found."));
    INSTANCE_PROFILES.find(rows, &name.to_owned())?.ok_or_else(not_found)
}

fn guard(ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
    let mut rows = ctx.store().read(&account_scope(ctx.account()))?;
    let Some(profile) = INSTANCE_PROFILES.find(&mut rows, &name.to_owned())? else {
        return Ok(Guard::resource(arn(ctx.account(), "/", name)));
    };
    let mut guard = Guard::resource(arn(ctx.account(), &profile.path, name));
    for (key, value) in profile.tags {
        guard = guard.with(&format!("aws:ResourceTag/{key}"), vec![value]);
    }
    Ok(guard)
}

fn tagged(_: &Ctx, rows: &mut dyn Reader, name: &str) -> Result<InstanceProfile, ApiError> {
    find(rows, name)
}

fn put(rows: &mut Tx<'_>, profile: &InstanceProfile) {
    INSTANCE_PROFILES.put(rows, &profile.name, profile);
}

tagging!(
    TagInstanceProfile, UntagInstanceProfile, ListInstanceProfileTags -> ListInstanceProfileTagsOutput,
    instance_profile_name, guard guard, find tagged, put put
);

change! { CreateInstanceProfile(ctx, rows, input)
    guard {
        let path = input.path.as_deref().unwrap_or("/");
        let guard = Guard::resource(arn(ctx.account(), path, &input.instance_profile_name));
        Ok(asked(guard, input.tags.as_ref()))
    };
    {
        let name = &input.instance_profile_name;
        if INSTANCE_PROFILES.contains(rows, name)? {
            return Err(errors::profile_exists(name));
        }
        PROFILE_NAMES.take(rows, name)?;
        let profile = InstanceProfile {
            name: name.clone(),
            id: new_id(IdKind::InstanceProfile, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            created: ctx.now(),
            role: None,
            tags: tags_of(input.tags.as_ref())?,
        };
        INSTANCE_PROFILES.put(rows, name, &profile);
        Ok(CreateInstanceProfileOutput { instance_profile: profile.to_api(ctx.account(), rows)? })
    }
}

look! { GetInstanceProfile(ctx, rows, input)
    guard guard(ctx, &input.instance_profile_name);
    {
        let profile = find(rows, &input.instance_profile_name)?;
        Ok(GetInstanceProfileOutput { instance_profile: profile.to_api(ctx.account(), rows)? })
    }
}

look! { ListInstanceProfiles(ctx, rows, input)
    guard Ok(Guard::resource(format!("arn:aws:iam::{}:instance-profile/", ctx.account())));
    {
        let prefix = input.path_prefix.unwrap_or_default();
        let page = page_of(rows, &INSTANCE_PROFILES, input.marker.as_deref(), input.max_items, |profile| {
            profile.path.starts_with(&prefix)
        })?;
        let mut profiles = Vec::with_capacity(page.items.len());
        for profile in &page.items {
            profiles.push(profile.to_api(ctx.account(), rows)?);
        }
        Ok(ListInstanceProfilesOutput {
            instance_profiles: profiles,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

look! { ListInstanceProfilesForRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        roles::find(rows, &input.role_name)?;
        let mut profiles = Vec::new();
        for ((_, name), _) in PROFILES_OF_ROLES.list(rows, &Range::prefix(&input.role_name), usize::MAX)? {
            if let Some(profile) = INSTANCE_PROFILES.find(rows, &name)? {
                profiles.push((name, profile.to_api(ctx.account(), rows)?));
            }
        }
        let page = page(profiles, input.marker.as_deref(), input.max_items);
        Ok(ListInstanceProfilesForRoleOutput {
            instance_profiles: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Whoever puts a role in a profile passes it on to instances.
fn pass_role(ctx: &Ctx, role: &str) -> Result<Guard, ApiError> {
    let guard = Kind::Role.guard(ctx, role)?.action("iam:PassRole");
    Ok(guard.with("iam:PassedToService", vec!["ec2.amazonaws.com".to_owned()]))
}

change! { AddRoleToInstanceProfile(ctx, rows, input)
    guard Ok(guard(ctx, &input.instance_profile_name)?.and(pass_role(ctx, &input.role_name)?));
    {
        roles::find(rows, &input.role_name)?;
        let mut profile = find(rows, &input.instance_profile_name)?;
        if profile.role.is_some() {
            return Err(errors::limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"));
        }
        profile.role = Some(input.role_name.clone());
        PROFILES_OF_ROLES.put(rows, &(input.role_name.clone(), profile.name.clone()), &Mark);
        INSTANCE_PROFILES.put(rows, &profile.name, &profile);
        Ok(Default::default())
    }
}

change! { RemoveRoleFromInstanceProfile(ctx, rows, input)
    guard guard(ctx, &input.instance_profile_name);
    {
        let mut profile = find(rows, &input.instance_profile_name)?;
        if profile.role.as_ref() != Some(&input.role_name) {
            return Err(errors::not_found("role", &input.role_name));
        }
        profile.role = None;
        PROFILES_OF_ROLES.delete(rows, &(input.role_name.clone(), profile.name.clone()));
        INSTANCE_PROFILES.put(rows, &profile.name, &profile);
        Ok(Default::default())
    }
}

change! { DeleteInstanceProfile(ctx, rows, input)
    guard guard(ctx, &input.instance_profile_name);
    {
        let profile = find(rows, &input.instance_profile_name)?;
        if profile.role.is_some() {
            return Err(errors::delete_conflict(
                "Cannot delete entity, must remove roles from instance profile first.",
            ));
        }
        PROFILE_NAMES.free(rows, &profile.name)?;
        INSTANCE_PROFILES.delete(rows, &profile.name);
        Ok(Default::default())
    }
}
