//! The operations, by what they are about.

mod access_policy;
mod archive;
mod capacity;
mod job;
mod job_output;
mod lock;
mod multipart;
mod multipart_list;
mod notifications;
mod retrieval_policy;
mod tags;
mod vault;

use cloud::Operation;
use glacier_api::op;

use crate::Glacier;

/// Every operation that there is.
pub(crate) const OPERATIONS: &[Operation<Glacier>] = &[
    Operation::of::<op::AbortMultipartUpload>(),
    Operation::of::<op::AbortVaultLock>(),
    Operation::of::<op::AddTagsToVault>(),
    Operation::of::<op::CompleteMultipartUpload>(),
    Operation::of::<op::CompleteVaultLock>(),
    Operation::of::<op::CreateVault>(),
    Operation::of::<op::DeleteArchive>(),
    Operation::of::<op::DeleteVault>(),
    Operation::of::<op::DeleteVaultAccessPolicy>(),
    Operation::of::<op::DeleteVaultNotifications>(),
    Operation::of::<op::DescribeJob>(),
    Operation::of::<op::DescribeVault>(),
    Operation::of::<op::GetDataRetrievalPolicy>(),
    Operation::of::<op::GetJobOutput>(),
    Operation::of::<op::GetVaultAccessPolicy>(),
    Operation::of::<op::GetVaultLock>(),
    Operation::of::<op::GetVaultNotifications>(),
    Operation::of::<op::InitiateJob>(),
    Operation::of::<op::InitiateMultipartUpload>(),
    Operation::of::<op::InitiateVaultLock>(),
    Operation::of::<op::ListJobs>(),
    Operation::of::<op::ListMultipartUploads>(),
    Operation::of::<op::ListParts>(),
    Operation::of::<op::ListProvisionedCapacity>(),
    Operation::of::<op::ListTagsForVault>(),
    Operation::of::<op::ListVaults>(),
    Operation::of::<op::PurchaseProvisionedCapacity>(),
    Operation::of::<op::RemoveTagsFromVault>(),
    Operation::of::<op::SetDataRetrievalPolicy>(),
    Operation::of::<op::SetVaultAccessPolicy>(),
    Operation::of::<op::SetVaultNotifications>(),
    Operation::of::<op::UploadArchive>(),
    Operation::of::<op::UploadMultipartPart>(),
];

/// Ids are of letters that need no escape in a path: 138 for archives, 92 for the others (Glacier API).
fn id(ctx: &cloud::Ctx, length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    ctx.ids().text(LETTERS, length)
}
