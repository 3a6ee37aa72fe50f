//! CreateRole.

use cloud::{Ctx, Guard, Transact};
use iam_api::op::CreateRole;
use iam_api::{CreateRoleInput, CreateRoleOutput};
use identity::credentials::{IdKind, new_id};
use identity::policy::{Policy, PolicyKind};
use shapes::ApiError;
use store::Tx;

use crate::role::Role;
use crate::tables::{ROLES, account_scope};
use crate::{Iam, errors};

impl Transact<CreateRole> for Iam {
    type Draft = Role;

    fn guard(&self, ctx: &Ctx, input: &CreateRoleInput) -> Result<Guard, ApiError> {
        let path = input.path.as_deref().unwrap_or("/");
        Ok(Guard::resource(format!("arn:aws:iam::{}:role{path}{}", ctx.account(), input.role_name)))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateRoleInput) -> Result<Role, ApiError> {
        Policy::parse(&input.assume_role_policy_document, PolicyKind::Trust)
            .map_err(errors::malformed_policy)?;
        Ok(Role {
            id: new_id(IdKind::Role, ctx.ids().bytes()),
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            trust: input.assume_role_policy_document,
            description: input.description,
            max_session_seconds: input.max_session_duration.unwrap_or(3600),
            created: ctx.now(),
            tags: input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
            name: input.role_name,
        })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, role: &Role) -> Result<CreateRoleOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |tx| {
            if ROLES.contains(tx, &role.name)? {
                return Err(errors::role_exists(&role.name));
            }
            ROLES.put(tx, &role.name, role);
            Ok(CreateRoleOutput { role: role.to_api(ctx.account()) })
        })
    }
}
