//! The operation table, and what operations have in common.

mod delete_parameter;
mod describe_parameters;
mod get_parameter;
mod get_parameter_history;
mod get_parameters_by_path;
mod label_parameter_version;
mod put_parameter;
mod tags;

use cloud::Operation;
use ssm_api::op;

use crate::Ssm;

pub(crate) static OPERATIONS: &[Operation<Ssm>] = &[
    Operation::transaction::<op::AddTagsToResource>(),
    Operation::transaction::<op::DeleteParameter>(),
    Operation::transaction::<op::DeleteParameters>(),
    Operation::of::<op::DescribeParameters>(),
    Operation::of::<op::GetParameter>(),
    Operation::of::<op::GetParameterHistory>(),
    Operation::of::<op::GetParameters>(),
    Operation::of::<op::GetParametersByPath>(),
    Operation::transaction::<op::LabelParameterVersion>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::of::<op::PutParameter>(),
    Operation::transaction::<op::RemoveTagsFromResource>(),
    Operation::transaction::<op::UnlabelParameterVersion>(),
];

/// How many entries a request wants.
fn limit(asked: Option<i32>, usual: usize, most: usize) -> usize {
    asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(usual).clamp(1, most)
}
