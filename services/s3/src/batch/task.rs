//! One task: an operation on one object, by the job's role.

use std::sync::Arc;

use cloud::Ctx;
use s3_api::op::{
    CopyObject, DeleteObjectTagging, PutObjectAcl, PutObjectLegalHold, PutObjectRetention, PutObjectTagging,
    RestoreObject,
};
use s3_api::{
    AccessControlPolicy, CopyObjectInput, DeleteObjectTaggingInput, GlacierJobParameters, Grant, Grantee,
    ObjectLockLegalHold, ObjectLockRetention, Owner, PutObjectAclInput, PutObjectLegalHoldInput,
    PutObjectRetentionInput, PutObjectTaggingInput, RestoreObjectInput, RestoreRequest, Tag, Tagging,
};
use s3control_api::{
    CreateJobInput, JobOperation, S3CopyObjectOperation, S3Grant, S3InitiateRestoreObjectOperation,
    S3SetObjectAclOperation, S3Tag,
};
use shapes::ApiError;

use super::job::{Outcome, Task};
use super::lambda;
use crate::{S3, checksum, errors, http_date, key};

/// Attempts at a task that a fault of the region's or a function's wish ended.
const ATTEMPTS: usize = 3;
/// Bytes of what the report says of a task.
const LONGEST_MESSAGE: usize = 1024;
const MOST_ARGUMENTS: usize = 10;

/// The name of the one operation that a job asks for.
pub(crate) fn name(operation: &JobOperation) -> &'static str {
    names(operation).first().copied().unwrap_or_default()
}

fn names(operation: &JobOperation) -> Vec<&'static str> {
    let asked = [
        ("LambdaInvoke", operation.lambda_invoke.is_some()),
        ("S3ComputeObjectChecksum", operation.s3_compute_object_checksum.is_some()),
        ("S3DeleteObjectTagging", operation.s3_delete_object_tagging.is_some()),
        ("S3InitiateRestoreObject", operation.s3_initiate_restore_object.is_some()),
        ("S3PutObjectAcl", operation.s3_put_object_acl.is_some()),
        ("S3PutObjectCopy", operation.s3_put_object_copy.is_some()),
        ("S3PutObjectLegalHold", operation.s3_put_object_legal_hold.is_some()),
        ("S3PutObjectRetention", operation.s3_put_object_retention.is_some()),
        ("S3PutObjectTagging", operation.s3_put_object_tagging.is_some()),
        ("S3ReplicateObject", operation.s3_replicate_object.is_some()),
        ("S3UpdateObjectEncryption", operation.s3_update_object_encryption.is_some()),
    ];
    asked.into_iter().filter_map(|(name, is_asked)| is_asked.then_some(name)).collect()
}

/// Whether a job can be made that asks for this.
pub(crate) fn check(operation: &JobOperation) -> Result<(), ApiError> {
    match names(operation).as_slice() {
        [name @ ("S3ComputeObjectChecksum" | "S3UpdateObjectEncryption")] => {
            return Err(errors::not_here_yet(&format!("The batch operation {name}")));
        }
        [_] => {}
        _ => return Err(errors::bad_request("Exactly one operation must be specified")),
    }
    if let Some(copy) = &operation.s3_put_object_copy {
        let target = copy.target_resource.as_deref().unwrap_or_default();
        if !target.starts_with("arn:aws:s3:") {
            return Err(errors::bad_request("TargetResource must be the ARN of a bucket"));
        }
    }
    if let Some(invoke) = &operation.lambda_invoke {
        let version = invoke.invocation_schema_version.as_deref().unwrap_or("1.0");
        let arguments = invoke.user_arguments.as_ref().map_or(0, |arguments| arguments.len());
        if invoke.function_arn.is_none() || !matches!(version, "1.0" | "2.0") {
            return Err(errors::bad_request("FunctionArn or InvocationSchemaVersion is invalid"));
        }
        if arguments > MOST_ARGUMENTS || arguments > 0 && version != "2.0" {
            return Err(errors::bad_request(
                "UserArguments require InvocationSchemaVersion 2.0, and are at most 10",
            ));
        }
    }
    Ok(())
}

