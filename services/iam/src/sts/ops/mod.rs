//! The operation table.

mod assume_role;
mod get_caller_identity;

use cloud::Operation;
use sts_api::op;

use crate::Iam;

pub(crate) static OPERATIONS: &[Operation<Iam>] =
    &[Operation::transaction::<op::AssumeRole>(), Operation::of::<op::GetCallerIdentity>()];
