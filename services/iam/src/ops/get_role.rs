//! GetRole and ListRoles.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use iam_api::op::{GetRole, ListRoles};
use iam_api::{GetRoleInput, GetRoleOutput, ListRolesInput, ListRolesOutput};
use shapes::ApiError;
use store::Range;

use crate::tables::{ROLES, account_scope};
use crate::{Iam, errors};

impl Handle<GetRole> for Iam {
    fn guard(&self, ctx: &Ctx, input: &GetRoleInput) -> Result<Guard, ApiError> {
        guard(ctx, &input.role_name)
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: GetRoleInput) -> Result<GetRoleOutput, ApiError> {
        let mut snapshot = ctx.store().read(&account_scope(ctx.account()))?;
        let role = ROLES.find(&mut snapshot, &input.role_name)?;
        let role = role.ok_or_else(|| errors::no_such_role(&input.role_name))?;
        Ok(GetRoleOutput { role: role.to_api(ctx.account()) })
    }
}

impl Handle<ListRoles> for Iam {
    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListRolesInput) -> Result<ListRolesOutput, ApiError> {
        let limit = input.max_items.unwrap_or(100).clamp(1, 1000).unsigned_abs() as usize;
        let range = input.marker.as_ref().map_or(Range::all(), |last| Range::all().after(last));
        let mut snapshot = ctx.store().read(&account_scope(ctx.account()))?;
        let mut rows = ROLES.list(&mut snapshot, &range, limit + 1)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let marker = if has_more { rows.last().map(|(name, _)| name.clone()) } else { None };
        let prefix = input.path_prefix.unwrap_or_default();
        let roles = rows.into_iter().filter(|(_, role)| role.path.starts_with(&prefix));
        let roles = roles.map(|(_, role)| role.to_api(ctx.account())).collect();
        Ok(ListRolesOutput { roles, is_truncated: Some(has_more), marker })
    }
}

/// A role by its name: its path is known once it is found.
pub(crate) fn guard(ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
    let mut snapshot = ctx.store().read(&account_scope(ctx.account()))?;
    let role = ROLES.find(&mut snapshot, &name.to_owned())?;
    let arn = role.map_or_else(
        || format!("arn:aws:iam::{}:role/{name}", ctx.account()),
        |role| role.arn(ctx.account()),
    );
    Ok(Guard::resource(arn))
}