impl S3 {
    /// Does a task; whatever happens is its outcome.
    pub(super) async fn batch_task(
        self: &Arc<Self>,
        ctx: &Ctx,
        job: &str,
        request: &CreateJobInput,
        task: &Task,
        index: u64,
    ) -> Outcome {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt(ctx, job, request, task, index).await {
                Ok(mut outcome) => {
                    cut(&mut outcome.message);
                    return outcome;
                }
                Err(error) if error.status() >= 500 && error.status() != 501 && attempts < ATTEMPTS => {}
                Err(error) => {
                    let mut message = error.message().to_owned();
                    cut(&mut message);
                    let (http_status, code) = (error.status(), error.code().to_owned());
                    return Outcome { is_success: false, http_status, code, message };
                }
            }
        }
    }

    async fn attempt(
        self: &Arc<Self>,
        ctx: &Ctx,
        job: &str,
        request: &CreateJobInput,
        task: &Task,
        index: u64,
    ) -> Result<Outcome, ApiError> {
        let operation = &request.operation;
        if let Some(invoke) = &operation.lambda_invoke {
            return lambda::invoke(ctx, job, invoke, task, index).await;
        }
        let (bucket, key, version_id) = (task.bucket.clone(), task.key.clone(), task.version_id.clone());
        if let Some(copy) = &operation.s3_put_object_copy {
            ctx.call::<CopyObject>(copy_input(copy, task)).await?;
        } else if let Some(tagging) = &operation.s3_put_object_tagging {
            let tag_set = tags(tagging.tag_set.as_deref().unwrap_or_default());
            let tagging = Tagging { tag_set };
            let input = PutObjectTaggingInput { bucket, key, version_id, tagging, ..Default::default() };
            ctx.call::<PutObjectTagging>(input).await?;
        } else if operation.s3_delete_object_tagging.is_some() {
            let input = DeleteObjectTaggingInput { bucket, key, version_id, ..Default::default() };
            ctx.call::<DeleteObjectTagging>(input).await?;
        } else if let Some(set) = &operation.s3_put_object_acl {
            let (acl, access_control_policy) = acl(set);
            let input = PutObjectAclInput {
                bucket,
                key,
                version_id,
                acl,
                access_control_policy,
                ..Default::default()
            };
            ctx.call::<PutObjectAcl>(input).await?;
        } else if let Some(restore) = &operation.s3_initiate_restore_object {
            let restore_request = Some(restore_request(restore));
            let input = RestoreObjectInput { bucket, key, version_id, restore_request, ..Default::default() };
            let status = ctx.call::<RestoreObject>(input).await?.status_code;
            return Ok(success(status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200)));
        } else if let Some(hold) = &operation.s3_put_object_legal_hold {
            let legal_hold = Some(ObjectLockLegalHold { status: Some(hold.legal_hold.status.clone()) });
            let input = PutObjectLegalHoldInput { bucket, key, version_id, legal_hold, ..Default::default() };
            ctx.call::<PutObjectLegalHold>(input).await?;
        } else if let Some(set) = &operation.s3_put_object_retention {
            let retention = ObjectLockRetention {
                mode: set.retention.mode.clone(),
                retain_until_date: set.retention.retain_until_date,
            };
            let input = PutObjectRetentionInput {
                bucket,
                key,
                version_id,
                retention: Some(retention),
                bypass_governance_retention: set.bypass_governance_retention,
                ..Default::default()
            };
            ctx.call::<PutObjectRetention>(input).await?;
        } else {
            self.replicate_existing(ctx, &bucket, &key, version_id.as_deref()).await?;
        }
        Ok(success(200))
    }
}

fn success(http_status: u16) -> Outcome {
    Outcome { is_success: true, http_status, code: String::new(), message: "Successful".to_owned() }
}

