//! The operation table.

mod create_role;
mod delete_role;
mod get_role;
mod role_policies;

use cloud::Operation;
use iam_api::op;

use crate::Iam;

pub(crate) static OPERATIONS: &[Operation<Iam>] = &[
    Operation::transaction::<op::CreateRole>(),
    Operation::transaction::<op::DeleteRole>(),
    Operation::transaction::<op::DeleteRolePolicy>(),
    Operation::of::<op::GetRole>(),
    Operation::of::<op::GetRolePolicy>(),
    Operation::of::<op::ListRolePolicies>(),
    Operation::of::<op::ListRoles>(),
    Operation::transaction::<op::PutRolePolicy>(),
];
