//! What a configuration must satisfy to be stored.

use cloud::Ctx;
use s3_api::*;
use shapes::ApiError;

use crate::bucket::Versioning;
use crate::settings::{Loaded, Ownership};
use crate::{S3, errors, key};

/// Rules of a bucket (S3 User Guide, "Elements of a CORS configuration").
const MOST_CORS_RULES: usize = 100;

pub(super) fn cors(value: &CORSConfiguration) -> Result<(), ApiError> {
    if value.cors_rules.is_empty() || value.cors_rules.len() > MOST_CORS_RULES {
        return Err(errors::malformed_xml());
    }
    for rule in &value.cors_rules {
        for method in &rule.allowed_methods {
            if !["GET", "PUT", "HEAD", "POST", "DELETE"].contains(&method.as_str()) {
                let message =
                    format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
                return Err(errors::invalid_request(message));
            }
        }
        if let Some(origin) = rule.allowed_origins.iter().find(|origin| origin.matches('*').count() > 1) {
            let message = format!("AllowedOrigin \"{origin}\" can not have more than one wildcard.");
            return Err(errors::invalid_request(message));
        }
        let headers = rule.allowed_headers.iter().flatten();
        if let Some(header) = headers.into_iter().find(|header| header.matches('*').count() > 1) {
            let message = format!("AllowedHeader \"{header}\" can not have more than one wildcard.");
            return Err(errors::invalid_request(message));
        }
        if let Some(header) = rule.expose_headers.iter().flatten().find(|header| header.contains('*')) {
            let message = format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            );
            return Err(errors::invalid_request(message));
        }
    }
    Ok(())
}

pub(super) fn encryption(value: &ServerSideEncryptionConfiguration) -> Result<(), ApiError> {
    let [rule] = value.rules.as_slice() else { return Err(errors::malformed_xml()) };
    let Some(default) = &rule.apply_server_side_encryption_by_default else { return Ok(()) };
    match default.sse_algorithm.as_str() {
        "AES256" if default.kms_master_key_id.is_some() => {
            let message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
            Err(errors::invalid_argument("ApplyServerSideEncryptionByDefault", "AES256", message))
        }
        "AES256" | "aws:kms" | "aws:kms:dsse" => Ok(()),
        _ => Err(errors::malformed_xml()),
    }
}

/// What every bucket has that nobody has told otherwise.
pub(super) fn default_encryption() -> GetBucketEncryptionOutput {
    let default = ServerSideEncryptionByDefault { sse_algorithm: "AES256".to_owned(), ..Default::default() };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(false),
        ..Default::default()
    };
    let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
    GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) }
}

pub(super) fn website(value: &WebsiteConfiguration) -> Result<(), ApiError> {
    let has_others =
        value.index_document.is_some() || value.error_document.is_some() || value.routing_rules.is_some();
    match (&value.redirect_all_requests_to, &value.index_document) {
        (Some(_), _) if has_others => {
            let message = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.";
            Err(errors::invalid_argument("RedirectAllRequestsTo", "not null", message))
        }
        (Some(_), _) => Ok(()),
        (None, None) => {
            let message =
                "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
            Err(errors::invalid_argument("IndexDocument", "null", message))
        }
        (None, Some(index)) if index.suffix.is_empty() || index.suffix.contains('/') => {
            Err(errors::invalid_argument(
                "IndexDocument",
                &index.suffix,
                "The IndexDocument Suffix is not well formed",
            ))
        }
        _ => Ok(()),
    }
}

pub(super) fn replication(
    s3: &S3,
    _: &Ctx,
    loaded: &Loaded,
    value: &ReplicationConfiguration,
) -> Result<(), ApiError> {
    if loaded.bucket.versioning != Versioning::Enabled {
        let message = "Versioning must be 'Enabled' on the bucket to apply a replication configuration";
        return Err(errors::invalid_request(message));
    }
    if value.rules.is_empty() {
        return Err(errors::malformed_xml());
    }
    for rule in &value.rules {
        let name = key::bucket_of_arn(&rule.destination.bucket);
        let destination =
            s3.find_bucket(name)?.ok_or_else(|| errors::invalid_request("Destination bucket must exist."))?;
        if destination.bucket.versioning != Versioning::Enabled {
            return Err(errors::invalid_request("Destination bucket must have versioning enabled."));
        }
        if destination.bucket.id == loaded.bucket.id {
            return Err(errors::invalid_request(
                "Destination bucket cannot be the same as the source bucket.",
            ));
        }
    }
    Ok(())
}

pub(super) fn logging(
    s3: &S3,
    _: &Ctx,
    loaded: &Loaded,
    value: &BucketLoggingStatus,
) -> Result<(), ApiError> {
    let Some(enabled) = &value.logging_enabled else { return Ok(()) };
    let invalid = |message: &str| ApiError::sender("InvalidTargetBucketForLogging", message);
    let target = s3
        .find_bucket(&enabled.target_bucket)?
        .ok_or_else(|| invalid("The target bucket for logging does not exist"))?;
    if target.bucket.owner != loaded.bucket.owner {
        return Err(invalid("The owner for the bucket to be logged and the target bucket must be the same."));
    }
    Ok(())
}