fn cut(message: &mut String) {
    let mut end = message.len().min(LONGEST_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
}

fn tags(tags: &[S3Tag]) -> Vec<Tag> {
    tags.iter().map(|tag| Tag { key: tag.key.clone(), value: tag.value.clone() }).collect()
}

fn copy_input(copy: &S3CopyObjectOperation, task: &Task) -> CopyObjectInput {
    let version = task.version_id.as_ref().map(|id| format!("?versionId={id}")).unwrap_or_default();
    let source = format!("{}/{}", task.bucket, key::url_encode(&task.key, true).replace('+', "%20"));
    let target = copy.target_resource.as_deref().unwrap_or_default();
    let prefix = copy.target_key_prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    let new = copy.new_object_metadata.as_ref();
    let tagging = copy.new_object_tagging.as_ref().filter(|tags| !tags.is_empty()).map(|tags| {
        let pair = |tag: &S3Tag| {
            format!("{}={}", key::url_encode(&tag.key, false), key::url_encode(&tag.value, false))
        };
        tags.iter().map(pair).collect::<Vec<_>>().join("&")
    });
    let grants = |permission: &str| {
        let all = copy.access_control_grants.iter().flatten();
        let own: Vec<String> = all
            .filter(|grant| grant.permission.as_deref() == Some(permission))
            .filter_map(|grant| grant.grantee.as_ref())
            .map(|grantee| {
                let kind = grantee.type_identifier.as_deref().unwrap_or("id");
                format!("{kind}=\"{}\"", grantee.identifier.as_deref().unwrap_or_default())
            })
            .collect();
        (!own.is_empty()).then(|| own.join(", "))
    };
    let algorithm = new.and_then(|new| new.sse_algorithm.as_deref()).map(|name| match name {
        "KMS" => "aws:kms".to_owned(),
        name => name.to_owned(),
    });
    let has_key = copy.sse_aws_kms_key_id.is_some();
    // New metadata take the place of the old.
    let directive = copy.metadata_directive.clone().or_else(|| new.map(|_| "REPLACE".to_owned()));
    CopyObjectInput {
        bucket: key::bucket_of_arn(target).to_owned(),
        key: format!("{prefix}{}", task.key),
        copy_source: format!("{source}{version}"),
        acl: copy.canned_access_control_list.clone(),
        bucket_key_enabled: copy.bucket_key_enabled,
        cache_control: new.and_then(|new| new.cache_control.clone()),
        checksum_algorithm: copy.checksum_algorithm.clone(),
        content_disposition: new.and_then(|new| new.content_disposition.clone()),
        content_encoding: new.and_then(|new| new.content_encoding.clone()),
        content_language: new.and_then(|new| new.content_language.clone()),
        content_type: new.and_then(|new| new.content_type.clone()),
        copy_source_if_modified_since: copy.modified_since_constraint,
        copy_source_if_unmodified_since: copy.un_modified_since_constraint,
        expires: new.and_then(|new| new.http_expires_date).map(http_date::format),
        grant_full_control: grants("FULL_CONTROL"),
        grant_read: grants("READ"),
        grant_read_acp: grants("READ_ACP"),
        grant_write_acp: grants("WRITE_ACP"),
        metadata: new.and_then(|new| new.user_metadata.clone()),
        metadata_directive: directive,
        object_lock_legal_hold_status: copy.object_lock_legal_hold_status.clone(),
        object_lock_mode: copy.object_lock_mode.clone(),
        object_lock_retain_until_date: copy.object_lock_retain_until_date,
        ssekms_key_id: copy.sse_aws_kms_key_id.clone(),
        server_side_encryption: algorithm.or_else(|| has_key.then(|| "aws:kms".to_owned())),
        storage_class: copy.storage_class.clone(),
        tagging_directive: tagging.as_ref().map(|_| "REPLACE".to_owned()),
        tagging,
        website_redirect_location: copy.redirect_location.clone(),
        ..Default::default()
    }
}

fn acl(set: &S3SetObjectAclOperation) -> (Option<String>, Option<AccessControlPolicy>) {
    let Some(policy) = &set.access_control_policy else { return (None, None) };
    let listed = policy.access_control_list.as_ref().map(|list| AccessControlPolicy {
        owner: Some(Owner { id: list.owner.id.clone(), display_name: list.owner.display_name.clone() }),
        grants: Some(list.grants.iter().flatten().map(grant).collect()),
    });
    (policy.canned_access_control_list.clone(), listed)
}

fn grant(grant: &S3Grant) -> Grant {
    let grantee = grant.grantee.clone().unwrap_or_default();
    let told = match grantee.type_identifier.as_deref() {
        Some("uri") => Grantee { r#type: "Group".to_owned(), uri: grantee.identifier, ..Default::default() },
        Some("emailAddress") => Grantee {
            r#type: "AmazonCustomerByEmail".to_owned(),
            email_address: grantee.identifier,
            ..Default::default()
        },
        _ => Grantee { r#type: "CanonicalUser".to_owned(), id: grantee.identifier, ..Default::default() },
    };
    Grant { grantee: Some(told), permission: grant.permission.clone() }
}

fn restore_request(restore: &S3InitiateRestoreObjectOperation) -> RestoreRequest {
    let tier = match restore.glacier_job_tier.as_deref() {
        Some("BULK") => "Bulk",
        _ => "Standard",
    };
    RestoreRequest {
        days: restore.expiration_in_days.filter(|days| *days > 0),
        glacier_job_parameters: Some(GlacierJobParameters { tier: tier.to_owned() }),
        ..Default::default()
    }
}

/// The name of a file of results: always the same for the same tasks of a job.
pub(super) fn file_name(job: &str, kind: &str, cursor: u64) -> String {
    use sha1::{Digest, Sha1};
    checksum::hex(&Sha1::digest(format!("{job}/{kind}/{cursor}")))
}
