//! DeleteRole.

use cloud::{Ctx, Guard, Transact};
use iam_api::op::DeleteRole;
use iam_api::{DeleteRoleInput, DeleteRoleOutput};
use shapes::ApiError;
use store::{Range, Tx};

use crate::tables::{ROLE_POLICIES, ROLES, account_scope};
use crate::{Iam, errors};

impl Transact<DeleteRole> for Iam {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteRoleInput) -> Result<Guard, ApiError> {
        super::get_role::guard(ctx, &input.role_name)
    }

    fn prepare(&self, _: &Ctx, input: DeleteRoleInput) -> Result<String, ApiError> {
        Ok(input.role_name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteRoleOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |tx| {
            ROLES.find(tx, name)?.ok_or_else(|| errors::no_such_role(name))?;
            if !ROLE_POLICIES.list(tx, &Range::prefix(name), 1)?.is_empty() {
                return Err(errors::role_has_policies());
            }
            ROLES.delete(tx, name);
            Ok(DeleteRoleOutput {})
        })
    }
}