pub(super) fn request_payment(value: &RequestPaymentConfiguration) -> Result<(), ApiError> {
    match value.payer.as_str() {
        "Requester" | "BucketOwner" => Ok(()),
        _ => Err(errors::malformed_xml()),
    }
}

pub(super) fn accelerate(loaded: &Loaded, value: &AccelerateConfiguration) -> Result<(), ApiError> {
    if loaded.bucket.name.contains('.') {
        let message = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names";
        return Err(errors::invalid_request(message));
    }
    match value.status.as_deref() {
        Some("Enabled" | "Suspended") => Ok(()),
        _ => Err(errors::malformed_xml()),
    }
}

pub(super) fn ownership(loaded: &Loaded, value: &OwnershipControls) -> Result<(), ApiError> {
    let [rule] = value.rules.as_slice() else { return Err(errors::malformed_xml()) };
    let ownership = Ownership::parse(&rule.object_ownership).ok_or_else(errors::malformed_xml)?;
    if !ownership.has_acls() && !loaded.settings.acl.grants.is_empty() {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(ApiError::sender("InvalidBucketAclWithObjectOwnership", message));
    }
    Ok(())
}

/// What is left out is off.
pub(super) fn public_access(value: PublicAccessBlockConfiguration) -> PublicAccessBlockConfiguration {
    let said = |flag: Option<bool>| Some(flag.unwrap_or(false));
    PublicAccessBlockConfiguration {
        block_public_acls: said(value.block_public_acls),
        block_public_policy: said(value.block_public_policy),
        ignore_public_acls: said(value.ignore_public_acls),
        restrict_public_buckets: said(value.restrict_public_buckets),
    }
}

pub(super) fn object_lock(loaded: &Loaded, value: &ObjectLockConfiguration) -> Result<(), ApiError> {
    if value.object_lock_enabled.as_deref() != Some("Enabled") {
        return Err(errors::malformed_xml());
    }
    if loaded.bucket.versioning != Versioning::Enabled {
        let message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
        return Err(errors::invalid_bucket_state(message));
    }
    let Some(rule) = &value.rule else { return Ok(()) };
    let Some(default) = &rule.default_retention else { return Err(errors::malformed_xml()) };
    let mode = default.mode.as_deref().and_then(crate::object::LockMode::parse);
    match (mode, default.days, default.years) {
        (Some(_), Some(days), None) if days > 0 => Ok(()),
        (Some(_), None, Some(years)) if years > 0 => Ok(()),
        (Some(_), Some(_), None) | (Some(_), None, Some(_)) => {
            let message = "Default retention period must be a positive integer value.";
            Err(errors::invalid_argument("Days", "", message))
        }
        _ => Err(errors::malformed_xml()),
    }
}

/// A bucket that was made with Object Lock has it without any configuration.
pub(super) fn no_lock_configuration(loaded: &Loaded) -> Result<GetObjectLockConfigurationOutput, ApiError> {
    if !loaded.bucket.has_object_lock {
        return Err(errors::no_lock_configuration(&loaded.bucket.name));
    }
    let configuration =
        ObjectLockConfiguration { object_lock_enabled: Some("Enabled".to_owned()), ..Default::default() };
    Ok(GetObjectLockConfigurationOutput { object_lock_configuration: Some(configuration) })
}

pub(super) fn intelligent_tiering(value: &IntelligentTieringConfiguration) -> Result<(), ApiError> {
    for tiering in &value.tierings {
        let least = match tiering.access_tier.as_str() {
            "ARCHIVE_ACCESS" => 90,
            "DEEP_ARCHIVE_ACCESS" => 180,
            _ => return Err(errors::malformed_xml()),
        };
        if !(least..=730).contains(&tiering.days) {
            let message = format!("Days for {} must be between {least} and 730", tiering.access_tier);
            return Err(errors::invalid_argument("Days", &tiering.days.to_string(), message));
        }
    }
    Ok(())
}

/// An export has one format, and a destination that is there.
pub(super) fn analytics(s3: &S3, _: &Loaded, value: &AnalyticsConfiguration) -> Result<(), ApiError> {
    let Some(export) = &value.storage_class_analysis.data_export else { return Ok(()) };
    let destination = &export.destination.s3_bucket_destination;
    if export.output_schema_version != "V_1" || destination.format != "CSV" {
        return Err(errors::malformed_xml());
    }
    if s3.find_bucket(key::bucket_of_arn(&destination.bucket))?.is_none() {
        let message = "The destination bucket of the analysis does not exist";
        return Err(ApiError::sender("InvalidS3DestinationBucket", message));
    }
    Ok(())
}

pub(super) fn inventory(s3: &S3, _: &Loaded, value: &InventoryConfiguration) -> Result<(), ApiError> {
    let destination = &value.destination.s3_bucket_destination;
    if s3.find_bucket(key::bucket_of_arn(&destination.bucket))?.is_none() {
        let message = "The destination bucket of the inventory does not exist";
        return Err(ApiError::sender("InvalidS3DestinationBucket", message));
    }
    match destination.format.as_str() {
        "CSV" => Ok(()),
        "ORC" | "Parquet" => Err(errors::not_here_yet("An inventory in the formats ORC and Parquet")),
        _ => Err(errors::malformed_xml()),
    }
}
