//! S3 Control: access points, jobs of Batch Operations, Storage Lens, and what an account says of all its buckets.

mod access_point;
mod access_point_policy;
mod batch_job;
mod batch_job_status;
mod batch_job_tags;
mod public_access_block;
mod storage_lens;
mod storage_lens_group;

use cloud::{Ctx, Operation};
use s3control_api::op;
use shapes::ApiError;

use crate::{S3, errors};

pub(crate) use access_point::leads_to;

pub(crate) static OPERATIONS: &[Operation<S3>] = &[
    Operation::of::<op::CreateAccessPoint>(),
    Operation::of::<op::CreateJob>(),
    Operation::of::<op::CreateStorageLensGroup>(),
    Operation::of::<op::DeleteAccessPoint>(),
    Operation::of::<op::DeleteAccessPointPolicy>(),
    Operation::of::<op::DeleteJobTagging>(),
    Operation::of::<op::DeletePublicAccessBlock>(),
    Operation::of::<op::DeleteStorageLensConfiguration>(),
    Operation::of::<op::DeleteStorageLensConfigurationTagging>(),
    Operation::of::<op::DeleteStorageLensGroup>(),
    Operation::of::<op::DescribeJob>(),
    Operation::of::<op::GetAccessPoint>(),
    Operation::of::<op::GetAccessPointPolicy>(),
    Operation::of::<op::GetAccessPointPolicyStatus>(),
    Operation::of::<op::GetJobTagging>(),
    Operation::of::<op::GetPublicAccessBlock>(),
    Operation::of::<op::GetStorageLensConfiguration>(),
    Operation::of::<op::GetStorageLensConfigurationTagging>(),
    Operation::of::<op::GetStorageLensGroup>(),
    Operation::of::<op::ListAccessPoints>(),
    Operation::of::<op::ListJobs>(),
    Operation::of::<op::ListStorageLensConfigurations>(),
    Operation::of::<op::ListStorageLensGroups>(),
    Operation::of::<op::PutAccessPointPolicy>(),
    Operation::of::<op::PutJobTagging>(),
    Operation::of::<op::PutPublicAccessBlock>(),
    Operation::of::<op::PutStorageLensConfiguration>(),
    Operation::of::<op::PutStorageLensConfigurationTagging>(),
    Operation::of::<op::UpdateJobPriority>(),
    Operation::of::<op::UpdateJobStatus>(),
    Operation::of::<op::UpdateStorageLensGroup>(),
];

/// Requests name the account that they are about; it is the caller's own.
fn check_account(ctx: &Ctx, named: &str) -> Result<(), ApiError> {
    match named == ctx.account().digits().as_str() {
        true => Ok(()),
        false => Err(errors::access_denied("Access Denied")),
    }
}
