//! Every error of the cluster API (Amazon DynamoDB Accelerator API Reference, the operations' "Errors").

use dax_api::error;
use shapes::ApiError;

pub(crate) fn cluster_not_found(name: &str) -> ApiError {
    error::cluster_not_found_fault(format!("Cluster {name} not found"))
}

pub(crate) fn cluster_exists(name: &str) -> ApiError {
    error::cluster_already_exists_fault(format!("Cluster {name} already exists"))
}

pub(crate) fn invalid_cluster_state(name: &str, status: &str) -> ApiError {
    error::invalid_cluster_state_fault(format!(
        "Cluster {name} is in the {status} state and cannot be changed"
    ))
}

pub(crate) fn node_not_found(id: &str) -> ApiError {
    error::node_not_found_fault(format!("Node {id} not found"))
}

pub(crate) fn parameter_group_not_found(name: &str) -> ApiError {
    error::parameter_group_not_found_fault(format!("Parameter group {name} not found"))
}

pub(crate) fn parameter_group_exists(name: &str) -> ApiError {
    error::parameter_group_already_exists_fault(format!("Parameter group {name} already exists"))
}

pub(crate) fn parameter_group_in_use(name: &str, why: &str) -> ApiError {
    error::invalid_parameter_group_state_fault(format!("Parameter group {name} {why}"))
}

pub(crate) fn subnet_group_not_found(name: &str) -> ApiError {
    error::subnet_group_not_found_fault(format!("Subnet group {name} not found"))
}

pub(crate) fn subnet_group_exists(name: &str) -> ApiError {
    error::subnet_group_already_exists_fault(format!("Subnet group {name} already exists"))
}

pub(crate) fn subnet_group_in_use(name: &str) -> ApiError {
    error::subnet_group_in_use_fault(format!("Subnet group {name} is in use"))
}

pub(crate) fn invalid_value(message: impl Into<String>) -> ApiError {
    error::invalid_parameter_value_exception(message)
}

pub(crate) fn invalid_combination(message: impl Into<String>) -> ApiError {
    error::invalid_parameter_combination_exception(message)
}

pub(crate) fn invalid_arn(arn: &str) -> ApiError {
    error::invalid_arn_fault(format!("{arn} is not the ARN of a DAX cluster"))
}

pub(crate) fn too_many_nodes(most: i32) -> ApiError {
    error::node_quota_for_cluster_exceeded_fault(format!("A cluster can have at most {most} nodes"))
}

pub(crate) fn tag_not_found(key: &str) -> ApiError {
    error::tag_not_found_fault(format!("Tag {key} not found"))
}
