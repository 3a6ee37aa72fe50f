//! The operation table.

mod acl;
mod bucket;
mod configuration;
mod configuration_rules;
mod copy_object;
mod delete_object;
mod get_object;
mod lifecycle;
mod list_objects;
mod multipart;
mod notification;
mod object_lock;
mod policy;
mod put_object;
mod restore_object;
mod tagging;
mod versioning;

use cloud::Operation;
use s3_api::op;

use crate::S3;

pub(crate) use copy_object::{CopySource, source_of};
pub(crate) use multipart::abort as abort_upload;

pub(crate) static OPERATIONS: &[Operation<S3>] = &[
    Operation::of::<op::AbortMultipartUpload>(),
    Operation::of::<op::CompleteMultipartUpload>(),
    Operation::of::<op::CopyObject>(),
    Operation::of::<op::CreateBucket>(),
    Operation::of::<op::CreateMultipartUpload>(),
    Operation::of::<op::DeleteBucket>(),
    Operation::of::<op::DeleteBucketAnalyticsConfiguration>(),
    Operation::of::<op::DeleteBucketCors>(),
    Operation::of::<op::DeleteBucketEncryption>(),
    Operation::of::<op::DeleteBucketIntelligentTieringConfiguration>(),
    Operation::of::<op::DeleteBucketInventoryConfiguration>(),
    Operation::of::<op::DeleteBucketLifecycle>(),
    Operation::of::<op::DeleteBucketMetricsConfiguration>(),
    Operation::of::<op::DeleteBucketOwnershipControls>(),
    Operation::of::<op::DeleteBucketPolicy>(),
    Operation::of::<op::DeleteBucketReplication>(),
    Operation::of::<op::DeleteBucketTagging>(),
    Operation::of::<op::DeleteBucketWebsite>(),
    Operation::of::<op::DeleteObject>(),
    Operation::of::<op::DeleteObjectTagging>(),
    Operation::of::<op::DeleteObjects>(),
    Operation::of::<op::DeletePublicAccessBlock>(),
    Operation::of::<op::GetBucketAccelerateConfiguration>(),
    Operation::of::<op::GetBucketAcl>(),
    Operation::of::<op::GetBucketAnalyticsConfiguration>(),
    Operation::of::<op::GetBucketCors>(),
    Operation::of::<op::GetBucketEncryption>(),
    Operation::of::<op::GetBucketIntelligentTieringConfiguration>(),
    Operation::of::<op::GetBucketInventoryConfiguration>(),
    Operation::of::<op::GetBucketLifecycleConfiguration>(),
    Operation::of::<op::GetBucketLocation>(),
    Operation::of::<op::GetBucketLogging>(),
    Operation::of::<op::GetBucketMetricsConfiguration>(),
    Operation::of::<op::GetBucketNotificationConfiguration>(),
    Operation::of::<op::GetBucketOwnershipControls>(),
    Operation::of::<op::GetBucketPolicy>(),
    Operation::of::<op::GetBucketPolicyStatus>(),
    Operation::of::<op::GetBucketReplication>(),
    Operation::of::<op::GetBucketRequestPayment>(),
    Operation::of::<op::GetBucketTagging>(),
    Operation::of::<op::GetBucketVersioning>(),
    Operation::of::<op::GetBucketWebsite>(),
    Operation::of::<op::GetObject>(),
    Operation::of::<op::GetObjectAcl>(),
    Operation::of::<op::GetObjectAttributes>(),
    Operation::of::<op::GetObjectLegalHold>(),
    Operation::of::<op::GetObjectLockConfiguration>(),
    Operation::of::<op::GetObjectRetention>(),
    Operation::of::<op::GetObjectTagging>(),
    Operation::of::<op::GetPublicAccessBlock>(),
    Operation::of::<op::HeadBucket>(),
    Operation::of::<op::HeadObject>(),
    Operation::of::<op::ListBucketAnalyticsConfigurations>(),
    Operation::of::<op::ListBucketIntelligentTieringConfigurations>(),
    Operation::of::<op::ListBucketInventoryConfigurations>(),
    Operation::of::<op::ListBucketMetricsConfigurations>(),
    Operation::of::<op::ListBuckets>(),
    Operation::of::<op::ListMultipartUploads>(),
    Operation::of::<op::ListObjectVersions>(),
    Operation::of::<op::ListObjects>(),
    Operation::of::<op::ListObjectsV2>(),
    Operation::of::<op::ListParts>(),
    Operation::of::<op::PutBucketAccelerateConfiguration>(),
    Operation::of::<op::PutBucketAcl>(),
    Operation::of::<op::PutBucketAnalyticsConfiguration>(),
    Operation::of::<op::PutBucketCors>(),
    Operation::of::<op::PutBucketEncryption>(),
    Operation::of::<op::PutBucketIntelligentTieringConfiguration>(),
    Operation::of::<op::PutBucketInventoryConfiguration>(),
    Operation::of::<op::PutBucketLifecycleConfiguration>(),
    Operation::of::<op::PutBucketLogging>(),
    Operation::of::<op::PutBucketMetricsConfiguration>(),
    Operation::of::<op::PutBucketNotificationConfiguration>(),
    Operation::of::<op::PutBucketOwnershipControls>(),
    Operation::of::<op::PutBucketPolicy>(),
    Operation::of::<op::PutBucketReplication>(),
    Operation::of::<op::PutBucketRequestPayment>(),
    Operation::of::<op::PutBucketTagging>(),
    Operation::of::<op::PutBucketVersioning>(),
    Operation::of::<op::PutBucketWebsite>(),
    Operation::of::<op::PutObject>(),
    Operation::of::<op::PutObjectAcl>(),
    Operation::of::<op::PutObjectLegalHold>(),
    Operation::of::<op::PutObjectLockConfiguration>(),
    Operation::of::<op::PutObjectRetention>(),
    Operation::of::<op::PutObjectTagging>(),
    Operation::of::<op::PutPublicAccessBlock>(),
    Operation::of::<op::RestoreObject>(),
    Operation::of::<op::UploadPart>(),
    Operation::of::<op::UploadPartCopy>(),
];
