//! The operation table.

mod assume_role;
mod assume_role_with_web_identity;
mod decode_authorization_message;
mod get_access_key_info;
mod get_caller_identity;
mod get_session_token;

use cloud::Operation;
use sts_api::op;

use crate::Iam;

pub(crate) static OPERATIONS: &[Operation<Iam>] = &[
    Operation::transaction::<op::AssumeRole>(),
    Operation::of::<op::AssumeRoleWithWebIdentity>(),
    Operation::of::<op::DecodeAuthorizationMessage>(),
    Operation::of::<op::GetAccessKeyInfo>(),
    Operation::of::<op::GetCallerIdentity>(),
    Operation::transaction::<op::GetFederationToken>(),
    Operation::transaction::<op::GetSessionToken>(),
];
