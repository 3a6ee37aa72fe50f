//! CreateInstanceProfile, GetInstanceProfile, ListInstanceProfiles, ListInstanceProfilesForRole, AddRoleToInstanceProfile,
//! RemoveRoleFromInstanceProfile, DeleteInstanceProfile.

use cloud::{Ctx, Guard};
use iam_api::{
    CreateInstanceProfileOutput, GetInstanceProfileOutput, ListInstanceProfilesForRoleOutput,
    ListInstanceProfilesOutput,
};
use identity::credentials::{IdKind, new_id};
use shapes::ApiError;
use store::{Range, Reader};

use super::form::{change, look, page};
use super::roles;
use super::users::new_path;
use crate::errors;
use crate::instance_profile::{InstanceProfile, arn};
use crate::owner::Kind;
use crate::tables::{INSTANCE_PROFILES, account_scope};
use crate::tags::{self, tags_of};

fn find(rows: &mut dyn Reader, name: &str) -> Result<InstanceProfile, ApiError> {
    let not_found = || errors::no_such_entity(format!("Instance Profile {name} cannot be found."));
    INSTANCE_PROFILES.find(rows, &name.to_owned())?.ok_or_else(not_found)
}

fn guard(ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
    let mut rows = ctx.store().read(&account_scope(ctx.account()))?;
    let profile = INSTANCE_PROFILES.find(&mut rows, &name.to_owned())?;
    let path = profile.map_or_else(|| "/".to_owned(), |profile| profile.path);
    Ok(Guard::resource(arn(ctx.account(), &path, name)))
}

change! { CreateInstanceProfile(ctx, rows, input)
    guard {
        let path = input.path.as_deref().unwrap_or("/");
        Ok(Guard::resource(arn(ctx.account(), path, &input.instance_profile_name)))
    };
    {
        let name = &input.instance_profile_name;
        if INSTANCE_PROFILES.contains(rows, name)? {
            let message = format!("Instance Profile {name} already exists.");
            return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
        }
        let profile = InstanceProfile {
            name: name.clone(),
            id: new_id(IdKind::InstanceProfile, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            created: ctx.now(),
            role: None,
            tags: tags_of(input.tags.clone()),
        };
        tags::check(&profile.tags)?;
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
        let mut profiles = Vec::new();
        for (name, profile) in INSTANCE_PROFILES.list(rows, &Range::all(), usize::MAX)? {
            if profile.path.starts_with(&prefix) {
                profiles.push((name, profile.to_api(ctx.account(), rows)?));
            }
        }
        let page = page(profiles, input.marker.as_deref(), input.max_items);
        Ok(ListInstanceProfilesOutput {
            instance_profiles: page.items,
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
        for (name, profile) in INSTANCE_PROFILES.list(rows, &Range::all(), usize::MAX)? {
            if profile.role.as_ref() == Some(&input.role_name) {
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

change! { AddRoleToInstanceProfile(ctx, rows, input)
    guard guard(ctx, &input.instance_profile_name);
    {
        roles::find(rows, &input.role_name)?;
        let mut profile = find(rows, &input.instance_profile_name)?;
        if profile.role.is_some() {
            return Err(errors::limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"));
        }
        profile.role = Some(input.role_name.clone());
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
        INSTANCE_PROFILES.delete(rows, &profile.name);
        Ok(Default::default())
    }
}
