//! The operation table.

mod create_secret;
mod delete_secret;
mod describe_secret;
mod get_random_password;
mod get_secret_value;
mod list_secrets;
mod put_secret_value;
mod resource_policy;
mod rotate_secret;
mod tags;
mod update_secret;
mod update_secret_version_stage;

use cloud::Operation;
use secretsmanager_api::op;

use crate::SecretsManager;

pub(crate) static OPERATIONS: &[Operation<SecretsManager>] = &[
    Operation::of::<op::BatchGetSecretValue>(),
    Operation::of::<op::CancelRotateSecret>(),
    Operation::of::<op::CreateSecret>(),
    Operation::of::<op::DeleteResourcePolicy>(),
    Operation::of::<op::DeleteSecret>(),
    Operation::of::<op::DescribeSecret>(),
    Operation::of::<op::GetRandomPassword>(),
    Operation::of::<op::GetResourcePolicy>(),
    Operation::of::<op::GetSecretValue>(),
    Operation::of::<op::ListSecretVersionIds>(),
    Operation::of::<op::ListSecrets>(),
    Operation::of::<op::PutResourcePolicy>(),
    Operation::of::<op::PutSecretValue>(),
    Operation::of::<op::RestoreSecret>(),
    Operation::of::<op::RotateSecret>(),
    Operation::of::<op::TagResource>(),
    Operation::of::<op::UntagResource>(),
    Operation::of::<op::UpdateSecret>(),
    Operation::of::<op::UpdateSecretVersionStage>(),
    Operation::of::<op::ValidateResourcePolicy>(),
];
